# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare modules with their twins in community.docker, and write the tables of differences.

``tests/scenarios/peers/<module>.yml`` has the tasks, and ``results/<module>.yml`` beside it what
each task did with both modules when the scenario ran last. ``docs/from-community-docker.md`` has a
table for each module, made from both.

Usage: ``python tests/tools/peers.py --docs`` or ``--check``.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from docs_markdown import cell
from repo import ROOT

FOLDER = ROOT / "tests" / "scenarios" / "peers"
PAGE = ROOT / "docs" / "from-community-docker.md"
CHECKS = ("check", "check again")
# Characters of a value in the results.
MOST_SHOWN = 100
LONGEST_LINE = 130
BEGIN, END = "<!-- made by tests/tools/peers.py: {} -->", "<!-- end -->"
HEAD_OF_RESULTS = """\
---
# Written by the scenario peers: what each task did with {peer} and with elk.swarm.{ours}.
# RECORD=1 make test ONLY=peers writes it anew; the scenario fails if a result differs.
"""

Options = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """One task of a play: a call of the module, or a command that prepares the next ones."""

    name: str
    case: str = ""
    run: str = ""
    info: bool = False
    check: bool = False
    # Options for both modules, and those that only one of them gets.
    options: Options = field(default_factory=dict)
    peer: Options = field(default_factory=dict)
    ours: Options = field(default_factory=dict)
    # The value of the result that is compared too, as a path with dots.
    show: str = ""
    # Ours, in check mode, on what the peer has made.
    adopts: bool = False


@dataclass(frozen=True)
class Subject:
    """The tasks for one module and its twin."""

    peer: str
    ours: str
    tasks: tuple[Task, ...]
    tokens: dict[str, str]
    clean: str
    # The words about each kind of difference: task, peer, ours.
    words: dict[str, dict[str, str]]
    # Case: the name of its difference.
    differs: dict[str, str]

    @property
    def calls(self) -> list[Task]:
        """The tasks whose results are recorded."""
        return [task for task in self.tasks if not task.run]

    def module(self, task: Task, *, ours: bool) -> str:
        """The name of the module that a task calls."""
        ours = ours or task.adopts
        name = self.ours if ours else self.peer
        prefix = "elk.swarm" if ours else "community.docker"
        return f"{prefix}.{name}_info" if task.info else f"{prefix}.{name}"

    def options(self, task: Task, tokens: Mapping[str, str], *, ours: bool) -> Options:
        given = {**task.options, **(task.ours if ours or task.adopts else task.peer)}
        return dict(with_tokens(given, tokens))


def with_tokens(value: Any, tokens: Mapping[str, str]) -> Any:
    """A value of a task with the values of its tokens.

    >>> with_tokens({"a": ["@id@:1"]}, {"id": "x"})
    {'a': ['x:1']}
    """
    if isinstance(value, Mapping):
        return {key: with_tokens(one, tokens) for key, one in value.items()}
    if isinstance(value, list):
        return [with_tokens(one, tokens) for one in value]
    if isinstance(value, str):
        return re.sub(r"@(\w+)@", lambda found: tokens.get(found[1], found[0]), value)
    return value


