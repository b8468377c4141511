# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules as Ansible runs them, a process with JSON in and JSON out, against a fake cluster."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.certificates import issue
from tests.contract.fake_elasticsearch import FakeCluster
from tests.contract.fake_shipper import FakeShipper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ROOT = Path(__file__).resolve().parents[2]
SERVER = "tests.contract.module_server"
PASSWORD = "S3cret-of-the-test"


@dataclass(frozen=True)
class Result:
    """What a module returned."""

    data: dict[str, Any]
    output: str
    code: int

    @property
    def failed(self) -> bool:
        return bool(self.data.get("failed"))

    @property
    def changed(self) -> bool:
        return bool(self.data.get("changed"))

    @property
    def msg(self) -> str:
        return str(self.data.get("msg", ""))

    def __getitem__(self, key: str) -> Any:
        return self.data[key]


class ModuleServer:
    """The process that runs the modules of this session; started on first use."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> subprocess.Popen[str]:
        ours = [str(ROOT / ".collections"), str(ROOT)]
        path = os.pathsep.join([*ours, os.environ.get("PYTHONPATH", "")])
        return subprocess.Popen(
            [sys.executable, "-m", SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )

    def run(self, module: str, arguments: dict[str, Any]) -> tuple[str, int]:
        if self._process is None:
            self._process = self.start()
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        with tempfile.NamedTemporaryFile("r") as output:
            request = {"module": module, "arguments": arguments, "output": output.name}
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            code = process.stdout.readline()
            assert code, "the process that runs the modules has died"
            return output.read(), int(code)

    def stop(self) -> None:
        if self._process is not None:
            self._process.communicate(timeout=10)
            self._process = None


SERVERS = ModuleServer()


@pytest.fixture(scope="session", autouse=True)
def _module_server() -> Iterator[None]:
    yield
    SERVERS.stop()


def call_module(
    name: str, arguments: dict[str, Any], *, check: bool = False, server: ModuleServer = SERVERS
) -> Result:
    """Run a module. A password must never come out, so every run is searched for it."""
    arguments = {**arguments, "_ansible_check_mode": check, "_ansible_diff": True}
    output, code = server.run(name, arguments)
    for option in ("password", "user_password"):
        secret = arguments.get(option)
        assert not secret or secret not in output, f"{option} came out: {output}"
    assert "Traceback" not in output, output
    return Result(json.loads(output), output, code)


@pytest.fixture(scope="session")
def call() -> Callable[..., Result]:
    """Run a module with exactly these arguments."""
    return call_module


@pytest.fixture
def another_server() -> Iterator[ModuleServer]:
    """For a module that runs beside another one, which waits for it."""
    server = ModuleServer()
    yield server
    server.stop()


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    """Three nodes in one green cluster, without TLS."""
    with FakeCluster(["m1", "m2", "w1"], password=PASSWORD) as fake:
        yield fake


@pytest.fixture
def shipper(cluster: FakeCluster) -> Iterator[FakeShipper]:
    with FakeShipper(cluster) as fake:
        yield fake


@pytest.fixture
def run(cluster: FakeCluster) -> Callable[..., Result]:
    """Run a module against the cluster of this test, logged in as elastic."""

    def runner(module: str, /, *, check: bool = False, **arguments: Any) -> Result:
        common = {"urls": cluster.urls, "username": "elastic", "password": PASSWORD}
        return call_module(module, {**common, **arguments}, check=check)

    return runner


@dataclass(frozen=True)
class Authority:
    """A throw-away certificate authority, and a node's certificate from it."""

    folder: Path

    @property
    def ca(self) -> str:
        return str(self.folder / "ca.crt")

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "node.crt", self.folder / "node.key")
        return context


def make_authority(folder: Path, names: Sequence[str] = ("127.0.0.1",)) -> Authority:
    folder.mkdir(exist_ok=True)
    ca = issue(f"{folder.name} authority")
    ca.write(folder, "ca")
    issue("node", names, authority=ca).write(folder, "node")
    return Authority(folder)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Another authority: whoever trusts it must not trust the first."""
    return make_authority(tmp_path_factory.mktemp("stranger"))
