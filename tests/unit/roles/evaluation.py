# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evaluates expressions with the variables of a role, as Ansible does on a host."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.harness.playbook import run_in_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Case:
    """An expression, and variables that win over those of the role and the inventory."""

    name: str
    expression: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    # Only these hosts evaluate it; none means all of the play.
    hosts: Sequence[str] = ()


def evaluate(
    folder: Path,
    cases: Iterable[Case],
    *,
    groups: Mapping[str, Any],
    local_dir: Path,
    hosts: str = "m1",
    vars_files: Sequence[Path] = (),
    variables: Mapping[str, Any] | None = None,
    before: Sequence[Mapping[str, Any]] = (),
) -> dict[str, dict[str, Any]]:
    """Evaluate all cases in one task of one run of Ansible: runs and tasks take the time.

    Args:
        folder: Where this function writes its files.
        cases: What to evaluate; each name once.
        groups: The groups of the inventory with their hosts.
        local_dir: The value of elk_local_dir.
        hosts: The hosts that evaluate.
        vars_files: Files of variables, of which a later one wins.
        variables: Variables of the play.
        before: Tasks that come first.

    Returns:
        By host, and by the name of the case, its value.

    Raises:
        AssertionError: The run has failed.
    """
    loop = []
    for case in cases:
        file = folder / f"{len(loop)}.j2"
        file.write_text(f"{{{{ ({case.expression}) | to_json }}}}")
        loop.append(
            {
                "name": case.name,
                "file": str(file),
                "vars": case.variables,
                "hosts": list(case.hosts),
            }
        )
    rendered = "{{ lookup('ansible.builtin.template', item.file, template_vars=item.vars) }}"
    play = {
        "hosts": hosts,
        "gather_facts": False,
        "vars": variables or {},
        "vars_files": [str(path) for path in vars_files],
        "tasks": [
            *before,
            {
                "name": "Evaluate each case",
                "ansible.builtin.set_fact": {"rendered": rendered},
                "loop": loop,
                "when": "not item.hosts or inventory_hostname in item.hosts",
                "register": "evaluated",
            },
            {
                "name": "Write all values",
                "ansible.builtin.copy": {
                    "content": "{{ evaluated.results | to_json }}",
                    "dest": f"{folder}/{{{{ inventory_hostname }}}}.json",
                    "mode": "0600",
                },
            },
        ],
    }
    of_all = {
        "elk_local_dir": str(local_dir),
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
    }
    # JSON, because YAML would fold long texts.
    (folder / "hosts.yml").write_text(json.dumps({"all": {"vars": of_all}, **groups}))
    (folder / "play.yml").write_text(json.dumps([play]))
    run_in_folder(folder, "hosts.yml")
    return {
        path.stem: {
            result["item"]["name"]: json.loads(result["ansible_facts"]["rendered"])
            for result in json.loads(path.read_text())
            if "ansible_facts" in result
        }
        for path in folder.glob("*.json")
    }
