#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: status_controller
version_added: 0.1.0
short_description: Check the controller's authorities, and the platform as a client sees it
description:
  - Returns for each certificate authority whether its certificate exists, and whether its key
    exists and belongs to the certificate.
  - Opens a TLS connection to each server, and returns whether a client with the authority's
    certificate trusts the server under one of its names.
  - Never fails because something is missing or does not answer. Never returns a part of a key.
author: The elk.swarm authors (@elk-swarm)
attributes:
  check_mode:
    description: Can run in check mode, it only reads.
    support: full
  diff_mode:
    description: Shows what has changed or would change.
    support: N/A
    details:
      - Changes nothing.
  idempotent:
    description: A second run in the same state changes nothing.
    support: full
options:
  ca_path:
    description: The authority's certificate that clients have.
    type: path
    required: true
  authorities:
    description: The authorities of the platform.
    type: list
    elements: dict
    default: []
    suboptions:
      file:
        description: Name of the certificate's file on the hosts.
        type: str
        required: true
      certificate:
        description: File of the certificate on this machine.
        type: path
        required: true
      key:
        description: File of the key on this machine.
        type: path
        required: true
      passphrase:
        description: The passphrase of the key.
        type: str
      optional:
        description: Whether a platform may lack it. The result then leaves it out.
        type: bool
        default: false
  servers:
    description: The servers that clients use.
    type: list
    elements: dict
    default: []
    suboptions:
      service:
        description: Name of the service, as the report shows it.
        type: str
        required: true
      addresses:
        description: Addresses to connect to, by the name of the host.
        type: dict
        required: true
      port:
        description: Port to connect to.
        type: int
        required: true
      names:
        description:
          - Names that clients use besides the address and the name of the host. The certificate
            must hold one of all these.
        type: list
        elements: str
        default: []
      path:
        description:
          - Path to request afterwards, for a service that reports there whether it is available, as
            Kibana does.
        type: str
        default: ""
      required:
        description: Whether it is a fault when no server of this service answers.
        type: bool
        default: false
  timeout:
    description: Seconds to wait for one server.
    type: float
    default: 5
seealso:
  - module: elk.swarm.status_report
"""

EXAMPLES = r"""
- name: Check the authority and Kibana
  elk.swarm.status_controller:
    ca_path: credentials/ca.crt
    authorities:
      - file: ca.crt
        certificate: credentials/ca.crt
        key: credentials/ca.key
    servers:
      - service: kibana
        addresses: {m1: 192.0.2.10}
        port: 5601
        names: [kibana.example.org]
        path: /api/status
  delegate_to: localhost
  become: false
  run_once: true
  register: looked_at
"""

RETURN = r"""
controller:
  description: What was found.
  returned: always
  type: dict
  contains:
    ca_path:
      description: O(ca_path).
      type: str
      sample: credentials/ca.crt
    authorities:
      description:
        - The text of each certificate, and the state of each key. V(fits), V(missing), V(other)
          when it belongs to another certificate, or V(unreadable).
      type: list
      elements: dict
      sample:
        - file: ca.crt
          certificate_path: credentials/ca.crt
          key_path: credentials/ca.key
          certificate: "-----BEGIN CERTIFICATE-----..."
          key: fits
    servers:
      description:
        - Each server with the problem in words and as C(kind), one of V(ok), V(untrusted),
          V(expired), V(name), V(tls), V(refused), V(silent) and V(unavailable).
      type: list
      elements: dict
      sample:
        - service: kibana
          host: m1
          address: 192.0.2.10
          port: 5601
          required: true
          kind: ok
          problem: ""
"""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.common import safe_path
from ansible_collections.elk.swarm.plugins.module_utils.platform.tls_trust import (
    is_regular,
    key_state,
    probe_server,
)

WORKERS = 16


def read_authority(authority: dict[str, Any]) -> dict[str, Any]:
    text = ""
    if is_regular(os.path.realpath(authority["certificate"])):
        try:
            text = safe_path.read_text(authority["certificate"], errors="replace")
        except OSError:
            text = ""
    return {
        "file": authority["file"],
        "certificate_path": authority["certificate"],
        "key_path": authority["key"],
        "certificate": text,
        "key": key_state(text, authority["key"], authority["passphrase"] or ""),
    }


def check_server(
    server: dict[str, Any], host: str, address: str, params: dict[str, Any]
) -> dict[str, Any]:
    result = probe_server(
        address,
        server["port"],
        list(dict.fromkeys([address, host, *server["names"]])),
        params["ca_path"],
        params["timeout"],
        server["path"],
    )
    described = {name: server[name] for name in ("service", "port", "required")}
    return {**described, "host": host, "address": address, **result.as_dict()}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "ca_path": {"type": "path", "required": True},
            "authorities": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "file": {"type": "str", "required": True},
                    "certificate": {"type": "path", "required": True},
                    "key": {"type": "path", "required": True, "no_log": False},
                    "passphrase": {"type": "str", "no_log": True},
                    "optional": {"type": "bool", "default": False},
                },
            },
            "servers": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "service": {"type": "str", "required": True},
                    "addresses": {"type": "dict", "required": True},
                    "port": {"type": "int", "required": True},
                    "names": {"type": "list", "elements": "str", "default": []},
                    "path": {"type": "str", "default": ""},
                    "required": {"type": "bool", "default": False},
                },
            },
            "timeout": {"type": "float", "default": 5},
        },
        supports_check_mode=True,
    )
    params = module.params
    servers = [
        (server, str(host), str(address), params)
        for server in params["servers"]
        for host, address in server["addresses"].items()
    ]
    # Without the authority's certificate no server is trusted; the report shows that as one fault.
    found: list[dict[str, Any]] = []
    if servers and is_regular(os.path.realpath(params["ca_path"])):
        with ThreadPoolExecutor(max_workers=min(WORKERS, len(servers))) as pool:
            found = list(pool.map(lambda one: check_server(*one), servers))
    controller = {
        "ca_path": params["ca_path"],
        "authorities": [
            read_authority(one)
            for one in params["authorities"]
            if not one["optional"] or os.path.lexists(one["certificate"])
        ],
        "servers": found,
    }
    module.exit_json(changed=False, controller=controller)


if __name__ == "__main__":
    main()
