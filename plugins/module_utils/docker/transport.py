# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How bytes reach a Docker Engine: its socket, TLS, or ssh to the host that it runs on."""

from __future__ import annotations

import http.client
import shlex
import socket
import ssl
import subprocess
import tempfile
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

# Seconds for ssh to say why it ended, once its stream has.
LAST_WORDS = 2.0
# As much of them is read.
LAST_BYTES = 64 * 1024


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a socket of this host."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("docker", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class TlsConnection(http.client.HTTPConnection):
    """HTTPS whose expected server name may differ from the address it connects to."""

    def __init__(
        self, host: str, port: int, timeout: float, context: ssl.SSLContext, server_name: str
    ) -> None:
        super().__init__(host, port, timeout=timeout)
        self._context = context
        self._server_name = server_name

    def connect(self) -> None:
        super().connect()
        self.sock = self._context.wrap_socket(self.sock, server_hostname=self._server_name)


def ssh_command(url: SplitResult, timeout: float) -> list[str]:
    """The ssh client's command line for ``ssh://[user@]host[:port][/path/of/docker.sock]``.

    >>> from urllib.parse import urlsplit
    >>> ssh_command(urlsplit("ssh://ops@m1:2222"), 60)[3:]
    ['-T', '-l', 'ops', '-p', '2222', '--', 'm1', 'docker system dial-stdio']

    Raises ValueError, with the reason, for an address that ssh cannot be given.
    """
    if not url.hostname:
        raise ValueError("it names no host")
    if url.password is not None:
        raise ValueError("ssh takes no password from an address. Use a key or an agent")
    if url.query or url.fragment:
        raise ValueError("nothing may follow the path")
    # Nobody is there to answer a question.
    command = ["ssh", "-oBatchMode=yes"]
    command += [f"-oConnectTimeout={max(1, int(timeout))}", "-T"]
    if url.username:
        command += ["-l", unquote(url.username)]
    if url.port:
        command += ["-p", str(url.port)]
    docker = ["docker"]
    if url.path.strip("/"):
        docker += ["--host", f"unix://{unquote(url.path)}"]
    return [*command, "--", url.hostname, shlex.join([*docker, "system", "dial-stdio"])]


class SshConnection(http.client.HTTPConnection):
    """HTTP over the input and output of ``docker system dial-stdio`` on another host."""

    def __init__(self, command: list[str], timeout: float) -> None:
        super().__init__("docker", timeout=timeout)
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._asking = False
        self._last_words = ""

    def connect(self) -> None:
        ours, theirs = socket.socketpair()
        ours.settimeout(self.timeout)
        # Closed with the connection.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                self._command, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=self._errors
            )
        except OSError as error:
            ours.close()
            # As itself, FileNotFoundError would be taken for the Engine's socket.
            raise ConnectionError(
                f"{self._command[0]} does not start on the host that runs this task: {error}"
            ) from error
        finally:
            theirs.close()
        self.sock = ours

    def send(self, data: Any) -> None:
        with self._explained():
            super().send(data)

    def getresponse(self) -> http.client.HTTPResponse:
        with self._explained():
            return super().getresponse()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Give an error that only says that the stream has ended the words of who ended it."""
        self._asking, self._last_words = True, ""
        try:
            yield
        except (http.client.RemoteDisconnected, ConnectionError) as error:
            self.close()
            raise ConnectionError(self._last_words or str(error)) from error
        finally:
            self._asking = False

    def close(self) -> None:
        super().close()
        process, errors = self._process, self._errors
        self._process = self._errors = None
        if process is not None and errors is not None:
            # The base class closes as soon as something fails, before it tells.
            if self._asking:
                self._last_words = self._listen(process, errors)
            process.terminate()
            process.wait()
        if errors is not None:
            errors.close()

    def _listen(self, process: subprocess.Popen[bytes], errors: IO[bytes]) -> str:
        """What ssh, or docker on the other host, said when it ended; empty while it runs."""
        try:
            code = process.wait(timeout=LAST_WORDS)
        except subprocess.TimeoutExpired:
            return ""
        size = errors.seek(0, 2)
        errors.seek(max(0, size - LAST_BYTES))
        lines = errors.read(LAST_BYTES).decode("utf-8", "replace").split("\n")
        said = " ".join(line.strip() for line in lines if line.strip())
        return f"{shlex.join(self._command)} ended with {code}: {said[-500:] or 'no words'}"
