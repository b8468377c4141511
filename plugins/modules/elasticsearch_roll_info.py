#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: elasticsearch_roll_info
short_description: Read what decides whether nodes of Elasticsearch may move now
version_added: 0.1.0
author: The elk.swarm authors (@elk-swarm)
description:
  - Reads settings that somebody has set, disks above the high watermark, indices that a full disk
    made read-only, and nodes whose vote was taken away.
  - When a version comes that no node runs yet, it reads the newest successful snapshot of each
    repository as well, and when that is another major version, what of the present one it does not
    bear.
  - Judges nothing. P(elk.swarm.rolling_plan#filter) does that.
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
      - The version that all nodes are to get.
    type: str
    required: true
  versions:
    description:
      - The versions that nodes run, as RV(elk.swarm.elasticsearch_gate#module:nodes) tells them.
    type: list
    elements: str
    required: true
notes:
  - Needs the cluster privileges C(monitor) and C(monitor_snapshot), and for another major version
    C(manage).
"""

EXAMPLES = r"""
- name: Look at the cluster
  elk.swarm.elasticsearch_gate:
    urls: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_ca_file }}"
    username: elastic
    password: "{{ elk_elastic_password }}"
    wait: false
  register: cluster

- name: Read what decides whether it can be upgraded now
  elk.swarm.elasticsearch_roll_info:
    urls: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_ca_file }}"
    username: elastic
    password: "{{ elk_elastic_password }}"
    version: 9.2.4
    versions: "{{ cluster.nodes | map(attribute='version') }}"
  register: told
"""

RETURN = r"""
settings:
  description: Settings of the cluster that somebody has set, with dotted names. Transient ones win.
  returned: always
  type: dict
  sample: {cluster.routing.allocation.enable: primaries}
full_disks:
  description: Nodes whose disk is above the high watermark, with sizes in bytes.
  returned: always
  type: list
  elements: dict
  sample:
    - {node: w1, free: 53687091200, total: 1099511627776, needed: 109951162778}
flooded_indices:
  description: Indices with the block that Elasticsearch sets when a disk is full.
  returned: always
  type: list
  elements: str
  sample: [syslog-msg-000007]
voting_exclusions:
  description: Nodes that are excluded from voting.
  returned: always
  type: list
  elements: str
  sample: [m3]
repositories:
  description:
    - Each snapshot repository, with the name and the age in seconds of its newest snapshot that
      succeeded and holds the global state, or with the problem that kept it from being read.
    - V(none) when no new version comes.
  returned: always
  type: list
  elements: dict
  sample:
    - {repository: backup, snapshot: nightly-2026.11.21, age: 41234, problem: ""}
incompatible:
  description:
    - What is in use that the other major version does not bear. V(none) if it was not asked for, or
      if the server cannot tell.
  returned: always
  type: list
  elements: str
  sample: ["index_settings of old-1: Old index with a compatibility version < 8.0"]
incompatible_unknown:
  description: Why the server cannot tell RV(incompatible).
  returned: always
  type: str
  sample: ""
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch_client import (
    ElasticsearchError,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch_module import (
    MUTUALLY_EXCLUSIVE,
    REQUIRED_TOGETHER,
    argument_spec,
    make_client,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch_roll import read


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(
            version={"type": "str", "required": True},
            versions={"type": "list", "elements": "str", "required": True},
        ),
        mutually_exclusive=MUTUALLY_EXCLUSIVE,
        required_together=REQUIRED_TOGETHER,
        supports_check_mode=True,
    )
    params = module.params
    versions = [version for version in params["versions"] if version]
    try:
        found = read(make_client(params), versions, params["version"], time.time())
    except ElasticsearchError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
