# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The input of the checks, their findings, and how checks register.

A check is a generator of findings over a Site, registered under a name with @check. It yields what
is wrong and how to fix it, and skips what another check reports, such as a value that cannot be
read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.elk.swarm.plugins.module_utils.platform.controller_secrets import Blocker
from ansible_collections.elk.swarm.plugins.module_utils.platform.service_settings import (
    ServiceSettings,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.storage_plan import BIND


@dataclass(frozen=True)
class Finding:
    """A problem, or with ``warning`` a notice."""

    where: str
    wrong: str
    mend: str
    warning: bool = False
    check: str = ""
    # preflight_accept cannot accept it, because going on would certainly harm the platform.
    final: bool = False

    def sentence(self) -> str:
        return f"{self.where}: {self.wrong} {self.mend}".strip()


@dataclass(frozen=True)
class Host:
    """A swarm host: what the inventory declares and what was found on it."""

    name: str
    declared: Mapping[str, Any] = field(default_factory=dict)
    survey: Mapping[str, Any] = field(default_factory=dict)
    # The IP addresses if the address is a name.
    resolved: Sequence[str] = ()

    @property
    def seen(self) -> bool:
        """False for a host that this run leaves out (--limit)."""
        return bool(self.survey)

    @property
    def address(self) -> str:
        return str(self.declared.get("address") or "")

    @property
    def node_name(self) -> str:
        return str(self.declared.get("node_name") or "")

    def of_services(self, what: str) -> Mapping[str, Any]:
        """What the host declares of services: memory, networks by port or storage by data."""
        found: Mapping[str, Any] = (self.declared.get("services") or {}).get(what) or {}
        return found


@dataclass(frozen=True)
class Vocabulary:
    """Variables of the collection's roles, by name."""

    # Prefixes that the roles use, with the underscore.
    prefixes: tuple[str, ...] = ()
    # What users may set.
    options: frozenset[str] = frozenset()
    # What a role computes; it ignores a value from elsewhere.
    computed: frozenset[str] = frozenset()
    # What tasks set while they run, and other names that they use.
    internal: frozenset[str] = frozenset()
    # What is private to a role, except what tasks set: that is among the variables of a host too.
    private: frozenset[str] = frozenset()


@dataclass(frozen=True)
class LocalDir:
    """elk_local_dir, and the inventory that would read every file in it."""

    path: str
    # The inventory that reads it; empty for none.
    reader: str = ""
    # A folder that no inventory reads.
    better: str = ""
    # Whether a variable sets it.
    given: bool = False


@dataclass(frozen=True)
class Site:
    """Everything the checks may look at."""

    groups: Mapping[str, Sequence[str]]
    hosts: Mapping[str, Host]
    settings: Mapping[str, Any]
    # Names of the variables that are set, by host.
    variables: Mapping[str, Sequence[str]] = field(default_factory=dict)
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    # Secrets of the controller and the platform that do not match.
    blockers: Sequence[Blocker] = ()
    local_dir: LocalDir | None = None
    services: Sequence[ServiceSettings] = ()

    @property
    def managers(self) -> list[str]:
        return list(self.groups.get("swarm_managers", ()))

    @property
    def workers(self) -> list[str]:
        return list(self.groups.get("swarm_workers", ()))

    @property
    def members(self) -> list[str]:
        return [*self.managers, *(h for h in self.workers if h not in self.managers)]

    def placed(self, group: str) -> list[str]:
        """Hosts that a service may use: its group, or every host where there is no such group."""
        return list(self.groups[group]) if group in self.groups else self.members

    @property
    def seen(self) -> list[Host]:
        return [host for host in self.hosts.values() if host.seen]

    def declared(self, host: str, name: str) -> Any:
        """The value of a variable for this host, else for the whole site."""
        found = self.hosts[host].declared.get(name) if host in self.hosts else None
        return self.settings.get(name) if found is None else found

    def memory(self, host: str, service: ServiceSettings) -> Any:
        """The memory limit of a service on this host, else for the whole site."""
        found = self.hosts[host].of_services("memory") if host in self.hosts else {}
        return found.get(service.name, service.memory.value)

    def number(self, name: str) -> int:
        value = self.settings.get(name)
        return int(value) if isinstance(value, (int, str)) and str(value).isdigit() else 0

    def text(self, name: str) -> str:
        value = self.settings.get(name)
        return "" if value is None else str(value).strip()

    def where(self, name: str, hosts: Sequence[str], everywhere: Sequence[object]) -> str:
        """The name of a variable, with its hosts if they are not all hosts."""
        return name if len(hosts) == len(everywhere) else f"{name} of {listed(hosts)}"

    def texts(self, name: str) -> list[str]:
        value = self.settings.get(name) or []
        return [str(v) for v in value] if isinstance(value, (list, tuple)) else [str(value)]


Check = Callable[[Site], Iterator[Finding]]

# By name, in the order in which their files were imported.
REGISTERED: dict[str, Check] = {}


def check(name: str) -> Callable[[Check], Check]:
    """Register a check under the name that users see and may accept."""

    def register(function: Check) -> Check:
        REGISTERED[name] = function
        return function

    return register


def listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def number_of(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def docker_of(host: Host) -> Mapping[str, Any]:
    return host.survey.get("docker") or {}


def swarm_of(host: Host) -> Mapping[str, Any]:
    return docker_of(host).get("swarm") or {}


def is_member(host: Host) -> bool:
    """Whether the host is in a swarm, even if it does not reach the managers (pending)."""
    return swarm_of(host).get("state", "inactive") not in ("", "inactive")


def storage_of(host: Host, data: str) -> Mapping[str, Any]:
    """Where data of a service is, without secrets."""
    found: Mapping[str, Any] = host.of_services("storage").get(data) or BIND
    return found
