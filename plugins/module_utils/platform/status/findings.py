# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that no table shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.elk.swarm.plugins.module_utils.platform.status import faults

if TYPE_CHECKING:
    from ansible_collections.elk.swarm.plugins.module_utils.platform.status.view import View


def find_faults(view: View) -> None:
    """Run the checks whose faults no table shows."""
    stack = view.data.get("stack")
    cluster, swarm = view.search or {}, view.swarm or {}
    controller = view.data.get("controller") or {}
    alias = str(view.data.get("alias") or "")
    shipper = str(view.data.get("logstash_service") or "logshipper")
    commands = view.commands()
    view.add(faults.cluster_blocks(cluster, commands))
    view.add(faults.index_blocks(cluster, commands))
    view.add(faults.write_index(cluster, alias))
    view.add(faults.disk_watermarks(cluster, commands))
    view.add(faults.allocation(cluster, commands))
    for host, survey in view.surveys.items():
        view.add(faults.logstash(host, survey.get("logstash") or {}, view.limits, shipper))
        view.add(faults.file_systems(host, survey.get("file_systems") or (), view.limits))
    if view.nodes:
        own = [one for one in swarm.get("services") or () if one["stack"] == stack]
        if own:
            view.add(faults.desired_services(own, view.data.get("services") or ()))
    view.add(faults.authority_keys(controller))
    pki = {host: survey["pki"] for host, survey in view.surveys.items() if survey.get("pki")}
    view.add(faults.authorities(controller, pki, swarm.get("authorities") or {}))
    wrong_here = bool(faults.wrong_controller(controller, pki))
    view.add(faults.servers(controller, wrong_here=wrong_here))
