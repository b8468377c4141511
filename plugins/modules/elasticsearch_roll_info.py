#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: elasticsearch_roll_info
short_description: Read what decides whether Elasticsearch nodes may restart
version_added: 0.1.0
author: The elk.swarm authors (@elk-swarm)
description:
  - Returns the same values as M(elk.swarm.elasticsearch_gate) with C(wait=false), and fails when
    that module fails. A cluster that has not formed is not an error.
  - If the cluster has formed, also reads what decides whether nodes may restart now. These are
    explicitly set cluster settings, disks above the high watermark, indices that a full disk made
    read-only, and voting exclusions.
  - If no node runs O(version) yet, also reads the newest successful snapshot of each repository.
    If O(version) is another major version, also reads what it is incompatible with.
  - Decides nothing. P(elk.swarm.rolling_plan#filter) does that.
extends_documentation_fragment: elk.swarm.elasticsearch
attributes:
  check_mode:
    support: full
    description: The module only reads.
  diff_mode:
    support: none
    description: The module changes nothing.
  idempotent:
    support: full
    description: The module changes nothing.
options:
  version:
    description:
      - The desired version of all nodes.
    type: str
    required: true
notes:
  - Needs the cluster privileges C(monitor) and C(monitor_snapshot), and for another major version
    C(manage).
"""

EXAMPLES = r"""
- name: Read the cluster, and what decides whether it can be upgraded now
  elk.swarm.elasticsearch_roll_info:
    urls: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_ca_file }}"
    username: elastic
    password: "{{ elk_elastic_password }}"
    version: 9.2.4
  register: cluster
"""

RETURN = r"""
formed:
  description:
    - Whether a node answered that is a member of a formed cluster.
    - V(false) says nothing about nodes that do not run; check their data directories.
  returned: always
  type: bool
  sample: true
cluster_uuid:
  description: The cluster's uuid, V(none) if no cluster was found.
  returned: always
  type: str
  sample: 9aWlGr3ORfKk6mZ3dJ1mJg
cluster_name:
  description: The cluster's name, V(none) if no cluster was found.
  returned: always
  type: str
  sample: elk
status:
  description: The cluster's status, V(none) if it is unknown.
  returned: always
  type: str
  sample: green
nodes:
  description: The nodes of the cluster, sorted by name.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The node's name.
      type: str
    id:
      description: The node's persistent id, which belongs to its data directory.
      type: str
    version:
      description: Its version, if known.
      type: str
    roles:
      description: Its roles.
      type: list
      elements: str
    master:
      description: Whether it is the elected master.
      type: bool
  sample:
    - name: m1
      id: 5KrzAWXvSkWjPzYcnHxRcA
      version: 9.2.4
      roles: [data, ingest, master]
      master: true
health:
  description: The cluster's health as Elasticsearch returns it.
  returned: always
  type: dict
  sample:
    status: green
    number_of_nodes: 5
    active_shards: 12
    relocating_shards: 0
    initializing_shards: 0
    unassigned_shards: 0
reachable:
  description: The O(urls) that answered.
  returned: always
  type: list
  elements: str
  sample: ["https://192.0.2.10:9200"]
unreached:
  description: The O(urls) that did not answer, each with the cause.
  returned: always
  type: dict
  sample:
    "https://192.0.2.11:9200": "connection refused: nothing listens there."
missing:
  description: Why it is not one green cluster with settled shards. Empty if it is.
  returned: always
  type: list
  elements: str
  sample: []
settings:
  description: Cluster settings that were set explicitly, with dotted names. Transient ones win.
  returned: when a cluster has formed and returns its nodes
  type: dict
  sample: {cluster.routing.allocation.enable: primaries}
full_disks:
  description: Nodes whose disk is above the high watermark, with sizes in bytes.
  returned: when a cluster has formed and returns its nodes
  type: list
  elements: dict
  sample:
    - {node: w1, free: 53687091200, total: 1099511627776, needed: 109951162778}
flooded_indices:
  description: Indices with the read-only block that Elasticsearch sets when a disk is full.
  returned: when a cluster has formed and returns its nodes
  type: list
  elements: str
  sample: [syslog-msg-000007]
voting_exclusions:
  description: Nodes that are excluded from voting.
  returned: when a cluster has formed and returns its nodes
  type: list
  elements: str
  sample: [m3]
repositories:
  description:
    - Each snapshot repository, with the name and the age in seconds of its newest snapshot that
      succeeded and holds the global state, or with the reason why it cannot be read.
    - V(none) if a node already runs O(version).
  returned: when a cluster has formed and returns its nodes
  type: list
  elements: dict
  sample:
    - {repository: backup, snapshot: nightly-2026.11.21, age: 41234, problem: ""}
incompatible:
  description:
    - What is in use and incompatible with the other major version. V(none) if O(version) is not
      another major version, or if the server cannot report it.
  returned: when a cluster has formed and returns its nodes
  type: list
  elements: str
  sample: ["index_settings of old-1: Old index with a compatibility version < 8.0"]
incompatible_unknown:
  description: Why the server cannot report RV(incompatible).
  returned: when a cluster has formed and returns its nodes
  type: str
  sample: ""
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import (
    ElasticsearchError,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.health_gate import (
    LOOK_TIMEOUT,
    Desired,
    as_result,
    judge,
    look,
    why_uncertain,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.module import (
    MUTUALLY_EXCLUSIVE,
    REQUIRED_TOGETHER,
    argument_spec,
    make_client,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.roll_facts import read


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(version={"type": "str", "required": True}),
        mutually_exclusive=MUTUALLY_EXCLUSIVE,
        required_together=REQUIRED_TOGETHER,
        supports_check_mode=True,
    )
    params = module.params
    try:
        seen = look(
            # look() has its own timeout.
            make_client(params, doubt_timeout=0.0),
            timeout=min(LOOK_TIMEOUT, params["timeout"]),
            doubt_timeout=0 if module.check_mode else params["doubt_timeout"],
        )
        facts = {**as_result(seen), "missing": judge(seen, Desired()).missing}
        problem = why_uncertain(seen)
        if problem and not module.check_mode:
            module.fail_json(msg=problem, **facts)
        # Without health there is nothing more to read; "missing" has the reason.
        if seen.health is not None:
            versions = [node["version"] for node in facts["nodes"] if node["version"]]
            facts.update(read(make_client(params), versions, params["version"], time.time()))
    except ElasticsearchError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **facts)


if __name__ == "__main__":
    main()
