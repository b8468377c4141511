#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: syslog_probe
short_description: Send lines to syslog and check that a search finds exactly these
version_added: 0.1.0
author: The elk.swarm authors (@elk-swarm)
description:
  - Sends distinct lines to every target, from the host where it runs, and searches Elasticsearch
    until each is found once. Then it deletes the documents that the lines became, by their ids.
  - With O(notes_dir) it also deletes lines that arrived after the end of earlier runs.
  - Fails when lines are missing, were found more than once or became a wrong document, and names
    the address and the protocol.
  - A line in RFC 3164 or RFC 5424 must be parsed - C(host.hostname), C(process.name) and C(message)
    are what was sent, and no failure is tagged. A plain line must be kept whole and tagged.
extends_documentation_fragment: elk.swarm.elasticsearch
attributes:
  check_mode:
    support: partial
    description: Can run in check mode.
    details:
      - No line is sent then, and the result says that the module was skipped.
  diff_mode:
    support: none
    description: The module leaves nothing behind that could differ.
  idempotent:
    support: full
    description:
      - The module leaves nothing behind, except with O(keep=true). Removing documents of an earlier
        run is reported as a change.
options:
  targets:
    description:
      - Where to send to.
    type: list
    elements: dict
    required: true
    suboptions:
      address:
        description:
          - Name or address of the host.
        type: str
        required: true
      port:
        description:
          - The port.
        type: int
        default: 514
      protocols:
        description:
          - The protocols to use. Each address and protocol is a separate target.
        type: list
        elements: str
        choices: [tcp, udp]
        default: [tcp, udp]
  index:
    description:
      - The index, alias or pattern in which the lines must be found.
    type: str
    default: syslog-msg
  count:
    description:
      - The number of lines for each target and protocol. The lines use the O(formats) in turn, so
        fewer lines than formats leave some out. Tens of thousands of lines work as a load test.
    type: int
    default: 3
  formats:
    description:
      - How the lines are written. V(plain) is a line that is not syslog.
    type: list
    elements: str
    choices: [rfc3164, rfc5424, plain]
    default: [rfc3164, rfc5424, plain]
  failure_tag:
    description:
      - A text that is part of the tag which the log shipper sets on a line that it cannot parse.
    type: str
    default: parsefailure
  hostname:
    description:
      - The host name that the lines carry.
    type: str
    default: elk-probe
  app_name:
    description:
      - The application that the lines carry.
    type: str
    default: elkprobe
  udp_rate:
    description:
      - The datagrams per second, to each target.
    type: float
    default: 500
  connect_timeout:
    description:
      - The seconds within which a TCP connection to a target must open.
    type: float
    default: 5
  wait_timeout:
    description:
      - The seconds to search, after the last line was sent.
    type: float
    default: 60
  keep:
    description:
      - Leave the documents in the index. The result is then V(changed).
    type: bool
    default: false
  notes_dir:
    description:
      - An existing folder on the host where the module runs. The module keeps a note in it while it
        runs, and afterwards as long as lines of the run are missing.
      - A killed run cannot remove its documents, and a run that stops waiting cannot remove those
        that arrive later. Each later run finds the note and removes them. The note of a killed run
        is removed when the lines of a later run have arrived, because the older lines arrive before
        them. The note of a run that stopped waiting is removed with its last line, or after 14
        days.
      - Runs at the same time leave each other's lines alone.
    type: path
  late_wait:
    description:
      - The seconds to wait for missing lines of earlier runs, after the lines of this run have
        arrived. A log shipper that could not store a line pauses before it tries again, and lines
        of a later run overtake that line. The module waits once for each earlier run.
    type: float
    default: 0
notes:
  - Needs the privileges C(read), C(delete) and C(maintenance) for the index, and on the index of
    each document that is deleted.
  - The module deletes only documents that are a line of a run and nothing else. A document that
    holds the word RV(run) in another text stays.
  - Without O(notes_dir), documents that arrive after the end of the module stay. They hold the word
    that is returned as RV(run).
seealso:
  - module: elk.swarm.elasticsearch_gate
    description: Shows whether the cluster can take lines at all.
