# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that stop a platform although its services run, each with its cause and command."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.platform.status import faults
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.page import page
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.report import (
    build,
    report_text,
)
from tests.unit.plugins.module_utils.platform.status.test_report import (
    ELASTICSEARCH,
    GOOD,
    KIBANA,
    LOGSTASH,
    NOW,
    pem,
    platform,
    service,
    view,
)

if TYPE_CHECKING:
    from collections.abc import Callable

LOGS = "syslog-msg-000001"
OTHER = pem(500)
QUEUE = {"in": 300, "out": 11, "queued": 289, "bytes": 1000, "max_bytes": 1_000_000}
SENDING = {"in": 300, "out": 300, "queued": 0, "bytes": 1000, "max_bytes": 1_000_000}


def healthy() -> dict[str, Any]:
    """A platform without a fault and without a missing fact."""
    data = platform("w1")
    view(data, "elasticsearch").update(
        blocks={},
        write_index=LOGS,
        settings={},
        own_settings={},
        voting_exclusions=[],
    )
    # Sizes at which the percentage counts and not the headroom.
    for node in view(data, "elasticsearch")["nodes"]:
        node.update(disk_total=1e9, disk_available=4e8)
    view(data, "swarm")["services"].append(service("logshipper", desired=2, running=2))
    view(data, "swarm")["authorities"] = {"kibana": GOOD, "logshipper": GOOD}
    for host in data["hosts"]:
        host["survey"].update(
            pki={
                "authorities": {"ca.crt": GOOD},
                "pairs": [{"certificate": "node.crt", "problem": ""}],
            },
            file_systems=[
                file_system("/srv/elk", elasticsearch=True),
                file_system("/var/lib/docker", mount="/var"),
            ],
            queues={
                "logshipper": {
                    "container": "f" * 64,
                    "listening": True,
                    "first": SENDING,
                    "last": SENDING,
                    "seconds": 0.0,
                    "long": False,
                }
            },
        )
    data.update(
        alias="syslog-msg",
        ca_path="/local/ca.crt",
        services=[dict(one) for one in (ELASTICSEARCH, LOGSTASH, KIBANA)],
        controller={
            "ca_path": "/local/ca.crt",
            "authorities": [authority()],
            "servers": [server("elasticsearch"), server("kibana", required=True)],
        },
    )
    return data


def file_system(path: str, mount: str = "/", **changes: Any) -> dict[str, Any]:
    return {
        "path": path,
        "mount": mount,
        "read_only": False,
        "elasticsearch": False,
        "total": 1000,
        "available": 500,
        "inodes": 1000,
        "inodes_free": 500,
        **changes,
    }


def authority(**changes: Any) -> dict[str, Any]:
    return {
        "file": "ca.crt",
        "certificate_path": "/local/ca.crt",
        "key_path": "/local/ca.key",
        "certificate": GOOD,
        "key": "fits",
        **changes,
    }


def server(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "service": name,
        "host": "m1",
        "address": "10.0.0.1",
        "port": 9200,
        "required": False,
        "kind": "ok",
        "problem": "",
        **changes,
    }


def found(data: dict[str, Any], **limits: float) -> list[tuple[str, str]]:
    """Level and check of each finding."""
    made = build(data, NOW, faults.Thresholds(**limits))
    return [(one.level, one.check) for one in made.findings]


def only(data: dict[str, Any]) -> faults.Finding:
    (one,) = build(data, NOW).findings
    return one


def blocked(data: dict[str, Any], index: str, *numbers: str) -> None:
    blocks = view(data, "elasticsearch")["blocks"].setdefault("indices", {})
    blocks[index] = {number: {"retryable": False} for number in numbers}


