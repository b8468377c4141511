"""Run Molecule scenarios, two or three at a time, and say what each took.

Usage: ``python tests/tools/scenarios.py default single_host``, ``--all`` or ``--stale``. Every
scenario brings up a lab of its own, so none can profit from what another left behind; they share
only the daemon, the registry and the images, which are there before the first and go after the
last. Much of a scenario is waiting, in which another one can work: two run all the time, from the
first on, and a third one begins while the processors have time for it, from the last on. LANES=1
runs one at a time, and shows it live.

Of scenarios that are named, the first failure ends the run, once the others have come to their
ends; with --all and --stale the rest goes on. tests/proven.yml says where each has passed. KEEP=1
leaves the hosts of what has failed.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from proven import Proofs
from repo import ROOT

BIN = ROOT / ".venv" / "bin"
LOGS = ROOT / ".lab" / "logs"
# Of a scenario that failed; all of it is in its log. The reasons come last of all, after the table.
LAST_LINES = 150
REASONS = 12
# Characters of a long line: pytest gives the output of a run as one line, whose end says most.
HEAD, TAIL = 120, 480
# What the callback elk.swarm.next_command begins with.
ENDING = "The run has ended before its end"
# Seconds between two signs of life.
PULSE = 60
# Of the processors' time in such a while: with less of it left, nothing more begins.
SPARE = 0.12
# Scenarios that never run beside each other. The first two touch the swap of this whole machine.
# The other two start eight nodes of Elasticsearch at once: where two processors are slow, the
# sessions of Docker's swarms time out, which restarts the nodes, which keeps the processors busy.
APART = ({"firewall", "single_host"}, {"default", "upgrade"})
# Seconds that a scenario may take where nobody has measured it: what the longest one took on a busy
# machine. And how much longer than the last time it may be.
UNKNOWN, SLOWER = 2400, 1.3
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def lab(*words: str) -> None:
    """Do something with the lab that has no hosts and holds what all others share."""
    command = [sys.executable, "-m", "lab", "--state", str(ROOT / ".lab" / "molecule"), *words]
    subprocess.run(command, cwd=ROOT, check=True)


def doing(output: str, tests: str) -> str:
    """What a scenario is at, by its output and that of its tests.

    >>> doing("TASK [Start] *****\\nchanged: [m1]\\n", "")
    'Start'
    >>> doing("TASK [Run the tests] ***\\n", "a.py::test_b PASSED [ 50%]\\na.py::test_c ")
    'a.py::test_c'
    """
    tasks = re.findall(r"^TASK \[(.*)\] \**$", output, re.MULTILINE)
    begun = re.findall(r"^\S+::.*?(?= |$)", tests, re.MULTILINE)
    if tasks and tasks[-1] == "Run the tests" and begun:
        return str(begun[-1])
    return str(tasks[-1]) if tasks else "begins"


def refusal(lines: list[str]) -> list[str]:
    """What the output of ansible-playbook ends with when a task has failed.

    >>> refusal(["PLAY RECAP", "m1 : ok=1", "", "The run has ended before its end:",
    ...          "  m1 failed at \\"B\\": No.", "Then run the same command again"])
    ['  m1 failed at "B": No.', 'Then run the same command again']
    """
    ends = [number for number, line in enumerate(lines) if line.startswith(ENDING)]
    return lines[ends[-1] + 1 :] if ends else []


def shortened(line: str) -> str:
    """A line with its middle left out, if it is long.

    >>> shortened("b" * 120 + "c" * 9 + "d" * 480) == "b" * 120 + " [...] " + "d" * 480
    True
    """
    return line if len(line) <= HEAD + TAIL else f"{line[:HEAD]} [...] {line[-TAIL:]}"


def reasons(output: str, tests: str) -> list[str]:
    """The few lines that say why a scenario failed, for who sees only the end of all output.

    >>> reasons("", "E   assert 3 == 4\\n1 failed\\nFAILED a.py::test_b - assert 3 == 4\\nmore")
    ['assert 3 == 4', 'FAILED a.py::test_b']
    >>> reasons("\\nThe run has ended before its end:\\n  m1 failed at A: No.", "1 passed")
    ['  m1 failed at A: No.']
    """
    lines = tests.splitlines()
    failed = [line.split(" - ")[0] for line in lines if line.startswith(("FAILED ", "ERROR "))]
    said = [re.sub(r"^E +", "", line) for line in lines if re.match(r"E( |$)", line)]
    if not failed:
        said = output.splitlines()
    found = refusal(said) or (said[:REASONS] if failed else said[-REASONS:])
    return [shortened(line) for line in (*found[:REASONS], *failed)]


def processors() -> tuple[int, int]:
    """What all processors have spent, in ticks: idle, and altogether."""
    spent = [int(one) for one in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return spent[3] + spent[4], sum(spent)


@dataclass
class Lanes:
    """Scenarios that wait, run and have ended."""

    waiting: list[str]
    number: int
    running: dict[str, float] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    # Go on after a failure.
    all_of_them: bool = False
    # Where to write down what has passed.
    proofs: Proofs | None = None
    # Seconds in which all has to be done, and what each scenario took last.
    budget: float = float("inf")
    expected: dict[str, int] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    # Which share of the last while the processors had nothing to do.
    idle: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)
    begun: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - self.begun), 60)
        print(f"[{minutes:3}:{seconds:02}] {text}", flush=True)

    def work(self, lane: int) -> None:
        """Run one scenario after the other until none is left or one has failed."""
        while self.waiting and not self.over():
            scenario = self.take(lane)
            if scenario:
                self.note(scenario, *self.result(scenario, lane))
            else:
                time.sleep(1)

    def result(self, scenario: str, lane: int) -> tuple[bool, str]:
        """Whether a scenario passed, and the commit at which it began."""
        commit, passed = "", False
        try:
            commit = self.proofs.head() if self.proofs else ""
            passed = self.run(scenario, lane)
        except (OSError, subprocess.SubprocessError) as error:
            self.say(f"{scenario}: {error}")
        return passed, commit

    def over(self) -> bool:
        """Whether a failure has ended the run."""
        return bool(self.failed) and not self.all_of_them

    def fits(self, scenario: str) -> bool:
        """Whether a scenario comes to its end within the budget, by what it took last."""
        ratios = [
            took / self.expected[name]
            for name, took in self.took.items()
            if took and name in self.expected
        ]
        pace = max([SLOWER, *ratios])
        left = self.budget - (time.monotonic() - self.begun)
        return self.expected.get(scenario, UNKNOWN) * pace <= left

    def beside(self, scenario: str) -> bool:
        """Whether a scenario may run beside those that run."""
        return not any(scenario in pair and pair & self.running.keys() for pair in APART)

    def take(self, lane: int) -> str:
        """The next scenario, which begins now; empty when there is none for this lane."""
        with self.lock:
            beyond = lane > self.number
            if self.over() or (beyond and self.idle <= SPARE):
                return ""
            for scenario in [name for name in self.waiting if not self.fits(name)]:
                self.waiting.remove(scenario)
                self.left_out.append(scenario)
                self.say(f"{scenario} is left out: no time")
            free = [name for name in self.waiting if self.beside(name)]
            if not free:
                return ""
            # What begins now is not in what was measured.
            self.idle = 0.0
            scenario = free[-1 if beyond else 0]
            self.waiting.remove(scenario)
            self.running[scenario] = time.monotonic()
            self.say(f"{scenario} begins")
        return scenario

    def note(self, scenario: str, passed: bool, commit: str = "") -> None:
        """Note how a scenario ended, and say it."""
        with self.lock:
            self.took[scenario] = time.monotonic() - self.running.pop(scenario)
            if not passed:
                self.failed.append(scenario)
            result = "passed" if passed else "FAILED"
            self.say(f"{scenario} {result} after {self.took[scenario]:.0f} s")
            if passed and self.proofs:
                if self.proofs.is_clean(scenario):
                    self.proofs.note(scenario, commit, self.took[scenario])
                else:
                    self.say(f"{scenario} is not noted: what it covers is not committed")

    @staticmethod
    def said(scenario: str) -> tuple[str, str]:
        """All output of a scenario so far, and that of its tests, which shows only at their end."""
        texts = [LOGS / f"{scenario}{ending}" for ending in (".log", ".tests")]
        log, tests = [
            COLOUR.sub("", path.read_text(errors="replace")) if path.exists() else ""
            for path in texts
        ]
        return log, tests

    def run(self, scenario: str, lane: int) -> bool:
        (LOGS / f"{scenario}.tests").unlink(missing_ok=True)
        keep = ["--destroy=never"] if os.environ.get("KEEP") else []
        command = [str(BIN / "molecule"), "test", *keep, "--no-command-borders", "-s", scenario]
        environment = {
            **os.environ,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "LAB_DIRECTORY": f"molecule-{lane}",
        }
        if self.number == 1:
            return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0
        with (LOGS / f"{scenario}.log").open("w") as log:
            done = subprocess.run(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        return done.returncode == 0

    def pulse(self, ended: threading.Event) -> None:
        """Say now and then what is being done."""
        before = processors()
        while not ended.wait(PULSE):
            now = processors()
            with self.lock:
                self.idle = (now[0] - before[0]) / (now[1] - before[1])
                before = now
                self.say(f"processors {1 - self.idle:.0%} busy")
                for scenario, since in self.running.items():
                    seconds = time.monotonic() - since
                    where = doing(*self.said(scenario))
                    self.say(f"  {scenario} {seconds:.0f} s: {where}")

    def table(self) -> str:
        lines = ["Scenario          Seconds  Result"]
        for scenario, seconds in self.took.items():
            result = "FAILED" if scenario in self.failed else "passed"
            lines.append(f"{scenario:<16} {seconds:8.0f}  {result}")
        lines += [f"{scenario:<16}        -  not run" for scenario in self.waiting]
        lines += [f"{scenario:<16}        -  left out: no time" for scenario in self.left_out]
        passed = len(self.took) - len(self.failed)
        lines.append(f"\nscenarios: {passed} passed, {len(self.failed)} failed")
        return "\n".join(lines)


def planned(options: argparse.Namespace) -> Lanes:
    """The scenarios that the command line asks for, in their order."""
    proofs = Proofs()
    noted = {name: proof.seconds for name, proof in proofs.read().items()}
    names = list(options.scenarios)
    if options.stale:
        names = [one.name for one in proofs.stale()]
    elif options.all:
        # Those that take longest begin first: then the lanes end together.
        names = sorted(proofs.scenarios(), key=lambda name: -noted.get(name, UNKNOWN))
    several = options.stale or options.all
    lanes = Lanes(names, min(int(os.environ.get("LANES", "2")), len(names)), expected=noted)
    lanes.all_of_them, lanes.proofs = several, proofs
    if options.minutes is not None:
        lanes.budget = options.minutes * 60
    return lanes


def main(arguments: list[str] | None = None) -> int:
    """Run all, print a table of seconds, give the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("scenarios", nargs="*", default=[], help="folders of molecule/")
    which.add_argument("--all", action="store_true", help="every scenario")
    which.add_argument("--stale", action="store_true", help="what changed since it passed last")
    parser.add_argument("--minutes", type=float, help="begin nothing that would take longer")
    lanes = planned(parser.parse_args(arguments))
    if not lanes.waiting:
        print("Every scenario has passed with what it covers as it is now: tests/proven.yml.")
        return 0
    LOGS.mkdir(parents=True, exist_ok=True)
    lab("up", "--hosts", "0")
    ended = threading.Event()
    if lanes.number > 1:
        threading.Thread(target=lanes.pulse, args=(ended,), daemon=True).start()
    try:
        together = lanes.number + (lanes.number > 1)
        with ThreadPoolExecutor(max_workers=together) as pool:
            for done in [pool.submit(lanes.work, lane) for lane in range(1, together + 1)]:
                done.result()
    finally:
        ended.set()
        if not os.environ.get("KEEP"):
            lab("down")
    for scenario in lanes.failed if lanes.number > 1 else []:
        last = lanes.said(scenario)[0].splitlines()[-LAST_LINES:]
        print(f"\n--- {scenario}, the last of {LOGS / scenario}.log ---", *last, sep="\n")
    print(f"\n{lanes.table()}")
    for scenario in lanes.failed if lanes.number > 1 else []:
        print(f"\n{scenario} failed:", *reasons(*lanes.said(scenario)), sep="\n")
    return 1 if lanes.failed else 0


if __name__ == "__main__":
    sys.exit(main())
