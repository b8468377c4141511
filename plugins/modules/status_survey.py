#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: status_survey
version_added: 0.1.0
short_description: Survey a host, and from a manager the whole platform
description:
  - Reads the host's Docker Engine, its membership in the swarm and its certificate. On a manager
    with a majority it also reads all nodes and services, and with O(elasticsearch_urls)
    Elasticsearch.
  - Never fails because something does not answer. The result then holds a problem for that part.
  - Of a service it returns only name, image, counts and errors, never its environment or a secret.
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
  pki_dir:
    description:
      - Folder with C(ca.crt), C(node.crt) and C(node.key) of the host. The result holds whether
        they fit together and the text of the authority's certificate, but nothing of the key.
      - C(transport-ca.crt), C(transport.crt) and C(transport.key) are checked where they exist.
    type: path
  paths:
    description:
      - Directories whose file systems are checked, besides the one of Docker.
    type: list
    elements: str
    default: []
  elasticsearch_path:
    description: The one of O(paths) whose free space Elasticsearch watches itself.
    type: path
  queues:
    description:
      - The queues of Logstash that are checked. By the name of the service, its data directory on
        the host.
      - The directory is where a queue is whose Logstash does not run. A Logstash that runs may have
        its data in a volume instead.
    type: dict
    default: {}
  queue_wait:
    description:
      - Maximum seconds to watch a queue that holds events, at least 6. The first event that is
        sent ends the wait. One queue is watched after the other.
    type: int
    default: 10
  units:
    description: Names of systemd units whose state is read.
    type: list
    elements: str
    default: []
  alias:
    description: Alias of the indices that receive the syslog lines.
    type: str
    default: ""
  elasticsearch_urls:
    description:
      - Addresses of the Elasticsearch nodes. Only managers query them. None does if the list is
        empty.
    type: list
    elements: str
    default: []
  elasticsearch_ca_path:
    description: File with the authority that signed the certificates of Elasticsearch.
    type: path
  elasticsearch_username:
    description: User for the queries to Elasticsearch. Needs the cluster privilege C(monitor).
    type: str
  elasticsearch_password:
    description: Password of O(elasticsearch_username). Without it Elasticsearch is not queried.
    type: str
  elasticsearch_login_from:
    description: Where the login is kept. An error about a refused login names it.
    type: str
  timeout:
    description: Seconds to wait for one answer of the Engine or of Elasticsearch.
    default: 15
seealso:
  - module: elk.swarm.status_report
