# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The swarm of each host."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import (
    Finding,
    Site,
    check,
    listed,
    swarm_of,
)


@check("membership")
def check_membership(site: Site) -> Iterator[Finding]:
    """What each host reports about its swarm; later tasks ask the managers for more."""
    active = {h.name: swarm_of(h) for h in site.seen if swarm_of(h).get("state") == "active"}
    clusters: dict[str, list[str]] = {}
    for host in site.seen:
        swarm = swarm_of(host)
        if swarm.get("state") in ("locked", "error"):
            yield Finding(
                host.name,
                f"its Docker cannot take part in its swarm ({swarm['state']}"
                f"{': ' + str(swarm['error']) if swarm.get('error') else ''}).",
                "Unlock it (docker swarm unlock), or make it leave (docker swarm leave --force).",
            )
    for name, swarm in active.items():
        declared = "manager" if name in site.managers else "worker"
        present = "manager" if swarm.get("manager") else "worker"
        if swarm.get("cluster_id"):
            clusters.setdefault(str(swarm["cluster_id"]), []).append(name)
        if declared != present:
            change = "promote" if declared == "manager" else "demote"
            yield Finding(
                name,
                f"is a {present} of a swarm, and the inventory has it as {declared}.",
                f"Put it into swarm_{present}s, or run docker node {change} on a manager.",
            )
    if len(clusters) > 1:
        parts = [f"{cluster} ({listed(hosts)})" for cluster, hosts in clusters.items()]
        yield Finding(
            "group swarm_managers",
            f"the hosts are managers of different swarms: {'; '.join(parts)}.",
            "Remove the hosts of other platforms from the inventory, or make them leave their "
            "swarm: docker swarm leave --force.",
        )
    if all(name in site.hosts and site.hosts[name].seen for name in site.managers):
        ours = {str(active[name].get("node_id")) for name in site.managers if name in active}
        for name, swarm in active.items():
            peers = set(swarm.get("managers") or [])
            if not swarm.get("manager") and peers and not peers & ours:
                yield Finding(
                    name,
                    "is a worker of a swarm that no manager of this inventory is in.",
                    "Remove it from the inventory, or make it leave: docker swarm leave --force.",
                )
