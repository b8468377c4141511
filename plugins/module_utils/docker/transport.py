# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections to a Docker Engine: by its socket, by TLS, or by ssh to its host."""

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

# Seconds to wait for the end of ssh and its error text, after its stream has ended.
_EXIT_TIMEOUT = 2.0
# Only the last bytes of the error text are read.
LAST_BYTES = 64 * 1024


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a socket of this host."""

    def __init__(self, path: str, timeout: float) -> None:
        # The kernel takes no more seconds than fit into its clock.
        super().__init__("docker", timeout=min(timeout, 10**9))
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

    Raises ValueError, with the reason, for an address that ssh cannot use.
    """
    if not url.hostname:
        raise ValueError("it has no host name")
    if url.password is not None:
        raise ValueError("ssh does not accept a password in an address. Use a key or an agent")
    if url.query or url.fragment:
        raise ValueError("nothing may follow the path")
    # BatchMode: nobody can answer a question of ssh.
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
        self._in_request = False
        self._exit_text = ""

    def connect(self) -> None:
        ours, theirs = socket.socketpair()
        ours.settimeout(self.timeout)
        # close() closes it.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                self._command, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=self._errors
            )
        except OSError as error:
            ours.close()
            # The caller reads a FileNotFoundError as a missing socket of the Engine.
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
        """Replace the error of a stream that ended by the error text of ssh or docker."""
        self._in_request, self._exit_text = True, ""
        try:
            yield
        except (http.client.RemoteDisconnected, ConnectionError) as error:
            self.close()
            raise ConnectionError(self._exit_text or str(error)) from error
        finally:
            self._in_request = False

    def close(self) -> None:
        super().close()
        process, errors = self._process, self._errors
        self._process = self._errors = None
        if process is not None and errors is not None:
            # The base class closes the connection before it raises the error.
            if self._in_request:
                self._exit_text = self._read_exit_text(process, errors)
            process.terminate()
            process.wait()
        if errors is not None:
            errors.close()

    def _read_exit_text(self, process: subprocess.Popen[bytes], errors: IO[bytes]) -> str:
        """The error text of ssh, or of docker on the other host; empty while it still runs."""
        try:
            code = process.wait(timeout=_EXIT_TIMEOUT)
        except subprocess.TimeoutExpired:
            return ""
        size = errors.seek(0, 2)
        errors.seek(max(0, size - LAST_BYTES))
        lines = errors.read(LAST_BYTES).decode("utf-8", "replace").split("\n")
        text = " ".join(line.strip() for line in lines if line.strip())
        return f"{shlex.join(self._command)} ended with {code}: {text[-500:] or 'no error text'}"
