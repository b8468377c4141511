"""The hosts of the lab, and playbook runs on them that can be watched and killed."""

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
from tests.harness.processes import kill_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

# Seconds between two looks at a host, and the longest time of a run.
LOOK = 0.1
PATIENCE = 900

# Everything on a host that a run with other secrets would write.
HOST_STATE = """
set -e
find /etc/elk -type f -print0 | sort -z | xargs -0 sha256sum
find /etc/elk /srv/elk -maxdepth 2 -printf '%p %m %U %G\\n' | sort
if docker node ls >/dev/null 2>&1; then
  docker service ls --format '{{.Name}} {{.Image}} {{.Replicas}}' | sort
  docker service ls -q | sort | xargs docker service inspect -f '{{.ID}} {{.Version.Index}}'
  docker secret ls --format '{{.Name}}' | sort
  docker config ls --format '{{.Name}}' | sort
fi
"""

TASK = re.compile(r"^TASK \[(.*)\] \*+$")
CHANGED = re.compile(r"^changed: \[")
BAD = re.compile(r"^(?:fatal|failed): \[")


@dataclass
class Run:
    """A playbook run that can be watched and killed.

    It has its own directory on the controller. The masters of its ssh connections are not its
    descendants, but their sockets are in that directory.
    """

    home: Path
    arguments: tuple[str, ...] = ("site.yml",)
    task: str = ""
    output: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start = time.monotonic()
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
        """The number of changes for each host, from the summary."""
        recap = re.findall(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)", self.text, re.MULTILINE)
        return {host: int(changed) for host, changed in recap}

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.start

    @property
    def text(self) -> str:
        return "\n".join(self.output)

    @property
    def problems(self) -> list[str]:
        """Errors of hosts, including those that a rescue has handled."""
        return [line for line in self.output if BAD.match(line)]

    def next_line(self, seconds: float) -> str | None:
        """The next line, an empty text if none comes in time, None at the end."""
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
            raise AssertionError(f"not finished after {PATIENCE} s, at {self.task!r}:\n{self.text}")
        return line

    def finish(self) -> int:
        """Wait for the end of the run, and return its exit code."""
        while self.next_line(1) is not None:
            pass
        self._reader.join()
        return self.process.wait()

    def kill(self) -> None:
        """Kill all processes of the run at once, like a power failure."""
        kill_all(self.process.pid)
        for pid in self._connections():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join()

    def _connections(self) -> list[int]:
        """Masters of ssh connections; their command names a socket in this run's directory."""
        prefix = f"ssh: {self.home}/".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    if (entry / "cmdline").read_bytes().startswith(prefix):
                        found.append(int(entry.name))
        return found


@dataclass
class Lab:
    """The hosts of the lab, and commands on them that do not depend on the platform."""

    state: LabState
    home: Path
    shown: Callable[[], AbstractContextManager[None]]

    @property
    def names(self) -> list[str]:
        return [host.name for host in self.state.hosts]

    def container(self, name: str) -> str:
        host = self.state.find_host(name)
        assert host is not None, f"points.yml names {name}, which is not a host of this lab"
        return self.state.container(host)

    def address(self, name: str) -> str:
        host = self.state.find_host(name)
        assert host is not None
        return host.address

    @property
    def directory(self) -> Path:
        """The elk_local_dir of the lab."""
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
        prefix = [] if host == "controller" else ["docker", "exec", "-i", self.container(host)]
        variables = {"LAB": str(self.state.directory), "M1": self.address("m1")}
        return subprocess.run(
            [*prefix, "bash", "-c", command],
            env={**os.environ, **variables},
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

    def report(self, run: Run, what: str) -> None:
        """Print how long a run took, even if the test fails."""
        with self.shown():
            print(f"\n{run.seconds:6.1f} s  {what}", flush=True)

    def run(self, *arguments: str) -> Run:
        return Run(self.home, arguments or ("site.yml",))

    def run_to(self, point: dict[str, Any]) -> Run:
        """Run a playbook and kill it at a point. Fail if the run does not reach that point."""
        run = self.run(point.get("run", "site.yml"))
        try:
            self.wait_for(run, point["task"], point["kill"])
        finally:
            run.kill()
        if "also" in point:
            self.shell(point["also"]["host"], point["also"]["command"])
        return run

    def wait_for(self, run: Run, task: str, moment: Any) -> None:
        """Wait until a run has reached a moment of a task, as described in points.yml."""
        reached = False
        while (line := run.next_line(LOOK)) is not None:
            at_task = re.search(rf"(^|[ .]){re.escape(task)}$", run.task) is not None
            if reached and not at_task:
                break
            reached = at_task
            if at_task and moment == "start":
                return
            if at_task and moment == "changed" and CHANGED.match(line):
                return
            if at_task and isinstance(moment, dict):
                if self.shell(moment["host"], moment["command"]).returncode == 0:
                    return
        problem = "ended without that moment" if reached else "was not reached"
        raise AssertionError(f"{task!r} {problem}:\n{run.text}")

    def docker(self, action: str, host: str) -> None:
        """Run a docker command, such as pause, on the container of a host."""
        subprocess.run(
            ["docker", action, self.container(host)], check=True, stdout=subprocess.DEVNULL
        )