"""

EXAMPLES = r"""
- name: Survey the host
  elk.swarm.status_survey:
    certificate: /etc/elk/pki/node.crt
    pki_dir: /etc/elk/pki
    paths: [/etc/elk, /srv/elk]
    queues: {logshipper: /srv/elk/logstash}
    alias: syslog-msg
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
      description: Host name that the kernel reports.
      type: str
      sample: m1
    engine:
      description: Version of the Docker Engine, or the problem with it.
      type: dict
      sample: {version: 26.1.5, problem: ""}
    member:
      description: Membership in the swarm, as M(elk.swarm.swarm_member_info) returns it.
      type: dict
      sample: {state: active, node_id: nbp2pdbcp1i5jf0tu5wi2q1kf, manager: true, quorum: true}
    certificate:
      description: Text of O(certificate), empty when there is none.
      type: str
      sample: |
        -----BEGIN CERTIFICATE-----
        MIIB...
        -----END CERTIFICATE-----
    pki:
      description: Text of the authorities' certificates, and whether each pair is trusted by them.
      type: dict
      sample:
        authorities: {ca.crt: "-----BEGIN CERTIFICATE-----..."}
        pairs: [{certificate: node.crt, problem: ""}]
    file_systems:
      description: The file systems of O(paths) and of Docker, with bytes and inodes.
      type: list
      elements: dict
      sample:
        - path: /srv/elk
          mount: /
          read_only: false
          elasticsearch: true
          total: 107374182400
          available: 64424509440
          inodes: 6553600
          inodes_free: 6400000
    queues:
      description:
        - By the name of the service, what Logstash reports of its queue at the first and the last
          reading, or the content of a queue whose Logstash does not run here, or nothing.
        - The counts are those of RV(elk.swarm.logstash_queue#module:events).
      type: dict
      sample:
        logshipper:
          container: 5f69457147465f4f7b2ce7b93fde2dcea26040b635686fec99f4f5349eba775e
          listening: true
          path: /srv/elk/logstash
          first: {in: 300, out: 11, queued: 289, bytes: 121000, max_bytes: 1073741824}
          last: {in: 300, out: 11, queued: 289, bytes: 121000, max_bytes: 1073741824}
          seconds: 10.1
          long: false
    units:
      description: By the name of a unit, its state, as C(systemctl is-active) prints it.
      type: dict
      sample: {ticker.service: active}
    swarm:
      description:
        - Nodes and services, from a manager. Empty from a worker. C(authorities) has the
          authorities' certificates that services of the swarm get as a config.
      type: dict
      sample:
        nodes:
          - {id: nbp2pdbcp1i5jf0tu5wi2q1kf, hostname: m1, role: manager, state: ready}
        services:
          - {name: kibana, stack: elk, desired: 1, running: 1, error: ""}
        authorities: {kibana: "-----BEGIN CERTIFICATE-----..."}
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
        write_index: syslog-msg-000001
        blocks: {indices: {syslog-msg-000001: {"12": {retryable: true}}}}
        settings: {cluster.routing.allocation.disk.watermark.high: 90%}
        own_settings: {}
        voting_exclusions: []
        unreached: {}
        problem: ""
"""

import base64
import os
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.common import safe_path
from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    Connection,
    Engine,
    EngineError,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.module import ENGINE_ARGUMENTS
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import (
    Client,
    ElasticsearchError,
    Login,
    path_of,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.health_gate import (
    add_versions,
    observe,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.settings import (
    in_force,
    with_defaults,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.voting import (
    exclusions,
    label,
)
from ansible_collections.elk.swarm.plugins.module_utils.host import file_system
from ansible_collections.elk.swarm.plugins.module_utils.logstash import task
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.facts import (
    elasticsearch_indices,
    elasticsearch_nodes,
    swarm_nodes,
    swarm_services,
    write_index_of,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.tls_trust import (
    is_regular,
    pair_problem,
)
from ansible_collections.elk.swarm.plugins.module_utils.swarm.membership_plan import Member, look

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Authority, certificate and key; the second row exists if transport has its own authority.
PAIRS = (
    ("ca.crt", "node.crt", "node.key"),
    ("transport-ca.crt", "transport.crt", "transport.key"),
)
INDEX_COLUMNS = "health,status,index,pri,rep,docs.count,store.size"


def read(path: str | None) -> str:
    if not path:
        return ""
    try:
        return safe_path.read_text(path, errors="replace")
    except OSError:
        return ""


def about_pki(folder: str | None) -> dict[str, Any]:
    authorities, pairs = {}, []
    for authority, certificate, key in PAIRS:
        places = [os.path.join(folder or "", name) for name in (authority, certificate, key)]
        if not folder or not (authority == "ca.crt" or os.path.lexists(places[0])):
            continue
        authorities[authority] = read(places[0]) if is_regular(places[0]) else ""
        if os.path.lexists(places[1]):
            problem = pair_problem(places[1], places[2], places[0])
            pairs.append({"certificate": certificate, "problem": problem})
    return {"authorities": authorities, "pairs": pairs}


def about_file_systems(engine: Engine, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    paths = list(params["paths"])
    try:
        paths.append(str(engine.request("GET", "/info").get("DockerRootDir") or "/"))
    except EngineError:
        # about_engine reports that Docker does not answer.
        paths.append("/")
    found = file_system.survey(paths, read("/proc/mounts"))
    for one in found:
        one["elasticsearch"] = one["path"] == params["elasticsearch_path"]
    return found


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
        specs = engine.services()
        services = swarm_services(specs, engine.all_tasks(), nodes)
        return {
            "nodes": swarm_nodes(nodes),
            "services": services,
            "authorities": trusted_by(engine, specs),
            "problem": "",
        }
    except EngineError as error:
        return {"nodes": [], "services": [], "problem": str(error)}


def trusted_by(engine: Engine, services: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The authority that each service gets as a config. Configs hold no secrets."""
    found = {}
    for service in services:
        spec = service.get("Spec") or {}
        name = str(spec.get("Name") or "")
        container = (spec.get("TaskTemplate") or {}).get("ContainerSpec") or {}
        for config in container.get("Configs") or ():
            if not str(config.get("ConfigName") or "").startswith(f"{name}-ca-"):
                continue
            answer = engine.request("GET", f"/configs/{config['ConfigID']}")
            data = str((answer.get("Spec") or {}).get("Data") or "")
            found[name] = base64.b64decode(data).decode("ascii", errors="replace")
    return found


def about_blocks(client: Client, alias: str) -> dict[str, Any]:
    """What prevents Elasticsearch from indexing lines or allocating shards."""
    found: dict[str, Any] = {}
    state = client.get("/_cluster/state/blocks").object()
    found["blocks"] = state.get("blocks") or {}
    settings = client.get(
        "/_cluster/settings?include_defaults=true"
        "&filter_path=persistent,transient,defaults.cluster.routing.allocation.disk"
    ).object()
    found["settings"], found["own_settings"] = with_defaults(settings), in_force(settings)
    found["voting_exclusions"] = sorted(label(one) for one in exclusions(client))
    if alias:
        reply = client.get(path_of("_alias", alias), accept=(404,))
        found["write_index"] = write_index_of(reply.object() if reply.ok else {}, alias)
    return found


def about_elasticsearch(params: dict[str, Any]) -> dict[str, Any]:
    if not params["elasticsearch_urls"]:
        return {}
    if not params["elasticsearch_password"]:
        return {"problem": "was not queried, because the controller has no password for it"}
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
        indices = members.get(
            f"/_cat/indices?format=json&bytes=b&expand_wildcards=all&h={INDEX_COLUMNS}"
        )
        found["indices"] = elasticsearch_indices(indices.body)
        found.update(about_blocks(members, params["alias"]))
    except ElasticsearchError as error:
        found["problem"] = str(error)
    finally:
        members.close()
        client.close()
    return found


def about_units(module: AnsibleModule) -> dict[str, str]:
    """The state of each unit; nothing where systemd is not there."""
    units = module.params["units"]
    systemctl = module.get_bin_path("systemctl") if units else None
    if not systemctl:
        return {}
    # It prints a line for each unit, and ends with an error if one is not active.
    _code, output, _error = module.run_command([systemctl, "is-active", "--", *units])
    return dict(zip(units, output.splitlines()))


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **ENGINE_ARGUMENTS,
            "certificate": {"type": "path"},
            "pki_dir": {"type": "path"},
            "paths": {"type": "list", "elements": "str", "default": []},
            "elasticsearch_path": {"type": "path"},
            "queues": {"type": "dict", "default": {}},
            "queue_wait": {"type": "int", "default": 10},
            "units": {"type": "list", "elements": "str", "default": []},
            "alias": {"type": "str", "default": ""},
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
    engine_facts, member = about_engine(engine)
    survey = {
        "nodename": os.uname().nodename,
        "engine": engine_facts,
        "member": member.as_dict(),
        "certificate": read(module.params["certificate"]),
        "pki": about_pki(module.params["pki_dir"]),
        "file_systems": about_file_systems(engine, module.params),
        "swarm": about_swarm(engine, member),
        "elasticsearch": about_elasticsearch(module.params),
        "queues": {
            service: task.survey(engine, service, str(path), module.params["queue_wait"])
            for service, path in module.params["queues"].items()
        },
    }
    engine.close()
    survey["units"] = about_units(module)
    module.exit_json(changed=False, survey=survey)


if __name__ == "__main__":
    main()
