# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A variable of a role is an option, or a fact that other roles know, or private: __ROLE_x."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from ansible_collections.elk.swarm.plugins.modules.preflight import vocabulary
from repo import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

ROLES = sorted(path.parent.parent.name for path in ROOT.glob("roles/*/meta/argument_specs.yml"))
# By role, what it tells others besides its options, or what they tell it.
SHARED = {
    "elasticsearch": {
        "elasticsearch_config_hash",
        "elasticsearch_data",
        "elasticsearch_generation",
        "elasticsearch_kibana_token",
        "elasticsearch_node_names",
        "elasticsearch_running",
        "elasticsearch_turn",
    },
    "membership": {"membership_asked", "membership_new", "membership_plan"},
    "pki": {"pki_foretold"},
    "preflight": {"elk_make_secrets", "preflight_survey"},
    "replicated_service": {
        "replicated_service_addresses",
        "replicated_service_one",
        "replicated_service_running",
    },
    "swarm": {"swarm_recovery"},
}
# The role elk is there to be shared: what all others read of it is public.
ELK = "elk"
# The loop variable of all that loop over the roles of services.
LOOP = "elk_service"
SET_FACT = "ansible.builtin.set_fact"
OURS = re.compile(rf"(?:__)?(?:{'|'.join(ROLES)})_\w+")


def defined(value: Any, keys: Sequence[str] = ("vars", SET_FACT)) -> Iterator[str]:
    """The variables that tasks define."""
    if isinstance(value, list):
        for one in value:
            yield from defined(one, keys)
    elif isinstance(value, dict):
        for key in keys:
            yield from value.get(key) or {}
        control = value.get("loop_control") or {}
        yield from filter(None, (value.get("register"), control.get("loop_var")))
        for key in ("block", "rescue", "always"):
            yield from defined(value.get(key), keys)


@functools.cache
def variables(role: str) -> frozenset[str]:
    """What the tasks and the vars of a role define."""
    folder = ROOT / "roles" / role
    found: set[str] = set()
    for path in sorted([*folder.glob("tasks/*.yml"), *folder.glob("handlers/*.yml")]):
        found |= set(defined(yaml.safe_load(path.read_text())))
    path = folder / "vars" / "main.yml"
    return frozenset(found | set(yaml.safe_load(path.read_text()) if path.exists() else ()))


@functools.cache
def options() -> frozenset[str]:
    """What users, playbooks and other roles may set."""
    specs = [ROOT / "roles" / role / "meta" / "argument_specs.yml" for role in ROLES]
    return frozenset(
        name
        for path in specs
        for entry in yaml.safe_load(path.read_text())["argument_specs"].values()
        for name in entry.get("options") or {}
    )


def files() -> list[Path]:
    found = [ROOT / "roles" / role for role in ROLES] + [ROOT / "playbooks"]
    every = [path for folder in found for path in sorted(folder.rglob("*"))]
    return [path for path in every if path.suffix in {".yml", ".j2"}]


def wrong(role: str, names: frozenset[str]) -> set[str]:
    """The variables that neither say that they are private nor are known to others."""
    public = options() | SHARED.get(role, set())
    return {
        name
        for name in names
        if OURS.fullmatch(name) and not name.startswith(f"__{role}_") and name not in public
    }


@pytest.mark.parametrize("role", [role for role in ROLES if role != ELK])
def test_a_variable_is_shared_or_says_that_it_is_private(role: str) -> None:
    # What a task gives a call of another role, or the role elk shares.
    given = variables(ELK) | {LOOP}.union(*SHARED.values())
    assert wrong(role, variables(role) - given) == set()


def test_every_shared_variable_is_there() -> None:
    assert {role: names - variables(role) for role, names in SHARED.items()} == {
        role: set() for role in SHARED
    }


def test_no_other_role_and_no_playbook_reads_a_private_variable() -> None:
    private = re.compile(rf"(?<!\w)__({'|'.join(ROLES)})_\w+")
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in files()
        for match in private.finditer(path.read_text())
        if not match[0].startswith(f"__{path.relative_to(ROOT).parts[1]}_")
    ]
    assert found == []


def test_every_private_variable_that_is_read_is_there() -> None:
    private = re.compile(rf"(?<!\w)__({'|'.join(ROLES)})_\w+")
    found = {
        (path.relative_to(ROOT).parts[1], match[0])
        for path in files()
        for match in private.finditer(path.read_text())
    }
    assert len(found) > 300
    assert [(role, name) for role, name in sorted(found) if name not in variables(role)] == []


def test_what_the_role_elk_keeps_to_itself_is_private() -> None:
    """Nobody else reads it."""
    texts = [path.read_text() for path in files() if ELK not in path.relative_to(ROOT).parts]
    words = {word for text in texts for word in re.findall(r"\w+", text)}
    assert {name for name in wrong(ELK, variables(ELK)) if name not in words} == set()


def test_no_name_has_two_underscores_in_its_middle() -> None:
    found = {name for role in ROLES for name in variables(role) if "__" in name.lstrip("_")}
    assert found == set()


def test_preflight_knows_which_variables_are_private_and_no_facts() -> None:
    refused = vocabulary(str(ROOT / "roles")).private
    texts = [path.read_text() for path in files()]
    registered = {one for text in texts for one in re.findall(r"register: (__\w+)", text)}
    assert refused & registered == set()
    private = {name for role in ROLES for name in variables(role) if name.startswith("__")}
    assert refused <= private
    assert len(refused) > 100
    tasks = [yaml.safe_load(path.read_text()) for path in ROOT.glob("roles/*/tasks/*.yml")]
    assert private - refused <= set(defined(tasks, [SET_FACT]))


def test_a_variable_without_underscores_is_seen() -> None:
    tasks = [{"block": [{"register": "kibana_seen"}], "vars": {"kibana__x": 1}}]
    assert wrong("kibana", frozenset(defined(tasks))) == {"kibana_seen", "kibana__x"}
