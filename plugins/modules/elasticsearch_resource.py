#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: elasticsearch_resource
short_description: Anything that Elasticsearch keeps under a path
version_added: 0.1.0
author: The elk.swarm authors (@elk-swarm)
description:
  - Reads what is at a path, compares it with O(body), and sends O(body) with PUT only if they
    differ. For index and component templates, ILM and SLM policies, roles, role mappings, ingest
    pipelines, snapshot repositories, cluster settings, index settings and index creation.
  - The comparison knows how Elasticsearch rewrites documents - dotted and nested settings, numbers
    as text, defaults that it adds, objects wrapped below their name. What O(body) says must be
    contained in what is there.
  - Where all keys are the user's own (settings, aliases and mapped fields of a template, the phases
    of an ILM policy and their actions), a key that O(body) does not have is a difference as well,
    so that taking something out of O(body) takes effect.
extends_documentation_fragment: elk.swarm.elasticsearch
attributes:
  check_mode:
    support: full
    description: Reads and compares, and sends nothing else.
  diff_mode:
    support: full
    description: Shows the values that differ, under their dotted path.
  idempotent:
    support: full
    description: A document that the server returns with values other than those sent never matches.
options:
  path:
    description:
      - The path of the resource, beginning with a slash. A query, such as V(?verify=false), is sent
        with the change only.
      - One of O(path) and O(resources) is required.
    type: str
  body:
    description:
      - What it shall be. For V(/_cluster/settings) below the key V(persistent); null there means
        that the setting shall have its default.
    type: dict
  state:
    description:
      - V(absent) deletes it. Of V(/_cluster/settings), sets the settings named in O(body) back to
        their defaults.
    type: str
    choices: [present, absent]
    default: present
  compare:
    description:
      - V(contains) compares as described above.
      - V(existence) creates what is missing and leaves what exists as it is.
      - Unset, it is V(existence) for an index, a path of one name without underscore, and
        V(contains) otherwise.
    type: str
    choices: [contains, existence]
  exists_path:
    description:
      - Another path whose existence is asked instead of that of O(path).
      - The first index behind a write alias, for example, is deleted by retention one day. Asking
        for the alias keeps the task from creating it again then.
    type: str
  feature_switch:
    description:
      - The name of the variable that leaves this feature out. It is named in the error when the
        server was built without the feature.
    type: str
  resources:
    description:
      - Several resources in one call, in the order in which they are brought in. Options that do
        not fit together are told before the first one is asked for.
    type: list
    elements: dict
    suboptions:
      path:
        description: As O(path).
        type: str
        required: true
      body:
        description: As O(body).
        type: dict
      state:
        description: As O(state).
        type: str
        choices: [present, absent]
        default: present
      compare:
        description: As O(compare).
        type: str
        choices: [contains, existence]
      exists_path:
        description: As O(exists_path).
        type: str
      feature_switch:
        description: As O(feature_switch).
        type: str
seealso:
  - name: Elasticsearch APIs
    description: The paths and their bodies.
    link: https://www.elastic.co/docs/api/doc/elasticsearch/
"""

EXAMPLES = r"""
- name: Template of the log index
  elk.swarm.elasticsearch_resource:
    urls: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_ca_file }}"
    username: elastic
    password: "{{ elk_elastic_password }}"
    path: /_index_template/syslog-msg
    body:
      index_patterns: ["syslog-msg-*"]
      priority: 200
      template:
        settings:
          number_of_shards: 1
          number_of_replicas: 1

- name: First index behind the write alias
  elk.swarm.elasticsearch_resource:
    urls: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_ca_file }}"
    username: elastic
    password: "{{ elk_elastic_password }}"
    path: /syslog-msg-000001
    exists_path: /_alias/syslog-msg
    body:
      aliases:
        syslog-msg:
          is_write_index: true

- name: Retention
  elk.swarm.elasticsearch_resource:
    urls: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_ca_file }}"
    username: elastic
    password: "{{ elk_elastic_password }}"
    path: /_ilm/policy/syslog-msg
    feature_switch: elasticsearch_ilm_enabled
    body:
      policy:
        phases:
          hot:
            actions:
              rollover: {max_age: 1d, max_primary_shard_size: 50gb}
          delete:
            min_age: 30d
            actions:
              delete: {}

