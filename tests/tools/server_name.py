"""Connections to an address whose certificate has another name.

The certificate of Kibana has the name of the service, and no name of a host.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from pathlib import Path

KIBANA = "kibana"


class NamedContext(ssl.SSLContext):
    """Verifies one name, whichever address a client connects to."""

    server_name = KIBANA

    def wrap_socket(self, sock: socket.socket, *args: Any, **options: Any) -> ssl.SSLSocket:
        return super().wrap_socket(sock, *args, **{**options, "server_hostname": self.server_name})


def kibana_context(authority: Path | str) -> NamedContext:
    """A context that trusts the authority and verifies the name of Kibana."""
    context = NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=str(authority))
    return context