"""

EXAMPLES = r"""
- name: Check that every syslog host delivers lines to the index
  elk.swarm.syslog_probe:
    urls: "{{ elk_elasticsearch_urls }}"
    ca_path: "{{ elk_local_dir }}/ca.crt"
    username: elastic
    password: "{{ elk_elastic_password }}"
    index: syslog-msg
    targets:
      - address: 192.0.2.10
      - address: 192.0.2.11
        protocols: [tcp]
  delegate_to: localhost
  become: false
  run_once: true

- name: Send ten thousand lines over one connection
  elk.swarm.syslog_probe:
    urls: ["https://192.0.2.10:9200"]
    ca_path: credentials/ca.crt
    username: elastic
    password: "{{ elk_elastic_password }}"
    targets:
      - address: 192.0.2.10
        protocols: [tcp]
    count: 10000
    formats: [rfc3164]
    wait_timeout: 300
  delegate_to: localhost
  become: false
  run_once: true
"""

RETURN = r"""
run:
  description: The word that all lines of this run carry.
  returned: always
  type: str
  sample: run8f14e45fceea4e27a5ab0f3ed5c6a2b1
sent:
  description: The number of lines sent.
  returned: always
  type: int
  sample: 12
found:
  description: The number of lines that were found.
  returned: always
  type: int
  sample: 12
missing:
  description: The number of lines that were not found.
  returned: always
  type: int
  sample: 0
duplicates:
  description: The number of lines that were found more than once.
  returned: always
  type: int
  sample: 0
unparsed:
  description: The number of lines whose document is wrong.
  returned: always
  type: int
  sample: 0
targets:
  description: The same for each address and protocol.
  returned: always
  type: list
  elements: dict
  sample:
    - address: 192.0.2.10
      port: 514
      protocol: tcp
      sent: 3
      found: 3
      missing: 0
      duplicates: 0
      unparsed: 0
      samples: []
      error: null
indices:
  description: The indices in which the lines were found.
  returned: always
  type: list
  elements: str
  sample: [syslog-msg-000001]
deleted:
  description: The number of documents of this run that were deleted.
  returned: always
  type: int
  sample: 12
leftover:
  description: The number of documents of earlier runs of this module that were deleted.
  returned: always
  type: int
  sample: 0
seconds:
  description: The seconds from the first line sent until the last was found, or the wait ended.
  returned: always
  type: float
  sample: 1.8
lines_per_second:
  description: The lines found per second.
  returned: always
  type: float
  sample: 6.7
