# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When Logstash is healthy, and when a host may not give it up."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from repo import ROOT
from tests.unit.roles.evaluation import Case, evaluate

if TYPE_CHECKING:
    from pathlib import Path

ROLE = ROOT / "roles" / "logstash"
TITLE = "  sl  local_address rem_address   st tx_queue rx_queue\n"
# Port 10514 is 2912.
LISTENS = "   0: 00000000:2912 00000000:0000 0A 00000000:00000000\n"
LISTENS6 = f"   0: {'0' * 32}:2912 {'0' * 32}:0000 0A 00000000:00000000\n"
CONNECTED = "   1: 0A3C0102:2912 0A3C0101:8C54 01 00000000:00000040\n"
CLIENT = "   2: 0A3C0102:B5AC 0A3C0101:2912 01 00000000:00000000\n"
API = "   3: 0100007F:2580 00000000:0000 0A 00000000:00000000\n"
BOUND = "2216: 00000000:2912 00000000:0000 07 00000000:00000300\n"
BOUND6 = f"2216: {'0' * 32}:2912 {'0' * 32}:0000 07 00000000:00000300\n"


def task(file: str, name: str) -> dict[str, Any]:
    tasks = yaml.safe_load((ROLE / "tasks" / file).read_text())
    (found,) = [one for one in tasks if one["name"] == name]
    assert isinstance(found, dict)
    return found


def conditions(one: dict[str, Any]) -> str:
    """All conditions of a task as one expression."""
    when = one["when"]
    return " and ".join(f"({part})" for part in (when if isinstance(when, list) else [when]))


REFUSES = task("place.yml", "Refuse to remove a host with events that nobody sends")
KEEPS_EVENTS = task("leave.yml", "Refuse to leave events behind that nobody sends")
STARTS_AGAIN = task("leave.yml", "Let Logstash run again where events were left behind")
SAYS = task("leave.yml", "Say that the host keeps Logstash")
TELLS = task("held.yml", "Tell of events that were left behind")
REMOVED, LEAVES, BACK, KEEPS, TOLD = map(
    conditions, (REFUSES, KEEPS_EVENTS, STARTS_AGAIN, SAYS, TELLS)
)
LABELLED = str(STARTS_AGAIN["vars"]["replicated_service_labelled"]).strip("{} \n")

EVENTS: dict[str, Any] = {"left": {"events": 7, "problems": []}}
UNKNOWN: dict[str, Any] = {"left": {"events": None, "problems": ["not mounted"]}}
NOTHING: dict[str, Any] = {"left": {"events": 0, "problems": []}}
RUNS: dict[str, Any] = {"left": {}, "containers": ["c1"]}
PLAN = {"__logstash_plan": {"leave": ["m1"]}}
ALLOWED = {"logstash_leave_undrained": "true"}


def stopped(left: dict[str, Any]) -> dict[str, Any]:
    result = {**left, "stop": {"drained": not left["left"]["events"]}, "told": "It stopped."}
    return {"__logstash_stop": result, "hostvars": {"m1": {"__logstash_stop": result}}}


STOPPED = stopped(EVENTS)

QUEUE = "/srv/elk/logstash/queue"
AGAIN = (
    "They are sent as soon as Logstash runs on this host again: run playbooks/scale.yml with -e "
    "logstash_replicas=2. Or set logstash_leave_undrained: true to keep them on its disk."
)
MESSAGES = {
    name: one["ansible.builtin.fail"]["msg"]
    for name, one in {"refuses": REFUSES, "keeps": KEEPS_EVENTS, "says": SAYS}.items()
}

