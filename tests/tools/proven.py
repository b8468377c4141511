# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which scenarios have passed, at which commit, and which must run again.

A scenario covers its own folder, the tests that it runs, and what its ``covers.txt`` lists. It is
stale when one of these has changed since the commit at which it passed.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import yaml

from repo import ROOT

HEAD_OF_FILE = """\
---
# Written when a scenario passes: at which commit, when, and in how many seconds, with one or two
# others beside it. `make test-stale` runs those whose subject has changed since.
"""


@dataclass(frozen=True)
class Proof:
    """The commit at which a scenario passed."""

    commit: str
    date: str
    seconds: int


@dataclass(frozen=True)
class Stale:
    """A scenario that must run again."""

    name: str
    # How many commits changed what it covers; None if it never passed at a known commit.
    changes: int | None
    # How long it took last time, if known.
    seconds: int | None


class Proofs:
    """The scenarios of a repository, and the file with the commits at which they passed."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self.file = root / "tests" / "proven.yml"

    def scenarios(self) -> list[str]:
        return sorted(path.parent.name for path in self.root.glob("molecule/*/molecule.yml"))

    def declared(self, scenario: str) -> list[str]:
        """The entries of covers.txt. Raises FileNotFoundError."""
        return (self.root / "molecule" / scenario / "covers.txt").read_text().split()

    def covered(self, scenario: str) -> list[str]:
        """Paths and patterns in the notation of git."""
        folder = f"molecule/{scenario}"
        tests = re.findall(
            r"\btests/scenarios/\w+", (self.root / folder / "molecule.yml").read_text()
        )
        # Its tests import these.
        harness = ["tests/harness"] if tests else []
        return [folder, *dict.fromkeys(tests), *harness, *self.declared(scenario)]

    def read(self) -> dict[str, Proof]:
        if not self.file.exists():
            return {}
        noted = yaml.safe_load(self.file.read_text()) or {}
        return {name: Proof(**proof) for name, proof in noted.items()}

    def note(self, scenario: str, commit: str, seconds: float) -> None:
        """Record that a scenario passed at a commit."""
        proof = Proof(commit, f"{datetime.now(UTC):%Y-%m-%d}", round(seconds))
        noted = {**self.read(), scenario: proof}
        lines = {name: asdict(noted[name]) for name in sorted(noted)}
        self.file.write_text(HEAD_OF_FILE + yaml.safe_dump(lines, sort_keys=False))

    def head(self) -> str:
        return self._git("rev-parse", "HEAD")

    def is_clean(self, scenario: str) -> bool:
        """Whether all files that a scenario covers are committed."""
        return not self._git("status", "--porcelain", *self._paths(scenario))

    def stale(self) -> list[Stale]:
        """The scenarios that must run again: first those that never passed, then by changes."""
        noted = self.read()
        found = []
        for name in self.scenarios():
            proof = noted.get(name)
            changes = self._changes(proof.commit, name) if proof else None
            if changes != 0:
                found.append(Stale(name, changes, proof.seconds if proof else None))
        return sorted(found, key=lambda one: (one.changes is not None, -(one.changes or 0)))

    def _changes(self, commit: str, scenario: str) -> int | None:
        """How many later commits changed what a scenario covers, plus uncommitted work."""
        known = ["merge-base", "--is-ancestor", commit, "HEAD"]
        if subprocess.run(["git", *known], cwd=self.root, capture_output=True).returncode:
            return None
        changed = self._git("rev-list", "--count", f"{commit}..HEAD", *self._paths(scenario))
        return int(changed) + (not self.is_clean(scenario))

    def _paths(self, scenario: str) -> list[str]:
        """What a scenario covers, as arguments for git, without the list itself."""
        return ["--", *self.covered(scenario), f":!molecule/{scenario}/covers.txt"]

    def _git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.root, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()
