# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks for modules and their twins, and the tables of differences made from their results."""

from __future__ import annotations

import doctest
from pathlib import Path
from typing import Any

import ansible_collections.community.docker as community_docker
import pytest
import yaml

import peers
from peers import Results, Subject, Task

MODULES = Path(next(iter(community_docker.__path__))) / "plugins" / "modules"
SUBJECTS = {subject.peer: subject for subject in peers.subjects()}
CONNECTION = {
    *("api_version", "ca_path", "client_cert", "client_key", "debug", "docker_host", "timeout"),
    *("tls", "tls_hostname", "use_ssh_client", "validate_certs"),
}


def test_examples() -> None:
    assert doctest.testmod(peers).failed == 0


def test_the_page_the_tasks_and_their_results_agree() -> None:
    """Every row of a table is the result of a task, and every other result has its row."""
    tables, wrong = peers.read_all()
    assert wrong == []
    assert set(tables) == set(SUBJECTS)
    text = peers.PAGE.read_text()
    assert peers.page(text, tables) == text


def test_there_are_enough_tasks() -> None:
    counts = {
        name: len([task for task in subject.calls if not task.adopts])
        for name, subject in SUBJECTS.items()
    }
    assert counts["docker_swarm_service"] >= 150
    assert counts["docker_plugin"] >= 27
    assert counts["docker_volume"] >= 50
    four = {"check", "apply", "check again", "apply again"}
    states = {task.name.rpartition(": ")[2] for task in SUBJECTS["docker_swarm_service"].calls}
    assert states == {*four, "adopt"}


def options_of(name: str) -> dict[str, Any]:
    """The documented options of a module of community.docker."""
    source = (MODULES / f"{name}.py").read_text()
    text = source.partition('DOCUMENTATION = r"""')[2].partition('"""')[0]
    return dict(yaml.safe_load(text)["options"])


@pytest.mark.parametrize("name", ["docker_swarm_service", "docker_plugin", "docker_volume"])
def test_every_option_of_the_peer_is_tried(name: str) -> None:
    tried: dict[str, set[str]] = {}
    for task in SUBJECTS[name].calls:
        for option, value in {**task.options, **task.peer}.items():
            inner = tried.setdefault(option, set())
            for one in value if isinstance(value, list) else [value]:
                inner |= set(one) if isinstance(one, dict) else set()
    for option, about in options_of(name).items():
        if option in CONNECTION:
            continue
        assert option in tried or set(about.get("aliases") or ()) & set(tried), option
        assert set(about.get("suboptions") or ()) <= tried[option], option


def subject(*tasks: Task, differs: dict[str, str] | None = None) -> Subject:
    words = {"d": {"task": "a | b", "peer": "p", "ours": "o"}}
    return Subject("docker_x", "x", tasks, {}, "", words, differs or {})


def test_modules_and_options_of_a_task() -> None:
    one = Task("n", options={"a": "@t@"}, peer={"b": 1}, ours={"c": 2})
    adopt = Task("n", options={"a": 0}, peer={"b": 1}, ours={"c": 2}, adopts=True)
    info = Task("n", info=True)
    all_of_them = subject(one, adopt, info)
    assert all_of_them.options(one, {"t": "v"}, ours=False) == {"a": "v", "b": 1}
    assert all_of_them.options(one, {"t": "v"}, ours=True) == {"a": "v", "c": 2}
    assert all_of_them.module(one, ours=False) == "community.docker.docker_x"
    assert all_of_them.module(info, ours=True) == "elk.swarm.x_info"
    # Also in the run of the peer.
    assert all_of_them.module(adopt, ours=False) == "elk.swarm.x"
    assert all_of_them.options(adopt, {}, ours=False) == {"a": 0, "c": 2}


def test_comparison() -> None:
    one, adopt = Task("one", "c"), Task("adopt", "c", adopts=True)
    plays = {False: {"one": "changed", "adopt": "changed"}, True: {"one": "ok"}}
    found = peers.compare(subject(one, Task("r", run="x"), adopt), lambda ours: plays[ours])
    assert found == {"one": ("changed", "ok"), "adopt": ("ok", "changed")}


def test_problems() -> None:
    both = subject(Task("one", "c"), Task("two", "e"), differs={"e": "d"})

    def problems(**tasks: tuple[str, str]) -> str:
        return "\n".join(peers.problems(both, Results("", "", tasks)))

    fine = {"one": ("ok", "ok"), "two": ("ok", "failed")}
    assert problems(**fine) == ""
    assert "one has no result" in problems(two=fine["two"])
    assert "there is no task three" in problems(**fine, three=("ok", "ok"))
    assert "one differs (ok, failed)" in problems(**{**fine, "one": ("ok", "failed")})
    same = problems(**{**fine, "two": ("ok", "ok")})
    assert "e is said to differ, and does not" in same
    assert "the difference d has no task" in same


def test_table_and_page() -> None:
    both = subject(Task("one", "c"), Task("two", "e"), differs={"e": "d"})
    results = Results("Docker 1", "2", {"one": ("ok", "ok"), "two": ("ok", "failed")})
    made = peers.table(both, results)
    assert "[2 tasks](" in made
    assert "community.docker 2 on Docker 1; 1 came to the same result" in made
    assert made.endswith("| a \\| b | p | o |")
    text = f"before\n{peers.BEGIN.format('docker_x')}\nold\n{peers.END}\nafter\n"
    whole = peers.page(text, {"docker_x": made})
    assert "old" not in whole
    assert whole.startswith("before\n")
    assert whole.endswith(f"\n\n{peers.END}\nafter\n")
    assert peers.page(whole, {"docker_x": made}) == whole
    with pytest.raises(ValueError, match="has no line"):
        peers.page("", {"docker_x": made})


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    long = "changed, diff: " + '"' * 90
    results = Results("e", "c", {"a: b": ("ok", "changed"), "long": (long, long)})
    peers.write_results(subject(), results, tmp_path / "x.yml")
    assert peers.read_results(tmp_path / "x.yml") == results


def test_two_cases_of_one_name_are_refused(tmp_path: Path) -> None:
    text = peers.FOLDER.joinpath("docker_swarm_service_info.yml").read_text()
    path = tmp_path / "docker_x.yml"
    path.write_text(text.replace("case: A service,", "case: No name,"))
    with pytest.raises(ValueError, match="two cases"):
        peers.load(path)
