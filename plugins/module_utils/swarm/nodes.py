# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes to Swarm's node objects, planned from the inventory.

A label of the node itself lists its labels from the inventory. So a label that is removed from the
inventory is removed from the node, and a label that was set by hand stays.
"""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common import label_names
from ansible_collections.elk.swarm.plugins.module_utils.docker.client import OutOfSequenceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ansible_collections.elk.swarm.plugins.module_utils.docker.client import Engine

ATTEMPTS = 5


@dataclass(frozen=True)
class Desired:
    """One node as the inventory describes it."""

    name: str
    role: str
    id: str = ""
    availability: str = "active"
    labels: dict[str, str] = field(default_factory=dict)
    address: str = ""


@dataclass(frozen=True)
class Actual:
    """One node as Swarm reports it."""

    id: str
    hostname: str
    role: str
    availability: str
    labels: dict[str, str]
    version: int
    state: str
    address: str = ""
    message: str = ""
    reachability: str = ""
    leader: bool = False

    @classmethod
    def from_api(cls, node: Mapping[str, Any]) -> Actual:
        """Read a node object of the Engine API."""
        spec = node.get("Spec") or {}
        status = node.get("Status") or {}
        manager = node.get("ManagerStatus") or {}
        address = str(status.get("Addr") or "")
        if manager.get("Addr"):
            # In some versions Status.Addr of the leader is 0.0.0.0; this address is always correct.
            address = str(manager["Addr"]).rsplit(":", 1)[0].strip("[]")
        return cls(
            id=str(node["ID"]),
            hostname=str((node.get("Description") or {}).get("Hostname") or ""),
            role=str(spec.get("Role") or ""),
            availability=str(spec.get("Availability") or ""),
            labels={str(k): str(v) for k, v in (spec.get("Labels") or {}).items()},
            version=int((node.get("Version") or {}).get("Index") or 0),
            state=str(status.get("State") or "unknown"),
            address=address,
            message=str(status.get("Message") or ""),
            reachability=str(manager.get("Reachability") or ""),
            leader=bool(manager.get("Leader")),
        )


@dataclass(frozen=True)
class Change:
    """An update of one node: the complete new spec, and the differences."""

    name: str
    node_id: str
    version: int
    spec: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]


def label_errors(desired: Sequence[Desired]) -> list[str]:
    """Errors for labels that are reserved for this collection, or that Docker cannot use."""
    errors = []
    for node in desired:
        for key in node.labels:
            if key.startswith(label_names.PREFIX):
                errors.append(
                    f"{node.name}: swarm_labels has '{key}', but labels that begin with"
                    f" '{label_names.PREFIX}' are reserved for the roles of elk.swarm. Use another"
                    " name."
                )
            elif not key.strip() or key != key.strip() or "," in key:
                errors.append(
                    f"{node.name}: swarm_labels has {key!r}; a label's name must have no comma, and"
                    " no space at its start or end."
                )
    return errors


def waiting_for(desired: Sequence[Desired], actual: Mapping[str, Actual]) -> list[str]:
    """Why a node is not (or no longer) a healthy member, for each node; empty if all are."""
    missing = []
    for node in desired:
        found = actual.get(node.id)
        if found is None:
            missing.append(
                f"{node.name}: node {node.id or 'without id'} is not in the swarm's list of nodes"
            )
        elif found.role != node.role:
            missing.append(
                f"{node.name}: is a {found.role} in the swarm and a {node.role} in the inventory"
            )
        elif found.state != "ready":
            missing.append(
                f"{node.name}: the managers see it as {found.state}"
                + (f" ({found.message})" if found.message else "")
                + ". Look at 'systemctl status docker' there, and check that it reaches the"
                " managers on the swarm port"
            )
        elif node.role == "manager" and found.reachability != "reachable":
            missing.append(
                f"{node.name}: the other managers do not reach it"
                f" ({found.reachability or 'no status'}). Open the swarm port between managers"
            )
    return missing


def plan_nodes(desired: Sequence[Desired], actual: Mapping[str, Actual]) -> list[Change]:
    """The updates that set availability and labels to the values of the inventory."""
    changes = []
    for node in desired:
        found = actual.get(node.id)
        if found is None:
            continue
        labels = merged_labels(node.labels, found.labels)
        if labels == found.labels and node.availability == found.availability:
            continue
        changes.append(
            Change(
                name=node.name,
                node_id=found.id,
                version=found.version,
                spec={"Role": found.role, "Availability": node.availability, "Labels": labels},
                before={"availability": found.availability, "labels": found.labels},
                after={"availability": node.availability, "labels": labels},
            )
        )
    return changes


def merged_labels(desired: Mapping[str, str], actual: Mapping[str, str]) -> dict[str, str]:
    """The node's labels with those of the inventory, and without its former ones."""
    former = {key for key in actual.get(label_names.FROM_INVENTORY, "").split(",") if key}
    labels = {
        key: value
        for key, value in actual.items()
        if key not in former and key != label_names.FROM_INVENTORY
    }
    labels.update(desired)
    if desired:
        labels[label_names.FROM_INVENTORY] = ",".join(sorted(desired))
    return labels


def plan_labels(
    desired: Mapping[str, Mapping[str, str | None]], actual: Mapping[str, Actual]
) -> list[Change]:
    """The updates that set labels to the desired values on the named nodes.

    ``desired`` maps each label to the names of nodes and their values; None removes the label.
    """
    changes = []
    for found in sorted(actual.values(), key=lambda one: one.hostname):
        labels = dict(found.labels)
        for label, values in desired.items():
            if found.hostname not in values:
                continue
            value = values[found.hostname]
            if value is None:
                labels.pop(label, None)
            else:
                labels[label] = value
        if labels != found.labels:
            changes.append(
                Change(
                    name=found.hostname,
                    node_id=found.id,
                    version=found.version,
                    spec={
                        "Role": found.role,
                        "Availability": found.availability,
                        "Labels": labels,
                    },
                    before={"labels": found.labels},
                    after={"labels": labels},
                )
            )
    return changes


