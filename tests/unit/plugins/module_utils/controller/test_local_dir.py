# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The secrets folder, which no inventory may read as host names."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.controller.local_dir import (
    Inventory,
    better,
    default,
)
from tests.harness.playbook import playbook_command, playbook_environment

HOSTS = (
    "swarm_managers:\n  hosts:\n"
    f"    m1: {{ansible_connection: local, ansible_python_interpreter: {sys.executable}}}\n"
)


def project(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HOSTS if path.name == "hosts.yml" else "aSecretOfLetters\n")
    return folder


def test_beside_a_file(tmp_path: Path) -> None:
    project(tmp_path, "hosts.yml")
    inventory = Inventory((str(tmp_path / "hosts.yml"),))
    assert default(str(tmp_path), inventory) == str(tmp_path / "credentials")


def test_beside_a_folder(tmp_path: Path) -> None:
    project(tmp_path, "ha/hosts.yml")
    inventory = Inventory((str(tmp_path / "ha"),))
    assert default(str(tmp_path / "ha"), inventory) == str(tmp_path / "ha-credentials")


def test_beside_the_outermost_folder_that_is_read(tmp_path: Path) -> None:
    project(tmp_path, "inv/ha/hosts.yml")
    inventory = Inventory((str(tmp_path / "inv"),))
    assert better(str(tmp_path / "inv/ha"), inventory) == str(tmp_path / "inv-credentials")


def test_two_platforms_never_share_a_folder(tmp_path: Path) -> None:
    found = {
        default(str(tmp_path / name), Inventory((str(tmp_path / name),)))
        for name in ("ha", "example")
        if project(tmp_path, f"{name}/hosts.yml")
    }
    assert len(found) == 2


@pytest.mark.parametrize("made", ["ha/credentials", "ha-credentials"])
@pytest.mark.parametrize("source", ["ha", "ha/hosts.yml"])
def test_a_folder_with_secrets_stays_in_use(tmp_path: Path, made: str, source: str) -> None:
    project(tmp_path, "ha/hosts.yml", f"{made}/elastic_password")
    found = default(str(tmp_path / "ha"), Inventory((str(tmp_path / source),)))
    assert found == str(tmp_path / made)


def test_what_ansible_reads(tmp_path: Path) -> None:
    project(tmp_path, "ha/hosts.yml")
    source = str(tmp_path / "ha")
    plain = Inventory((source,))
    assert plain.reader_of(f"{source}/credentials") == source
    assert plain.reader_of(f"{source}/deep/er/credentials") == source
    assert plain.reader_of(source) == source
    assert plain.reader_of(f"{source}-credentials") == ""
    for ignored in (".secrets", "group_vars/credentials", "host_vars"):
        assert plain.reader_of(f"{source}/{ignored}") == ""
    assert Inventory((source,), ("^credentials$",)).reader_of(f"{source}/credentials") == ""
    assert Inventory((source,), (), (".kept",)).reader_of(f"{source}/my.kept") == ""
    assert Inventory((f"{source}/hosts.yml", "m1,")).reader_of(f"{source}/credentials") == ""


def test_links_are_followed_as_ansible_does(tmp_path: Path) -> None:
    project(tmp_path, "ha/hosts.yml", "secure/elastic_password")
    (tmp_path / "ha" / "kept").symlink_to(tmp_path / "secure")
    (tmp_path / "alias").symlink_to(tmp_path / "ha")
    assert Inventory((str(tmp_path / "ha"),)).reader_of(str(tmp_path / "secure"))
    assert Inventory((str(tmp_path / "alias"),)).reader_of(str(tmp_path / "ha" / "credentials"))


def play(folder: Path, source: str, **settings: str) -> dict[str, str]:
    """The default of the role in a run, and the inventory that reads it."""
    (folder / "play.yml").write_text(
        json.dumps(
            [
                {
                    "hosts": "swarm_managers",
                    "gather_facts": False,
                    "tasks": [
                        {
                            "ansible.builtin.import_role": {
                                "name": "elk.swarm.elk",
                                "tasks_from": "defaults.yml",
                            }
                        },
                        {
                            "ansible.builtin.copy": {
                                "content": "{{ {'dir': elk_local_dir,"
                                " 'reader': lookup('elk.swarm.local_dir', elk_local_dir)} }}",
                                "dest": str(folder / "found.json"),
                            }
                        },
                    ],
                }
            ]
        )
    )
    done = subprocess.run(
        playbook_command("-i", str(folder / source), str(folder / "play.yml")),
        env=playbook_environment(ANSIBLE_HOME=str(folder / "home"), **settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, str] = json.loads((folder / "found.json").read_text())
    return found


def test_the_default_in_a_run(tmp_path: Path) -> None:
    project(tmp_path, "ha/hosts.yml", "plain/hosts.yml")
    assert play(tmp_path, "ha") == {"dir": str(tmp_path / "ha-credentials"), "reader": ""}
    beside = str(tmp_path / "plain" / "credentials")
    assert play(tmp_path, "plain/hosts.yml") == {"dir": beside, "reader": ""}


def test_ansible_configuration_can_ignore_the_folder(tmp_path: Path) -> None:
    project(tmp_path, "ha/hosts.yml", "ha/credentials/elastic_password")
    there = str(tmp_path / "ha" / "credentials")
    assert play(tmp_path, "ha") == {"dir": there, "reader": str(tmp_path / "ha")}
    ignored = play(tmp_path, "ha", ANSIBLE_INVENTORY_IGNORE_REGEX="^credentials$")
    assert ignored == {"dir": there, "reader": ""}


def test_ansible_itself_reads_the_same_files(tmp_path: Path) -> None:
    """If Ansible changes what it ignores, local_dir.py must change, too."""
    project(tmp_path, "ha/hosts.yml")
    for name in ("credentials", ".credentials", "group_vars", "x.cfg"):
        (tmp_path / "ha" / name).mkdir()
        (tmp_path / "ha" / name / "file").write_text(f"[from]\nhost{name.strip('.')[:4]}\n")
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "inventory", "-i", str(tmp_path / "ha"), "--list"],
        env=playbook_environment(ANSIBLE_HOME=str(tmp_path / "home")),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["from"]["hosts"] == ["hostcred"]
