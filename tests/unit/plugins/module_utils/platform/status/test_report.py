# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of the platform: what it shows, in which order, and what is missing."""

from __future__ import annotations

import datetime
from html.parser import HTMLParser
from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.common.certificates import certificate_end
from ansible_collections.elk.swarm.plugins.module_utils.common.tables import Table
from ansible_collections.elk.swarm.plugins.module_utils.common.text import natural
from ansible_collections.elk.swarm.plugins.module_utils.common.units import size
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.facts import (
    elasticsearch_indices,
    elasticsearch_nodes,
    swarm_services,
    write_index_of,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.faults import Thresholds
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.page import page
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.report import (
    Report,
    build,
    report_text,
)
from tests.certificates import DAY, issue

# As the lookup returns them; the name of a service in the swarm can be another one.
ELASTICSEARCH: dict[str, Any] = {
    "name": "elasticsearch",
    "role": "elk.swarm.elasticsearch",
    "title": "Elasticsearch",
    "kind": "global",
    "group": "elasticsearch",
    "service": "elasticsearch",
    "hosts": ["m1", "w1"],
    "replicas": 0,
    "labels": ["elk.es", "elk.es.config"],
    "status": ["elasticsearch_cluster"],
}
LOGSTASH: dict[str, Any] = {
    "name": "logstash",
    "role": "elk.swarm.logstash",
    "title": "Logstash",
    "kind": "replicated",
    "group": "logstash",
    "service": "logshipper",
    "hosts": ["m1", "w1"],
    "replicas": 2,
    "labels": ["elk.logstash"],
    "data": [{"name": "logstash"}],
    "status": ["logstash_queue"],
}
KIBANA: dict[str, Any] = {
    "name": "kibana",
    "role": "elk.swarm.kibana",
    "title": "Kibana",
    "kind": "replicated",
    "group": "kibana",
    "service": "kibana",
    "hosts": ["m1"],
    "replicas": 1,
    "labels": ["elk.kibana"],
    "certificates": [{"name": "kibana", "names": ["kibana"]}],
    "status": ["kibana_status"],
}
NOW = datetime.datetime(2026, 11, 21, 10, 0, tzinfo=datetime.UTC)


def pem(days: float, year: int = 0) -> str:
    """A certificate that ends in so many days, or at the end of a year."""
    end = NOW + days * DAY
    if year:
        end = datetime.datetime(year, 12, 31, tzinfo=datetime.UTC)
    return issue("m1", begin=min(NOW, end) - DAY, end=end).pem


GOOD = pem(700)


def node(name: str, role: str = "worker", **changes: Any) -> dict[str, Any]:
    return {
        "id": f"id-{name}",
        "hostname": name,
        "role": role,
        "availability": "active",
        "state": "ready",
        "message": "",
        "address": f"10.0.0.{len(name)}",
        "leader": name == "m1",
        "engine": "26.1.5",
        "labels": {"elk.es": "aaaa1111", "elk.es.config": f"config-{name}"},
        **changes,
    }


def service(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "stack": "elk",
        "generation": "",
        "mode": "replicated",
        "image": "registry:5000/kibana/kibana:9.2.4",
        "desired": 1,
        "running": 1,
        "nodes": ["m1"],
        "error": "",
        **changes,
    }


def search_node(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "version": "9.2.4",
        "roles": ["data", "master"],
        "master": name == "m1",
        "heap_percent": 40.0,
        "heap_max": 4e8,
        "disk_total": 1000.0,
        "disk_available": 400.0,
        **changes,
    }


def index(name: str, health: str = "green", **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "health": health,
        "status": "open",
        "docs": 1200.0,
        "bytes": 2048.0,
        "primaries": 1.0,
        "replicas": 1.0,
        **changes,
    }


def platform(*workers: str) -> dict[str, Any]:
    """A platform in order: m1 and the workers."""
    names = ["m1", *(workers or ("w1",))]
    generation = service(
        "elk_elasticsearch-aaaa1111",
        generation="aaaa1111",
        mode="global",
        desired=len(names),
        running=len(names),
    )
    swarm = {
        "nodes": [node(name, "manager" if name == "m1" else "worker") for name in names],
        "services": [generation, service("kibana")],
        "problem": "",
    }
    search = {
        "cluster_name": "elk",
        "clusters": {"uuid": names},
        "health": {"status": "green", "number_of_nodes": len(names), "unassigned_shards": 0},
        "nodes": [search_node(name) for name in names],
        "indices": [index(".security-7"), index("syslog-msg-000001")],
        "unreached": {},
        "problem": "",
    }
    hosts = [
        {
            "name": name,
            "address": f"10.0.0.{number}",
            "role": "manager" if name == "m1" else "worker",
            "elasticsearch": True,
            "unreachable": False,
            "problem": "",
            "certificate": GOOD,
            "survey": {
                "nodename": name,
                "engine": {"version": "26.1.5", "problem": ""},
                "member": {
                    "state": "active",
                    "node_id": f"id-{name}",
                    "manager": name == "m1",
                    "quorum": name == "m1",
                },
                "certificate": GOOD,
                "swarm": swarm if name == "m1" else {},
                "elasticsearch": search if name == "m1" else {},
            },
        }
        for number, name in enumerate(names, start=1)
    ]
    return {
        "stack": "elk",
        "names": names,
        "hosts": hosts,
        "ca_certificate": GOOD,
        "certificates": {"kibana": GOOD},
        "services": [ELASTICSEARCH, KIBANA],
    }


def view(data: dict[str, Any], part: str) -> Any:
    return data["hosts"][0]["survey"][part]


def away(data: dict[str, Any], name: str, why: str = "ssh: no route") -> None:
    for host in data["hosts"]:
        if host["name"] == name:
            host.update(survey={}, problem=why, unreachable=True)


def report(data: dict[str, Any], **limits: float) -> Report:
    return build(data, NOW, Thresholds(**limits))


def findings_of(data: dict[str, Any], **limits: float) -> list[tuple[str, str]]:
    return [(one.level, one.text) for one in report(data, **limits).findings]


def table(made: Report, title: str) -> Table:
    return next(one for one in made.tables if one.title == title)


def column(made: Report, title: str, number: int = 0) -> list[str]:
    return [row[number].text for row in table(made, title).rows]


TITLES = [
    "Hosts",
    "Services",
    "Labels of the hosts",
    "Elasticsearch nodes",
    "Indices",
    "Certificates",
]


class TestInOrder:
    def test_nothing_is_found(self) -> None:
        made = report(platform("w1", "w2"))
        assert made.findings == []
        assert made.level == "ok"
        assert made.headline == "All checks passed"
        assert [one.title for one in made.tables] == TITLES
        assert {card.level for card in made.cards} == {"ok"}

    def test_hosts(self) -> None:
        rows = table(report(platform()), "Hosts").rows
        assert [cell.text for cell in rows[0]] == [
            "m1",
            "10.0.0.1",
            "manager (leader)",
            "active",
            "ready",
            "26.1.5",
        ]

    def test_master_is_marked(self) -> None:
        assert column(report(platform()), "Elasticsearch nodes") == ["m1 *", "w1"]

    def test_generation_of_each_host(self) -> None:
        rows = table(report(platform()), "Labels of the hosts").rows
        assert [cell.text for cell in rows[1]][:4] == [
            "w1",
            "aaaa1111",
            "elk_elasticsearch-aaaa1111",
            "config-w1",
        ]

    def test_documents_of_the_system_are_not_counted(self) -> None:
        card = next(one for one in report(platform()).cards if one.title == "Documents")
        assert (card.value, card.detail) == ("1,200", "1 index, 2.0 KiB")


class TestMissing:
    def test_nothing_at_all(self) -> None:
        made = report({"services": [ELASTICSEARCH]})
        assert made.level == "bad"
        assert [one.title for one in made.tables] == TITLES
        assert page(made)
        assert report_text(made)

    def test_every_host_is_away(self) -> None:
        data = platform()
        for name in data["names"]:
            away(data, name)
        made = report(data)
        assert made.level == "bad"
        assert column(made, "Hosts", 4) == ["unreachable", "unreachable"]
        assert "No manager can report on the swarm." in [text for _level, text in findings_of(data)]
        assert table(made, "Services").note == "Not known: no manager can report it."

    def test_a_worker_away(self) -> None:
        data = platform("w1", "w2")
        away(data, "w2", "Task failed: ssh: no route")
        view(data, "elasticsearch")["nodes"].pop()
        view(data, "elasticsearch")["unreached"] = {"https://10.0.0.3:9200": "no answer in time"}
        assert findings_of(data) == [
            ("bad", "w2: cannot be checked: ssh: no route"),
            ("bad", "w2: its Elasticsearch has not joined the cluster: no answer in time"),
        ]
        # The report still shows what the swarm knows of it, and its certificate from here.
        assert column(report(data), "Hosts", 5) == ["26.1.5"] * 3
        assert column(report(data), "Certificates", 3) == [
            "controller",
            "m1",
            "w1",
            "controller",
            "controller",
        ]

    def test_a_host_that_was_left_out(self) -> None:
        data = platform("w1", "w2")
        data["hosts"].pop()
        assert findings_of(data) == [("warn", "w2: was left out of this run (--limit)")]

    def test_elasticsearch_away(self) -> None:
        data = platform()
        view(data, "elasticsearch").update(
            clusters={}, health={}, nodes=[], indices=None, unreached={"https://m1:9200": "refused"}
        )
        made = report(data)
        assert findings_of(data) == [
            (
                "bad",
                "Elasticsearch: no node belongs to a cluster. https://m1:9200: refused",
            )
        ]
        assert table(made, "Indices").note == "Not known."

    def test_no_password(self) -> None:
        data = platform()
        data["hosts"][0]["survey"]["elasticsearch"] = {"problem": "was not asked, no password"}
        assert findings_of(data) == [("bad", "Elasticsearch: was not asked, no password")]

    def test_docker_does_not_answer(self) -> None:
        data = platform("w1")
        survey = data["hosts"][1]["survey"]
        survey["engine"] = {"version": "", "problem": "There is no Docker Engine"}
        survey["member"] = {"state": "absent"}
        assert ("bad", "w1: There is no Docker Engine") in findings_of(data)
        assert column(report(data), "Hosts", 4)[1] == "Docker does not answer"

    def test_no_majority(self) -> None:
        data = platform()
        view(data, "member")["quorum"] = False
        data["hosts"][0]["survey"]["swarm"] = {
            "nodes": [],
            "services": [],
            "problem": "The swarm does not have a leader.",
        }
        assert (
            "bad",
            "No manager can report on the swarm: The swarm does not have a leader.",
        ) in findings_of(data)
        assert column(report(data), "Hosts", 4)[0] == "no majority"

    def test_the_most_complete_view_of_a_manager_counts(self) -> None:
        data = platform("w1")
        survey = data["hosts"][1]["survey"]
        survey["swarm"] = view(data, "swarm")
        data["hosts"][0]["survey"]["swarm"] = {"nodes": [], "services": [], "problem": "x"}
        assert report(data).level == "ok"

    def test_no_service(self) -> None:
        data = platform()
        view(data, "swarm")["services"] = [service("other", stack="else")]
        texts = [text for _level, text in findings_of(data)]
        assert "The swarm has no service of the stack elk. Run site.yml." in texts
        assert "m1: is labelled for generation aaaa1111 of Elasticsearch, which has no service" in (
            texts
        )
        assert "There is 1 service that is not part of it." in table(report(data), "Services").note


class TestFaults:
    def test_worst_first(self) -> None:
        data = platform("w1", "w2")
        view(data, "swarm")["nodes"][1]["availability"] = "drain"
        away(data, "w2")
        assert [level for level, _text in findings_of(data)] == ["bad", "warn"]
        assert report(data).headline == "1 fault, 1 thing to look at"

    def test_a_service_without_all_its_tasks(self) -> None:
        data = platform()
        view(data, "swarm")["services"][1].update(running=0, error="w1: No such image: x")
        assert findings_of(data) == [("bad", "kibana: 0 of 1 tasks run: w1: No such image: x")]
        assert column(report(data), "Services", 5)[1] == "w1: No such image: x"

    @pytest.mark.parametrize(
        ("changes", "text"),
        [
            ({"state": "down"}, "w1: the swarm reports it as down"),
            ({"role": "manager"}, "w1: is a manager, but the inventory has it as worker"),
        ],
    )
    def test_a_node_that_is_not_as_it_should_be(self, changes: dict[str, str], text: str) -> None:
        data = platform()
        view(data, "swarm")["nodes"][1].update(changes)
        assert findings_of(data) == [("bad", text)]

    def test_a_node_that_is_not_in_the_inventory(self) -> None:
        data = platform()
        view(data, "swarm")["nodes"].append(node("stray", labels={}))
        assert findings_of(data) == [("warn", "stray: is in the swarm and not in the inventory")]

    def test_a_host_in_no_swarm(self) -> None:
        data = platform()
        data["hosts"][1]["survey"]["member"] = {"state": "inactive"}
        assert ("bad", "w1: is in no swarm, its state is inactive") in findings_of(data)

    def test_different_versions(self) -> None:
        data = platform()
        data["hosts"][1]["survey"]["engine"]["version"] = "20.10.24"
        view(data, "elasticsearch")["nodes"][1]["version"] = "9.1.0"
        assert findings_of(data) == [
            ("warn", "The hosts run different versions of Docker: 20.10.24, 26.1.5"),
            ("warn", "The nodes run different versions of Elasticsearch: 9.1.0, 9.2.4"),
        ]

    def test_two_clusters(self) -> None:
        data = platform()
        view(data, "elasticsearch").update(
            clusters={"one": ["m1"], "two": ["w1"]}, health={}, nodes=[]
        )
        assert findings_of(data) == [
            ("bad", "Elasticsearch: its nodes have formed 2 clusters: one (m1) and two (w1)")
        ]

    @pytest.mark.parametrize(("color", "level"), [("yellow", "warn"), ("red", "bad")])
    def test_health(self, color: str, level: str) -> None:
        data = platform()
        view(data, "elasticsearch")["health"].update(status=color, unassigned_shards=2)
        assert findings_of(data) == [(level, f"Elasticsearch is {color}: 2 shards have no node")]


class TestThresholds:
    @pytest.mark.parametrize(
        ("free", "expected"),
        [
            (151, []),
            (150, [("warn", "w1: the disk of Elasticsearch is 85 % full")]),
            (101, [("warn", "w1: the disk of Elasticsearch is 90 % full")]),
            (100, [("bad", "w1: the disk of Elasticsearch is 90 % full")]),
        ],
    )
    def test_disk(self, free: float, expected: list[tuple[str, str]]) -> None:
        data = platform()
        view(data, "elasticsearch")["nodes"][1]["disk_available"] = float(free)
        assert findings_of(data) == expected

    @pytest.mark.parametrize(("heap", "levels"), [(84, []), (85, ["warn"]), (95, ["bad"])])
    def test_heap(self, heap: float, levels: list[str]) -> None:
        data = platform()
        view(data, "elasticsearch")["nodes"][1]["heap_percent"] = float(heap)
        assert [level for level, _text in findings_of(data)] == levels

    def test_thresholds_can_be_set(self) -> None:
        found = findings_of(platform(), heap_warn=10, heap_bad=20)
        assert {level for level, _text in found} == {"bad"}

    @pytest.mark.parametrize(
        ("days", "expected"),
        [
            (31.5, []),
            (30.5, [("warn", "The certificate of m1 has 30 days left: run site.yml")]),
            (7.5, [("bad", "The certificate of m1 has 7 days left: run site.yml")]),
            (-1, [("bad", "The certificate of m1 has expired: run site.yml")]),
        ],
    )
    def test_certificate(self, days: float, expected: list[tuple[str, str]]) -> None:
        data = platform()
        data["hosts"][0]["survey"]["certificate"] = pem(days)
        assert findings_of(data) == expected

    def test_no_certificate(self) -> None:
        data = platform()
        data["certificates"]["kibana"] = "nothing"
        data["ca_certificate"] = ""
        assert findings_of(data) == [
            ("warn", "The certificate of CA is not known: there is none"),
            ("warn", "The certificate of Kibana is not known: it holds no certificate"),
        ]


HELLO: dict[str, Any] = {
    "name": "hello",
    "role": "hello",
    "title": "Hello",
    "kind": "replicated",
    "group": "hello",
    "service": "greeter",
    "hosts": ["m1"],
    "replicas": 1,
    "labels": ["elk.hello", "elk.hello.fast"],
    "certificates": [{"name": "hello", "names": []}, {"name": "hello_client", "names": []}],
}


class TestAnyService:
    """A service of an operator is shown like those of the collection."""

    def test_labels(self) -> None:
        data = platform()
        data["services"].append(HELLO)
        nodes = view(data, "swarm")["nodes"]
        nodes[0]["labels"].update({"elk.hello": "true", "elk.hello.fast": "true"})
        nodes[1]["labels"].update({"elk.hello": "true", "elk.kibana": "true"})
        shown = table(report(data), "Labels of the hosts")
        assert [one.title for one in shown.columns][4:] == ["Kibana", "Hello"]
        assert [[cell.text for cell in row][4:] for row in shown.rows] == [
            ["-", "may run"],
            ["may run", "-"],
        ]

    def test_certificates(self) -> None:
        data = platform()
        data["services"].append(HELLO)
        data["certificates"].update(hello=GOOD, hello_client=GOOD)
        assert column(report(data), "Certificates")[-2:] == ["Hello", "Hello (hello_client)"]

    def test_a_service_that_does_not_exist(self) -> None:
        data = platform()
        data["services"].append(HELLO)
        data["certificates"].update(hello=GOOD, hello_client=GOOD)
        assert findings_of(data) == [
            ("bad", "The service greeter does not exist, hello_replicas asks for 1")
        ]

    def test_a_global_service_that_runs_nowhere(self) -> None:
        data = platform()
        data["services"].append({**HELLO, "kind": "global", "certificates": []})
        added = service("greeter", mode="global", desired=0, running=0)
        view(data, "swarm")["services"].append(added)
        [(level, text)] = findings_of(data)
        assert (level, text.partition(", so ")[2]) == ("bad", "Hello runs nowhere")

    def test_without_elasticsearch_nothing_of_it_is_shown(self) -> None:
        data = platform()
        data["services"] = [KIBANA]
        data["hosts"][0]["survey"]["elasticsearch"] = {}
        made = report(data)
        assert [one.title for one in made.tables] == [
            "Hosts",
            "Services",
            "Labels of the hosts",
            "Certificates",
        ]
        columns = [one.title for one in table(made, "Labels of the hosts").columns]
        assert columns == ["Host", "Kibana"]
        assert made.findings == []


class TestCertificateEnd:
    def test_both_ways_of_writing_a_year(self) -> None:
        assert certificate_end(pem(10)) == NOW + datetime.timedelta(days=10)
        assert certificate_end(pem(0, year=2060)).year == 2060

    def test_cut_off(self) -> None:
        lines = GOOD.splitlines()
        with pytest.raises(ValueError, match="cut off"):
            certificate_end("\n".join([*lines[:3], lines[-1]]))

    @pytest.mark.parametrize("inside", ["", "AA==", "!!!!", "MAA="])
    def test_rubbish(self, inside: str) -> None:
        with pytest.raises(ValueError, match="it "):
            certificate_end(f"-----BEGIN CERTIFICATE-----\n{inside}\n-----END CERTIFICATE-----")


class TestSorting:
    def test_names_with_numbers(self) -> None:
        names = ["w10", "w2", "m1", "w1", "10", "9"]
        assert sorted(names, key=natural) == ["9", "10", "m1", "w1", "w2", "w10"]

    def test_hosts_are_in_the_order_of_the_inventory(self) -> None:
        assert column(report(platform("w2", "w10", "a1")), "Hosts") == ["m1", "w2", "w10", "a1"]

    def test_indices(self) -> None:
        data = platform()
        view(data, "elasticsearch")["indices"] = [
            index(".security-7"),
            index("syslog-msg-000010"),
            index("syslog-msg-000002"),
            index(".broken", "red"),
            index("slow", "yellow"),
        ]
        assert column(report(data), "Indices") == [
            ".broken",
            "slow",
            "syslog-msg-000002",
            "syslog-msg-000010",
            ".security-7",
        ]


class TestFromTheApi:
    def test_a_service_without_a_task_shows_the_error(self) -> None:
        nodes = [
            {"ID": "n1", "Description": {"Hostname": "m1"}, "Status": {"State": "ready"}},
        ]
        raw = {
            "ID": "s1",
            "Spec": {
                "Name": "kibana",
                "Labels": {"com.docker.stack.namespace": "elk"},
                "Mode": {"Replicated": {"Replicas": 2}},
                "TaskTemplate": {
                    "ContainerSpec": {"Image": "kibana:9@sha256:0", "Env": ["PASSWORD=secret"]}
                },
            },
        }
        tasks = [
            {
                "ServiceID": "s1",
                "NodeID": "n1",
                "CreatedAt": created,
                "DesiredState": wanted,
                "Status": {"State": state, "Err": error},
            }
            for created, wanted, state, error in (
                ("2026-01-01", "shutdown", "failed", "old"),
                ("2026-01-02", "shutdown", "rejected", "No such image: kibana:9"),
                ("2026-01-03", "running", "running", ""),
            )
        ]
        found = swarm_services([raw], tasks, nodes)
        assert "secret" not in str(found)
        assert (found[0]["running"], found[0]["desired"]) == (1, 2)
        assert found[0]["error"] == "m1: No such image: kibana:9"
        assert found[0]["image"] == "kibana:9"

    def test_statistics_that_are_missing(self) -> None:
        found = elasticsearch_nodes([{"name": "m1", "id": "x"}], {})
        assert found[0]["heap_percent"] is None
        data = platform()
        view(data, "elasticsearch")["nodes"] = [*found, search_node("w1")]
        assert column(report(data), "Elasticsearch nodes", 3) == ["-", "40 %"]

    def test_indices(self) -> None:
        rows = [{"index": "a", "health": "green", "docs.count": "7", "store.size": None}, "x"]
        assert elasticsearch_indices(rows)[0]["docs"] == 7
        assert size(elasticsearch_indices(rows)[0]["bytes"]) == "-"

    @pytest.mark.parametrize(
        ("marks", "expected"),
        [
            ({}, ""),
            ({"a": None}, "a"),
            ({"a": False}, ""),
            ({"a": None, "b": True}, "b"),
            ({"a": False, "b": False}, ""),
            ({"a": None, "b": None}, ""),
        ],
    )
    def test_the_write_index(self, marks: dict[str, bool | None], expected: str) -> None:
        answer = {
            name: {"aliases": {"logs": {} if mark is None else {"is_write_index": mark}}}
            for name, mark in marks.items()
        }
        assert write_index_of(answer, "logs") == expected


class TestText:
    def test_columns_line_up(self) -> None:
        lines = report_text(report(platform())).splitlines()
        at = lines.index("Services")
        assert lines[at + 1 : at + 4] == [
            "  SERVICE                     IMAGE         RUNNING  WANTED  ON  LAST ERROR",
            "  elk_elasticsearch-aaaa1111  kibana:9.2.4        2       2  m1  -",
            "  kibana                      kibana:9.2.4        1       1  m1  -",
        ]

    def test_long_tables_end_early(self) -> None:
        data = platform()
        view(data, "elasticsearch")["indices"] = [index(f"i{number}") for number in range(9)]
        lines = report_text(report(data), longest=5).splitlines()
        assert "  and 4 more on the status page" in lines
        assert not any(line.startswith("  i5") for line in lines)

    def test_errors_stay_on_one_line(self) -> None:
        data = platform()
        away(data, "w1", "first\nsecond\n" + "x" * 1000)
        line = next(text for _level, text in findings_of(data) if "first second" in text)
        assert "\n" not in line
        assert len(line) <= 400


class Collector(HTMLParser):
    """Notes tags that are not closed, and everything that would be fetched or run."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.outside: list[str] = []
        self.words: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.outside += [f"{tag} {key}" for key, _v in attrs if key in ("src", "href", "onclick")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def parsed(data: dict[str, Any]) -> Collector:
    collector = Collector()
    collector.feed(page(report(data)))
    collector.close()
    return collector


class TestPage:
    def test_is_complete_and_needs_nothing_else(self) -> None:
        text = page(report(platform()))
        found = parsed(platform())
        assert found.open == []
        assert found.outside == []
        assert not found.tags & {"script", "link", "img", "iframe", "object"}
        assert "url(" not in text
        assert "@import" not in text
        assert "prefers-color-scheme: dark" in text

    def test_shows_every_table_and_row(self) -> None:
        words = parsed(platform("w1", "w2")).words
        for expected in (*TITLES, "m1 *", "w2", "syslog-msg-000001", "config-w1"):
            assert expected in words

    def test_everything_is_escaped(self) -> None:
        evil = "<script>alert('x')</script>\"&"
        data = platform()
        data["stack"] = evil
        data["names"] = ["m1", evil]
        data["hosts"][1].update(name=evil, address=evil)
        away(data, evil, evil)
        swarm, search = view(data, "swarm"), view(data, "elasticsearch")
        swarm["services"] = [
            service(evil, stack=evil, running=0, error=evil, image=evil, nodes=[evil]),
            service("x", stack=evil, generation=evil),
        ]
        swarm["nodes"] += [node(evil, labels={"elk.es": evil, "elk.es.config": evil}, engine=evil)]
        search.update(cluster_name=evil, indices=[index(evil, evil)])
        search["nodes"] = [search_node(evil, version=evil, roles=[evil])]
        text = page(report(data))
        assert "<script" not in text
        assert "alert('x')" not in text
        assert text.count("&lt;script&gt;") > 10
        assert parsed(data).open == []

    def test_level_is_a_word_too(self) -> None:
        data = platform()
        away(data, "w1")
        assert "fault" in parsed(data).words

    def test_bars_stay_inside_their_cell(self) -> None:
        data = platform()
        view(data, "elasticsearch")["nodes"][0]["heap_percent"] = 250.0
        assert "width:100%" in page(report(data))
        assert "width:250%" not in page(report(data))
