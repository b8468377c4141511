# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services of the collection's roles, with values that a test gives to their variables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from ansible_collections.elk.swarm.plugins.module_utils.platform.service_settings import (
    ServiceSettings,
    as_given,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.services import (
    ALL,
    UNASKED,
    reduced,
)
from repo import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

ROLES = ("elasticsearch", "logstash", "kibana")
FIELDS = ALL - UNASKED


def evaluated(value: Any, variables: Mapping[str, Any]) -> Any:
    """A description, of which each value is a constant, or one variable."""
    if isinstance(value, dict):
        return {key: evaluated(one, variables) for key, one in value.items()}
    if isinstance(value, list):
        return [evaluated(one, variables) for one in value]
    variable = re.fullmatch(r"\{\{ (\w+) \}\}", value) if isinstance(value, str) else None
    return variables.get(variable[1]) if variable else value


def described(variables: Mapping[str, Any]) -> list[ServiceSettings]:
    """The services of the platform, without their checks."""
    found = []
    for role in ROLES:
        file = f"roles/{role}/meta/service.yml"
        source = reduced(yaml.safe_load((ROOT / file).read_text()), FIELDS, unchecked=True)
        found += as_given(evaluated(source, variables), source, role, file, FIELDS)
    return [ServiceSettings.from_dict({"checks": [], **one}) for one in found]