def search(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda data: view(data, "elasticsearch").update(changes)


def on_w1(part: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda data: data["hosts"][1]["survey"].update({part: value})


def queue(**changes: Any) -> Callable[[dict[str, Any]], None]:
    seen = {
        "container": "f" * 64,
        "listening": True,
        "first": QUEUE,
        "last": QUEUE,
        "seconds": 10.2,
        "long": False,
    }
    return on_w1("queues", {"logshipper": {**seen, **changes}})


def queue_left(**left: Any) -> Callable[[dict[str, Any]], None]:
    return on_w1("queues", {"logshipper": {"left": left}})


def scaled(name: str, **changes: Any) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        for one in view(data, "swarm")["services"]:
            if one["name"] == name:
                one.update(changes)

    return change


def removed(name: str) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        services = view(data, "swarm")["services"]
        services[:] = [one for one in services if one["name"] != name]

    return change


def block(index: str, *numbers: str) -> Callable[[dict[str, Any]], None]:
    return lambda data: blocked(data, index, *numbers)


def here(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda data: data["controller"].update(changes)


FULL = {"disk_total": 1e9, "disk_available": 1e7}


def fill(available: float) -> Callable[[dict[str, Any]], None]:
    return lambda data: view(data, "elasticsearch")["nodes"][1].update(
        disk_total=1e9, disk_available=available
    )


def test_a_platform_in_order_has_no_fault() -> None:
    assert build(healthy(), NOW).headline == "All checks passed"


# What is wrong, what is found of it, a part of the text and a part of the command.
CASES: dict[str, tuple[Callable[[dict[str, Any]], None], str, str, str, str]] = {
    "flood stage by hand": (
        block(LOGS, "12"),
        "bad",
        "index_blocks",
        "index.blocks.read_only_allow_delete on syslog-msg-000001",
        "'{\"index.blocks.read_only_allow_delete\": null}'",
    ),
    "write block where lines go": (
        block(LOGS, "8"),
        "bad",
        "index_blocks",
        "on the index syslog-msg-000001 (which takes the lines of syslog), so no line is stored",
        f"-X PUT https://10.0.0.1:9200/{LOGS}/_settings",
    ),
    "read-only where lines go": (
        block(LOGS, "5"),
        "bad",
        "index_blocks",
        "so no line is stored",
        '{"index.blocks.read_only": null}',
    ),
    "metadata block where lines go": (
        block(LOGS, "9"),
        "bad",
        "index_blocks",
        "it takes no new fields and no rollover",
        '{"index.blocks.metadata": null}',
    ),
    "closed where lines go": (
        block(LOGS, "4"),
        "bad",
        "index_blocks",
        "is closed",
        f"{LOGS}/_open",
    ),
    "read-only elsewhere": (
        block("other", "5"),
        "warn",
        "index_blocks",
        "on the index other",
        "/other/_settings",
    ),
    "cluster read-only": (
        search(blocks={"global": {"6": {}}}),
        "bad",
        "cluster_blocks",
        "cluster.blocks.read_only is set",
        "/_cluster/settings",
    ),
    "cluster without state": (
        search(blocks={"global": {"1": {}}}),
        "bad",
        "cluster_blocks",
        "state not recovered",
        "/_cluster/health",
    ),
    "no index for lines": (
        search(write_index=""),
        "bad",
        "write_index",
        "The alias syslog-msg has no index that takes lines",
        "site.yml",
    ),
    "allocation switched off": (
        search(own_settings={"cluster.routing.allocation.enable": "primaries"}),
        "warn",
        "allocation",
        "cluster.routing.allocation.enable is primaries",
        '"cluster.routing.allocation.enable": null',
    ),
    "a rolling restart was interrupted": (
        search(
            own_settings={
                "cluster.routing.allocation.enable": "primaries",
                "cluster.metadata.elk_roll": "elk",
            }
        ),
        "warn",
        "allocation",
        "cluster.routing.allocation.enable is primaries",
        "site.yml",
    ),
    "the removal of a host was interrupted": (
        search(
            own_settings={
                "cluster.routing.allocation.exclude._name": "w1",
                "cluster.metadata.elk_leave": "w1",
            }
        ),
        "warn",
        "allocation",
        "moves all shards off w1: its host is being removed",
        "playbooks/remove_host.yml -e remove_host=w1",
    ),
    "a move of data was interrupted": (
        search(
            own_settings={
                "cluster.routing.allocation.exclude._name": "w1",
                "cluster.metadata.elk_move": "w1",
            }
        ),
        "warn",
        "allocation",
        "moves all shards off w1: its data moves to other storage",
        "playbooks/move_storage.yml",
    ),
    "a person keeps shards off nodes": (
        search(own_settings={"cluster.routing.allocation.exclude._ip": "192.0.2.7"}),
        "warn",
        "allocation",
        "cluster.routing.allocation.exclude._ip is 192.0.2.7, and no run of this collection",
        '"cluster.routing.allocation.exclude._ip": null',
    ),
    "voting exclusions": (
        search(voting_exclusions=["m3"]),
        "warn",
        "voting_exclusions",
        "m3: excluded from voting",
        "-X DELETE",
    ),
    "nothing leaves the queue": (
        queue(),
        "bad",
        "queue_stuck",
        "w1: 289 events wait in the queue of Logstash and none was sent within 10 s",
        "docker logs --tail 50 ffffffffffff   (on w1)",
    ),
    "documents are refused": (
        queue(last={**QUEUE, "refused": 9}),
        "bad",
        "queue_stuck",
        "within 10 s: Elasticsearch refuses the documents: the alias or the right to write",
        "docker logs",
    ),
    "dead letters": (
        queue(path="/srv/logs", last={**SENDING, "dead": 4, "dead_bytes": 2048}),
        "warn",
        "dead_letters",
        "refused 4 lines for good since Logstash started here. The dead letter queue has 2.0 KiB",
        "cat -v /srv/logs/dead_letter_queue/*/*.log* | less   (on w1)",
    ),
    "dead letters of an earlier start": (
        queue(last={**SENDING, "dead_bytes": 2048}),
        "warn",
        "dead_letters",
        "0 lines for good since Logstash started here. The dead letter queue has 2.0 KiB",
        "sh -c 'cat /usr/share/logstash/data/dead_letter_queue/*/*.log*' | cat -v | less   (on w1)",
    ),
    "dead letters without room": (
        queue(last={**SENDING, "dead": 9, "dead_bytes": 2048, "dead_dropped": 5}),
        "bad",
        "dead_letters",
        "2.0 KiB and is full: 5 lines found no room",
        "dead_letter_queue",
    ),
    "dead letters in the log only": (
        queue(last={**SENDING, "dead": 4}),
        "warn",
        "dead_letters",
        "They are only in its log",
        "docker logs",
    ),
    "queue nearly full": (
        queue(last={**QUEUE, "out": 12, "bytes": 800_000}),
        "bad",
        "queue_full",
        "Its queue is 80 % full",
        "docker logs",
    ),
    "queue a quarter full": (
        queue(last={**QUEUE, "out": 12, "bytes": 250_000}),
        "warn",
        "queue_full",
        "25 % full",
        "docker logs",
    ),
    "queue grows": (
        queue(long=True, last={**QUEUE, "out": 12, "queued": 400}),
        "warn",
        "queue_growing",
        "111 events more within 10 s",
        "docker logs",
    ),
    "Logstash does not answer": (
        queue(last={}),
        "warn",
        "logstash_queue",
        "does not report the length of its queue",
        "docker logs",
    ),
    "Logstash does not listen": (
        queue(listening=False, last=SENDING),
        "bad",
        "logstash_input",
        "senders are refused",
        "docker logs",
    ),
    "queue without a Logstash": (
        queue_left(events=7, problems=[], path="/q"),
        "bad",
        "queue_left",
        "w1: 7 events lie in the queue of a Logstash that does not run here",
        "docker service ps --no-trunc logshipper",
    ),
    "queue that cannot be read": (
        queue_left(events=None, problems=["damaged"], path="/q"),
        "warn",
        "queue_left",
        "cannot be read: damaged",
        "ls -lR /q",
    ),
    "Logstash at 0": (
        scaled("logshipper", desired=0, running=0),
        "bad",
        "service_scaled",
        "logshipper: scaled to 0 by hand, logstash_replicas asks for 2",
        "docker service scale logshipper=2",
    ),
    "Logstash at 1 of 2": (
        scaled("logshipper", desired=1, running=1),
        "warn",
        "service_scaled",
        "scaled to 1 by hand",
        "docker service scale logshipper=2",
    ),
    "Kibana removed": (
        removed("kibana"),
        "bad",
        "service_missing",
        "The service kibana does not exist, kibana_replicas asks for 1",
        "site.yml",
    ),
    "Elasticsearch nowhere": (
        scaled("elk_elasticsearch-aaaa1111", desired=0, running=0, nodes=[]),
        "bad",
        "service_nowhere",
        "no node of the swarm is labelled for it and active",
        "site.yml",
    ),
    "read-only file system": (
        on_w1("file_systems", [file_system("/srv/elk", "/srv", read_only=True)]),
        "bad",
        "read_only",
        "w1: the file system /srv (/srv/elk) is read-only",
        "findmnt /srv",
    ),
    "no inodes": (
        on_w1("file_systems", [file_system("/srv/elk", inodes_free=50)]),
        "bad",
        "inodes",
        "95 % of its inodes",
        "du --inodes",
    ),
    "Docker's disk full": (
        on_w1("file_systems", [file_system("/var/lib/docker", "/var", available=100)]),
        "bad",
        "disk_full",
        "w1: the file system /var (/var/lib/docker) is 90 % full",
        "du -xhd2 /var",
    ),
    "key of the authority lost": (
        here(authorities=[authority(key="missing")]),
        "bad",
        "authority_lost",
        "The authority's key /local/ca.key is not there",
        "cp -p",
    ),
    "key of another authority": (
        here(authorities=[authority(key="other")]),
        "bad",
        "authority_lost",
        "is not the key of /local/ca.crt",
        "cp -p",
    ),
    "authority lost": (
        here(authorities=[authority(certificate="")]),
        "bad",
        "authority_lost",
        "/local/ca.crt is not on this machine",
        "playbooks/fetch_secrets.yml",
    ),
    "another authority on a host": (
        on_w1("pki", {"authorities": {"ca.crt": OTHER}, "pairs": []}),
        "bad",
        "authority_differs",
        "w1: has another authority than this machine (ca.crt)",
        "site.yml",
    ),
    "authority missing on a host": (
        on_w1("pki", {"authorities": {"ca.crt": ""}, "pairs": []}),
        "bad",
        "authority_differs",
        "w1: has no ca.crt",
        "site.yml",
    ),
    "authority of transport that only a host has": (
        on_w1("pki", {"authorities": {"ca.crt": GOOD, "transport-ca.crt": OTHER}, "pairs": []}),
        "bad",
        "authority_lost",
        "w1: has a transport-ca.crt that this machine does not have",
        "playbooks/fetch_secrets.yml",
    ),
    "change of the authority under way": (
        on_w1("pki", {"authorities": {"ca.crt": GOOD + OTHER}, "pairs": []}),
        "warn",
        "authority_differs",
        "a change of the authority has not finished",
        "rotate.yml -e rotate=ca",
    ),
    "certificate of a host that does not fit": (
        on_w1(
            "pki",
            {
                "authorities": {"ca.crt": GOOD},
                "pairs": [{"certificate": "node.crt", "problem": "node.key is not its key"}],
            },
        ),
        "bad",
        "host_certificate",
        "w1: node.crt: node.key is not its key",
        "site.yml",
    ),
    "Logstash trusts another authority": (
        lambda data: view(data, "swarm").update(authorities={"logshipper": OTHER}),
        "bad",
        "authority_differs",
        "logshipper: has another authority than this machine",
        "site.yml",
    ),
    "clients do not trust a node": (
        here(servers=[server("elasticsearch", kind="untrusted", problem="not signed")]),
        "bad",
        "client_trust",
        "elasticsearch at 10.0.0.1:9200: clients do not trust what it shows: not signed",
        "openssl s_client -connect 10.0.0.1:9200 -CAfile /local/ca.crt",
    ),
    "Kibana away": (
        here(servers=[server("kibana", required=True, kind="refused", problem="nothing there")]),
        "bad",
        "server_away",
        "kibana answers on none of its hosts",
        "docker service ps --no-trunc kibana",
    ),
    "Kibana not ready": (
        here(servers=[server("kibana", required=True, kind="unavailable", problem="503")]),
        "bad",
        "server_away",
        "503",
        "docker service ps",
    ),
    "Kibana behind a firewall": (
        here(servers=[server("kibana", required=True, kind="silent", problem="no answer")]),
        "warn",
        "server_away",
        "no answer",
        "docker service ps",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_fault(case: str) -> None:
    change, level, check, text, command = CASES[case]
    data = healthy()
    change(data)
    one = only(data)
    assert (one.level, one.check) == (level, check)
    assert text in one.text
    assert command in one.next
    made = build(data, NOW)
    shown = report_text(made)
    assert f"Next: {one.next}" in shown
    assert "Next: <code>" in page(made)
    assert bool(made.faults) == (level == "bad")


def switched_off(data: dict[str, Any]) -> None:
    scaled("logshipper", desired=0, running=0)(data)
    data["services"][1].update(replicas=0)


def facts_missing(data: dict[str, Any]) -> None:
    for key in ("blocks", "write_index", "settings"):
        del view(data, "elasticsearch")[key]


def behind_a_firewall(data: dict[str, Any]) -> None:
    data["controller"]["servers"][0].update(kind="silent")


def one_of_two(data: dict[str, Any]) -> None:
    data["controller"]["servers"].append(server("kibana", required=True, kind="refused"))


NO_FAULT: dict[str, Callable[[dict[str, Any]], None]] = {
    "write block of a retention policy": block("syslog-msg-000000", "8"),
    "closed index elsewhere": block("old", "4"),
    "events that are sent": queue(last={**QUEUE, "out": 12}, seconds=0.5),
    "an empty dead letter queue": queue(last={**SENDING, "dead_bytes": 2}),
    "a long queue that gets shorter": queue(long=True, last={**QUEUE, "out": 99, "queued": 201}),
    "an empty queue without a Logstash": queue_left(events=0, problems=[]),
    "a queue in memory": queue(first=SENDING, last={**SENDING, "max_bytes": 0}),
    "a node that cannot be reached from here": behind_a_firewall,
    "one Kibana of two hosts": one_of_two,
    "facts about blocks are missing": facts_missing,
    "a full disk of Elasticsearch, which has its own finding": on_w1(
        "file_systems", [file_system("/srv/elk", elasticsearch=True, available=50)]
    ),
    "Logstash switched off in the inventory": switched_off,
}


@pytest.mark.parametrize("case", NO_FAULT)
def test_no_fault(case: str) -> None:
    data = healthy()
    NO_FAULT[case](data)
    assert found(data) == []


def test_a_machine_whose_authority_no_host_has_is_the_wrong_one() -> None:
    """site.yml from there would give all hosts another authority."""
    data = healthy()
    for host in data["hosts"]:
        host["survey"]["pki"]["authorities"]["ca.crt"] = OTHER
    view(data, "swarm")["authorities"] = {"logshipper": OTHER, "kibana": OTHER}
    data["controller"]["servers"][0].update(kind="untrusted", problem="not signed")
    one = only(data)
    assert (one.level, one.check) == ("bad", "authority_lost")
    assert "run nothing from here before" in one.text
    assert "site.yml" not in one.next


class TestFloodStage:
    def test_full_disk_and_what_it_blocks(self) -> None:
        data = healthy()
        blocked(data, LOGS, "12")
        blocked(data, ".security-7", "12")
        fill(1e7)(data)
        made = build(data, NOW)
        one = next(one for one in made.findings if one.check == "index_blocks")
        assert "2 indices read-only" in one.text
        assert "no line is stored: Logstash keeps them in its queue" in one.text
        assert "w1: free 85.8 MiB more" in one.text
        assert "Elasticsearch removes the block" in one.text
        assert "df -h" in one.next
        assert [one.check for one in made.findings].count("index_blocks") == 1

    @pytest.mark.parametrize(
        ("available", "level", "mark"),
        [
            (151e6, "", ""),
            (149e6, "warn", "low watermark"),
            (99e6, "bad", "high watermark"),
            (49e6, "bad", "flood stage watermark"),
        ],
    )
    def test_watermarks(self, available: float, level: str, mark: str) -> None:
        data = healthy()
        fill(available)(data)
        passed = [one for one in build(data, NOW).findings if one.check == "disk_watermarks"]
        assert [one.level for one in passed] == ([level] if level else [])
        assert all(mark in one.text for one in passed)

    def test_watermarks_of_the_operator(self) -> None:
        data = healthy()
        mark = "cluster.routing.allocation.disk.watermark"
        search(settings={f"{mark}.low": "900mb", f"{mark}.high": "80%"})(data)
        assert ("warn", "disk_watermarks") in found(data)
        search(settings={"cluster.routing.allocation.disk.threshold_enabled": "false"})(data)
        fill(1.0)(data)
        assert "disk_watermarks" not in [check for _level, check in found(data)]

    def test_a_large_disk_needs_no_more_free_than_the_headroom(self) -> None:
        data = healthy()
        view(data, "elasticsearch")["nodes"][1].update(
            disk_total=10 * 1024.0**4, disk_available=250 * 1024.0**3
        )
        assert "disk_watermarks" not in [check for _level, check in found(data)]


class TestCommands:
    def test_the_name_of_an_index_stays_inside_its_quotes(self) -> None:
        data = healthy()
        evil = "syslog-msg$(reboot);`id`'x"
        search(write_index=evil)(data)
        blocked(data, evil, "8")
        words = shlex.split(only(data).next)
        assert f"https://10.0.0.1:9200/{evil}/_settings" in words
        assert "reboot" not in words

    def test_without_a_node_in_the_cluster_the_command_has_a_placeholder(self) -> None:
        assert "HOST" in faults.Commands().curl("/")

    def test_all_faults_in_one_line(self) -> None:
        data = healthy()
        queue()(data)
        scaled("logshipper", desired=0, running=0)(data)
        line = build(data, NOW).faults
        assert "\n" not in line
        assert line.count("Next command: ") == 2

    def test_every_check_has_a_command(self) -> None:
        checks = {check for _change, _level, check, _text, _command in CASES.values()}
        assert len(checks) > 15
        assert all(command for *_rest, command in CASES.values())


def test_each_service_with_a_queue_has_its_own_findings() -> None:
    data = healthy()
    data["services"].append({**LOGSTASH, "name": "ingest", "service": "ingest", "title": "Ingest"})
    view(data, "swarm")["services"].append(service("ingest", desired=2, running=2))
    data["hosts"][1]["survey"]["queues"]["ingest"] = {"left": {"events": 3, "problems": []}}
    one = only(data)
    assert one.check == "queue_left"
    assert one.next == "docker service ps --no-trunc ingest   (on a manager)"


def test_the_lines_wait_in_the_services_that_have_a_queue() -> None:
    data = healthy()
    search(write_index="")(data)
    data["services"][1]["title"] = "Ingest"
    assert only(data).text.endswith("no index that takes lines: they wait in the queue of Ingest")
    del data["services"][1]
    assert only(data).text.endswith("no index that takes lines")


def test_a_port_that_answers_nowhere_is_not_hidden_by_another_one() -> None:
    data = healthy()
    data["controller"]["servers"].append(server("kibana", required=True, port=1, kind="refused"))
    assert found(data) == [("bad", "server_away")]


def test_a_service_left_over_beside_one_that_runs_is_a_warning() -> None:
    data = healthy()
    view(data, "swarm")["services"].append(
        service("elk_elasticsearch-old", generation="old", mode="global", desired=0, running=0)
    )
    assert found(data) == [("warn", "")]


def test_a_change_to_the_transport_authority_is_finished_by_site_yml() -> None:
    """Both authorities are on both sides, so this is not a rotation."""
    controller = {
        "authorities": [
            {"file": "ca.crt", "certificate": GOOD},
            {"file": "transport-ca.crt", "certificate": OTHER},
        ]
    }
    both = {"ca.crt": GOOD + OTHER, "transport-ca.crt": OTHER + GOOD}
    found = faults.authorities(controller, {"w1": {"authorities": both}}, {})
    assert [one.check for one in found] == ["authority_differs"] * 2
    assert all("has not finished" in one.text for one in found)
    assert {one.next for one in found} == {faults.SITE}
    # A rotation of the one for transport has its own name.
    renewed = {"ca.crt": GOOD, "transport-ca.crt": OTHER + pem(600)}
    [one] = faults.authorities(controller, {"w1": {"authorities": renewed}}, {})
    assert one.next.endswith("playbooks/rotate.yml -e rotate=transport_ca")
