#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: status_report
version_added: 0.1.0
short_description: Turn the surveys of the platform into tables and a page
description:
  - Evaluates what M(elk.swarm.status_survey) found on all hosts, and returns a report as text.
  - Writes the report as an HTML page that needs no scripts or other files, and is light or dark
    like the reader's system.
author: The elk.swarm authors (@elk-swarm)
attributes:
  check_mode:
    description: Can run in check mode, and then writes no page.
    support: full
  diff_mode:
    description: Shows what has changed or would change.
    support: none
  idempotent:
    description: A second run in the same state changes nothing.
    support: none
    details:
      - The page shows when it was made, so it is never the same twice.
options:
  stack:
    description: Name of the platform.
    type: str
    required: true
  names:
    description:
      - Names of all hosts in the inventory, in the order in which they are shown. Those that are
        not in O(hosts) were left out of this run.
    type: list
    elements: str
    required: true
  hosts:
    description: The hosts that were surveyed, or should have been.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name in the inventory.
        type: str
        required: true
      address:
        description: Address that the other hosts use.
        type: str
        default: ""
      role:
        description: Role that the inventory gives it.
        type: str
        choices: [manager, worker]
        default: worker
      elasticsearch:
        description: Whether it should run Elasticsearch.
        type: bool
        default: false
      unreachable:
        description: Whether it could not be reached.
        type: bool
        default: false
      problem:
        description: Why it could not be surveyed.
        type: str
        default: ""
      survey:
        description: What M(elk.swarm.status_survey) found, if it ran.
        type: dict
      certificate:
        description: Text of its certificate on this machine, for a host that does not answer.
        type: str
        default: ""
  ca_certificate:
    description: Text of the authority's certificate.
    type: str
    default: ""
  certificates:
    description: Text of the certificates that services share, by their names in O(services).
    type: dict
    default: {}
  controller:
    description: What M(elk.swarm.status_controller) found on this machine.
    type: dict
  services:
    description:
      - The services of the platform, as P(elk.swarm.services#lookup) returns them.
      - The report has a section about Elasticsearch only if one of them asks for it.
    type: list
    elements: dict
    required: true
  alias:
    description: Alias of the indices that receive the syslog lines.
    type: str
    default: ""
  api_port:
    description: Port of Elasticsearch, for the commands that are shown.
    type: int
    default: 9200
  ca_path:
    description: The authority's certificate on this machine, for the commands that are shown.
    type: str
    default: ca.crt
  data_path:
    description: Directory of Elasticsearch's data on the hosts, for the commands that are shown.
    type: str
  thresholds:
    description: Values from which the report shows a warning or a fault.
    type: dict
    default: {}
    suboptions:
      disk_warn:
        description: Used percentage of an Elasticsearch disk that causes a warning.
        type: float
        default: 85
      disk_bad:
        description: The same for a fault.
        type: float
        default: 90
      heap_warn:
        description: Used percentage of an Elasticsearch heap that causes a warning.
        type: float
        default: 85
      heap_bad:
        description: The same for a fault.
        type: float
        default: 95
      days_warn:
        description: Remaining days of a certificate that cause a warning.
        type: float
        default: 30
      days_bad:
        description: The same for a fault.
        type: float
        default: 7
      queue_warn:
        description: Used percentage of Logstash's queue that causes a warning.
        type: float
        default: 25
      queue_bad:
        description: The same for a fault.
        type: float
        default: 75
      inodes_warn:
        description: Used percentage of a file system's inodes that causes a warning.
        type: float
        default: 85
      inodes_bad:
        description: The same for a fault.
        type: float
        default: 95
  path:
    description: Where the page is written. The folder must exist. No page when left out.
    type: path
  rows:
    description: Maximum rows of one table in the text, V(0) for all. The page has all.
    type: int
    default: 0
seealso:
  - module: elk.swarm.status_survey
  - module: elk.swarm.status_controller
  - plugin: elk.swarm.services
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Make the report
  elk.swarm.status_report:
    stack: elk
    names: [m1]
    hosts:
      - name: m1
        address: 10.20.0.11
        role: manager
        elasticsearch: true
        survey: "{{ looked_at.survey }}"
    services: "{{ query('elk.swarm.services', 'elk.swarm.elasticsearch', 'elk.swarm.kibana') }}"
    path: /tmp/status.html
  delegate_to: localhost
  register: report

- name: Show it
  ansible.builtin.debug:
    msg: "{{ report.text }}"
"""

RETURN = r"""
level:
  description: The worst level that was found, V(ok), V(warn) or V(bad).
  returned: always
  type: str
  sample: ok
headline:
  description: The outcome in a few words.
  returned: always
  type: str
  sample: All checks passed
findings:
  description:
    - What is wrong, the worst first. C(check) is the name of the check and C(next) the command to
      type, where there is one.
  returned: always
  type: list
  elements: dict
  sample:
    - level: bad
      text: "The service kibana does not exist, kibana_replicas asks for 1"
      check: service_missing
      next: ansible-playbook -i INVENTORY site.yml
faults:
  description: The faults in one line, each with the command to type. Empty without any.
  returned: always
  type: str
  sample: >-
    The service kibana does not exist, kibana_replicas asks for 1. Next command: ansible-playbook -i
    INVENTORY site.yml
text:
  description: The report as text.
  returned: always
  type: str
  sample: "elk at 2026-11-21 10:00:00 UTC: All checks passed"
tables:
  description: The tables as data.
  returned: always
  type: list
  elements: dict
  sample:
    - title: Hosts
      columns: [Host, Address, Role, Availability, State, Docker]
      rows:
        - [m1, 10.20.0.11, manager (leader), active, ready, 26.1.5]
      note: ""
path:
  description: Where the page is.
  returned: when O(path) is given
  type: str
  sample: /tmp/status.html
"""

import datetime
from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.common import safe_path
from ansible_collections.elk.swarm.plugins.module_utils.common.certificates import UTC
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.faults import Thresholds
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.page import page
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.report import (
    Report,
    build,
    report_text,
)


def write(module: AnsibleModule, path: str, content: str) -> None:
    """Replace the page in one step, so that nobody reads an incomplete page."""
    try:
        # Do not create a missing folder: it is a typing error in status_file.
        # The page names hosts, addresses and versions, so only its owner may read it.
        safe_path.write(path, content.encode("utf-8"), mode=0o600)
    except OSError as error:
        module.fail_json(msg=f"The page {path} cannot be written: {error}. Set status_file.")


def tables(report: Report) -> list[dict[str, object]]:
    return [
        {
            "title": table.title,
            "columns": [column.title for column in table.columns],
            "rows": [[cell.text for cell in row] for row in table.rows],
            "note": table.note,
        }
        for table in report.tables
    ]


def main() -> None:
    limits = asdict(Thresholds())
    module = AnsibleModule(
        argument_spec={
            "stack": {"type": "str", "required": True},
            "names": {"type": "list", "elements": "str", "required": True},
            "hosts": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "address": {"type": "str", "default": ""},
                    "role": {"type": "str", "choices": ["manager", "worker"], "default": "worker"},
                    "elasticsearch": {"type": "bool", "default": False},
                    "unreachable": {"type": "bool", "default": False},
                    "problem": {"type": "str", "default": ""},
                    "survey": {"type": "dict"},
                    "certificate": {"type": "str", "default": ""},
                },
            },
            "ca_certificate": {"type": "str", "default": ""},
            "certificates": {"type": "dict", "default": {}},
            "controller": {"type": "dict"},
            "services": {"type": "list", "elements": "dict", "required": True},
            "alias": {"type": "str", "default": ""},
            "api_port": {"type": "int", "default": 9200},
            "ca_path": {"type": "str", "default": "ca.crt"},
            "data_path": {"type": "str"},
            "thresholds": {
                "type": "dict",
                "default": {},
                "options": {
                    name: {"type": "float", "default": value} for name, value in limits.items()
                },
            },
            "path": {"type": "path"},
            "rows": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    )
    params = module.params
    given = {key: value for key, value in params["thresholds"].items() if value is not None}
    report = build(params, datetime.datetime.now(UTC), Thresholds(**given))
    result = {
        "level": report.level,
        "headline": report.headline,
        "findings": [asdict(finding) for finding in report.findings],
        "faults": report.faults,
        "text": report_text(report, params["rows"]),
        "tables": tables(report),
    }
    if params["path"]:
        result["path"] = params["path"]
        if not module.check_mode:
            write(module, params["path"], page(report))
    module.exit_json(changed=bool(params["path"]), **result)


if __name__ == "__main__":
    main()
