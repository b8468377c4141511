# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates, keys and authorities that match or not, and what a client makes of them."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.platform.tls_trust import (
    key_state,
    pair_problem,
    probe_server,
)
from tests.contract.conftest import Authority, make_authority
from tests.contract.fake_elasticsearch import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("tls") / "ours")


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("tls") / "theirs")


def pair(one: Authority, key: Authority | None = None, ca: Authority | None = None) -> str:
    node = (key or one).folder / "node.key"
    return pair_problem(str(one.folder / "node.crt"), str(node), (ca or one).ca)


class TestPair:
    def test_that_fits(self, ours: Authority) -> None:
        assert pair(ours) == ""

    def test_with_another_key(self, ours: Authority, theirs: Authority) -> None:
        assert pair(ours, key=theirs).endswith("node.key is not its key")

    def test_of_another_authority(self, ours: Authority, theirs: Authority) -> None:
        assert "has not signed it" in pair(ours, ca=theirs)

    def test_with_both_authorities_in_the_file(
        self, ours: Authority, theirs: Authority, tmp_path: Path
    ) -> None:
        both = tmp_path / "ca.crt"
        both.write_bytes((theirs.folder / "ca.crt").read_bytes())
        with both.open("ab") as file:
            file.write((ours.folder / "ca.crt").read_bytes())
        node = ours.folder / "node"
        assert pair_problem(f"{node}.crt", f"{node}.key", str(both)) == ""

    def test_of_garbage(self, ours: Authority, tmp_path: Path) -> None:
        garbage = tmp_path / "node.crt"
        garbage.write_text("garbage\n")
        key = str(ours.folder / "node.key")
        assert "cannot be read" in pair_problem(str(garbage), key, ours.ca)
        node = str(ours.folder / "node.crt")
        assert "holds no certificate" in pair_problem(node, key, str(garbage))

    def test_a_pipe_is_not_opened(self, ours: Authority, tmp_path: Path) -> None:
        pipe = tmp_path / "node.key"
        os.mkfifo(pipe)
        assert "there is no file" in pair_problem(str(ours.folder / "node.crt"), str(pipe), ours.ca)


class TestKey:
    def test_of_an_authority(self, ours: Authority, theirs: Authority, tmp_path: Path) -> None:
        certificate = (ours.folder / "node.crt").read_text()
        assert key_state(certificate, str(ours.folder / "node.key")) == "fits"
        assert key_state(certificate, str(theirs.folder / "node.key")) == "other"
        assert key_state(certificate, str(tmp_path / "gone.key")) == "missing"
        garbage = tmp_path / "garbage.key"
        garbage.write_text("garbage")
        assert key_state(certificate, str(garbage)) == "unreadable"

    def test_of_the_second_certificate_of_a_file(self, ours: Authority, theirs: Authority) -> None:
        both = (theirs.folder / "node.crt").read_text() + (ours.folder / "node.crt").read_text()
        assert key_state(both, str(ours.folder / "node.key")) == "fits"


class Kibana(BaseHTTPRequestHandler):
    answer: ClassVar[tuple[int, bytes]] = (200, b"")

    def do_GET(self) -> None:
        self.send_response(self.answer[0])
        self.send_header("Content-Length", str(len(self.answer[1])))
        self.end_headers()
        self.wfile.write(self.answer[1])

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def kibana(ours: Authority) -> Iterator[int]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Kibana)
    httpd.socket = ours.context().wrap_socket(httpd.socket, server_side=True)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield httpd.server_address[1]
    httpd.shutdown()
    httpd.server_close()
    thread.join()


LEVEL = b'{"status": {"overall": {"level": "%s"}}}'


class TestClient:
    def test_trusts_it(self, ours: Authority, kibana: int) -> None:
        assert probe_server("127.0.0.1", kibana, ["127.0.0.1"], ours.ca, 5).kind == "ok"

    def test_one_of_its_names_is_enough(self, ours: Authority, kibana: int) -> None:
        names = ["kibana.example.org", "127.0.0.1"]
        assert probe_server("127.0.0.1", kibana, names, ours.ca, 5).kind == "ok"

    def test_none_of_its_names(self, ours: Authority, kibana: int) -> None:
        seen = probe_server("127.0.0.1", kibana, ["kibana.example.org", "m1"], ours.ca, 5)
        assert (seen.kind, seen.problem) == ("name", "it names none of kibana.example.org, m1")

    def test_another_authority(self, theirs: Authority, kibana: int) -> None:
        seen = probe_server("127.0.0.1", kibana, ["127.0.0.1"], theirs.ca, 5)
        assert seen.kind == "untrusted"
        assert "has not signed it" in seen.problem

    def test_nothing_there(self, ours: Authority) -> None:
        assert probe_server("127.0.0.1", free_port(), ["127.0.0.1"], ours.ca, 5).kind == "refused"

    def test_no_authority(self, tmp_path: Path, kibana: int) -> None:
        gone = str(tmp_path / "ca.crt")
        assert probe_server("127.0.0.1", kibana, ["127.0.0.1"], gone, 5).kind == "untrusted"

    def test_an_answer_that_comes_byte_by_byte_is_cut_off(
        self, ours: Authority, kibana: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def drip(self: Kibana) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            with contextlib.suppress(OSError):
                for _byte in range(400):
                    self.wfile.write(b" ")
                    time.sleep(0.1)

        monkeypatch.setattr(Kibana, "do_GET", drip)
        begun = time.monotonic()
        seen = probe_server("127.0.0.1", kibana, ["127.0.0.1"], ours.ca, 0.3, "/api/status")
        assert seen.kind != "ok"
        assert time.monotonic() - begun < 30

    @pytest.mark.parametrize(
        ("answer", "kind"),
        [
            ((200, LEVEL % b"available"), "ok"),
            ((200, LEVEL % b"degraded"), "unavailable"),
            ((503, LEVEL % b"critical"), "unavailable"),
            ((503, b"Kibana server is not ready yet"), "unavailable"),
            ((200, b"[1]"), "unavailable"),
        ],
    )
    def test_the_status_of_kibana(
        self,
        ours: Authority,
        kibana: int,
        answer: tuple[int, bytes],
        kind: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(Kibana, "answer", answer)
        assert (
            probe_server("127.0.0.1", kibana, ["127.0.0.1"], ours.ca, 5, "/api/status").kind == kind
        )
