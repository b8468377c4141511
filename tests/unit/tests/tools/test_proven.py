# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is proven, what is stale, and that every part of the collection is some scenario's."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import proven
import scenarios
from repo import ROOT

PARTS = (
    "plugins/callback/*.py",
    "plugins/filter/*.py",
    "plugins/lookup/*.py",
    "plugins/module_utils/**/*.py",
    "plugins/modules/*.py",
    "playbooks/*.yml",
    "roles/*",
)


def parts() -> set[Path]:
    found = {path for pattern in PARTS for path in ROOT.glob(pattern)}
    return {path for path in found if path.name != "__init__.py"}


def test_every_part_of_the_collection_is_covered_by_a_scenario() -> None:
    proofs = proven.Proofs()
    covered = {ROOT / path for name in proofs.scenarios() for path in proofs.covered(name)}
    missing = [
        str(path.relative_to(ROOT)) for path in parts() if not covered & {path, *path.parents}
    ]
    assert sorted(missing) == []


@pytest.mark.parametrize("scenario", proven.Proofs().scenarios())
def test_what_a_scenario_covers_is_there(scenario: str) -> None:
    proofs = proven.Proofs()
    assert [path for path in proofs.covered(scenario) if not (ROOT / path).exists()] == []
    assert proofs.declared(scenario) == sorted(set(proofs.declared(scenario)))


@pytest.fixture
def repository(tmp_path: Path) -> proven.Proofs:
    """Two scenarios: one covers a role, the other a playbook."""
    for name, covers in {"one": "roles/a", "two": "site.yml"}.items():
        folder = tmp_path / "molecule" / name
        folder.mkdir(parents=True)
        (folder / "molecule.yml").write_text(f"TESTS: -x tests/scenarios/{name}/test_it.py\n")
        (folder / "covers.txt").write_text(f"{covers}\n")
    (tmp_path / "tests").mkdir()
    git(tmp_path, "init", "--quiet")
    commit(tmp_path, "site.yml")
    return proven.Proofs(tmp_path)


def git(root: Path, *words: str) -> None:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run(["git", *who, *words], cwd=root, check=True, capture_output=True)


def commit(root: Path, name: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(path.read_text() + "# more\n" if path.exists() else "# first\n")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", name)


def test_what_never_passed_is_stale_and_what_passed_is_not(repository: proven.Proofs) -> None:
    assert repository.covered("one") == [
        *("molecule/one", "tests/scenarios/one", "tests/harness", "roles/a")
    ]
    assert [one.name for one in repository.stale()] == ["one", "two"]
    repository.note("one", repository.head(), 61.4)
    assert repository.read()["one"].seconds == 61
    assert [one.name for one in repository.stale()] == ["two"]


def test_a_change_of_what_it_covers_makes_a_scenario_stale(repository: proven.Proofs) -> None:
    for name in ("one", "two"):
        repository.note(name, repository.head(), 60)
    commit(repository.root, "README.md")
    (repository.root / "molecule/one/covers.txt").write_text("roles/a\nroles/b\n")
    git(repository.root, "commit", "--quiet", "--all", "-m", "covers")
    assert repository.stale() == []
    commit(repository.root, "roles/a/tasks/main.yml")
    commit(repository.root, "site.yml")
    commit(repository.root, "tests/scenarios/two/test_it.py")
    assert repository.stale() == [proven.Stale("two", 2, 60), proven.Stale("one", 1, 60)]


def test_work_that_is_not_committed_makes_a_scenario_stale(repository: proven.Proofs) -> None:
    for name in ("one", "two"):
        repository.note(name, repository.head(), 60)
    assert repository.is_clean("one")
    (repository.root / "molecule" / "one" / "prepare.yml").write_text("[]\n")
    assert not repository.is_clean("one")
    assert [one.name for one in repository.stale()] == ["one"]


def test_a_commit_that_nobody_knows_proves_nothing(repository: proven.Proofs) -> None:
    repository.note("one", "0" * 40, 60)
    assert proven.Stale("one", None, 60) in repository.stale()


def test_what_passed_is_noted_with_the_commit_at_which_it_began(
    repository: proven.Proofs, monkeypatch: pytest.MonkeyPatch
) -> None:
    began_at = repository.head()

    def run(_lanes: scenarios.Lanes, scenario: str, _lane: int) -> bool:
        commit(repository.root, "roles/a/defaults/main.yml")
        return scenario == "one"

    monkeypatch.setattr(scenarios.Lanes, "run", run)
    lanes = scenarios.Lanes(["one", "two"], number=1, proofs=repository, all_of_them=True)
    lanes.work(1)
    noted = repository.read()
    assert [(name, proof.commit) for name, proof in noted.items()] == [("one", began_at)]
    assert lanes.failed == ["two"]


def test_with_changes_that_are_not_committed_nothing_is_noted(
    repository: proven.Proofs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenarios.Lanes, "run", lambda *_: True)
    (repository.root / "site.yml").write_text("other\n")
    scenarios.Lanes(["one", "two"], number=1, proofs=repository).work(1)
    assert list(repository.read()) == ["one"]


def test_what_would_take_longer_than_the_budget_is_left_out() -> None:
    expected = {"long": 1000, "short": 100}
    lanes = scenarios.Lanes(["long", "short", "new"], number=1, expected=expected, budget=600)
    assert lanes.take(1) == "short"
    assert lanes.left_out == ["long", "new"]
    assert "long                    -  skipped: no time" in lanes.table()


def test_a_slow_machine_is_given_fewer_scenarios() -> None:
    expected = {"done": 100, "next": 100}
    lanes = scenarios.Lanes(["next"], number=1, expected=expected, budget=300)
    assert lanes.fits("next")
    lanes.took = {"done": 400.0}
    assert not lanes.fits("next")


def test_two_that_touch_the_same_thing_do_not_run_beside_each_other() -> None:
    lanes = scenarios.Lanes(["firewall", "single_host", "quorum"], number=2)
    assert [lanes.take(1), lanes.take(2), lanes.take(2)] == ["firewall", "quorum", ""]
    lanes.note("firewall", passed=True)
    assert lanes.take(1) == "single_host"


def test_scenarios_wait_while_too_many_hosts_run() -> None:
    hosts = {"five": 5, "four": 4, "two": 2}
    lanes = scenarios.Lanes(["five", "four", "two"], number=2, hosts=hosts)
    assert [lanes.take(1), lanes.take(2), lanes.take(2)] == ["five", "two", ""]
    lanes.note("five", passed=True)
    assert lanes.take(1) == "four"


def test_a_scenario_with_more_hosts_than_allowed_runs_alone() -> None:
    lanes = scenarios.Lanes(["nine"], number=2, hosts={"nine": scenarios.MOST_HOSTS + 2})
    assert lanes.take(1) == "nine"


def test_every_scenario_says_how_many_hosts_it_has() -> None:
    names = [path.parent.name for path in ROOT.glob("molecule/*/molecule.yml")]
    assert all(1 <= scenarios.hosts_of(name) <= scenarios.MOST_HOSTS for name in names)
