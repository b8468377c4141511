#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kibana_gate
version_added: 0.1.0
short_description: Wait until Kibana is available
description:
  - Requests C(/api/status) until Kibana reports that it is available. This needs a connection from
    Kibana to Elasticsearch.
  - Kibana's certificate has the name of the service, not the names of hosts. So the address of the
    request and the name in the certificate are two options.
author: The elk.swarm authors (@elk-swarm)
options:
  address:
    description: Name or address of a host on which Kibana's port is published.
    type: str
    required: true
  port:
    description: Port of Kibana on that host.
    type: int
    default: 5601
  server_name:
    description: The name that the certificate must have. It is also the Host of the request.
    type: str
    required: true
  ca_path:
    description: File with the certificate authority that signed Kibana's certificate.
    type: path
    required: true
  wait_timeout:
    description: Seconds to wait.
    type: int
    default: 120
attributes:
  check_mode:
    description: Can run in check mode without changing anything.
    support: full
  diff_mode:
    description: Changes nothing.
    support: N/A
  idempotent:
    description: Changes nothing.
    support: full
"""

EXAMPLES = r"""
- name: Wait until Kibana is available, as a client sees it
  elk.swarm.kibana_gate:
    address: 192.0.2.11
    server_name: kibana
    ca_path: credentials/ca.crt
  delegate_to: localhost
"""

RETURN = r"""
level:
  description: The overall level in Kibana's status.
  returned: success
  type: str
  sample: available
version:
  description: Version of Kibana.
  returned: success
  type: str
  sample: 9.2.4
seconds:
  description: How long the module waited.
  returned: success
  type: float
  sample: 3.2
"""

import http.client
import json
import socket
import ssl
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.common.limited_answer import (
    UnboundedAnswer,
    read_body,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import (
    Address,
    ConfigurationError,
    explain,
    make_tls_context,
)

PAUSE = 1.0
TIMEOUT = 10
# Kibana's response is about 20 kB.
LIMIT = 4 << 20


class Connection(http.client.HTTPSConnection):
    """A connection to one address that verifies another name in the certificate."""

    def __init__(self, address: str, port: int, server_name: str, context: ssl.SSLContext) -> None:
        super().__init__(address, port, timeout=TIMEOUT)
        self.server_name = server_name
        self.tls = context

    def connect(self) -> None:
        plain = socket.create_connection((self.host, self.port), self.timeout)
        self.sock = self.tls.wrap_socket(plain, server_hostname=self.server_name)


def ask(
    params: dict[str, Any], context: ssl.SSLContext, seconds: float
) -> tuple[dict[str, Any], str]:
    """Kibana's status; if there is none in so many seconds, an empty one and the cause."""
    address, port, name = params["address"], params["port"], params["server_name"]
    connection = Connection(address, port, name, context)
    try:
        connection.request("GET", "/api/status", headers={"Host": f"{name}:{port}"})
        answer = connection.getresponse()
        body = read_body(answer, LIMIT, seconds)
    except UnboundedAnswer as error:
        return {}, str(error)
    except (OSError, http.client.HTTPException) as error:
        where = Address(f"https://{address}:{port}", True, address, port, "")
        return {}, explain(error, where, params["ca_path"])
    finally:
        connection.close()
    try:
        status = json.loads(body)
    except ValueError:
        status = None
    # While Kibana has no Elasticsearch, the status is 503 with the same body.
    if answer.status not in (200, 503) or not isinstance(status, dict):
        return {}, f"it answered with {answer.status}, but not with its status"
    return status, ""


def level_of(status: dict[str, Any]) -> str:
    """Kibana's overall level; empty if the status has none.

    >>> level_of({"status": {"overall": {"level": "degraded"}}})
    'degraded'
    >>> level_of({"status": "green"})
    ''
    """
    found: Any = status
    for key in ("status", "overall", "level"):
        found = found.get(key) if isinstance(found, dict) else None
    return str(found or "")


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "address": {"type": "str", "required": True},
            "port": {"type": "int", "default": 5601},
            "server_name": {"type": "str", "required": True},
            "ca_path": {"type": "path", "required": True},
            "wait_timeout": {"type": "int", "default": 120},
        },
        supports_check_mode=True,
    )
    params: dict[str, Any] = module.params
    try:
        context = make_tls_context(params["ca_path"])
    except ConfigurationError as error:
        module.fail_json(msg=str(error))
    start = time.monotonic()
    while True:
        remaining = params["wait_timeout"] - (time.monotonic() - start)
        status, why = ask(params, context, max(TIMEOUT, remaining))
        level, seconds = level_of(status), time.monotonic() - start
        if level == "available":
            break
        if seconds >= params["wait_timeout"]:
            module.fail_json(
                msg=f"Kibana at {params['address']}:{params['port']} is not available after "
                f"{params['wait_timeout']} s: {why or f'its level is {level!r}'}. Read its log "
                f"with `docker service logs {params['server_name']}` on a manager."
            )
        time.sleep(PAUSE)
    version = status.get("version")
    module.exit_json(
        changed=False,
        level=level,
        version=str(version.get("number", "")) if isinstance(version, dict) else "",
        seconds=round(seconds, 1),
    )


if __name__ == "__main__":
    main()
