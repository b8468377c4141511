# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether certificates, keys and authorities match, and whether a client trusts a server.

OpenSSL checks all of it, through the standard library: a host needs no other library, and what is
accepted here is what a client accepts.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import socket
import ssl
import stat
import tempfile
import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
# OpenSSL's verification results (X509_V_ERR_*).
EXPIRED = {9: "it is not valid yet", 10: "it has expired"}
UNKNOWN_AUTHORITY = frozenset({2, 7, 18, 19, 20, 21, 30})
WRONG_NAME = frozenset({62, 63, 64})
LONGEST_ANSWER = 1 << 20


def is_regular(path: str) -> bool:
    """Open only regular files: a pipe in place of a file would block for ever."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def key_state(certificate: str, key: str, passphrase: str = "") -> str:
    """Whether a key belongs to one of the certificates of a file.

    One of ``fits``, ``missing``, ``other``, ``unreadable``.
    """
    if not os.path.lexists(key):
        return "missing"
    state = "unreadable"
    with tempfile.TemporaryDirectory() as folder:
        place = os.path.join(folder, "certificate")
        for pem in _PEM.findall(certificate):
            with open(place, "w", encoding="ascii", errors="replace") as file:
                file.write(pem)
            try:
                # Otherwise OpenSSL would ask for a passphrase at the terminal.
                ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
                    place, key, password=lambda: passphrase
                )
            except ssl.SSLError as error:
                if error.reason == "KEY_VALUES_MISMATCH":
                    state = "other"
                continue
            except (OSError, ValueError):
                continue
            return "fits"
    return state


def pair_problem(certificate: str, key: str, authority: str) -> str:
    """Why a client would not trust a server with these files; empty if it would.

    A client and a server do a TLS handshake in memory.
    """
    missing = [path for path in (certificate, key, authority) if not is_regular(path)]
    if missing:
        return f"there is no file {', '.join(missing)}"
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        ours.load_cert_chain(certificate, key, password=lambda: "")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            return f"{key} is not its key"
        return f"it cannot be read together with {key} ({error.reason or error})"
    except (OSError, ValueError) as error:
        return f"it cannot be read ({error})"
    try:
        theirs = ssl.create_default_context(cafile=authority)
    except (OSError, ssl.SSLError):
        return f"{authority} holds no certificate"
    theirs.check_hostname = False
    # Elasticsearch is less strict about an authority than a new Python.
    theirs.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return _shake_hands(ours, theirs, authority)


def _shake_hands(ours: ssl.SSLContext, theirs: ssl.SSLContext, authority: str) -> str:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = ours.wrap_bio(to_server, to_client, server_side=True)
    client = theirs.wrap_bio(to_client, to_server)
    for _round in range(10):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as error:
                return explain(error, authority)
            except ssl.SSLError as error:
                return f"no handshake is possible with it ({error.reason or error})"
            if side is client:
                return ""
    return "no handshake is possible with it"


def explain(error: ssl.SSLCertVerificationError, authority: str) -> str:
    if error.verify_code in EXPIRED:
        return f"{EXPIRED[error.verify_code]} ({error.verify_message})"
    if error.verify_code in WRONG_NAME:
        return f"it does not name this address ({error.verify_message})"
    if error.verify_code in UNKNOWN_AUTHORITY:
        return f"{authority} has not signed it ({error.verify_message})"
    return f"it is not accepted ({error.verify_message})"


@dataclass(frozen=True)
class Server:
    """What a client finds: ``ok``, ``untrusted``, ``expired``, ``name``, ``tls``, ``refused``,
    ``silent`` or ``unavailable``."""

    kind: str
    problem: str = ""

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def probe_server(
    address: str, port: int, names: Sequence[str], ca_path: str, timeout: float, path: str = ""
) -> Server:
    """Connect to a server like a client that uses one of these names for it."""
    try:
        context = ssl.create_default_context(cafile=ca_path)
    except (OSError, ssl.SSLError) as error:
        return Server("untrusted", f"{ca_path} cannot be read ({error})")
    last = Server("name", "no name is known for it")
    for name in names:
        last = _probe(address, port, name, context, ca_path, timeout, path)
        if last.kind != "name":
            return last
    if last.kind == "name" and names:
        return Server("name", f"it names none of {', '.join(names)}")
    return last


def _probe(
    address: str,
    port: int,
    name: str,
    context: ssl.SSLContext,
    ca_path: str,
    timeout: float,
    path: str,
) -> Server:
    try:
        plain = socket.create_connection((address, port), timeout=timeout)
        with plain, context.wrap_socket(plain, server_hostname=name) as wrapped:
            return _ask(wrapped, name, path, 3 * timeout) if path else Server("ok")
    except ssl.SSLCertVerificationError as error:
        kind = "untrusted"
        if error.verify_code in EXPIRED:
            kind = "expired"
        elif error.verify_code in WRONG_NAME:
            kind = "name"
        return Server(kind, explain(error, ca_path))
    except ssl.SSLError as error:
        return Server("tls", f"the TLS handshake failed ({error.reason or error})")
    except (TimeoutError, socket.timeout):
        return Server("silent", "no answer in time; is the host up, and is the port open for this")
    except OSError as error:
        return Server("refused", f"{error.strerror or error}: nothing listens there")


def _ask(wrapped: ssl.SSLSocket, name: str, path: str, longest: float) -> Server:
    """Ask Kibana for its own status."""
    # The timeout of the socket is for each read, and a response may come byte by byte.
    end = threading.Timer(longest, socket.socket.shutdown, (wrapped, socket.SHUT_RDWR))
    end.daemon = True
    end.start()
    try:
        return _status(wrapped, name, path)
    finally:
        end.cancel()


def _status(wrapped: ssl.SSLSocket, name: str, path: str) -> Server:
    connection = http.client.HTTPConnection(name)
    connection.sock = wrapped
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read(LONGEST_ANSWER)
    except (http.client.HTTPException, ValueError) as error:
        return Server("unavailable", f"it answers {path} with no HTTP ({error})")
    level: Any = ""
    with contextlib.suppress(ValueError, AttributeError, TypeError):
        level = ((json.loads(text).get("status") or {}).get("overall") or {}).get("level")
    if answer.status == 200 and level == "available":
        return Server("ok")
    return Server(
        "unavailable", f"it answers {path} with {answer.status} and reports the level {level!r}"
    )
