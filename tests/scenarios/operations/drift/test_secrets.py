"""Secrets are where docs/security.md says, and nowhere else in what a run leaves behind."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.operations.drift.traces import documented, needles, search_host

if TYPE_CHECKING:
    from tests.scenarios.operations.drift.standing import Standing
    from tests.scenarios.operations.drift.traces import Watch

# Folders of the lab, which a run on a real controller does not make.
LAB_ONLY = {"docker", "prepared", "hosts"}


@pytest.fixture(scope="module")
def secrets(standing: Standing) -> dict[str, list[str]]:
    return needles(standing)


def holders(text: str, secrets: dict[str, list[str]]) -> list[str]:
    return [name for name, texts in secrets.items() if any(one in text for one in texts)]


def test_the_output_of_a_run_without_changes_has_no_secret(
    standing: Standing, secrets: dict[str, list[str]]
) -> None:
    code, output = standing.run("-vvv", "--diff", "site.yml")
    assert code == 0, output[-4000:]
    assert set(re.findall(r"changed=(\d+)", output)) == {"0"}
    assert holders(output, secrets) == []


def test_no_output_of_any_run_has_a_secret(
    standing: Standing, secrets: dict[str, list[str]]
) -> None:
    first = next(iter(standing.outputs.values()))
    assert "swarm : Join the swarm" in first, "the run that makes everything"
    assert {
        (label, name) for label, text in standing.outputs.items() for name in holders(text, secrets)
    } == set()


def test_no_process_shows_a_secret(watch: Watch, secrets: dict[str, list[str]]) -> None:
    seen = watch.stop()
    commands = {comm for _part, _text, comm, _uid in seen}
    assert {"dockerd", "sudo", "java", "sshd", "ansible-playboo"} <= commands, (
        "the watch saw little"
    )
    found = {
        (name, part, comm, uid) for part, text, comm, uid in seen for name in holders(text, secrets)
    }
    # The image's start script passes the password of its file on to the processes it starts.
    inside = {hit for hit in found if hit[:2] == ("elastic_password", "environ") and hit[3] == 1000}
    assert found - inside == set()


def test_hosts_have_secrets_only_where_documented(
    standing: Standing, secrets: dict[str, list[str]]
) -> None:
    places = documented()
    unexpected, met = [], set()
    for host in standing.hosts:
        result = search_host(standing, host, secrets)
        assert result["files"] > 100, "the search saw little"
        for secret, path, mode, owner in result["found"]:
            allowed = [place for place in places if place.covers(secret, "host", path, mode, owner)]
            if not allowed:
                unexpected.append((host, secret, path, mode, owner))
            met.update(allowed)
    assert unexpected == []
    assert {place for place in places if place.where == "host"} == met, "a row that is not true"


def test_controller_has_secrets_only_where_documented(
    standing: Standing, secrets: dict[str, list[str]]
) -> None:
    places = documented()
    # Ansible puts the version of its format before the name.
    cached = {path.name.rpartition("_")[2] for path in standing.facts.iterdir()}
    assert cached >= set(standing.hosts), "no facts cached"
    roots = [standing.directory, Path("~/.ansible").expanduser()]
    roots += Path(tempfile.gettempdir()).glob("ansible*")
    unexpected, met = [], set()
    for root in roots:
        for folder, folders, names in os.walk(root):
            if Path(folder) == standing.directory:
                folders[:] = [name for name in folders if name not in LAB_ONLY]
            for path in (Path(folder, name) for name in names):
                known = path.lstat()
                if not stat.S_ISREG(known.st_mode):
                    continue
                shown = str(path).replace(str(standing.directory), "elk_local_dir")
                mode = f"{stat.S_IMODE(known.st_mode):04o}"
                for secret in holders(path.read_bytes().decode("latin-1"), secrets):
                    allowed = [
                        place
                        for place in places
                        if place.covers(secret, "controller", shown, mode, "yours")
                    ]
                    if not allowed:
                        unexpected.append((secret, shown, mode))
                    met.update(allowed)
    assert unexpected == []
    assert {place for place in places if place.where == "controller"} == met, (
        "a row that is not true"
    )
    assert stat.S_IMODE(standing.directory.stat().st_mode) == 0o700
