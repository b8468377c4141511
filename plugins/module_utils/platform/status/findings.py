# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that no table shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.elk.swarm.plugins.module_utils.platform.services import (
    CLUSTER,
    QUEUE,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.status import (
    cluster_faults,
    faults,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.logstash_queue import (
    queue_of_host,
)

if TYPE_CHECKING:
    from ansible_collections.elk.swarm.plugins.module_utils.platform.status.view import View


def find_faults(view: View) -> None:
    """Run the checks whose faults no table shows."""
    stack = view.data.get("stack")
    swarm = view.swarm or {}
    controller = view.data.get("controller") or {}
    if view.asking(CLUSTER):
        find_cluster_faults(view)
    for host, survey in view.surveys.items():
        queues = survey.get("queues") or {}
        for one in view.asking(QUEUE):
            seen = queues.get(one.service) or {}
            view.add(queue_of_host(host, seen, view.limits, one.service))
        view.add(faults.file_systems(host, survey.get("file_systems") or (), view.limits))
    if view.nodes:
        own = [one for one in swarm.get("services") or () if one["stack"] == stack]
        if own:
            view.add(faults.desired_services(own, view.services))
    units = {host: survey.get("units") or {} for host, survey in view.surveys.items()}
    view.add(faults.stopped_units(view.services, units))
    view.add(faults.authority_keys(controller))
    pki = {host: survey["pki"] for host, survey in view.surveys.items() if survey.get("pki")}
    view.add(faults.authorities(controller, pki, swarm.get("authorities") or {}))
    wrong_here = bool(faults.wrong_controller(controller, pki))
    view.add(faults.servers(controller, wrong_here=wrong_here))


def find_cluster_faults(view: View) -> None:
    cluster, commands = view.search or {}, view.commands()
    keepers = [one.title for one in view.asking(QUEUE)]
    view.add(cluster_faults.cluster_blocks(cluster, commands))
    view.add(cluster_faults.index_blocks(cluster, commands, keepers))
    view.add(cluster_faults.write_index(cluster, str(view.data.get("alias") or ""), keepers))
    view.add(cluster_faults.disk_watermarks(cluster, commands))
    view.add(cluster_faults.allocation(cluster, commands))
