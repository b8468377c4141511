# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles of the Elasticsearch nodes."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import (
    Finding,
    Site,
    check,
    listed,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.values import plural

MASTER_ROLE = "master"
VOTING_ONLY = "voting_only"
NODE_ROLES = (
    MASTER_ROLE,
    "data",
    "data_cold",
    "data_content",
    "data_frozen",
    "data_hot",
    "data_warm",
    "ingest",
    "ml",
    "remote_cluster_client",
    "transform",
    VOTING_ONLY,
)
# Roles that hold the log indices and the system indices.
DATA_ROLES = ("data", "data_content")


@check("node_roles")
def check_node_roles(site: Site) -> Iterator[Finding]:
    nodes = site.placed("elasticsearch")
    unknown: dict[str, list[str]] = {}
    for host in nodes:
        roles = node_roles_of(site, host)
        for role in roles:
            if role not in NODE_ROLES:
                unknown.setdefault(role, []).append(host)
        if VOTING_ONLY in roles and MASTER_ROLE not in roles:
            yield Finding(
                f"elasticsearch_node_roles of {host}",
                "has voting_only without master, which Elasticsearch refuses.",
                "Add master, or remove voting_only.",
            )
    for role, hosts in unknown.items():
        near = difflib.get_close_matches(role, NODE_ROLES, 1)
        yield Finding(
            site.where("elasticsearch_node_roles", hosts, nodes),
            f"{role} is no role of a node.",
            f"Write {near[0]} if you mean that." if near else f"Use some of: {listed(NODE_ROLES)}.",
        )


@check("data_nodes")
def check_data_nodes(site: Site) -> Iterator[Finding]:
    nodes = site.placed("elasticsearch")
    if not nodes or not site.members:
        return
    holders = [h for h in nodes if set(DATA_ROLES) & set(node_roles_of(site, h))]
    if not holders:
        yield Finding(
            "elasticsearch_node_roles",
            "no node may hold data, so nothing can be stored.",
            "Give the role data to one node, or better to two.",
        )
        return
    text = site.text("elasticsearch_index_replicas")
    if text.isdigit() and int(text) >= len(holders):
        yield Finding(
            "elasticsearch_index_replicas",
            f"is {text}, but {plural(len(holders), 'node')} may hold data ({listed(holders)}) and "
            "a replica is never on the node of its primary, so the cluster would never be green.",
            f"Set it to {len(holders) - 1} or less, or give the role data to more nodes.",
        )


@check("masters")
def check_masters(site: Site) -> Iterator[Finding]:
    nodes = site.placed("elasticsearch")
    eligible = [h for h in nodes if MASTER_ROLE in node_roles_of(site, h)]
    electable = [h for h in eligible if VOTING_ONLY not in node_roles_of(site, h)]
    if not nodes or not site.members:
        return
    if not electable:
        yield Finding(
            "elasticsearch_node_roles",
            "no node may become master, so the cluster cannot form.",
            "Give the role master to one node, or better to three.",
        )
    elif len(eligible) == 2:
        yield Finding(
            "elasticsearch_node_roles",
            f"two nodes may become master ({listed(eligible)}): losing either stops the cluster.",
            "Give the role master to a third node; it may be voting_only.",
            warning=True,
        )


def node_roles_of(site: Site, host: str) -> list[str]:
    roles = site.declared(host, "elasticsearch_node_roles")
    # Elasticsearch gives every role to a node without this setting.
    every = [role for role in NODE_ROLES if role != VOTING_ONLY]
    if isinstance(roles, str):
        roles = [role.strip() for role in roles.split(",")]
    return every if roles is None else [str(role) for role in roles]
