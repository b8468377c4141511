"""The platform of the lab: its hosts over ssh, its APIs, and runs of playbooks on it."""

from __future__ import annotations

import json
import shlex
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from server_name import kibana_context
from tests.harness.playbook import ROOT, lab_inventory, playbook_command, playbook_environment
from tests.harness.wait import wait_for

INVENTORIES = ("-i", "inventories/lab", "-i", "molecule/operations/inventory/hosts.yml")
PREFIX = "elk.swarm."
# Files on the controller that hold one secret each, by the names that docs/security.md gives them.
SECRETS = (
    "elastic_password",
    "logstash_password",
    "kibana_token",
    "kibana_encryption_key",
    "kibana_saved_objects_key",
    "kibana_reporting_key",
    "secret_hash_key",
)


@dataclass
class Report:
    """What one run of a playbook did, by host and task."""

    code: int
    output: str
    changed: dict[tuple[str, str], Any] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, code: int, output: str) -> Report:
        report = cls(code, output)
        for play in json.loads(output[output.index("{") :])["plays"]:
            for task in play["tasks"]:
                name = task["task"]["name"].removeprefix(PREFIX)
                for host, result in task["hosts"].items():
                    if result.get("changed"):
                        report.changed[host, name] = result
                    if result.get("failed") or result.get("unreachable"):
                        report.failed[host] = str(result.get("msg", result))
        return report


class Standing:
    def __init__(self) -> None:
        inventory = lab_inventory()
        self.vars: dict[str, Any] = inventory["_meta"]["hostvars"]
        self.hosts = list(self.vars)
        self.directory = Path(self.vars["m1"]["elk_local_dir"])
        # For a run that caches facts; the tests search them for secrets.
        self.facts = self.directory / "facts"
        self.caching = {
            "ANSIBLE_CACHE_PLUGIN": "jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(self.facts),
        }
        # The output of every run.
        self.outputs: dict[str, str] = {}

    # -- hosts ---------------------------------------------------------------------------------

    def ssh(self, host: str, *command: str) -> list[str]:
        known = self.vars[host]
        words = ["ssh", "-i", known["ansible_ssh_private_key_file"]]
        words += shlex.split(known["ansible_ssh_common_args"])
        words.append(f"{known['ansible_user']}@{known['ansible_host']}")
        return [*words, "sudo", "-n", *map(shlex.quote, command)]

    def sh(self, host: str, script: str) -> str:
        """Run a script as root, passed by stdin, so that no process shows its text."""
        done = subprocess.run(
            self.ssh(host, "bash", "-s"),
            input=f"set -e\n{script}\n",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{host}: {script}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def node(self, name: str) -> dict[str, Any]:
        return dict(json.loads(self.sh("m1", f"docker node inspect {name}"))[0]["Spec"])

    def service(self, name: str) -> dict[str, Any]:
        return dict(json.loads(self.sh("m1", f"docker service inspect {name}"))[0]["Spec"])

    def settle(self) -> None:
        """Wait until the managers see every node: a daemon that was restarted takes a moment."""
        listing = "docker node ls --format '{{.Status}}'"

        def ready() -> bool:
            return self.sh("m1", listing).split() == ["Ready"] * len(self.hosts)

        wait_for(ready, 90, "every node")

    def forget_secrets(self) -> None:
        """Remove the secrets of an earlier lab, so that the first run makes new ones."""
        assert self.sh("m1", "docker info --format '{{.Swarm.LocalNodeState}}'") == "inactive"
        for path in (self.directory / "certs").glob("*"):
            path.unlink()
        authorities = [f"{name}.{end}" for name in ("ca", "transport-ca") for end in ("crt", "key")]
        for name in (*SECRETS, *authorities):
            (self.directory / name).unlink(missing_ok=True)

    # -- APIs ----------------------------------------------------------------------------------

    def secret(self, name: str) -> str:
        return (self.directory / name).read_text().strip()

    def call(
        self,
        url: str,
        method: str = "GET",
        body: Any = None,
        login: str | None = None,
        context: ssl.SSLContext | None = None,
    ) -> tuple[int, Any]:
        user = login or f"elastic:{self.secret('elastic_password')}"
        request = urllib.request.Request(url, method=method)
        request.add_header("Authorization", "Basic " + b64encode(user.encode()).decode())
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        context = context or ssl.create_default_context(cafile=str(self.directory / "ca.crt"))
        try:
            with urllib.request.urlopen(request, timeout=30, context=context) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, None

    def elasticsearch(
        self, path: str, method: str = "GET", body: Any = None, login: str | None = None
    ) -> tuple[int, Any]:
        url = f"https://{self.vars['m1']['ansible_host']}:9200{path}"
        return self.call(url, method, body, login)

    def kibana_available(self) -> bool:
        """Whether Kibana answers on a host and reaches Elasticsearch."""
        for known in self.vars.values():
            try:
                url = f"https://{known['ansible_host']}:5601/api/status"
                status, body = self.call(url, context=kibana_context(self.directory / "ca.crt"))
            except OSError:
                continue
            if status == 200:
                return str(body["status"]["overall"]["level"]) == "available"
        return False

    # -- runs ----------------------------------------------------------------------------------

    def run(
        self, *arguments: str, callback: str = "default", **environment: str
    ) -> tuple[int, str]:
        begun = time.monotonic()
        done = subprocess.run(
            playbook_command(*INVENTORIES, *arguments),
            cwd=ROOT,
            env=playbook_environment(ANSIBLE_STDOUT_CALLBACK=callback, **environment),
            capture_output=True,
            text=True,
            check=False,
        )
        label = f"run {len(self.outputs) + 1}: {' '.join(arguments)}"
        self.outputs[label] = done.stdout + done.stderr
        # Shown by pytest when a test fails, or with -s.
        print(f"\n{label}: {time.monotonic() - begun:.0f} s")
        return done.returncode, done.stdout

    def play(self, playbook: str, *arguments: str) -> Report:
        code, output = self.run(playbook, *arguments, callback="ansible.posix.json")
        assert "{" in output, list(self.outputs.values())[-1]
        return Report.parse(code, output)
