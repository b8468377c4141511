"""How tests run playbooks: with this clone's configuration, and with plain text as output."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
# The last three are for the tests alone: they spare the controller work.
CALLBACKS = "elk.swarm.next_command,kept_work,loaded_plugins,calm_collector"


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    code: int
    output: str
    seconds: float = 0.0

    @property
    def text(self) -> str:
        """The output with every run of white space as one, since messages are folded."""
        return re.sub(r"\s+", " ", self.output)

    @property
    def changed(self) -> dict[str, int]:
        """How many tasks changed something, by host; hosts without any are left out.

        >>> Outcome(0, "m1 : ok=9    changed=2    failed=0\\nw1 : ok=9    changed=0").changed
        {'m1': 2}
        """
        found = re.findall(r"^(\S+)\s*: ok=\d+\s+changed=(\d+)", self.output, re.MULTILINE)
        return {host: int(count) for host, count in found if count != "0"}


def lab_inventory() -> dict[str, Any]:
    """The inventory of the lab that ELK_LAB names."""
    printed = subprocess.run(
        [sys.executable, "-m", "lab", "inventory"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    inventory: dict[str, Any] = json.loads(printed.stdout)
    return inventory


def playbook_command(*words: str) -> list[str]:
    """The command of ansible-playbook, that of this Python."""
    return [sys.executable, "-m", "ansible", "playbook", *words]


def playbook_environment(**settings: str) -> dict[str, str]:
    """Environment of a run; ``settings`` come on top."""
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        # Whoever runs this in colour, as Molecule does, asks for it with a variable that wins.
        "ANSIBLE_FORCE_COLOR": "0",
        # Beside that of ansible.cfg, which this replaces.
        "ANSIBLE_CALLBACKS_ENABLED": CALLBACKS,
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests" / "tools" / "callback_plugins"),
        **settings,
    }
    # A developer's habit, which hides in which order a run's output comes out of its buffers.
    environment.pop("PYTHONUNBUFFERED", None)
    return environment


def run_in_folder(folder: Path, inventory: str, **settings: str) -> str:
    """Run a folder's play.yml on this machine, with nothing kept outside the folder.

    Returns:
        What the run said.

    Raises:
        AssertionError: The run has failed.
    """
    run = subprocess.run(
        playbook_command("-i", inventory, "play.yml"),
        cwd=folder,
        env=playbook_environment(
            ANSIBLE_HOME=str(folder / "home"), ANSIBLE_LOCALHOST_WARNING="0", **settings
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout
