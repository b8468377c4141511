"""A host of the lab for tests of plugins: runs of tasks on it, and a look at their effects."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.plugins import NAME
from lab.state import Lab
from tests.harness.playbook import ROOT, playbook_command, playbook_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Task = dict[str, Any]

HOST = "m1"
# Containers, volumes and the alias of a test all begin with it, so that they can be found.
MARK = "plugtest"
ALIAS = f"{MARK}-disk"
CLEAN = f"""
docker ps -aq --filter name={MARK} | xargs -r docker rm -f
docker volume ls -q --filter name={MARK} | xargs -r docker volume rm
docker plugin ls --format '{{{{.Name}}}}' | grep -E '{MARK}|/{NAME}' | xargs -r docker plugin rm -f
rm -rf /srv/lab-volumes
"""


@dataclass
class PluginHost:
    """The host, and the folder for a test's playbooks."""

    lab: Lab
    folder: Path

    @property
    def remote(self) -> str:
        """The plugin in the registry, without its tag."""
        return f"{self.lab.images_from}/{NAME}"

    def sh(self, script: str, check: bool = True) -> str:
        """Run a shell script as root on the host."""
        host = self.lab.find_host(HOST)
        assert host is not None
        done = subprocess.run(
            ["docker", "exec", "-i", self.lab.container(host), "bash", "-eu"],
            input=script,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, f"{script}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def inspect(self, name: str = ALIAS) -> dict[str, Any]:
        """The plugin as Docker reports it, with all values."""
        found: dict[str, Any] = json.loads(self.sh(f"docker plugin inspect {name}"))[0]
        return found

    def settings(self) -> dict[str, str]:
        return dict(one.split("=", 1) for one in self.inspect()["Settings"]["Env"])

    def volume(self, name: str) -> None:
        self.sh(f"docker volume create -d {ALIAS} {name}")

    def container(self, name: str, volume: str) -> None:
        """A container that has a volume mounted, and does nothing."""
        image = f"{self.lab.images_from}/kibana-stand-in:9.2.4"
        options = f"--network none --user 0 --entrypoint sleep -v {volume}:/data"
        self.sh(f"docker run -d --name {name} {options} {image} infinity")

    def playbook(
        self,
        tasks: Sequence[Task],
        *options: str,
        module_defaults: dict[str, Any] | None = None,
        **settings: str,
    ) -> str:
        """Run tasks one after the other, also after a failure; returns Ansible's output."""
        play = {
            "hosts": HOST,
            "become": True,
            "gather_facts": False,
            "ignore_errors": True,
            "module_defaults": module_defaults or {},
            "tasks": list(tasks),
        }
        path = self.folder / "play.json"
        path.write_text(json.dumps([play]))
        done = subprocess.run(
            playbook_command("--inventory=inventories/lab", *options, str(path)),
            cwd=ROOT,
            env=playbook_environment(**settings),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def results(
        self, tasks: Sequence[Task], module_defaults: dict[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Run tasks, and return the result of each."""
        output = self.playbook(
            tasks,
            "--diff",
            module_defaults=module_defaults,
            ANSIBLE_STDOUT_CALLBACK="ansible.posix.json",
        )
        start = output.index("{")
        [play] = json.JSONDecoder().raw_decode(output[start:])[0]["plays"]
        found = [task["hosts"][HOST] for task in play["tasks"]]
        assert len(found) == len(tasks)
        for result in found:
            assert "Traceback" not in json.dumps(result), result
        return found

    def task(self, check: bool = False, **options: Any) -> Task:
        arguments = {
            "plugin_name": f"{self.remote}:1",
            "alias": ALIAS,
            "grant_all": True,
            **options,
        }
        return {"elk.swarm.plugin": arguments, "check_mode": check}

    def run(self, *changes: dict[str, Any]) -> list[dict[str, Any]]:
        """Run the module once for each set of options; no run may fail."""
        found = self.results([self.task(**options) for options in changes])
        for result in found:
            assert not result.get("failed"), result
        return found

    def prove(self, *changes: dict[str, Any]) -> list[dict[str, Any]]:
        """Check, apply, check, apply each of them; returns the result of each first apply."""
        order = [(options, check) for options in changes for check in (True, False, True, False)]
        found = self.results([self.task(check, **options) for options, check in order])
        for first in range(0, len(found), 4):
            checked, applied, *again = found[first : first + 4]
            for result in (checked, applied, *again):
                assert not result.get("failed"), result
            assert checked["changed"]
            assert applied["changed"]
            assert checked["diff"] == applied["diff"]
            assert checked["actions"] == applied["actions"]
            for result in again:
                assert not result["changed"], result
                assert result["diff"] == {"before": {}, "after": {}}
        return found[1::4]

    def refused(self, *changes: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
        """Check and apply of each fail, with its reason, and change no plugin."""
        look = "docker plugin inspect $(docker plugin ls -q --no-trunc) || true"
        before = self.sh(look)
        order = [change for change in changes for _run in ("check", "apply")]
        tasks = [self.task(at % 2 == 0, **options) for at, (_why, options) in enumerate(order)]
        found = self.results(tasks)
        for (reason, _options), result in zip(order, found, strict=True):
            assert result["failed"], result
            assert not result["changed"]
            assert reason in result["msg"]
        assert self.sh(look) == before
        return found[1::2]


def lend_host(tmp_path_factory: Any) -> Iterator[PluginHost]:
    """The host of the lab that ELK_LAB names; its Docker may use the lab's registry."""
    lab = Lab.load(Path(os.environ.get("ELK_LAB", ROOT / ".lab")).resolve())
    assert lab is not None, "there is no lab at ELK_LAB"
    host = PluginHost(lab, tmp_path_factory.mktemp("plugin"))
    registries = json.dumps({"insecure-registries": [lab.registry]})
    host.sh(f"echo '{registries}' > /etc/docker/daemon.json; systemctl reload docker")
    # The daemon reads its file some time after the reload.
    deadline = time.monotonic() + 10
    while lab.registry not in host.sh("docker info --format '{{json .RegistryConfig}}'"):
        assert time.monotonic() < deadline
    host.sh(CLEAN)
    yield host
    host.sh(CLEAN)