def _each(options: Mapping[str, list[Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(group, case): a service with an option, with another value of it, and without it."""
    short = ["apply", "apply again"]
    for option, (first, second) in options.items():
        group = f"each-{option}"
        yield group, {"case": option, "options": {option: first}}
        another = {"case": f"{option}, another value", "options": {option: second}}
        yield group, {**another, "states": short}
        gone = {"case": f"{option} is left out", "options": {}, "differs": "unnamed"}
        yield group, {**gone, "states": short}


def _cases(text: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(group, case) of a file."""
    yield from _each(text.get("each") or {})
    for group, cases in text["groups"].items():
        for case in cases:
            name = {"case": f"{group}: {case['case']}"} if "case" in case else {}
            yield group, {**case, **name}


def load(path: Path) -> Subject:
    """The tasks of a file."""
    text = yaml.safe_load(path.read_text())
    names_services = text["peer"] == "docker_swarm_service"
    tasks: list[Task] = []
    differs: dict[str, str] = {}
    for group, case in _cases(text):
        if "run" in case:
            tasks.append(Task(case["run"].partition("@")[0].strip(), run=case["run"]))
            continue
        name = str(case["case"])
        if name in {task.case for task in tasks}:
            raise ValueError(f"{path.name}: two cases are named {name!r}")
        if "differs" in case:
            differs[name] = case["differs"]
        own = {"name": f"peer-{group.replace('_', '-')}"} if names_services else {}
        options = {**own, **text["defaults"], **(case.get("options") or {})}
        options = {key: value for key, value in options.items() if value is not None}
        info = case.get("module") == "info"
        extra = {} if info or case.get("as_it_is") else text["defaults_ours"]
        peer = {**(text.get("defaults_peer") or {}), **(case.get("peer") or {})}
        common: dict[str, Any] = {
            "case": name,
            "info": info,
            "options": options,
            "peer": {} if info else peer,
            "ours": {**extra, **(case.get("ours") or {})},
        }
        states = case.get("states") or text["states"]
        for state in states:
            full = f"{name}: {state}"
            check = state in CHECKS
            tasks.append(Task(full, check=check, show=case.get("show", ""), **common))
        # A case that runs only once is one that is refused.
        if text.get("adopts") and "apply again" in states and case.get("adopts", True):
            tasks.append(Task(f"{name}: adopt", check=True, adopts=True, **common))
    return Subject(
        peer=text["peer"],
        ours=text["ours"],
        tasks=tuple(tasks),
        tokens=text["tokens"],
        clean=text["clean"],
        words=text["differences"],
        differs=differs,
    )


def paths(folder: Path = FOLDER) -> list[Path]:
    return sorted(folder.glob("docker_*.yml"))


def subjects(folder: Path = FOLDER) -> list[Subject]:
    return [load(path) for path in paths(folder)]


# -- results ---------------------------------------------------------------------------------


def outcome(result: Mapping[str, Any], show: str = "") -> str:
    """What a task did, as it is recorded.

    >>> outcome({"changed": True, "image": {"id": "x"}}, "image.id")
    'changed, image.id: x'
    >>> outcome({"failed": True})
    'failed'
    """
    if result.get("failed"):
        return "failed"
    text = "changed" if result.get("changed") else "ok"
    if not show:
        return text
    value: Any = result
    for part in show.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    shown = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return f"{text}, {show}: {shown[:MOST_SHOWN]}"


@dataclass(frozen=True)
class Results:
    """What each task did, and where."""

    engine: str
    collection: str
    # Task: what it did with the peer, and with ours. A task that adopts has no result of the peer.
    tasks: dict[str, tuple[str, str]]

    @property
    def differing(self) -> list[str]:
        return [name for name, (peer, ours) in self.tasks.items() if peer != ours]


def write_results(subject: Subject, results: Results, path: Path) -> None:
    lines = [HEAD_OF_RESULTS.format(peer=subject.peer, ours=subject.ours)]
    lines.append(f"engine: {json.dumps(results.engine)}\n")
    lines.append(f"collection: {json.dumps(results.collection)}\ntasks:\n")
    for name, (peer, ours) in results.tasks.items():
        line = f"  {json.dumps(name)}: {json.dumps([peer, ours])}\n"
        if len(line) > LONGEST_LINE:
            line = f"  {json.dumps(name)}:\n    - {json.dumps(peer)}\n    - {json.dumps(ours)}\n"
        lines.append(line)
    path.write_text("".join(lines))


def read_results(path: Path) -> Results:
    text = yaml.safe_load(path.read_text())
    tasks = {name: (peer, ours) for name, (peer, ours) in text["tasks"].items()}
    return Results(text["engine"], text["collection"], tasks)


def results_path(subject: Subject, folder: Path = FOLDER) -> Path:
    return folder / "results" / f"{subject.peer}.yml"


def compare(subject: Subject, play: Callable[[bool], dict[str, str]]) -> dict[str, tuple[str, str]]:
    """Run the tasks with both modules; ``play`` gets whether it is ours, and returns outcomes.

    What an adoption finds is the result of the peer's run, and has to be ok.
    """
    theirs, ours = play(False), play(True)
    return {
        task.name: ("ok", theirs[task.name])
        if task.adopts
        else (theirs[task.name], ours[task.name])
        for task in subject.calls
    }


def problems(subject: Subject, results: Results) -> list[str]:
    """Tasks without results, differences without words, and words without differences."""
    names = [task.name for task in subject.calls]
    found = [f"{name} has no result" for name in names if name not in results.tasks]
    found += [f"there is no task {name}" for name in results.tasks if name not in names]
    case_of = {task.name: task.case for task in subject.calls}
    differing = {case_of[name] for name in results.differing if name in case_of}
    found += [
        f"{name} differs ({results.tasks[name][0]}, {results.tasks[name][1]}), and no difference of"
        " the file says it: set differs"
        for name in results.differing
        if name in case_of and case_of[name] not in subject.differs
    ]
    used = {subject.differs[case] for case in differing if case in subject.differs}
    found += [
        f"{case} is said to differ, and does not"
        for case in subject.differs
        if case not in differing
    ]
    found += [f"the difference {name} has no words" for name in used - set(subject.words)]
    found += [f"the difference {name} has no task" for name in set(subject.words) - used]
    return [f"{subject.peer}: {text}" for text in found]


# -- the page --------------------------------------------------------------------------------


def table(subject: Subject, results: Results) -> str:
    """The table of differences of one module, with a sentence about where it comes from."""
    case_of = {task.name: task.case for task in subject.calls}
    rows: dict[str, list[str]] = {name: [] for name in subject.words}
    for name in results.differing:
        key = subject.differs.get(case_of.get(name, ""))
        if key in rows:
            rows[key].append(name)
    adopted = {task.name for task in subject.calls if task.adopts}
    both = [name for name in results.tasks if name not in adopted]
    same = [name for name in both if name not in results.differing]
    tasks = f"[{len(both)} tasks](../tests/scenarios/peers/{subject.peer}.yml)"
    where = f"with community.docker {results.collection} on {results.engine}"
    lines = [
        f"{tasks} ran with both modules, {where}; {len(same)} came to the same result. The others:",
        "",
        f"| Task | {subject.peer} | elk.swarm.{subject.ours} |",
        "|---|---|---|",
    ]
    for name, found in rows.items():
        if found:
            words = subject.words[name]
            lines.append(
                f"| {' | '.join(cell([words[key]]) for key in ('task', 'peer', 'ours'))} |"
            )
    if adopted:
        kept = len(adopted - set(results.differing))
        made = f"{len(adopted)} times elk.swarm.{subject.ours} looked at what {subject.peer} had"
        lines += [
            "",
            f"{made} just made, with the same options. {kept} times it would change nothing.",
        ]
    return "\n".join(lines)


def page(text: str, tables: Mapping[str, str]) -> str:
    """The page with the tables between their marks."""
    for name, made in tables.items():
        begin = BEGIN.format(name)
        before, mark, rest = text.partition(begin)
        if not mark:
            raise ValueError(f"{PAGE.name} has no line {begin}")
        _old, end, after = rest.partition(END)
        text = f"{before}{mark}\n\n{made}\n\n{end}{after}"
    return text


def read_all() -> tuple[dict[str, str], list[str]]:
    """The tables by module, and what is wrong."""
    tables: dict[str, str] = {}
    wrong: list[str] = []
    for subject in subjects():
        path = results_path(subject)
        if not path.exists():
            wrong.append(f"{subject.peer}: {path.name} is missing; run the scenario peers")
            continue
        results = read_results(path)
        wrong += problems(subject, results)
        tables[subject.peer] = table(subject, results)
    return tables, wrong


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="fail if anything is wrong")
    action.add_argument("--docs", action="store_true", help=f"write docs/{PAGE.name}")
    tables, wrong = read_all()
    present = PAGE.read_text()
    wanted = page(present, tables)
    if parser.parse_args(arguments).docs:
        PAGE.write_text(wanted)
    elif wanted != present:
        wrong.append(f"docs/{PAGE.name} is not up to date: run `make docs`")
    for text in wrong:
        print(text)
    print(f"peers: {len(tables)} tables, {len(wrong)} problems")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
