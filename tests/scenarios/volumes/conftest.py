"""One prepared host, runs of modules on it, and a volume driver."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.fixtures import lab
from tests.harness.playbook import ROOT, playbook_command, playbook_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.harness.lab import Lab

__all__ = ["lab"]

DRIVER = Path(__file__).with_name("driver.py")
HOST = "m1"
# The names of everything that a test makes begin with it, so that nothing else is touched.
PREFIX = "vt-"

Task = dict[str, Any]


@dataclass
class Host:
    """The lab's only host."""

    lab: Lab
    folder: Path

    def shell(self, command: str) -> str:
        return self.lab.read(HOST, command)

    @property
    def image(self) -> str:
        """An image with a shell that is on the host."""
        listed = self.shell("docker images --format '{{.Repository}}:{{.Tag}}'").split()
        return next(name for name in listed if "kibana" in name)

    def play(self, tasks: list[Task]) -> tuple[list[Task], str]:
        """Run tasks as they are; returns their results, also of failures, and the whole output."""
        book = self.folder / "play.yml"
        plays = [{"hosts": HOST, "become": True, "gather_facts": False, "tasks": tasks}]
        book.write_text(json.dumps(plays))
        done = subprocess.run(
            playbook_command("--inventory=inventories/lab", "--diff", str(book)),
            cwd=ROOT,
            env=playbook_environment(ANSIBLE_STDOUT_CALLBACK="ansible.posix.json"),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        try:
            # After a failure, the collection's callback adds text after the JSON.
            parsed, _end = json.JSONDecoder().raw_decode(done.stdout, done.stdout.index("{"))
        except ValueError as error:
            raise AssertionError(done.stdout + done.stderr) from error
        results = [one["hosts"][HOST] for play in parsed["plays"] for one in play["tasks"]]
        assert len(results) == len(tasks), done.stdout + done.stderr
        return results, done.stdout + done.stderr

    def run(self, *arguments: Task, check: bool = False) -> list[Task]:
        """Run elk.swarm.volume once for each set of arguments."""
        tasks = [
            {"elk.swarm.volume": one, "check_mode": check, "ignore_errors": True}
            for one in arguments
        ]
        return self.play(tasks)[0]

    def four_times(self, **arguments: Any) -> Task:
        """Check, apply, check, apply: predicted, done once. Returns the first apply's result."""
        task = {"elk.swarm.volume": arguments}
        checking = {**task, "check_mode": True}
        (checked, applied, *again), _output = self.play([checking, task, checking, task])
        assert (checked["changed"], applied["changed"]) == (True, True)
        assert checked["diff"] == applied["diff"]
        assert applied["diff"]["before"] != applied["diff"]["after"]
        for one in again:
            assert not one["changed"]
            assert one["diff"] == {"before": {}, "after": {}}
        return applied

    def info(self, **arguments: Any) -> Task:
        (result,), _output = self.play([{"elk.swarm.volume_info": arguments}])
        return result

    def volumes(self) -> list[str]:
        return self.shell(f"docker volume ls -q --filter name=^{PREFIX}").split()

    def left_behind(self) -> str:
        """Ids of containers and images, to see whether a module leaves one behind."""
        return self.shell("docker ps -aq; docker images -aq")

    def clean(self) -> None:
        self.shell(
            f"docker service ls -q --filter name={PREFIX} | xargs -r docker service rm;"
            f" docker ps -aq --filter name=^{PREFIX} | xargs -r docker rm -f;"
            f" docker volume ls -q --filter name=^{PREFIX} | xargs -r docker volume rm"
        )

    def owner(self, path: str) -> str:
        return self.shell(f"stat -c '%u:%g %a' {path}")


@pytest.fixture(scope="session")
def host(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """The host as manager of a swarm."""
    found = Host(lab, tmp_path_factory.mktemp("plays"))
    found.shell("docker node ls >/dev/null 2>&1 || docker swarm init >/dev/null")
    yield found
    found.shell("docker swarm leave --force")


@pytest.fixture
def clean(host: Host) -> Iterator[None]:
    """Remove everything that a test made."""
    yield
    host.clean()


@pytest.fixture(scope="session")
def nas(host: Host) -> Iterator[str]:
    """A volume driver that is none of Docker's own."""
    text = DRIVER.read_text()
    assert host.lab.shell(HOST, "cat > /root/driver.py", stdin=text).returncode == 0
    host.shell(
        "systemd-run --unit elk-nas python3 /root/driver.py nas /srv/nas;"
        " for i in $(seq 50); do [ -S /run/docker/plugins/nas.sock ] && break; sleep 0.1; done;"
        " [ -S /run/docker/plugins/nas.sock ]"
    )
    yield "nas"
    # Without a restart the daemon would still look for the driver, 15 seconds each time.
    host.shell(
        "systemctl stop elk-nas; rm -rf /run/docker/plugins/nas.sock /srv/nas;"
        " systemctl restart docker"
    )


@pytest.fixture
def container(host: Host) -> Callable[[str, str], None]:
    """Creates a container that has a volume, and starts it if `running` is true."""

    def start(name: str, mount: str, *, running: bool = False) -> None:
        verb = "run -d" if running else "create"
        host.shell(
            f"docker {verb} --name {PREFIX}{name} -v {mount} --entrypoint sleep {host.image} 600"
        )

    return start
