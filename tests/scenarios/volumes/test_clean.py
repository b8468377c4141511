"""The table of all volumes, and the removal of volumes by name."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.volumes.conftest import HOST, PREFIX

if TYPE_CHECKING:
    from tests.harness.lab import Run
    from tests.scenarios.volumes.conftest import Host

pytestmark = pytest.mark.usefixtures("clean")

AUDIT = "playbooks/volumes_audit.yml"
CLEAN = "playbooks/volumes_clean.yml"
USED, LEFT = f"{PREFIX}used", f"{PREFIX}left"
CONFIRMED = ("-e", "volumes_clean_confirm=elk")


def run(host: Host, playbook: str, *options: str) -> Run:
    done = host.lab.run(playbook, *options)
    done.finish()
    return done


def named(*volumes: str) -> tuple[str, str]:
    return "-e", json.dumps({"volumes_clean": [f"{HOST}/{name}" for name in volumes]})


def flat(done: Run) -> str:
    return " ".join(done.text.split())


def two_volumes(host: Host) -> None:
    """Make one volume that a stopped container uses, and one that nothing uses."""
    host.shell(
        f"docker volume create {LEFT}; docker volume create {USED};"
        f" docker create --name {PREFIX}holder -v {USED}:/data {host.image} true"
    )


def test_the_table_shows_which_volumes_are_unused(host: Host) -> None:
    two_volumes(host)
    done = run(host, AUDIT)
    assert done.process.returncode == 0, done.text
    assert set(done.changes.values()) == {0}
    assert re.search(rf"{HOST}\s+{LEFT}\s+local\s+0 B\s+\d+ \w+\s+yes\s+no container", done.text)
    assert re.search(
        rf"{HOST}\s+{USED}\s+local.*\bno\s+container {PREFIX}holder \(created\)", done.text
    )
    assert host.volumes() == [LEFT, USED]


def test_one_volume_in_use_prevents_every_removal(host: Host) -> None:
    two_volumes(host)
    done = run(host, CLEAN, *named(LEFT, USED), *CONFIRMED)
    assert done.process.returncode != 0
    assert f"Nothing was removed. {HOST}/{USED} is no orphan: container {PREFIX}holder" in flat(
        done
    )
    assert host.volumes() == [LEFT, USED]


def test_volumes_are_shown_before_the_confirmation(host: Host) -> None:
    two_volumes(host)
    for options in ((), ("-e", "volumes_clean_confirm=other")):
        done = run(host, CLEAN, *named(LEFT), *options)
        assert done.process.returncode != 0
        assert done.text.index(f"{LEFT}  local") < done.text.index("Nothing was removed.")
        assert "-e volumes_clean_confirm=elk" in flat(done)
        assert host.volumes() == [LEFT, USED]


def test_only_the_named_volumes_are_removed(host: Host) -> None:
    two_volumes(host)
    checked = run(host, CLEAN, "--check", *named(LEFT), *CONFIRMED)
    assert checked.changes[HOST] == 1, checked.text
    assert host.volumes() == [LEFT, USED]
    done = run(host, CLEAN, *named(LEFT), *CONFIRMED)
    assert (done.process.returncode, done.changes[HOST]) == (0, 1), done.text
    assert host.volumes() == [USED]
    for options in ((), ("--check",)):
        again = run(host, CLEAN, *options, *named(LEFT), *CONFIRMED)
        assert (again.process.returncode, again.changes[HOST]) == (0, 0), again.text
        assert f"Not there any more: {HOST}/{LEFT}" in flat(again)