- name: A role and the template of the index that it writes to
  elk.swarm.elasticsearch_resource:
    urls: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_ca_file }}"
    username: elastic
    password: "{{ elk_elastic_password }}"
    resources:
      - path: /_index_template/audit
        body:
          index_patterns: ["audit-*"]
          template:
            settings:
              number_of_shards: 1
      - path: /_security/role/audit_writer
        body:
          indices:
            - names: ["audit-*"]
              privileges: [create_doc, auto_configure]

- name: Allow all shards again
  elk.swarm.elasticsearch_resource:
    urls: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_ca_file }}"
    username: elastic
    password: "{{ elk_elastic_password }}"
    path: /_cluster/settings
    body:
      persistent:
        cluster.routing.allocation.enable: null
"""

RETURN = r"""
existed:
  description: Whether it was there before the run.
  returned: with O(path)
  type: bool
  sample: true
differences:
  description: The dotted paths of the values that differed. Empty if it was not there.
  returned: with O(path)
  type: list
  elements: str
  sample: [template.settings.index.number_of_replicas]
answer:
  description: What Elasticsearch answered to the change.
  returned: with O(path), when something was created or changed
  type: dict
  sample: {acknowledged: true}
resources:
  description: The same for each resource, and whether it was changed.
  returned: with O(resources), up to the one that failed
  type: list
  elements: dict
  sample:
    - path: /_index_template/audit
      changed: true
      existed: false
      differences: []
      answer: {acknowledged: true}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import (
    ElasticsearchError,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.module import (
    MUTUALLY_EXCLUSIVE,
    REQUIRED_TOGETHER,
    argument_spec,
    make_client,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.resource import (
    Desired,
    Outcome,
    ensure,
    make_desired,
)

RESOURCE: dict[str, dict[str, Any]] = {
    "path": {"type": "str"},
    "body": {"type": "dict"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "compare": {"type": "str", "choices": ["contains", "existence"]},
    "exists_path": {"type": "str"},
    "feature_switch": {"type": "str"},
}


def desired_of(entry: dict[str, Any]) -> Desired:
    return make_desired(
        entry["path"],
        entry["body"],
        present=entry["state"] == "present",
        compare=entry["compare"],
        exists_path=entry["exists_path"],
    )


def report(path: str, outcome: Outcome) -> dict[str, Any]:
    told: dict[str, Any] = {
        "path": path,
        "changed": outcome.changed,
        "existed": outcome.existed,
        "differences": [item.path for item in outcome.differences],
    }
    if outcome.answer is not None:
        told["answer"] = outcome.answer
    return told


def main() -> None:
    listed = {**RESOURCE, "path": {"type": "str", "required": True}}
    module = AnsibleModule(
        argument_spec=argument_spec(
            resources={"type": "list", "elements": "dict", "options": listed}, **RESOURCE
        ),
        mutually_exclusive=[
            *MUTUALLY_EXCLUSIVE,
            *(("resources", name) for name in RESOURCE if name != "state"),
        ],
        required_one_of=[("path", "resources")],
        required_together=REQUIRED_TOGETHER,
        supports_check_mode=True,
    )
    params = module.params
    several = params["resources"] is not None
    entries: list[dict[str, Any]] = params["resources"] if several else [params]
    reports: list[dict[str, Any]] = []
    diffs: list[dict[str, Any]] = []
    try:
        wanted = [(entry, desired_of(entry)) for entry in entries]
        client = make_client(params)
        for entry, desired in wanted:
            client.feature_switch = entry["feature_switch"]
            outcome = ensure(client, desired, check_mode=module.check_mode)
            if not outcome.acknowledged:
                module.warn(
                    f"{entry['path']} was changed, but not all nodes have confirmed it in time; "
                    "look at the cluster's health"
                )
            reports.append(report(entry["path"], outcome))
            diffs.append({"before": outcome.before, "after": outcome.after})
            if several:
                diffs[-1].update(before_header=entry["path"], after_header=entry["path"])
    except ElasticsearchError as error:
        module.fail_json(msg=str(error), **({"resources": reports} if several else {}))
    changed = any(told["changed"] for told in reports)
    if several:
        module.exit_json(changed=changed, resources=reports, diff=diffs)
    only = {key: value for key, value in reports[0].items() if key != "path"}
    module.exit_json(**{**only, "diff": diffs[0]})


if __name__ == "__main__":
    main()
