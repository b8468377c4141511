#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: elasticsearch_resource
short_description: Create, change or delete a resource of Elasticsearch
version_added: 0.1.0
author: The elk.swarm authors (@elk-swarm)
description:
  - Reads the resource at a path, compares it with O(body), and sends O(body) with PUT only if they
    differ. For index and component templates, ILM and SLM policies, roles, role mappings, ingest
    pipelines, snapshot repositories, cluster settings, index settings and index creation.
  - The comparison knows how Elasticsearch rewrites documents - dotted and nested settings, numbers
    as text, defaults that it adds, objects wrapped below their name. The resource must contain all
    that O(body) contains.
  - Where the user defines all keys (settings, aliases and mapped fields of a template, the phases
    of an ILM policy and their actions), a key that O(body) does not have is also a difference. So
    what is removed from O(body) is removed from the resource.
extends_documentation_fragment: elk.swarm.elasticsearch
attributes:
  check_mode:
    support: full
    description: Reads and compares, and changes nothing.
  diff_mode:
    support: full
    description: Shows the values that differ, under their dotted path.
  idempotent:
    support: full
    description: Not for a document that the server returns with other values than those sent.
options:
  path:
    description:
      - The path of the resource, with a leading slash. A query, such as V(?verify=false), is sent
        only with the change.
      - One of O(path) and O(resources) is required.
    type: str
  body:
    description:
      - The desired content. For V(/_cluster/settings), below the key V(persistent); null there
        resets the setting to its default.
    type: dict
  state:
    description:
      - V(absent) deletes the resource. For V(/_cluster/settings), it resets the settings that
        O(body) names to their defaults.
    type: str
    choices: [present, absent]
    default: present
  compare:
    description:
      - V(contains) compares as described above.
      - V(existence) creates the resource if it is missing and never changes an existing one.
      - The default is V(existence) for an index, which is a path of one name without a leading
        underscore, and V(contains) otherwise.
    type: str
    choices: [contains, existence]
  exists_path:
    description:
      - The path whose existence is checked instead of O(path).
      - For example, retention deletes the first index behind a write alias one day. A check of the
        alias prevents that the task creates this index again.
    type: str
  feature_switch:
    description:
      - The name of the variable that switches this feature off. The error names it if the server
        was built without the feature.
    type: str
  resources:
    description:
      - Several resources in one call, in the order in which they are created. Options that do not
        fit together are an error before the first request.
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
  description: Whether the resource existed before the run.
  returned: with O(path)
  type: bool
  sample: true
differences:
  description: The dotted paths of the values that differed. Empty if the resource did not exist.
  returned: with O(path)
  type: list
  elements: str
  sample: [template.settings.index.number_of_replicas]
answer:
  description: The response of Elasticsearch to the change.
  returned: with O(path), when something was created or changed
  type: dict
  sample: {acknowledged: true}
resources:
  description: These values for each resource, and whether it was changed.
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
    result: dict[str, Any] = {
        "path": path,
        "changed": outcome.changed,
        "existed": outcome.existed,
        "differences": [item.path for item in outcome.differences],
    }
    if outcome.answer is not None:
        result["answer"] = outcome.answer
    return result


def main() -> None:
    suboptions = {**RESOURCE, "path": {"type": "str", "required": True}}
    module = AnsibleModule(
        argument_spec=argument_spec(
            resources={"type": "list", "elements": "dict", "options": suboptions}, **RESOURCE
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
    is_list = params["resources"] is not None
    entries: list[dict[str, Any]] = params["resources"] if is_list else [params]
    reports: list[dict[str, Any]] = []
    diffs: list[dict[str, Any]] = []
    try:
        resources = [(entry, desired_of(entry)) for entry in entries]
        client = make_client(params)
        for entry, desired in resources:
            client.feature_switch = entry["feature_switch"]
            outcome = ensure(client, desired, check_mode=module.check_mode)
            if not outcome.acknowledged:
                module.warn(
                    f"{entry['path']} was changed, but not all nodes confirmed it in time; "
                    "check the cluster's health"
                )
            reports.append(report(entry["path"], outcome))
            diffs.append({"before": outcome.before, "after": outcome.after})
            if is_list:
                diffs[-1].update(before_header=entry["path"], after_header=entry["path"])
    except ElasticsearchError as error:
        module.fail_json(msg=str(error), **({"resources": reports} if is_list else {}))
    changed = any(entry["changed"] for entry in reports)
    if is_list:
        module.exit_json(changed=changed, resources=reports, diff=diffs)
    only = {key: value for key, value in reports[0].items() if key != "path"}
    module.exit_json(**{**only, "diff": diffs[0]})


if __name__ == "__main__":
    main()
