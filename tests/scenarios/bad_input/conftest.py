"""Runs the cases of cases.yml on the lab that ELK_LAB names, two runs at a time."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.harness.playbook import (
    ROOT,
    Outcome,
    lab_inventory,
    playbook_command,
    playbook_environment,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("cases.yml").read_text())
HOST_SCRIPT = Path(__file__).with_name("host.py").read_text()
PLAYBOOK = "playbooks/hosts.yml"

# Seconds. A run that is not refused starts to install Docker; this ends it early.
PATIENCE = 90


def run_of(case: dict[str, Any]) -> str:
    """Name of the run that a case is in."""
    return str(case.get("run", case["case"]))


def merged_runs(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Merge the cases of each run into one, in the order of the cases.

    Raises:
        AssertionError: Two cases change the same value, so one of them would not be tested.
    """
    runs: dict[str, dict[str, Any]] = {}
    for case in cases:
        empty = {"case": run_of(case), "vars": {}, "groups": {}, "hosts": {}, "prepare": {}}
        run = runs.setdefault(run_of(case), empty)
        parts = [(run[part], case.get(part, {})) for part in ("vars", "groups", "prepare")]
        for host, values in case.get("hosts", {}).items():
            parts.append((run["hosts"].setdefault(host, {}), values))
        for there, more in parts:
            assert not there.keys() & more.keys(), f"{run_of(case)}: {there} and {more}"
            there.update(more)
    return list(runs.values())


@dataclass
class Lab:
    """The lab's inventory, and runs of the playbook with changes to it."""

    inventory: dict[str, Any]
    directory: Path
    pending: dict[str, Future[Outcome]] = field(default_factory=dict)

    @property
    def hosts(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self.inventory["_meta"]["hostvars"]
        return found

    def on_host(self, host: str, words: str) -> str:
        """Run host.py on a host, as root."""
        known = self.hosts[host]
        command = [
            "ssh",
            "-i",
            known["ansible_ssh_private_key_file"],
            *shlex.split(known["ansible_ssh_common_args"]),
            f"{known['ansible_user']}@{known['ansible_host']}",
            f"sudo python3 - {words}",
        ]
        done = subprocess.run(
            command, input=HOST_SCRIPT, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"{host}: {words}: {done.stderr}"
        return done.stdout.strip()

    def write_inventory(self, case: dict[str, Any], folder: Path) -> None:
        """Write the lab's inventory with the changes of a case."""
        groups: dict[str, list[str] | None] = {
            name: group["hosts"] for name, group in self.inventory.items() if name != "_meta"
        }
        groups.update(case.get("groups", {}))
        hosts = {name: dict(values) for name, values in self.hosts.items()}
        for name, values in case.get("hosts", {}).items():
            # A host that only a case names is reached like w1.
            hosts.setdefault(name, dict(self.hosts["w1"])).update(values)
        for name, trouble in case.get("prepare", {}).items():
            if trouble.startswith("clock"):
                hosts[name]["ansible_python_interpreter"] = "/opt/trouble/python"
        content = {"all": {"hosts": hosts}} | {
            name: {"hosts": dict.fromkeys(members)}
            for name, members in groups.items()
            if members is not None
        }
        folder.mkdir()
        (folder / "hosts.json").write_text(json.dumps(content))
        (folder / "group_vars").symlink_to(ROOT / "inventories" / "lab" / "group_vars")

    def run(self, case: dict[str, Any]) -> Outcome:
        folder = self.directory / re.sub(r"\W+", "-", case["case"])
        self.write_inventory(case, folder)
        begun = time.monotonic()
        done = subprocess.run(
            playbook_command(
                f"--inventory={folder}",
                f"--extra-vars={json.dumps(case.get('vars', {}))}",
                *case.get("options", []),
                PLAYBOOK,
            ),
            cwd=ROOT,
            # Seconds to wait for a host that does not exist.
            env=playbook_environment(ANSIBLE_TIMEOUT="4"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, time.monotonic() - begun)

    def run_prepared(self, case: dict[str, Any]) -> Outcome:
        """Prepare the hosts, run, and clean the hosts again."""
        troubles = case.get("prepare", {})
        try:
            for host, trouble in troubles.items():
                self.on_host(host, trouble)
            return self.run(case)
        finally:
            for host in troubles:
                self.on_host(host, "clean")

    def run_in_turn(self, cases: list[dict[str, Any]]) -> None:
        for case in cases:
            waiting = self.pending[case["case"]]
            if not waiting.set_running_or_notify_cancel():
                continue
            try:
                waiting.set_result(self.run_prepared(case))
            except Exception as error:  # the test that waits for the case gets it
                waiting.set_exception(error)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The lab, with all runs of the cases started.

    Runs that prepare hosts share these hosts, so one follows the other; all other runs go on beside
    them. A run reports every problem, so a prepared host hides no message of another run.
    """
    lab = Lab(lab_inventory(), tmp_path_factory.mktemp("inventories"))
    good = lab.run({"case": "nothing wrong", "options": ["--tags=preflight"]})
    # If the unchanged lab were refused, no case would prove anything.
    assert good.code == 0, good.output
    runs = merged_runs(CASES)
    prepared = [run for run in runs if run["prepare"]]
    with ThreadPoolExecutor(2) as pool:
        lab.pending = {run["case"]: Future() for run in prepared}
        lanes = [pool.submit(lab.run_in_turn, prepared)]
        for run in runs:
            if not run["prepare"]:
                lab.pending[run["case"]] = pool.submit(lab.run, run)
        yield lab
        for waiting in [*lanes, *lab.pending.values()]:
            waiting.cancel()
