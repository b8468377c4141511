#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: status_survey
version_added: 0.1.0
short_description: Look at a host, and from a manager at the whole platform
description:
  - Reads the host's Docker Engine, its place in the swarm and its certificate. A manager with a
    majority also tells about all nodes and services, and with O(elasticsearch_urls) about
    Elasticsearch.
  - Never fails because something is away. What did not answer is told as the problem of its part.
  - Returns nothing of a service but name, image, counts and errors, so no environment and no secret
    comes back.
author: The elk.swarm authors (@elk-swarm)
extends_documentation_fragment:
  - elk.swarm.docker
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
  certificate:
    description: Certificate of the host, whose text is returned.
    type: path
  elasticsearch_urls:
    description:
      - Addresses of the Elasticsearch nodes. They are asked from managers only, and not at all when
        the list is empty.
    type: list
    elements: str
    default: []
  elasticsearch_ca_path:
    description: File with the authority that signed the certificates of Elasticsearch.
    type: path
  elasticsearch_username:
    description: User that asks Elasticsearch. Needs the cluster privilege C(monitor).
    type: str
  elasticsearch_password:
    description: Password of O(elasticsearch_username). Elasticsearch is not asked without one.
    type: str
  elasticsearch_login_from:
    description: Where the login is kept. An error about a refused login names it.
    type: str
  timeout:
    description: Seconds to wait for one answer, of the Engine as of Elasticsearch.
    default: 15
seealso:
  - module: elk.swarm.status_report
"""

EXAMPLES = r"""
- name: Look at the host
  elk.swarm.status_survey:
    certificate: /etc/elk/pki/node.crt
    elasticsearch_urls: "{{ elk_elasticsearch_urls }}"
    elasticsearch_ca_path: "{{ elk_ca_file }}"
    elasticsearch_username: elastic
    elasticsearch_password: "{{ elk_elastic_password }}"
  register: looked_at
