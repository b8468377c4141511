"""One host that is a swarm of its own, and runs of tasks on it with either module."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from peers import Subject, Task, outcome, with_tokens
from tests.harness.playbook import ROOT, playbook_command, playbook_environment
from tests.scenarios.volumes.plugin_host import HOST, PluginHost, lend_host

if TYPE_CHECKING:
    from collections.abc import Iterator

# Tasks in one run of ansible-playbook, and its longest time: some wait for containers.
CHUNK, PATIENCE = 150, 900


def raw(value: Any) -> Any:
    """A value that Ansible passes on as it is; Swarm has templates of its own."""
    if isinstance(value, dict):
        return {key: raw(one) for key, one in value.items()}
    if isinstance(value, list):
        return [raw(one) for one in value]
    if isinstance(value, str) and "{{" in value:
        return f"{{% raw %}}{value}{{% endraw %}}"
    return value


@dataclass
class PeerHost:
    """The lab's only host."""

    base: PluginHost

    @property
    def engine(self) -> str:
        version = self.base.sh("docker version --format '{{.Server.Version}}'")
        return f"Docker {version}"

    def prepare(self, subject: Subject) -> dict[str, str]:
        """Remove what is left of an earlier run, and make what the tasks refer to."""
        self.base.sh(subject.clean)
        tokens = {"remote": self.base.remote}
        for name, command in subject.tokens.items():
            tokens[name] = self.base.sh(with_tokens(command, tokens))
        return tokens

    def play(self, subject: Subject, *, ours: bool) -> dict[str, str]:
        """Run all tasks of a subject with one of the modules; returns what each has done."""
        tokens = self.prepare(subject)
        tasks = [task for task in subject.tasks if not (ours and task.adopts)]
        found: dict[str, str] = {}
        for first in range(0, len(tasks), CHUNK):
            chunk = tasks[first : first + CHUNK]
            results = self.run([self.task(subject, one, tokens, ours=ours) for one in chunk])
            for task, result in zip(chunk, results, strict=True):
                # The peer returns its traceback with many errors.
                mine = ours or task.adopts
                assert not mine or "Traceback" not in json.dumps(result), (task.name, result)
                if task.run:
                    assert not result.get("failed"), (task.name, result)
                else:
                    # The lab's registry has another address in another run.
                    done = outcome(result, task.show)
                    found[task.name] = done.replace(self.base.lab.images_from, "registry")
        self.base.sh(subject.clean)
        return found

    def task(self, subject: Subject, task: Task, tokens: dict[str, str], *, ours: bool) -> Any:
        name = {"name": raw(task.name), "ignore_errors": True}
        if task.run:
            return {**name, "ansible.builtin.shell": raw(with_tokens(task.run, tokens))}
        options = raw(subject.options(task, tokens, ours=ours))
        return {**name, subject.module(task, ours=ours): options, "check_mode": task.check}

    def run(self, tasks: list[Any]) -> list[dict[str, Any]]:
        book = self.base.folder / "peers.json"
        play = {"hosts": HOST, "become": True, "gather_facts": False, "tasks": tasks}
        book.write_text(json.dumps([play]))
        done = subprocess.run(
            playbook_command("--inventory=inventories/lab", "--diff", str(book)),
            cwd=ROOT,
            env=playbook_environment(ANSIBLE_STDOUT_CALLBACK="ansible.posix.json"),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        output = done.stdout + done.stderr
        assert "{" in done.stdout, output
        start = done.stdout.index("{")
        plays = json.JSONDecoder().raw_decode(done.stdout[start:])[0]["plays"]
        results = [one["hosts"][HOST] for one in plays[0]["tasks"]]
        assert len(results) == len(tasks), output[-3000:]
        return results


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PeerHost]:
    for base in lend_host(tmp_path_factory):
        base.sh("docker node ls >/dev/null 2>&1 || docker swarm init >/dev/null")
        # What community.docker needs on a host.
        base.sh(
            "apt-get update -q >/dev/null 2>&1 && apt-get install -q -y --no-install-recommends"
            " python3-docker python3-requests >/dev/null 2>&1"
        )
        yield PeerHost(base)
        base.sh("docker swarm leave --force")
