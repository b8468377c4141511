# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An overlay network as it was asked for, compared with the one that is there.

A network cannot be changed, only removed and made anew, and it cannot be removed while a task hangs
on it. So a difference is reported and never repaired.
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
class Wanted:
    """The network as it was asked for; ``subnet`` is normalised."""

    name: str
    subnet: str
    attachable: bool = True
    encrypted: bool = False
    mtu: int | None = None


@dataclass(frozen=True)
class Difference:
    """One property in which the existing network is not the wanted one."""

    what: str
    wanted: str
    actual: str

    def __str__(self) -> str:
        return f"{self.what} is {self.actual}, wanted {self.wanted}"


def normalise_subnet(text: str) -> tuple[str, str]:
    """Give the subnet that contains the address, and a message if the text named another one."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError as exc:
        raise ValueError(
            f"network_subnet is {text!r}, which is no subnet ({exc}). Write it as 192.168.8.0/21."
        ) from exc
    if network.version != 4:
        raise ValueError(
            f"network_subnet is {text}: Swarm's overlay networks need an IPv4 subnet. Write it as"
            " 192.168.8.0/21."
        )
    if network.prefixlen > 28:
        raise ValueError(
            f"network_subnet is {text}, which has room for {network.num_addresses - 2} addresses."
            " Every task and every node needs one: take /24 or larger."
        )
    normal = str(network)
    if normal == text:
        return normal, ""
    return normal, (
        f"network_subnet {text} has bits set beyond its prefix, which Docker refuses; the subnet"
        f" that contains it is used: {normal}."
    )


def create_body(wanted: Wanted) -> dict[str, Any]:
    """Give the request that makes the network."""
    options: dict[str, str] = {}
    if wanted.encrypted:
        options[ENCRYPTED] = ""
    if wanted.mtu:
        options[MTU] = str(wanted.mtu)
    return {
        "Name": wanted.name,
        "CheckDuplicate": True,
        "Driver": "overlay",
        "Attachable": wanted.attachable,
        "Internal": False,
        "Ingress": False,
        "EnableIPv6": False,
        "IPAM": {"Driver": "default", "Config": [{"Subnet": wanted.subnet}]},
        "Options": options,
    }


def pick(name: str, networks: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Give the networks of exactly this name: the API's own filter also finds parts of names."""
    return [one for one in networks if one.get("Name") == name]


def differences(wanted: Wanted, actual: Mapping[str, Any]) -> list[Difference]:
    """List every property in which the existing network is not the wanted one."""
    options = actual.get("Options") or {}
    subnets = sorted(
        str(one.get("Subnet") or "") for one in (actual.get("IPAM") or {}).get("Config") or []
    )
    pairs = [
        ("driver", "overlay", str(actual.get("Driver") or "none")),
        ("scope", "swarm", str(actual.get("Scope") or "none")),
        ("subnet", wanted.subnet, ", ".join(subnets) or "none"),
        ("encryption", _switch(wanted.encrypted), _switch(_encrypted(options))),
        ("attachable", _switch(wanted.attachable), _switch(bool(actual.get("Attachable")))),
        ("internal", "off", _switch(bool(actual.get("Internal")))),
        ("ingress", "off", _switch(bool(actual.get("Ingress")))),
        (
            "mtu",
            str(wanted.mtu) if wanted.mtu else "Docker's default",
            str(options.get(MTU) or "Docker's default"),
        ),
    ]
    return [Difference(what, want, have) for what, want, have in pairs if want != have]


def allocated(actual: Mapping[str, Any]) -> bool:
    """Tell whether the managers have given the network its addresses and its VXLAN id."""
    return bool((actual.get("Options") or {}).get(VXLAN_IDS))


def refusal(wanted: Wanted, actual: Mapping[str, Any], users: Iterable[str] = ()) -> str:
    """Say in what the existing network differs and what to do; empty when it is the wanted one."""
    found = differences(wanted, actual)
    if not found:
        return ""
    hanging = sorted(set(users))
    on_it = f" Services on it: {', '.join(hanging)}." if hanging else ""
    return (
        f"The network {wanted.name} exists and is not the one asked for:"
        f" {'; '.join(str(one) for one in found)}. It cannot be changed in place, and it is not"
        f" removed because tasks may hang on it.{on_it} Either set network_subnet,"
        " network_encrypted, network_attachable and network_mtu to what is there, or choose"
        " another elk_network, or remove the services and then the network with"
        f" 'docker network rm {wanted.name}' and run this again."
    )


def not_allocated(wanted: Wanted, others: Iterable[Mapping[str, Any]]) -> str:
    """Say why the managers gave the network no addresses, as far as that can be seen."""
    ours = ipaddress.ip_network(wanted.subnet)
    clashes = []
    for other in others:
        if other.get("Name") == wanted.name or other.get("Scope") != "swarm":
            continue
        for config in (other.get("IPAM") or {}).get("Config") or []:
            try:
                theirs = ipaddress.ip_network(str(config.get("Subnet") or ""), strict=False)
            except ValueError:
                continue
            if theirs.version == 4 and ours.overlaps(theirs):
                clashes.append(f"{other.get('Name')} ({theirs})")
    reason = (
        f"its subnet {wanted.subnet} overlaps with {', '.join(sorted(clashes))}"
        if clashes
        else f"perhaps {wanted.subnet} is in use, or the managers have no majority"
    )
    return (
        f"The swarm did not allocate the network {wanted.name}: {reason}. Set network_subnet to a"
        " free range and run this again"
    )


def _encrypted(options: Mapping[str, Any]) -> bool:
    # An empty value switches it on, too.
    return ENCRYPTED in options and str(options[ENCRYPTED]).lower() not in ("false", "0")


def _switch(value: bool) -> str:
    return "on" if value else "off"
