# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""-e name=value and inventories in INI give texts: each is converted where it is used, or refused.

Jinja takes the text "false" for true, adds no number to a text, and reads a text as a list of
letters. A module converts its own options, so a value that is passed on whole needs nothing.
"""

from __future__ import annotations

import json
import re
import sys
import warnings
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jinja2 import nodes

from repo import ROOT
from tests.harness.playbook import run_in_folder
from tests.unit.expressions import BARE, ENVIRONMENT, Loader, sources, templates, texts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONVERTERS = {
    "bool": {"bool"},
    "int": {"int", "float", "string"},
    "float": {"int", "float", "string"},
}


def kinds() -> dict[str, str]:
    """The type of each variable of each role."""
    found: dict[str, str] = {}
    for file in sorted(ROOT.glob("roles/*/meta/argument_specs.yml")):
        for entry in yaml.safe_load(file.read_text())["argument_specs"].values():
            for name, option in (entry.get("options") or {}).items():
                found[name] = option.get("type", "str")
    return found


KINDS = kinds()
# Only roles and playbooks set these.
PRIVATE = (
    *("replicated_service_", "elasticsearch_work", "elk_probe_ports", "elk_rotation"),
    "pki_renewed",
)
CONTAINERS = sorted(
    name
    for name, kind in KINDS.items()
    if kind in ("list", "dict") and not name.startswith(PRIVATE)
)


def with_parents(
    node: nodes.Node, parent: nodes.Node | None = None
) -> Iterator[tuple[nodes.Node, nodes.Node | None]]:
    yield node, parent
    for child in node.iter_child_nodes():
        yield from with_parents(child, node)


def unconverted(text: str) -> set[str]:
    """The booleans and numbers that an expression uses as they come."""
    found = set()
    with warnings.catch_warnings():
        # A backslash and a dot in a regular expression, which Ansible lets through.
        warnings.simplefilter("ignore", DeprecationWarning)
        tree = ENVIRONMENT.parse(text)
    for node, parent in with_parents(tree):
        if not isinstance(node, nodes.Name) or KINDS.get(node.name) not in CONVERTERS:
            continue
        # The value as a whole goes to an option of a module, and "~" makes a text of it anyway.
        if isinstance(parent, (nodes.Output, nodes.Concat)):
            continue
        names = CONVERTERS[KINDS[node.name]]
        if isinstance(parent, nodes.Filter) and parent.node is node:
            # After default() comes the conversion.
            if parent.name in names or parent.name == "default":
                continue
        found.add(node.name)
    return found


def documents(name: str) -> list[Any]:
    return list(yaml.load_all((ROOT / name).read_text(), Loader))


@pytest.mark.parametrize("name", sources("roles", "playbooks"))
def test_booleans_and_numbers_are_converted_where_they_are_used(name: str) -> None:
    if name.endswith(".j2"):
        assert unconverted((ROOT / name).read_text()) == set()
        return
    loaded = documents(name)
    assert {found for text in templates(loaded) for found in unconverted(text)} == set()
    # A condition takes the value as it is, and so does a variable that a role works out.
    for key, text in texts(loaded):
        inside = re.fullmatch(r"{{\s*(\w+)\s*}}", text.strip())
        plain = inside[1] if inside and "/vars/" in name else text if key in BARE else ""
        assert KINDS.get(plain) not in CONVERTERS, f"{key}: {text}"


def test_it_sees_a_value_that_is_not_converted() -> None:
    assert unconverted("{{ 1 if firewall_controller else 2 }}") == {"firewall_controller"}
    assert unconverted("{{ storage_move_timeout // 2 }}") == {"storage_move_timeout"}
    assert unconverted("{{ 1 if firewall_controller | bool else 2 }}") == set()


def test_every_list_and_dictionary_that_is_a_text_is_refused_by_name(tmp_path: Path) -> None:
    of_elk = yaml.safe_load((ROOT / "roles/elk/vars/main.yml").read_text())
    services = of_elk["elk_collection_service_roles"]
    shared = re.findall(
        r"'(\w+)'",
        yaml.safe_load((ROOT / "roles/preflight/vars/main.yml").read_text())[
            "__preflight_roles"
        ].partition("|")[0],
    )
    checked = {
        name
        for role in [*shared, *(service.rpartition(".")[2] for service in services)]
        for name in yaml.safe_load((ROOT / f"roles/{role}/meta/argument_specs.yml").read_text())[
            "argument_specs"
        ]["main"]["options"]
    }
    # preflight takes its own two lists with commas, and a filter gets the third.
    own = {"preflight_accept", "preflight_own_variables", "volumes_clean"}
    assert set(CONTAINERS) - checked == own
    given = dict.fromkeys(CONTAINERS, "deploy") | {"preflight_accept": "masters, disk"}
    play = {
        "hosts": "all",
        "gather_facts": False,
        "vars": {"role_path": str(ROOT / "roles" / "preflight")},
        "vars_files": [
            str(ROOT / "roles" / role / "vars" / "main.yml") for role in ("elk", "preflight")
        ],
        "tasks": [
            {
                "name": "Write what preflight sees",
                "ansible.builtin.copy": {
                    "content": "{{ {'texts': __preflight_texts, 'accepted': __preflight_accepted,"
                    " 'options': __preflight_options | list} | to_json }}",
                    "dest": str(tmp_path / "found.json"),
                    "mode": "0600",
                },
            }
        ],
    }
    inventory = {
        "all": {
            "hosts": {"m1": given},
            "vars": {
                "ansible_connection": "local",
                "ansible_python_interpreter": sys.executable,
            },
        }
    }
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory))
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play], sort_keys=False))
    run_in_folder(tmp_path, "hosts.yml")
    found = json.loads((tmp_path / "found.json").read_text())
    # Kibana's former keys are secrets, which no check shows.
    assert set(found["texts"]) >= set(CONTAINERS) - own - {"kibana_decryption_only_keys"}
    assert "elk_additional_service_roles" in found["texts"]
    assert found["accepted"] == ["masters", "disk"]
    assert not {name for name in found["options"] if name.endswith(("_password", "_key"))} - {
        "pki_ca_key"
    }