def named_errors(names: Sequence[str], actual: Mapping[str, Actual]) -> list[str]:
    """Errors for names that no node, or more than one node of the swarm has."""
    errors = []
    for name in sorted(names):
        nodes = sorted((one for one in actual.values() if one.hostname == name), key=_by_id)
        if not nodes:
            known = ", ".join(sorted(one.hostname for one in actual.values()))
            errors.append(
                f"{name}: the swarm has no node of this name; it has {known}. Add the host to the"
                " swarm first with site.yml."
            )
        elif len(nodes) > 1:
            shown = " and ".join(f"{one.id} ({one.state})" for one in nodes)
            errors.append(
                f"{name}: the swarm has {len(nodes)} nodes of this name, {shown}. Run 'docker node"
                " rm' on a manager with the id of the one that no longer exists."
            )
    return errors


def _by_id(node: Actual) -> str:
    return node.id


def write_node(
    engine: Engine,
    node_id: str,
    plan: Callable[[Actual], Sequence[Change]],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Read one node, plan its update, and write it; repeat if another client wrote first."""
    for attempt in range(1, ATTEMPTS + 1):
        # The managers also write to nodes, so read the version just before the update.
        found = Actual.from_api(engine.request("GET", f"/nodes/{node_id}"))
        changes = plan(found)
        if not changes:
            return
        try:
            engine.request(
                "POST",
                f"/nodes/{found.id}/update",
                query={"version": found.version},
                body=changes[0].spec,
            )
            return
        except OutOfSequenceError:
            if attempt == ATTEMPTS:
                raise
            sleep(0.1 * attempt)


def node_warnings(
    desired: Sequence[Desired], actual: Mapping[str, Actual], complete: bool
) -> list[str]:
    """Unusual facts that do not stop the run."""
    warnings = []
    for node in desired:
        found = actual.get(node.id)
        if found is not None and _other_address(node.address, found.address):
            warnings.append(
                f"{node.name}: the swarm reaches it at {found.address}, the inventory says"
                f" {node.address}. A node keeps the address with which it joined until it leaves."
            )
    known = {node.id for node in desired}
    if complete:
        for found in sorted(actual.values(), key=lambda one: (one.hostname, one.id)):
            if found.id not in known and found.hostname not in _names(desired, actual):
                warnings.append(
                    f"The swarm has the {found.role} {found.hostname} (node {found.id},"
                    f" {found.state}), which is not in the inventory."
                )
    return warnings


def name_errors(desired: Sequence[Desired], actual: Mapping[str, Actual]) -> list[str]:
    """Errors for two nodes of one name, because commands address nodes by name."""
    errors = []
    known = {node.id for node in desired}
    for node in desired:
        found = actual.get(node.id)
        if found is None:
            continue
        for other in sorted(actual.values(), key=lambda one: one.id):
            if other.id in known or other.hostname != found.hostname:
                continue
            first = f"docker node demote {other.id}; " if other.role == "manager" else ""
            if other.state == "down":
                remedy = f"Run '{first}docker node rm {other.id}' on a manager and run this again."
            else:
                remedy = "Give one of the two hosts another name."
            errors.append(
                f"{node.name}: the swarm has a second node named {found.hostname} ({other.id},"
                f" {other.state}): an old entry of this host, or another host. {remedy}"
            )
    for index, node in enumerate(desired):
        found = actual.get(node.id)
        for other_node in desired[:index]:
            peer = actual.get(other_node.id)
            if found is not None and peer is not None and peer.hostname == found.hostname:
                errors.append(
                    f"{node.name}: has the same name in the swarm ({found.hostname}) as"
                    f" {other_node.name}. Give one of the two hosts another name."
                )
    return errors


def cluster_warnings(
    cluster: Mapping[str, Any], data_path_port: int, address_pool: Sequence[str]
) -> list[str]:
    """Settings that differ, but can only be chosen when a swarm is created."""
    warnings = []
    port = int(cluster.get("DataPathPort") or 0)
    if port and data_path_port and port != data_path_port:
        warnings.append(
            f"swarm_data_path_port is {data_path_port}, but the swarm uses {port}. It is set when"
            " the swarm is created and cannot be changed."
        )
    pool = [str(one) for one in cluster.get("DefaultAddrPool") or []]
    if address_pool and _networks(pool) != _networks(address_pool):
        warnings.append(
            f"swarm_default_address_pools is {', '.join(address_pool)}, but the swarm uses"
            f" {', '.join(pool) or 'its default'}. It is set when the swarm is created and cannot"
            " be changed."
        )
    return warnings


def _networks(pool: Sequence[str]) -> list[str]:
    result = []
    for one in pool:
        try:
            result.append(str(ipaddress.ip_network(one, strict=False)))
        except ValueError:
            result.append(one)
    return result


def _names(desired: Sequence[Desired], actual: Mapping[str, Actual]) -> set[str]:
    return {actual[node.id].hostname for node in desired if node.id in actual}


def _other_address(desired: str, actual: str) -> bool:
    try:
        # A name or an interface cannot be compared, and a leader may report 0.0.0.0.
        desired_address = ipaddress.ip_address(desired)
        actual_address = ipaddress.ip_address(actual)
    except ValueError:
        return False
    return not actual_address.is_unspecified and desired_address != actual_address
