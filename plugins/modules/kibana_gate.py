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
  - Kibana's certificate has the name of the service, not the names of hosts. So the addresses of
    the requests and the name in the certificate are two options.
author: The elk.swarm authors (@elk-swarm)
options:
  addresses:
    description:
      - Names or addresses of the hosts on which Kibana's port is published. Each of them must
        answer.
    type: list
    elements: str
    required: true
  port:
    description: Port of Kibana on these hosts.
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
    addresses: [192.0.2.11, 192.0.2.12]
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
from collections.abc import Mapping
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
    address: str, params: dict[str, Any], context: ssl.SSLContext, seconds: float
) -> tuple[dict[str, Any], str]:
    """Kibana's status; if there is none in so many seconds, an empty one and the cause."""
    port, name = params["port"], params["server_name"]
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


def wait_for_kibana(
    address: str, params: dict[str, Any], context: ssl.SSLContext, start: float
) -> tuple[dict[str, Any], str]:
    """The status of an available Kibana; after the time, an empty one and the cause."""
    while True:
        remaining = params["wait_timeout"] - (time.monotonic() - start)
        status, why = ask(address, params, context, max(TIMEOUT, remaining))
        level = level_of(status)
        if level == "available":
            return status, ""
        if time.monotonic() - start >= params["wait_timeout"]:
            return {}, why or f"its level is {level!r}"
        time.sleep(PAUSE)


def explain_problems(
    problems: Mapping[str, str], params: Mapping[str, Any], *, any_available: bool
) -> str:
    """The error with every host that does not answer, and the machine that asked."""
    each = "; ".join(f"at {name}:{params['port']}: {why}" for name, why in problems.items())
    text = (
        f"Kibana is not available after {params['wait_timeout']} s, asked from "
        f"{socket.gethostname()}, {each}."
    )
    if any_available:
        return (
            f"{text} On other hosts it is. If kibana_publish_mode is ingress, every host must "
            "answer: run `modprobe ip_vs` on this host, and see whether a firewall drops the port."
        )
    name = params["server_name"]
    return f"{text} Read its log with `docker service logs {name}` on a manager."


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "addresses": {"type": "list", "elements": "str", "required": True},
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
    if not params["addresses"]:
        module.fail_json(msg="addresses is empty: there is no host to ask")
    start = time.monotonic()
    status: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for address in dict.fromkeys(params["addresses"]):
        # All hosts share the time, and each is asked at least once.
        found, why = wait_for_kibana(address, params, context, start)
        if why:
            problems[address] = why
        else:
            status = found
    if problems:
        module.fail_json(msg=explain_problems(problems, params, any_available=bool(status)))
    seconds = time.monotonic() - start
    version = status.get("version")
    module.exit_json(
        changed=False,
        level=level_of(status),
        version=str(version.get("number", "")) if isinstance(version, dict) else "",
        seconds=round(seconds, 1),
    )


if __name__ == "__main__":
    main()