"""

RETURN = r"""
survey:
  description: What was found.
  returned: always
  type: dict
  contains:
    nodename:
      description: Name of the host as its kernel says it.
      type: str
      sample: m1
    engine:
      description: Version of the Docker Engine, or the problem with it.
      type: dict
      sample: {version: 26.1.5, problem: ""}
    member:
      description: Place in the swarm, as M(elk.swarm.swarm_member_info) returns it.
      type: dict
      sample: {state: active, node_id: nbp2pdbcp1i5jf0tu5wi2q1kf, manager: true, quorum: true}
    certificate:
      description: Text of O(certificate), empty when there is none.
      type: str
      sample: |
        -----BEGIN CERTIFICATE-----
        MIIB...
        -----END CERTIFICATE-----
    swarm:
      description: Nodes and services, from a manager. Empty from a worker.
      type: dict
      sample:
        nodes:
          - {id: nbp2pdbcp1i5jf0tu5wi2q1kf, hostname: m1, role: manager, state: ready}
        services:
          - {name: kibana, stack: elk, desired: 1, running: 1, error: ""}
        problem: ""
    elasticsearch:
      description: Clusters, health, nodes and indices, from a manager. Empty from a worker.
      type: dict
      sample:
        cluster_name: elk
        clusters: {9aWlGr3ORfKk6mZ3dJ1mJg: [m1]}
        health: {status: green}
        nodes: [{name: m1, version: 9.2.4, heap_percent: 41.0}]
        indices: [{name: syslog-msg-000001, health: green, docs: 1203.0}]
        unreached: {}
        problem: ""
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils import safe_path
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch_client import (
    Client,
    ElasticsearchError,
    Login,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch_gate import (
    add_versions,
    observe,
)
from ansible_collections.elk.swarm.plugins.module_utils.engine import (
    Connection,
    Engine,
    EngineError,
)
from ansible_collections.elk.swarm.plugins.module_utils.engine_options import ENGINE_ARGUMENTS
from ansible_collections.elk.swarm.plugins.module_utils.status import (
    elasticsearch_indices,
    elasticsearch_nodes,
    swarm_nodes,
    swarm_services,
)
from ansible_collections.elk.swarm.plugins.module_utils.swarm_member import Member, look

INDEX_COLUMNS = "health,status,index,pri,rep,docs.count,store.size"


def read(path: str | None) -> str:
    if not path:
        return ""
    try:
        return safe_path.read_text(path, errors="replace")
    except OSError:
        return ""


def about_engine(engine: Engine) -> tuple[dict[str, Any], Member]:
    version = ""
    try:
        version = str(engine.request("GET", "/version").get("Version") or "")
        return {"version": version, "problem": ""}, look(engine)
    except EngineError as error:
        return {"version": version, "problem": str(error)}, Member()


def about_swarm(engine: Engine, member: Member) -> dict[str, Any]:
    if not member.manager:
        return {}
    if not member.quorum:
        return {"nodes": [], "services": [], "problem": member.error}
    try:
        nodes = engine.nodes()
        services = swarm_services(engine.services(), engine.all_tasks(), nodes)
        return {"nodes": swarm_nodes(nodes), "services": services, "problem": ""}
    except EngineError as error:
        return {"nodes": [], "services": [], "problem": str(error)}


def about_elasticsearch(params: dict[str, Any]) -> dict[str, Any]:
    if not params["elasticsearch_urls"]:
        return {}
    if not params["elasticsearch_password"]:
        return {"problem": "was not asked, because the controller has no password for it"}
    login = Login(
        username=params["elasticsearch_username"],
        password=params["elasticsearch_password"],
        origin=params["elasticsearch_login_from"],
    )
    timeout = float(params["timeout"])
    try:
        client = Client(
            params["elasticsearch_urls"],
            login=login,
            ca_path=params["elasticsearch_ca_path"],
            timeout=timeout,
        )
    except ElasticsearchError as error:
        return {"problem": str(error)}
    seen = observe(client, timeout=timeout)
    found: dict[str, Any] = {
        "cluster_name": seen.cluster_name,
        "clusters": seen.uuids,
        "health": dict(seen.health or {}),
        "nodes": [],
        "indices": None,
        "unreached": seen.unreachable,
        "problem": seen.problem or "",
    }
    if seen.health is None:
        return found
    members = client.derive(
        urls=[view.url for view in seen.views if view.formed], rounds=1, timeout=timeout
    )
    nodes = add_versions(seen.nodes, seen.views)
    found["nodes"] = elasticsearch_nodes(nodes, {})
    try:
        stats = members.get("/_nodes/stats/jvm,fs?timeout=5s").object()
        found["nodes"] = elasticsearch_nodes(nodes, stats)
        listed = members.get(
            f"/_cat/indices?format=json&bytes=b&expand_wildcards=all&h={INDEX_COLUMNS}"
        )
        found["indices"] = elasticsearch_indices(listed.body)
    except ElasticsearchError as error:
        found["problem"] = str(error)
    finally:
        members.close()
        client.close()
    return found


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **ENGINE_ARGUMENTS,
            "certificate": {"type": "path"},
            "elasticsearch_urls": {"type": "list", "elements": "str", "default": []},
            "elasticsearch_ca_path": {"type": "path"},
            "elasticsearch_username": {"type": "str"},
            "elasticsearch_password": {"type": "str", "no_log": True},
            "elasticsearch_login_from": {"type": "str"},
            "timeout": {"type": "int", "default": 15},
        },
        supports_check_mode=True,
    )
    engine = Engine(Connection.from_options(module.params))
    about, member = about_engine(engine)
    survey = {
        "nodename": os.uname().nodename,
        "engine": about,
        "member": member.as_dict(),
        "certificate": read(module.params["certificate"]),
        "swarm": about_swarm(engine, member),
        "elasticsearch": about_elasticsearch(module.params),
    }
    engine.close()
    module.exit_json(changed=False, survey=survey)


if __name__ == "__main__":
    main()
