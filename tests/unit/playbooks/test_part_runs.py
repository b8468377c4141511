# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs with the tags of one part, or on some of the hosts."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from repo import ROOT
from tests.harness.playbook import Outcome, playbook_command, playbook_environment

if TYPE_CHECKING:
    from pathlib import Path

# The parts of site.yml, in their order.
PARTS = ("hosts", "cluster", "stack", "verify")
TAGS = ("hosts", "preflight", "cluster")
GROUPS = {
    "swarm_managers": ("m1", "m2"),
    "swarm_workers": ("w1",),
    "elasticsearch": ("m2", "w1"),
    "logstash": ("w1",),
    "kibana": ("m1",),
}
HOSTS = ("m1", "m2", "w1")
# What the playbooks do concerns all hosts at once.
NEED_ALL_HOSTS = ("stack", "verify", "upgrade", "restart", "rollback", "rotate", "move_storage")
COMPARISON = "Compare the secrets of the controller with those of the hosts"
LEFT_OUT = "Nothing was changed here. This run leaves out"


def plays(name: str) -> list[dict[str, Any]]:
    """The plays of a playbook, and those of checks.yml in the place of its import."""
    found: list[dict[str, Any]] = []
    for play in yaml.safe_load((ROOT / "playbooks" / f"{name}.yml").read_text()):
        if play.get("ansible.builtin.import_playbook") == "checks.yml":
            tags = {"tags": play["tags"]} if "tags" in play else {}
            found += [{**one, **tags} for one in plays("checks")]
        else:
            found.append(play)
    return found


def tags_of(item: dict[str, Any]) -> set[str]:
    return set(item.get("tags") or ())


def run(folder: Path, name: str, *words: str) -> Outcome:
    """Run a part on this machine, without the comparison, which looks for Docker."""
    parts = plays(name)
    for play in parts:
        for key in ("pre_tasks", "tasks"):
            if key in play:
                play[key] = [task for task in play[key] if task.get("name") != COMPARISON]
    (folder / "play.yml").write_text(yaml.safe_dump(parts, sort_keys=False))
    variables = {
        "ansible_connection": "local",
        "ansible_become": False,
        "ansible_python_interpreter": sys.executable,
        "elk_local_dir": str(folder / "secrets"),
        # The specs make no secret: the comparison has not run.
        "elk_make_secrets": False,
    }
    inventory: dict[str, Any] = {
        name: {"hosts": {host: {} for host in hosts}} for name, hosts in GROUPS.items()
    }
    (folder / "hosts.yml").write_text(json.dumps({"all": {"vars": variables}, **inventory}))
    done = subprocess.run(
        playbook_command("-i", "hosts.yml", "play.yml", *words),
        cwd=folder,
        env=playbook_environment(ANSIBLE_HOME=str(folder / "home"), ANSIBLE_LOCALHOST_WARNING="0"),
        capture_output=True,
        text=True,
        check=False,
    )
    return Outcome(done.returncode, done.stdout + done.stderr)


def test_every_tag_is_known_here() -> None:
    found = {tag for name in PARTS for play in plays(name) for tag in tags_of(play)}
    assert found == set(TAGS)


@pytest.mark.parametrize("name", PARTS)
def test_tags_of_another_part_need_nothing(tmp_path: Path, name: str) -> None:
    """Ansible checks the specs of roles with every tag, also where it gathers no facts."""
    own = {tag for play in plays(name) for tag in tags_of(play)}
    # One run for all tags of other parts. With a limit, facts of other hosts are missing as well.
    others = ",".join([*sorted(set(TAGS) - own), "no-such-part"])
    outcome = run(tmp_path, name, "--tags", others, "--limit", "localhost,m1")
    assert outcome.code == 0, outcome.output
    assert outcome.changed == {}
    assert not (tmp_path / "secrets").exists()


@pytest.mark.parametrize("tag", TAGS)
def test_a_tag_brings_the_facts_that_its_roles_read(tag: str) -> None:
    """Ansible gathers facts of a play with tags only if one of the tags runs."""
    facts = False
    for name in PARTS:
        for play in plays(name):
            if play["hosts"] == "localhost" or tag not in tags_of(play):
                continue
            facts = facts or play.get("gather_facts") is True
            assert facts, f"{name}.yml: {play['name']}"


@pytest.mark.parametrize("name", ["hosts", "cluster", "stack", "verify"])
def test_a_play_without_facts_gathers_them_if_another_was_skipped(name: str) -> None:
    for play in plays(name):
        if "roles" in play and play.get("gather_facts") is False:
            first = play["pre_tasks"][0]
            assert "ansible.builtin.setup" in first
            assert "is not defined" in first["when"]


@pytest.mark.parametrize("group", GROUPS)
def test_the_services_need_all_hosts(tmp_path: Path, group: str) -> None:
    outcome = run(tmp_path, "stack", "--limit", group)
    missing = ", ".join(host for host in HOSTS if host not in GROUPS[group])
    assert f"{LEFT_OUT} {missing}, and" in outcome.text, outcome.output
    assert "without --limit" in outcome.text


@pytest.mark.parametrize("name", NEED_ALL_HOSTS)
def test_hosts_that_are_left_out_are_named_first(name: str) -> None:
    """Before any role but preflight, which changes nothing."""
    seen: list[str] = []
    for play in plays(name):
        for key in ("pre_tasks", "roles", "tasks"):
            for item in play.get(key) or ():
                # A tag of its own would stop runs of other parts, or not run with this one.
                called = item.get("ansible.builtin.import_role") or {}
                if called.get("tasks_from") == "all_hosts.yml":
                    assert tags_of(item) == set()
                    seen.append("all_hosts")
                elif "elk.swarm." in str(item) and item.get("name") != COMPARISON:
                    seen.append(str(item.get("role") or item.get("name")))
    assert "all_hosts" in seen[:2]
    assert set(seen[: seen.index("all_hosts")]) <= {"elk.swarm.preflight"}
