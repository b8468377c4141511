# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts from a ServiceSpec: its mode, number of tasks and placement constraints."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.elk.swarm.plugins.module_utils.common.nested import dig


class SpecError(ValueError):
    """An option of the task is not valid for a service."""


_CONSTRAINT = re.compile(r"^\s*([A-Za-z_][A-Za-z0-9_.\-/]*)\s*(==|!=)\s*(\S.*?)\s*$")


def constraint_parts(expression: str) -> tuple[str, str, str]:
    """(key, operator, value) of a placement constraint."""
    match = _CONSTRAINT.match(expression)
    if not match:
        raise SpecError(
            f"placement.constraints: {expression!r} is not of the form key==value or key!=value"
        )
    return match.group(1), match.group(2), match.group(3)


def mode_of(spec: Mapping[str, Any]) -> str:
    mode = spec.get("Mode") or {}
    for key, name in (
        ("Global", "global"),
        ("ReplicatedJob", "replicated-job"),
        ("GlobalJob", "global-job"),
    ):
        if key in mode:
            return name
    return "replicated"


def is_job(spec: Mapping[str, Any]) -> bool:
    """Whether the tasks of the service end, instead of running all the time."""
    return mode_of(spec).endswith("-job")


def replicas_of(spec: Mapping[str, Any]) -> int | None:
    """How many tasks run, or how many have to complete in a job; None for one on each node."""
    path = {
        "replicated": ("Mode", "Replicated", "Replicas"),
        "replicated-job": ("Mode", "ReplicatedJob", "TotalCompletions"),
    }.get(mode_of(spec))
    if path is None:
        return None
    replicas = dig(spec, path)
    return 1 if replicas is None else int(replicas)
