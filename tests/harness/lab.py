"""The lab's hosts, and runs of playbooks on them that can be watched and killed."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any

from lab.state import Lab as LabState
from tests.harness.playbook import ROOT, playbook_command, playbook_environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

# Between two looks at a host, and the longest run to any point.
LOOK = 0.1
PATIENCE = 900

TASK = re.compile(r"^TASK \[(.*)\] \*+$")
CHANGED = re.compile(r"^changed: \[")
BAD = re.compile(r"^(?:fatal|failed): \[")


@dataclass
class Run:
    """A run of a playbook that can be watched and killed.

    It leads a session of its own and keeps what it leaves on the controller in a directory of its
    own, so that all of its processes can be found: also the masters of its ssh connections, which
    leave the session.
    """

    home: Path
    arguments: tuple[str, ...] = ("site.yml",)
    task: str = ""
    output: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.begun = time.monotonic()
        self.process = subprocess.Popen(
            playbook_command("--inventory=inventories/lab", *self.arguments),
            cwd=ROOT,
            env=playbook_environment(ANSIBLE_HOME=str(self.home)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._lines: Queue[str | None] = Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    @property
    def changes(self) -> dict[str, int]:
        """How many changes the summary counts for each host."""
        recap = re.findall(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)", self.text, re.MULTILINE)
        return {host: int(changed) for host, changed in recap}

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.begun

    @property
    def text(self) -> str:
        return "\n".join(self.output)

    @property
    def problems(self) -> list[str]:
        """What a host complained of. A rescue that hides it again counts as well."""
        return [line for line in self.output if BAD.match(line)]

    def next_line(self, seconds: float) -> str | None:
        """The next line, an empty one when none comes in time, None at the end."""
        try:
            line = self._lines.get(timeout=seconds)
        except Empty:
            line = ""
        if line is None:
            return None
        if line:
            self.output.append(line)
            found = TASK.match(line)
            if found:
                self.task = found[1]
        if self.seconds > PATIENCE:
            self.kill()
            raise AssertionError(f"no end after {PATIENCE} s, at {self.task!r}:\n{self.text}")
        return line

    def finish(self) -> int:
        """Let it run to its end, and give its exit code."""
        while self.next_line(1) is not None:
            pass
        self._reader.join()
        return self.process.wait()

    def kill(self) -> None:
        """End everything that belongs to the run at once, as a power cut does."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for pid in self._connections():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join()

    def _connections(self) -> list[int]:
        """Masters of ssh connections: the socket in their name lies in this run's directory."""
        mine = f"ssh: {self.home}/".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    if (entry / "cmdline").read_bytes().startswith(mine):
                        found.append(int(entry.name))
        return found


@dataclass
class Lab:
    """The lab's hosts, and a way to run things on them that does not depend on the platform."""

    state: LabState
    home: Path
    shown: Callable[[], AbstractContextManager[None]]

    @property
    def names(self) -> list[str]:
        return [host.name for host in self.state.hosts]

    def container(self, name: str) -> str:
        host = self.state.find_host(name)
        assert host is not None, f"points.yml names {name}, which is no host of this lab"
        return self.state.container(host)

    def address(self, name: str) -> str:
        host = self.state.find_host(name)
        assert host is not None
        return host.address

    @property
    def directory(self) -> Path:
        """What is elk_local_dir in the lab."""
        return self.state.directory

    @property
    def url(self) -> str:
        return f"https://{self.address('m1')}:9200"

    def kept(self, name: str) -> Path:
        return self.directory / name

    def secret(self, name: str) -> str:
        return self.kept(name).read_text().strip()

    def shell(self, host: str, command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a shell command as root on a host, or on the controller."""
        there = [] if host == "controller" else ["docker", "exec", "-i", self.container(host)]
        known = {"LAB": str(self.state.directory), "M1": self.address("m1")}
        return subprocess.run(
            [*there, "bash", "-c", command],
            env={**os.environ, **known},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def read(self, host: str, command: str) -> str:
        done = self.shell(host, command)
        assert done.returncode == 0, f"{host}: {command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def told(self, run: Run, what: str) -> None:
        """Show how long something took, whatever becomes of the test."""
        with self.shown():
            print(f"\n{run.seconds:6.1f} s  {what}", flush=True)

    def run(self, *arguments: str) -> Run:
        return Run(self.home, arguments or ("site.yml",))

    def run_to(self, point: dict[str, Any]) -> Run:
        """Run a playbook and kill it at a point; a point that is not reached is an error."""
        run = self.run(point.get("run", "site.yml"))
        try:
            self.wait_for(run, point["task"], point["kill"])
        finally:
            run.kill()
        if "also" in point:
            self.shell(point["also"]["host"], point["also"]["command"])
        return run

    def wait_for(self, run: Run, task: str, moment: Any) -> None:
        """Let a run go on to a moment of a task, as points.yml describes it."""
        reached = False
        while (line := run.next_line(LOOK)) is not None:
            here = re.search(rf"(^|[ .]){re.escape(task)}$", run.task) is not None
            if reached and not here:
                break
            reached = here
            if here and moment == "start":
                return
            if here and moment == "changed" and CHANGED.match(line):
                return
            if here and isinstance(moment, dict):
                if self.shell(moment["host"], moment["command"]).returncode == 0:
                    return
        passed = "was passed without that moment" if reached else "was not reached"
        raise AssertionError(f"{task!r} {passed}:\n{run.text}")

    def docker(self, action: str, host: str) -> None:
        """Do something to the container that is a host."""
        subprocess.run(
            ["docker", action, self.container(host)], check=True, stdout=subprocess.DEVNULL
        )
