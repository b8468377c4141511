"""Run Molecule scenarios, two or three at a time, and print how long each took.

Usage: ``python tests/tools/scenarios.py default single_host``, ``--all`` or ``--stale``. Every
scenario creates its own lab, so none depends on another one. They share only the daemon, the
registry and the images, which exist before the first and are removed after the last. A scenario
waits a lot, so others can use the processors: two run all the time if their hosts fit, taken from
the start of the list, and a third one, taken from the end, starts when the processors have time
for it. LANES=1 runs one at a time and shows its output live.

If the scenarios are named, no other one starts after a failure; with --all and --stale the rest
continues. tests/proven.yml shows at which commit each has passed. KEEP=1 keeps the hosts of a
failed scenario.
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
# Lines of a failed scenario to print; its log has all lines. The causes follow after the table.
LAST_LINES = 150
REASONS = 12
# Characters of a long line to print: pytest shows the output of a run as one line, and its end
# matters most.
HEAD, TAIL = 120, 480
# The first line of the callback elk.swarm.next_command.
ENDING = "The run failed:"
# Seconds between two progress messages.
PULSE = 60
# The third lane starts a scenario only if more than this share of the processor time was idle.
SPARE = 0.12
# Scenarios that must not run at the same time: both change the swap of the whole machine.
APART = ({"firewall", "single_host"},)
# The hosts of all scenarios that run at the same time. With eight nodes of Elasticsearch on two
# slow processors the sessions of Docker's swarms time out, and the nodes restart again and again.
MOST_HOSTS = 7
# The expected seconds of a scenario that was never measured: the longest time of any scenario on a
# busy machine. And how much slower than the last time a scenario may be.
UNKNOWN, SLOWER = 2400, 1.3
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def lab(*words: str) -> None:
    """Run a command for the lab without hosts, which has what all others share."""
    command = [sys.executable, "-m", "lab", "--state", str(ROOT / ".lab" / "molecule"), *words]
    subprocess.run(command, cwd=ROOT, check=True)


def hosts_of(scenario: str, root: Path = ROOT) -> int:
    """How many hosts the lab of a scenario has."""
    text = (root / "molecule" / scenario / "molecule.yml").read_text()
    found = re.search(r"--hosts (\d+)", text)
    assert found, f"{scenario}: LAB_OPTIONS names no --hosts"
    return int(found[1])


def doing(output: str, tests: str) -> str:
    """The current task or test of a scenario, from its output and that of its tests.

    >>> doing("TASK [Start] *****\\nchanged: [m1]\\n", "")
    'Start'
    >>> doing("TASK [Run the tests] ***\\n", "a.py::test_b PASSED [ 50%]\\na.py::test_c ")
    'a.py::test_c'
    """
    tasks = re.findall(r"^TASK \[(.*)\] \**$", output, re.MULTILINE)
    started = re.findall(r"^\S+::.*?(?= |$)", tests, re.MULTILINE)
    if tasks and tasks[-1] == "Run the tests" and started:
        return str(started[-1])
    return str(tasks[-1]) if tasks else "starts"


def refusal(lines: list[str]) -> list[str]:
    """The last lines of ansible-playbook's output after a failed task.

    >>> refusal(["PLAY RECAP", "m1 : ok=1", "", "The run failed:",
    ...          "  m1 failed at \\"B\\": No.", "Then run the same command again"])
    ['  m1 failed at "B": No.', 'Then run the same command again']
    """
    ends = [number for number, line in enumerate(lines) if line.startswith(ENDING)]
    return lines[ends[-1] + 1 :] if ends else []


def shortened(line: str) -> str:
    """A line without its middle, if it is long.

    >>> shortened("b" * 120 + "c" * 9 + "d" * 480) == "b" * 120 + " [...] " + "d" * 480
    True
    """
    return line if len(line) <= HEAD + TAIL else f"{line[:HEAD]} [...] {line[-TAIL:]}"


def reasons(output: str, tests: str) -> list[str]:
    """The few lines that show why a scenario failed, for readers of only the end of the output.

    >>> reasons("", "E   assert 3 == 4\\n1 failed\\nFAILED a.py::test_b - assert 3 == 4\\nmore")
    ['assert 3 == 4', 'FAILED a.py::test_b']
    >>> reasons("\\nThe run failed:\\n  m1 failed at A: No.", "1 passed")
    ['  m1 failed at A: No.']
    """
    lines = tests.splitlines()
    failed = [line.split(" - ")[0] for line in lines if line.startswith(("FAILED ", "ERROR "))]
    text = [re.sub(r"^E +", "", line) for line in lines if re.match(r"E( |$)", line)]
    if not failed:
        text = output.splitlines()
    found = refusal(text) or (text[:REASONS] if failed else text[-REASONS:])
    return [shortened(line) for line in (*found[:REASONS], *failed)]


def processors() -> tuple[int, int]:
    """The ticks of all processors: idle ones, and all."""
    spent = [int(one) for one in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return spent[3] + spent[4], sum(spent)


@dataclass
class Lanes:
    """The scenarios that wait, that run and that have ended."""

    waiting: list[str]
    number: int
    running: dict[str, float] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    # How many hosts the lab of each scenario has.
    hosts: dict[str, int] = field(default_factory=dict)
    # Continue after a failure.
    all_of_them: bool = False
    # Where to record the scenarios that passed.
    proofs: Proofs | None = None
    # Seconds for the whole run, and how long each scenario took last time.
    budget: float = float("inf")
    expected: dict[str, int] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    # The share of processor time that was idle in the last period.
    idle: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)
    start: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - self.start), 60)
        print(f"[{minutes:3}:{seconds:02}] {text}", flush=True)

    def work(self, lane: int) -> None:
        """Run one scenario after the other until all have run or one has failed."""
        while self.waiting and not self.over():
            scenario = self.take(lane)
            if scenario:
                self.note(scenario, *self.result(scenario, lane))
            else:
                time.sleep(1)

    def result(self, scenario: str, lane: int) -> tuple[bool, str]:
        """Whether a scenario passed, and the commit at its start."""
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
        """Whether a scenario fits into the remaining time, if it takes as long as last time."""
        ratios = [
            took / self.expected[name]
            for name, took in self.took.items()
            if took and name in self.expected
        ]
        factor = max([SLOWER, *ratios])
        remaining = self.budget - (time.monotonic() - self.start)
        return self.expected.get(scenario, UNKNOWN) * factor <= remaining

    def may_run(self, scenario: str) -> bool:
        """Whether a scenario may run at the same time as the running ones."""
        if any(scenario in pair and pair & self.running.keys() for pair in APART):
            return False
        busy = sum(self.hosts.get(name, 0) for name in self.running)
        return not busy or busy + self.hosts.get(scenario, 0) <= MOST_HOSTS

    def take(self, lane: int) -> str:
        """The next scenario, which starts now; empty if there is none for this lane."""
        with self.lock:
            extra = lane > self.number
            if self.over() or (extra and self.idle <= SPARE):
                return ""
            for scenario in [name for name in self.waiting if not self.fits(name)]:
                self.waiting.remove(scenario)
                self.left_out.append(scenario)
                self.say(f"{scenario} is skipped: no time")
            free = [name for name in self.waiting if self.may_run(name)]
            if not free:
                return ""
            # The measured value does not include the new scenario.
            self.idle = 0.0
            scenario = free[-1 if extra else 0]
            self.waiting.remove(scenario)
            self.running[scenario] = time.monotonic()
            self.say(f"{scenario} starts")
        return scenario

    def note(self, scenario: str, passed: bool, commit: str = "") -> None:
        """Record and print how a scenario ended."""
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
                    self.say(f"{scenario} is not recorded: it covers uncommitted changes")

    @staticmethod
    def output_of(scenario: str) -> tuple[str, str]:
        """The output of a scenario so far, and that of its tests, which appears only at the end."""
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
        """Print the progress at regular times."""
        before = processors()
        while not ended.wait(PULSE):
            now = processors()
            with self.lock:
                self.idle = (now[0] - before[0]) / (now[1] - before[1])
                before = now
                self.say(f"processors {1 - self.idle:.0%} busy")
                for scenario, since in self.running.items():
                    seconds = time.monotonic() - since
                    where = doing(*self.output_of(scenario))
                    self.say(f"  {scenario} {seconds:.0f} s: {where}")

    def table(self) -> str:
        lines = ["Scenario          Seconds  Result"]
        for scenario, seconds in self.took.items():
            result = "FAILED" if scenario in self.failed else "passed"
            lines.append(f"{scenario:<16} {seconds:8.0f}  {result}")
        lines += [f"{scenario:<16}        -  not run" for scenario in self.waiting]
        lines += [f"{scenario:<16}        -  skipped: no time" for scenario in self.left_out]
        passed = len(self.took) - len(self.failed)
        lines.append(f"\nscenarios: {passed} passed, {len(self.failed)} failed")
        return "\n".join(lines)


def make_lanes(options: argparse.Namespace) -> Lanes:
    """The scenarios of the command line, in order."""
    proofs = Proofs()
    seconds = {name: proof.seconds for name, proof in proofs.read().items()}
    names = list(options.scenarios)
    if options.stale:
        names = [one.name for one in proofs.stale()]
    elif options.all:
        # The longest start first, so that the lanes end at about the same time.
        names = sorted(proofs.scenarios(), key=lambda name: -seconds.get(name, UNKNOWN))
    several = options.stale or options.all
    lanes = Lanes(names, min(int(os.environ.get("LANES", "2")), len(names)), expected=seconds)
    lanes.all_of_them, lanes.proofs = several, proofs
    unknown = set(names) - set(proofs.scenarios())
    if unknown:
        raise SystemExit(
            f"no scenario {', '.join(sorted(unknown))}; there are {', '.join(proofs.scenarios())}"
        )
    lanes.hosts = {name: hosts_of(name) for name in names}
    if options.minutes is not None:
        lanes.budget = options.minutes * 60
    return lanes


def main(arguments: list[str] | None = None) -> int:
    """Run all scenarios, print a table of their seconds, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("scenarios", nargs="*", default=[], help="folders of molecule/")
    which.add_argument("--all", action="store_true", help="every scenario")
    which.add_argument(
        "--stale", action="store_true", help="scenarios that changed since they passed"
    )
    parser.add_argument("--minutes", type=float, help="skip what would take longer")
    lanes = make_lanes(parser.parse_args(arguments))
    if not lanes.waiting:
        print("Every scenario has passed since its last change: see tests/proven.yml.")
        return 0
    LOGS.mkdir(parents=True, exist_ok=True)
    lab("up", "--hosts", "0")
    ended = threading.Event()
    if lanes.number > 1:
        threading.Thread(target=lanes.pulse, args=(ended,), daemon=True).start()
    try:
        count = lanes.number + (lanes.number > 1)
        with ThreadPoolExecutor(max_workers=count) as pool:
            for done in [pool.submit(lanes.work, lane) for lane in range(1, count + 1)]:
                done.result()
    finally:
        ended.set()
        if not os.environ.get("KEEP"):
            lab("down")
    for scenario in lanes.failed if lanes.number > 1 else []:
        last = lanes.output_of(scenario)[0].splitlines()[-LAST_LINES:]
        print(f"\n--- {scenario}, the end of {LOGS / scenario}.log ---", *last, sep="\n")
    print(f"\n{lanes.table()}")
    for scenario in lanes.failed if lanes.number > 1 else []:
        print(f"\n{scenario} failed:", *reasons(*lanes.output_of(scenario)), sep="\n")
    return 1 if lanes.failed else 0


if __name__ == "__main__":
    sys.exit(main())
