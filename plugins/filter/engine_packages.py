# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: engine_packages
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: The packages of the Docker Engine on a host
description:
  - Lists the packages that a host needs for the Docker Engine, and compares them with those that it
    has.
positional: facts, version, named, installed
options:
  _input:
    description: Where the packages come from.
    type: str
    choices: [docker_ce, distribution]
    required: true
  facts:
    description: The facts of the host, with its distribution.
    type: dict
    required: true
  version:
    description:
      - The desired version, in full or with C(*) for any ending, for example V(28.5.1) or V(28.*).
      - Empty is what the repository offers, or what the host has.
    type: str
    default: ""
  named:
    description:
      - What the distribution calls the packages of the Engine. When empty, the names in Debian and
        Ubuntu.
    type: list
    elements: str
    default: []
  installed:
    description: The packages that the host has, as M(elk.swarm.host_survey) returns them.
    type: dict
    default: {}
seealso:
  - module: elk.swarm.host_survey
"""

EXAMPLES = r"""
- name: Show the packages that Debian 13 gets
  ansible.builtin.debug:
    msg: "{{ ('docker_ce' | elk.swarm.engine_packages(debian, '28.5.1')).specs }}"
  vars:
    debian: {os_family: Debian, distribution: Debian, distribution_major_version: "13"}
"""

RETURN = r"""
_value:
  description:
    - RV(ignore:names) lists the packages that the host needs, RV(ignore:specs) the same with the
      desired version, as the host's package manager expects them.
    - RV(ignore:versioned) lists those that carry the version of the Engine, the Engine itself
      first. RV(ignore:held) lists those that only this collection upgrades.
    - RV(ignore:missing) lists those that the host does not have.
    - RV(ignore:version) is the version of the Engine that the host has, empty if it has none.
    - RV(ignore:other_version) is true if this is not the desired version, RV(ignore:older) if the
      desired version is older.
    - RV(ignore:replaces) is true if an installation replaces the program of a running daemon.
  type: dict
  sample:
    names: [docker-ce, docker-ce-cli, containerd.io, ca-certificates, iptables]
    specs: ["docker-ce=5:28.5.1-*", "docker-ce-cli=5:28.5.1-*", containerd.io, ca-certificates,
            iptables]
    versioned: [docker-ce, docker-ce-cli]
    held: [docker-ce, docker-ce-cli, containerd.io]
    missing: []
    version: 5:28.5.0-1~debian.13~trixie
    other_version: true
    older: false
    replaces: true
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any


def engine_packages(
    source: str,
    facts: Mapping[str, Any],
    version: str = "",
    named: Iterable[str] = (),
    installed: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return the packages that a host needs, and how those that it has differ."""
    # Imported here, because Ansible loads all filters of the collection in every process that it
    # starts for a task on a host.
    from dataclasses import asdict

    from ansible_collections.elk.swarm.plugins.module_utils.docker import engine_packages as plans

    release = str(facts.get("distribution_major_version") or "")
    desired = plans.Desired(
        source=source,
        version=str(version),
        named=tuple(named),
        family=str(facts["os_family"]).lower(),
        distribution=str(facts["distribution"]),
        release=int(release) if release.isdigit() else 0,
    )
    found = asdict(plans.engine_packages(desired, installed or {}))
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in found.items()
    }


class FilterModule:
    """Register the filter under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"engine_packages": engine_packages}