"""

import contextlib
import signal
import socket
import time
import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from ansible_collections.elk.swarm.plugins.module_utils.logstash.probe_notes import (
    left_behind,
    take,
)
from ansible_collections.elk.swarm.plugins.module_utils.logstash.syslog_probe import (
    FORMATS,
    PROTOCOLS,
    Finder,
    Hit,
    Sender,
    Sent,
    clean_up,
    make_lines,
    outstanding,
    run_word,
    send_all,
    settle_accounts,
    sources,
    summary,
    wait_for_lines,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import Client


LATE_PAUSE = 1.0


def stop(_number: int, _frame: object) -> None:
    """Exit with an exception, so that the documents are still deleted."""
    raise SystemExit(143)


def clean_up_earlier_runs(finder: Finder, folder: Path, all_arrived: bool, late_wait: float) -> int:
    """Delete the documents of earlier smoke tests; return their number.

    ``all_arrived`` says whether all lines of this smoke test were found.
    """
    total = 0
    # One deadline for all of them, because their lines are delayed at the same time.
    end = time.monotonic() + late_wait
    for note in left_behind(folder):
        with contextlib.closing(note.file):
            if note.run == finder.run:
                continue
            missing = note.missing
            # A log shipper pauses before it sends a line again that it could not store, so lines of
            # a later run may overtake that line. Wait for it once.
            wait = bool(late_wait and all_arrived and missing and not note.waited)
            old = replace(finder, run=note.run)
            deleted = clean_up(old, None)
            while wait and missing and deleted < missing and time.monotonic() < end:
                time.sleep(LATE_PAUSE)
                deleted += clean_up(old, None)
            total += deleted
            if note.expired or (all_arrived if missing is None else deleted >= missing):
                note.drop()
            elif missing is not None:
                note.keep(missing - deleted, waited=note.waited or wait)
    return total


def probe(client: Client, params: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Send, search, compare and clean up; return the result and its problems."""
    sender = Sender(hostname=params["hostname"], app=params["app_name"])
    run = run_word(uuid.uuid4().hex)
    batches = [
        Sent(target, make_lines(run, number, params["count"], params["formats"], sender))
        for number, target in enumerate(sources(params["targets"]))
    ]
    finder = Finder(client, params["index"], run, sender)
    # Search before sending: lines that the module cannot search for would stay forever.
    finder.count()
    problems: list[str] = []
    hits: list[Hit] | None = None
    deleted = 0
    folder = Path(params["notes_dir"]) if params["notes_dir"] else None
    note = take(folder, run) if folder and not params["keep"] else None
    start = time.monotonic()
    try:
        send_all(batches, params["connect_timeout"], params["udp_rate"])
        try:
            expected = sum(batch.count for batch in batches)
            hits, _waited = wait_for_lines(finder, expected, params["wait_timeout"])
        except ElasticsearchError as error:
            problems.append(str(error))
        seconds = time.monotonic() - start
    finally:
        if not params["keep"]:
            try:
                deleted = clean_up(finder, hits)
                # What is not deleted now may arrive later.
                missing = outstanding(finder, batches, hits or [], deleted)
                if note and missing > 0:
                    note.keep(missing)
                elif note:
                    note.drop()
            except ElasticsearchError as error:
                problems.append(f"Cleaning up failed: {error}")
                if note:
                    note.keep(outstanding(finder, batches, [], 0))
    accounts = settle_accounts(batches, hits or [], sender, params["failure_tag"])
    all_arrived = bool(hits) and not any(account.missing for account in accounts)
    leftover = 0
    try:
        if folder:
            leftover = clean_up_earlier_runs(finder, folder, all_arrived, params["late_wait"])
    except ElasticsearchError as error:
        problems.append(f"Removing the documents of an earlier smoke test failed: {error}")
    problems += [account.sentence() for account in accounts if not account.balanced]
    totals = summary(accounts)
    result = {
        "run": run,
        **totals,
        "targets": [account.report() for account in accounts],
        "indices": sorted({hit.index for hit in hits or []}),
        "deleted": deleted,
        "leftover": leftover,
        "seconds": round(seconds, 2),
        "lines_per_second": round(totals["found"] / max(seconds, 0.001), 1),
        "changed": bool(leftover) or (params["keep"] and bool(totals["found"])),
    }
    return result, problems


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(
            targets={
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "address": {"type": "str", "required": True},
                    "port": {"type": "int", "default": 514},
                    "protocols": {
                        "type": "list",
                        "elements": "str",
                        "choices": list(PROTOCOLS),
                        "default": list(PROTOCOLS),
                    },
                },
            },
            index={"type": "str", "default": "syslog-msg"},
            count={"type": "int", "default": 3},
            formats={
                "type": "list",
                "elements": "str",
                "choices": list(FORMATS),
                "default": list(FORMATS),
            },
            failure_tag={"type": "str", "default": "parsefailure"},
            hostname={"type": "str", "default": "elk-probe"},
            app_name={"type": "str", "default": "elkprobe"},
            udp_rate={"type": "float", "default": 500},
            connect_timeout={"type": "float", "default": 5},
            wait_timeout={"type": "float", "default": 60},
            keep={"type": "bool", "default": False},
            notes_dir={"type": "path"},
            late_wait={"type": "float", "default": 0},
        ),
        mutually_exclusive=MUTUALLY_EXCLUSIVE,
        required_together=REQUIRED_TOGETHER,
        supports_check_mode=True,
    )
    params = module.params
    if module.check_mode:
        module.exit_json(changed=False, skipped=True, msg="check mode: no line was sent")
    for option in ("count", "udp_rate"):
        if params[option] <= 0:
            module.fail_json(msg=f"{option} must be more than 0, but is {params[option]}")
    if not params["targets"] or not params["formats"]:
        module.fail_json(msg="targets and formats must not be empty: there is nothing to send")
    signal.signal(signal.SIGTERM, stop)
    try:
        result, problems = probe(make_client(params), params)
    except ElasticsearchError as error:
        module.fail_json(msg=str(error))
    if problems:
        module.fail_json(
            msg=f"The lines that were sent are not the lines that were found: "
            f"{'; '.join(problems)} (sent from {socket.gethostname()})",
            **result,
        )
    module.exit_json(**result)


if __name__ == "__main__":
    main()