CASES: dict[str, tuple[str, dict[str, Any], Any]] = {
    # The host is to be removed from the platform.
    "removed with events": (
        REMOVED,
        {"elk_hosts_leaving": ["m1"], "__logstash_seen": EVENTS},
        True,
    ),
    "removed, unknown": (REMOVED, {"elk_hosts_leaving": ["m1"], "__logstash_seen": UNKNOWN}, True),
    "removed, allowed": (
        REMOVED,
        {"elk_hosts_leaving": ["m1"], "__logstash_seen": EVENTS, **ALLOWED},
        False,
    ),
    "removed, empty": (REMOVED, {"elk_hosts_leaving": ["m1"], "__logstash_seen": NOTHING}, False),
    "removed, runs": (REMOVED, {"elk_hosts_leaving": ["m1"], "__logstash_seen": RUNS}, False),
    "another is removed": (
        REMOVED,
        {"elk_hosts_leaving": ["w1"], "__logstash_seen": EVENTS},
        False,
    ),
    "none is removed": (REMOVED, {"__logstash_seen": EVENTS}, False),
    # The host gives up Logstash, which does not run there.
    "leaves with events": (LEAVES, {**PLAN, "__logstash_seen": EVENTS}, True),
    "leaves, unknown": (LEAVES, {**PLAN, "__logstash_seen": UNKNOWN}, True),
    "leaves, allowed": (LEAVES, {**PLAN, "__logstash_seen": EVENTS, **ALLOWED}, False),
    "leaves, empty": (LEAVES, {**PLAN, "__logstash_seen": NOTHING}, False),
    "leaves, runs": (LEAVES, {**PLAN, "__logstash_seen": RUNS}, False),
    "stays": (LEAVES, {"__logstash_plan": {"leave": ["w1"]}, "__logstash_seen": EVENTS}, False),
    # The stop has left events behind.
    "back": (BACK, {**PLAN, **STOPPED}, True),
    "keeps": (KEEPS, {**PLAN, **STOPPED}, True),
    "back, allowed": (BACK, {**PLAN, **STOPPED, **ALLOWED}, False),
    "keeps, allowed": (KEEPS, {**PLAN, **STOPPED, **ALLOWED}, False),
    "back, drained": (BACK, {**PLAN, **stopped(NOTHING)}, False),
    "back, unknown": (BACK, {**PLAN, **stopped(UNKNOWN)}, False),
    "back, not watched": (BACK, {**PLAN, "__logstash_stop": {"skipped": True}}, False),
    # What is told at the end.
    "told, unknown": (
        TOLD,
        {"__logstash_held": UNKNOWN["left"], "__logstash_stop": {"stop": {"drained": False}}},
        True,
    ),
    "told of an earlier run": (TOLD, {"__logstash_held": EVENTS["left"]}, False),
    "told by scale.yml": (
        TOLD,
        {"__logstash_held": EVENTS["left"], "__logstash_tells_all": True},
        True,
    ),
    # It never becomes known, and would fail each run.
    "told by scale.yml, unknown": (
        TOLD,
        {"__logstash_held": UNKNOWN["left"], "__logstash_tells_all": True},
        False,
    ),
    "told, wanted host": (TOLD, {"__logstash_held": {}, "__logstash_tells_all": True}, False),
    "told, allowed": (
        TOLD,
        {"__logstash_held": EVENTS["left"], "__logstash_tells_all": True, **ALLOWED},
        False,
    ),
    "labels": (LABELLED, {**PLAN, **STOPPED}, ["m1"]),
    "refuses": (
        "messages.refuses",
        {"elk_hosts_leaving": ["m1"], "__logstash_seen": EVENTS, "logstash_replicas": "2"},
        f"{QUEUE} holds 7 event(s). Without that host nobody would send them. {AGAIN}",
    ),
    "keeps events": (
        "messages.keeps",
        {**PLAN, "__logstash_seen": UNKNOWN},
        f"{QUEUE} holds an unknown number of event(s) (not mounted). {AGAIN}",
    ),
    "says": ("messages.says", {**PLAN, **STOPPED}, f"to keep the rest in {QUEUE}."),
    # Hosts that do not listen before the smoke test.
    "deaf": (
        "__logstash_deaf | join('. ')",
        {
            "elk_play_hosts": ["m1", "w1", "w2"],
            "hostvars": {
                "m1": {"__logstash_listening": {"msg": "m1 does not listen"}},
                "w1": {"__logstash_listening": {"skipped": True}},
                "w2": {"__logstash_listening": {"msg": "w2 does not listen"}},
            },
        },
        "m1 does not listen. w2 does not listen",
    ),
    # What brings Logstash back to the host.
    "sends again": (
        "__logstash_send_sentence",
        {"logstash_replicas": "0"},
        "run playbooks/scale.yml with -e logstash_replicas=1.",
    ),
    # A host that leaves may run Logstash until it is out.
    "sends before the removal": (
        "__logstash_send_sentence",
        {
            "elk_hosts_leaving": ["m1"],
            "elk_hosts": ["w1", "w2", "m1"],
            "logstash_replicas": "1",
        },
        "run playbooks/scale.yml with -e logstash_replicas=3.",
    ),
    "its task is down before the removal": (
        "__logstash_send_sentence",
        {"elk_hosts_leaving": ["m1"], "elk_hosts": ["w1", "m1", "w2"], "logstash_replicas": "2"},
        "run playbooks/scale.yml with -e logstash_replicas=2.",
    ),
    "is removed from another group": (
        "__logstash_send_sentence",
        {"elk_hosts_leaving": ["m1"], "elk_logstash_hosts": ["w1"], "elk_hosts": ["w1"]},
        "put it into the group logstash again and run site.yml.",
    ),
    # Without the host that leaves, in the order of the others.
    "hosts that stay": ("__logstash_hosts", {"elk_hosts_leaving": ["m1"]}, ["w1"]),
    "hosts of the inventory that stay": (
        "__logstash_hosts",
        {"elk_hosts_leaving": ["w1"], "elk_logstash_hosts": ["w2", "w1", "m1"]},
        ["w2", "m1"],
    ),
    "a host leaves": ("elk_hosts_leaving", {"membership_leaving": "m1"}, ["m1"]),
    "no host leaves": ("elk_hosts_leaving", {"membership_leaving": ""}, []),
    "tasks without the host": ("logstash_replicas", {"elk_hosts_leaving": ["m1"]}, 1),
    "sends after the inventory has changed": (
        "__logstash_send_sentence",
        {"elk_logstash_hosts": ["w1"]},
        "put it into the group logstash again and run site.yml.",
    ),
}


