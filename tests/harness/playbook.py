"""How tests run playbooks: with the configuration of this clone, and with plain text output."""

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
# The last three are only for tests: they reduce the work of the controller.
CALLBACKS = "elk.swarm.next_command,kept_work,loaded_plugins,calm_collector"


@dataclass(frozen=True)
class Outcome:
    """The result of a run."""

    code: int
    output: str
    seconds: float = 0.0

    @property
    def text(self) -> str:
        """The output with single spaces, because Ansible wraps long messages."""
        return re.sub(r"\s+", " ", self.output)

    @property
    def changed(self) -> dict[str, int]:
        """The number of changed tasks for each host that has any.

        >>> Outcome(0, "m1 : ok=9    changed=2    failed=0\\nw1 : ok=9    changed=0").changed
        {'m1': 2}
        """
        found = re.findall(r"^(\S+)\s*: ok=\d+\s+changed=(\d+)", self.output, re.MULTILINE)
        return {host: int(count) for host, count in found if count != "0"}


def lab_inventory() -> dict[str, Any]:
    """The inventory of the lab that ELK_LAB names."""
    done = subprocess.run(
        [sys.executable, "-m", "lab", "inventory"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    inventory: dict[str, Any] = json.loads(done.stdout)
    return inventory


def playbook_command(*words: str) -> list[str]:
    """The ansible-playbook command of this Python."""
    return [sys.executable, "-m", "ansible", "playbook", *words]


def playbook_environment(**settings: str) -> dict[str, str]:
    """The environment of a run; ``settings`` override it."""
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        # Molecule sets this variable for colours, and it overrides ANSIBLE_NOCOLOR.
        "ANSIBLE_FORCE_COLOR": "0",
        # Includes the callback of ansible.cfg, because this setting replaces it.
        "ANSIBLE_CALLBACKS_ENABLED": CALLBACKS,
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests" / "tools" / "callback_plugins"),
        **settings,
    }
    # Many developers set this; it would hide problems with the order of buffered output.
    environment.pop("PYTHONUNBUFFERED", None)
    return environment


def run_in_folder(folder: Path, inventory: str, **settings: str) -> str:
    """Run play.yml of a folder on this machine; Ansible keeps all its files in the folder.

    Returns:
        The output of the run.

    Raises:
        AssertionError: The run failed.
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
