# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Engine behind TLS with client certificates, and behind a fake ssh client."""

from __future__ import annotations

import json
import ssl
import sys
import tempfile
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    Connection,
    Engine,
    EngineAwayError,
    EngineError,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.transport import (
    LAST_BYTES,
    SshConnection,
)
from tests.contract.fake_engine import FakeEngine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.contract.conftest import Authority

# The fake ssh client: it connects its input and output with the Engine's socket.
SSH = f"""#!{sys.executable}
import json, os, socket, sys, threading, time
here = os.path.dirname(os.path.abspath(__file__))
with open(here + "/calls", "a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
if os.path.exists(here + "/refusal"):
    sys.exit(open(here + "/refusal").read())
engine = socket.socket(socket.AF_UNIX)
engine.connect(here + "/engine.sock")
def forward():
    while data := os.read(0, 65536):
        engine.sendall(data)
threading.Thread(target=forward, daemon=True).start()
if os.path.exists(here + "/once"):
    time.sleep(0.3)
    os.write(1, engine.recv(65536))
    sys.exit()
while data := engine.recv(65536):
    os.write(1, data)
"""


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    """An Engine that is reachable only by ``ssh``."""
    client = tmp_path / "ssh"
    client.write_text(SSH)
    client.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with FakeEngine(tmp_path) as engine:
        yield engine


def connected(address: str, **more: object) -> Engine:
    return Engine(Connection.from_options({"docker_host": address, "timeout": 5, **more}))


def commands(folder: Path) -> list[list[str]]:
    return [json.loads(line) for line in (folder / "calls").read_text().splitlines()]


def test_an_engine_behind_ssh(far: FakeEngine, tmp_path: Path) -> None:
    engine = connected("ssh://ops@m1:2222")
    assert engine.services() == []
    assert engine.create_object("configs", "a", b"x", {})
    engine.close()
    assert far.writes() == ["POST /configs/create"]
    # All requests use one ssh.
    options = ["-oBatchMode=yes", "-oConnectTimeout=5", "-T", "-l", "ops", "-p", "2222"]
    assert commands(tmp_path) == [[*options, "--", "m1", "docker system dial-stdio"]]


def test_another_socket_on_the_other_host(far: FakeEngine, tmp_path: Path) -> None:
    engine = connected("ssh://m1/run/user/1000/docker.sock")
    assert engine.services() == []
    engine.close()
    command = commands(tmp_path)[0][-1]
    assert command == "docker --host unix:///run/user/1000/docker.sock system dial-stdio"


def test_the_error_contains_the_error_text_of_ssh(far: FakeEngine, tmp_path: Path) -> None:
    (tmp_path / "refusal").write_text("ops@m1: Permission denied (publickey).")
    with pytest.raises(EngineAwayError, match=r"ended with 1: ops@m1: Permission denied") as caught:
        connected("ssh://ops@m1").services()
    assert "ssh -oBatchMode=yes" in str(caught.value)
    assert far.calls == []


def test_only_the_end_of_a_long_error_text_is_read(far: FakeEngine, tmp_path: Path) -> None:
    (tmp_path / "refusal").write_text("debug1: line\n" * 500_000 + "the last word")
    with pytest.raises(EngineAwayError, match=r"ended with 1: .*the last word"):
        connected("ssh://ops@m1").services()
    read: list[int] = []
    ended = SimpleNamespace(wait=lambda timeout: 1)  # noqa: ARG005
    with tempfile.TemporaryFile() as errors:
        errors.write(b"x" * 10 * LAST_BYTES)
        spy = SimpleNamespace(
            seek=errors.seek, read=lambda *size: read.append(*size) or errors.read(*size)
        )
        SshConnection(["ssh"], 1)._read_exit_text(ended, spy)  # type: ignore[arg-type]
    assert read == [LAST_BYTES]
    assert far.calls == []


def test_a_read_is_repeated_when_ssh_has_ended(far: FakeEngine, tmp_path: Path) -> None:
    (tmp_path / "once").touch()
    engine = connected("ssh://m1")
    assert engine.services() == []
    assert len(commands(tmp_path)) == 2
    with pytest.raises(EngineAwayError):
        engine.create_object("configs", "a", b"x", {})
    engine.close()


def test_a_missing_ssh_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineAwayError, match="ssh does not start on the host that runs this task"):
        connected("ssh://m1").services()


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("ssh://ops:hush@m1", "does not accept a password"),
        ("ssh://", "has no host name"),
        ("ssh://m1:many", "is not an address"),
        ("ssh://m1/run/docker.sock?x", "nothing may follow"),
        ("npipe:////./pipe/docker", "use unix://, tcp://, https:// or ssh://"),
    ],
)
def test_refused_addresses(address: str, reason: str) -> None:
    with pytest.raises(EngineError, match=reason) as caught:
        connected(address).services()
    assert "hush" not in str(caught.value)


@pytest.fixture
def secured(tmp_path: Path, authority: Authority) -> Iterator[FakeEngine]:
    """An Engine that accepts only clients with a certificate of the authority."""
    context = authority.context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.ca)
    with FakeEngine(tmp_path, tls=context) as engine:
        yield engine


def client_files(authority: Authority) -> dict[str, object]:
    certificate, key = authority.folder / "node.crt", authority.folder / "node.key"
    return {"client_cert": str(certificate), "client_key": str(key)}


def test_an_engine_behind_tls(secured: FakeEngine, authority: Authority) -> None:
    options = {"ca_path": authority.ca, **client_files(authority)}
    engine = connected(secured.host, **options)
    assert engine.services() == []
    engine.close()
    # Another way to write the same address.
    engine = connected(secured.host.replace("https", "tcp"), tls=True, **options)
    assert engine.services() == []
    engine.close()


def test_certificates_in_docker_cert_path(
    secured: FakeEngine, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, source in (("ca", "ca.crt"), ("cert", "node.crt"), ("key", "node.key")):
        (tmp_path / f"{name}.pem").write_bytes((authority.folder / source).read_bytes())
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    engine = connected(secured.host)
    assert engine.services() == []
    engine.close()


def test_an_engine_of_another_authority(
    secured: FakeEngine, authority: Authority, stranger: Authority
) -> None:
    with pytest.raises(EngineAwayError, match="Check ca_path, client_cert, client_key"):
        connected(secured.host, ca_path=stranger.ca, **client_files(authority)).services()
    # Without the check of the certificate, the connection works.
    engine = connected(secured.host, validate_certs=False, **client_files(authority))
    assert engine.services() == []
    engine.close()


def test_an_engine_of_another_name(secured: FakeEngine, authority: Authority) -> None:
    options = {"ca_path": authority.ca, **client_files(authority)}
    with pytest.raises(EngineAwayError, match="tls_hostname"):
        connected(secured.host, tls_hostname="m7", **options).services()


def test_a_missing_client_certificate(secured: FakeEngine, authority: Authority) -> None:
    with pytest.raises(EngineAwayError):
        connected(secured.host, ca_path=authority.ca).services()
    assert secured.calls == []


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("unix:///var/run/docker.sock", True),
        ("http+unix:///var/run/docker.sock", True),
        ("tcp://127.0.0.1:2375", False),
        ("ssh://root@m1", False),
    ],
)
def test_whether_the_engine_is_local(address: str, local: bool) -> None:
    assert Engine(Connection(docker_host=address)).local is local