def test_the_service_uses_the_health_check() -> None:
    variables = yaml.safe_load((ROLE / "vars" / "main.yml").read_text())
    test = variables["__logstash_service"]["healthcheck"]["test"]
    assert test == ["CMD-SHELL", "{{ __logstash_healthcheck }}"]


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    tmp = tmp_path_factory.mktemp("logstash")
    roles = [ROOT / "roles" / name for name in ("elk", "logstash")]
    found: dict[str, Any] = evaluate(
        tmp,
        [
            *(Case(name, expression, given) for name, (expression, given, _) in CASES.items()),
            Case("healthcheck", "__logstash_healthcheck"),
        ],
        groups={
            "swarm_managers": {"hosts": {"m1": {}}},
            "swarm_workers": {"hosts": {"w1": {}}},
        },
        local_dir=tmp,
        variables={"messages": MESSAGES},
        vars_files=[role / kind / "main.yml" for role in roles for kind in ("defaults", "vars")],
    )["m1"]
    return found


@pytest.mark.parametrize("name", CASES)
def test_a_host_with_events_does_not_give_up_logstash(values: dict[str, Any], name: str) -> None:
    expected = CASES[name][2]
    if isinstance(expected, str):
        assert values[name].endswith(expected)
    else:
        assert values[name] == expected


@pytest.mark.parametrize(
    ("tcp", "udp", "answers", "healthy"),
    [
        (LISTENS + CONNECTED, BOUND, True, True),
        # The API answers up to a minute before the ports are open.
        (API, "", True, False),
        (API + CONNECTED + CLIENT, BOUND, True, False),
        (LISTENS, "", True, False),
        (LISTENS, BOUND, False, False),
    ],
)
@pytest.mark.parametrize("version", ["", "6"])
def test_healthy_means_that_it_listens(
    values: dict[str, Any],
    tmp_path: Path,
    tcp: str,
    udp: str,
    answers: bool,
    healthy: bool,
    version: str,
) -> None:
    # Without IPv6 the second table of each kind is missing.
    if version:
        tcp, udp = tcp.replace(LISTENS, LISTENS6), udp.replace(BOUND, BOUND6)
        (tmp_path / "tcp").write_text(TITLE)
        (tmp_path / "udp").write_text(TITLE)
    (tmp_path / f"tcp{version}").write_text(TITLE + tcp)
    (tmp_path / f"udp{version}").write_text(TITLE + udp)
    curl = tmp_path / "curl"
    curl.write_text(f"#!/bin/sh\ntest $7 = http://127.0.0.1:9600/ && {str(answers).lower()}\n")
    curl.chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", values["healthcheck"].replace("/proc/net", str(tmp_path))],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        check=False,
    )
    assert (done.returncode == 0) is healthy
