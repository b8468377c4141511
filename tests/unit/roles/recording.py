# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs roles with modules that do nothing but note their arguments, in the order of the calls."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from repo import ROOT
from tests.harness.playbook import playbook_command, playbook_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

RECORDER = """
import json, os, sys
from ansible.module_utils import basic

NAME, FOLDER = {name!r}, {folder!r}

def main():
    params = basic._load_params()
    host = os.path.basename(params["_ansible_remote_tmp"])
    given = {{key: one for key, one in params.items() if not key.startswith("_ansible_")}}
    check = bool(params["_ansible_check_mode"])
    with open(os.path.join(FOLDER, "calls"), "a") as calls:
        line = {{"module": NAME, "host": host, "check": check, "arguments": given}}
        calls.write(json.dumps(line) + "\\n")
    with open(os.path.join(FOLDER, "answers.json")) as file:
        answers = json.load(file).get(NAME, [])
    known = {{"host": host, "check": check, **given}}.items()
    fits = [one for wanted, one in answers if all(pair in known for pair in wanted.items())]
    print(json.dumps(fits[0] if fits else {{"changed": False}}))
    sys.exit(0)

if __name__ == "__main__":
    main()
"""


@dataclass(frozen=True)
class Call:
    """A call of a module: on behalf of which host, and with which arguments."""

    module: str
    host: str
    check: bool
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Run:
    """A run: what it called, and what it said."""

    code: int
    output: str
    calls: list[Call] = field(default_factory=list)

    def of(self, module: str) -> list[Call]:
        return [one for one in self.calls if one.module == module]


def collection(folder: Path, modules: Sequence[str]) -> None:
    """Make a copy of the collection out of links, in which these modules only note their calls."""
    home = folder / "ansible_collections" / "elk" / "swarm"
    (home / "plugins" / "modules").mkdir(parents=True)
    for path in [*ROOT.iterdir(), *(ROOT / "plugins").iterdir()]:
        link = home / path.relative_to(ROOT)
        if path.name != "plugins" and not path.name.startswith(".") and not link.exists():
            link.symlink_to(path)
    for path in (ROOT / "plugins" / "modules").glob("*.py"):
        place = home / "plugins" / "modules" / path.name
        if path.stem in modules:
            place.write_text(RECORDER.format(name=path.stem, folder=str(folder)))
        else:
            place.symlink_to(path)


def run(
    folder: Path,
    tasks: Sequence[Mapping[str, Any]],
    *,
    groups: Mapping[str, Mapping[str, Mapping[str, Any]]],
    modules: Sequence[str],
    answers: Mapping[str, Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]],
    variables: Mapping[str, Any] | None = None,
    arguments: Sequence[str] = (),
) -> Run:
    """Run tasks on hosts that are all this machine, one after the other.

    Args:
        folder: An empty folder for all files.
        tasks: The tasks of the play.
        groups: The hosts of each group, with their variables.
        modules: The modules that only note their calls.
        answers: For each module its answers, each with the arguments for which it is given; first
            match wins. ``host`` and ``check`` count as arguments.
        variables: Variables of the play.
        arguments: More words for ansible-playbook.
    """
    collection(folder, modules)
    (folder / "answers.json").write_text(json.dumps(answers))
    inventory = {
        group: {
            "hosts": {
                host: {"ansible_remote_tmp": str(folder / "hosts" / host), **more}
                for host, more in hosts.items()
            }
        }
        for group, hosts in groups.items()
    }
    of_all = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    (folder / "hosts.yml").write_text(json.dumps({"all": {"vars": of_all}, **inventory}))
    play = {"hosts": "all", "gather_facts": False, "vars": variables or {}, "tasks": list(tasks)}
    (folder / "play.yml").write_text(json.dumps([{**play, "any_errors_fatal": True}]))
    done = subprocess.run(
        playbook_command("-i", "hosts.yml", "play.yml", *arguments),
        cwd=folder,
        env=playbook_environment(
            ANSIBLE_COLLECTIONS_PATH=str(folder),
            ANSIBLE_CALLBACKS_ENABLED="elk.swarm.next_command",
            # Where it notes background tasks. It may look for them in another home than $HOME.
            ANSIBLE_ASYNC_DIR=str(folder / "async"),
            ANSIBLE_FORKS="1",
            ANSIBLE_HOME=str(folder / "home"),
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    calls = folder / "calls"
    lines = calls.read_text().splitlines() if calls.exists() else []
    found = [Call(**json.loads(line)) for line in lines]
    return Run(done.returncode, done.stdout + done.stderr, found)
