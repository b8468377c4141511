# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The desired overlay network, compared with the actual one.

A network cannot be changed, only removed and created again, and it cannot be removed while a task
uses it. So a difference is reported and never repaired.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ENCRYPTED = "encrypted"
MTU = "com.docker.network.driver.mtu"
VXLAN_IDS = "com.docker.network.driver.overlay.vxlanid_list"


@dataclass(frozen=True)
class Desired:
    """The desired network; ``subnet`` is normalised, or None if Docker chooses it."""

    name: str
    subnet: str | None = None
    attachable: bool = True
    encrypted: bool = False
    mtu: int | None = None


@dataclass(frozen=True)
class Difference:
    """One property in which the existing network differs from the desired one."""

    what: str
    desired: str
    actual: str

    def __str__(self) -> str:
        return f"{self.what} is {self.actual}, wanted {self.desired}"


def normalise_subnet(text: str) -> tuple[str, str]:
    """Return the subnet that contains the address, and a message if it differs from the text."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError as exc:
        raise ValueError(
            f"subnet is {text!r}, which is no subnet ({exc}). Write it like 192.168.8.0/21."
        ) from exc
    if network.version != 4:
        raise ValueError(
            f"subnet is {text}: Swarm's overlay networks need an IPv4 subnet. Write it like"
            " 192.168.8.0/21."
        )
    if network.prefixlen > 28:
        raise ValueError(
            f"subnet is {text}, which has room for {network.num_addresses - 2} addresses."
            " Every task and every node needs one: use /24 or larger."
        )
    normal = str(network)
    if normal == text:
        return normal, ""
    return normal, (
        f"subnet {text} has bits set beyond its prefix, which Docker refuses; the subnet"
        f" that contains it is used: {normal}."
    )


def create_body(desired: Desired) -> dict[str, Any]:
    """The request that creates the network."""
    options: dict[str, str] = {}
    if desired.encrypted:
        options[ENCRYPTED] = ""
    if desired.mtu:
        options[MTU] = str(desired.mtu)
    return {
        "Name": desired.name,
        "CheckDuplicate": True,
        "Driver": "overlay",
        "Attachable": desired.attachable,
        "Internal": False,
        "Ingress": False,
        "EnableIPv6": False,
        "IPAM": {
            "Driver": "default",
            "Config": [{"Subnet": desired.subnet}] if desired.subnet else [],
        },
        "Options": options,
    }


def pick(name: str, networks: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The networks of exactly this name; the API's own filter also matches parts of names."""
    return [one for one in networks if one.get("Name") == name]


def subnets_of(actual: Mapping[str, Any]) -> str:
    """The subnets of an existing network; empty if it has none."""
    configs = (actual.get("IPAM") or {}).get("Config") or []
    return ", ".join(sorted(str(one.get("Subnet") or "") for one in configs))


def differences(desired: Desired, actual: Mapping[str, Any]) -> list[Difference]:
    """Every property in which the existing network differs from the desired one."""
    options = actual.get("Options") or {}
    found = subnets_of(actual) or "none"
    properties = [
        ("driver", "overlay", str(actual.get("Driver") or "none")),
        ("scope", "swarm", str(actual.get("Scope") or "none")),
        ("subnet", desired.subnet or found, found),
        ("encryption", _switch(desired.encrypted), _switch(_encrypted(options))),
        ("attachable", _switch(desired.attachable), _switch(bool(actual.get("Attachable")))),
        ("internal", "off", _switch(bool(actual.get("Internal")))),
        ("ingress", "off", _switch(bool(actual.get("Ingress")))),
        (
            "mtu",
            str(desired.mtu) if desired.mtu else "Docker's default",
            str(options.get(MTU) or "Docker's default"),
        ),
    ]
    return [Difference(what, want, have) for what, want, have in properties if want != have]


def allocated(actual: Mapping[str, Any]) -> bool:
    """Whether the managers have allocated the network's addresses and its VXLAN id."""
    return bool((actual.get("Options") or {}).get(VXLAN_IDS))


def blocker(desired: Desired, actual: Mapping[str, Any], users: Iterable[str] = ()) -> str:
    """The differences of the existing network and what to do; empty if there are none."""
    found = differences(desired, actual)
    if not found:
        return ""
    services = sorted(set(users))
    users_text = f" Services on it: {', '.join(services)}." if services else ""
    return (
        f"The network {desired.name} exists and differs from the options:"
        f" {'; '.join(str(one) for one in found)}. It cannot be changed in place, and it is not"
        f" removed because tasks may use it.{users_text} Either set subnet, encrypted,"
        " attachable and mtu to its present values, or choose another name, or"
        " remove the services and then the network with"
        f" 'docker network rm {desired.name}' and run this again."
    )


def not_allocated(desired: Desired, others: Iterable[Mapping[str, Any]]) -> str:
    """Why the managers did not allocate the network, as far as the other networks show it."""
    if desired.subnet is None:
        return (
            f"The swarm did not allocate the network {desired.name}: perhaps the default address"
            " pool of the swarm is used up, or the managers have no majority. Set subnet to a free"
            " range and run this again"
        )
    ours = ipaddress.ip_network(desired.subnet)
    clashes = []
    for other in others:
        if other.get("Name") == desired.name or other.get("Scope") != "swarm":
            continue
        for config in (other.get("IPAM") or {}).get("Config") or []:
            try:
                theirs = ipaddress.ip_network(str(config.get("Subnet") or ""), strict=False)
            except ValueError:
                continue
            if theirs.version == 4 and ours.overlaps(theirs):
                clashes.append(f"{other.get('Name')} ({theirs})")
    reason = (
        f"its subnet {desired.subnet} overlaps with {', '.join(sorted(clashes))}"
        if clashes
        else f"perhaps {desired.subnet} is in use, or the managers have no majority"
    )
    return (
        f"The swarm did not allocate the network {desired.name}: {reason}. Set subnet to a"
        " free range and run this again"
    )


def _encrypted(options: Mapping[str, Any]) -> bool:
    # An empty value also enables encryption.
    return ENCRYPTED in options and str(options[ENCRYPTED]).lower() not in ("false", "0")


def _switch(value: bool) -> str:
    return "on" if value else "off"
