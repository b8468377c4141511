# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole stand-in as a process, writing to a fake Elasticsearch."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.logstash.flow import Flow

from .conftest import free_port, wait_for

if TYPE_CHECKING:
    from .conftest import FakeElasticsearch, Logstash


def lines(first: int, last: int) -> list[str]:
    return [f"<34>Nov 21 00:00:01 host app[1]: line {number}" for number in range(first, last)]


def found(elasticsearch: FakeElasticsearch) -> list[str]:
    return sorted(one["message"].strip() for one in list(elasticsearch.documents))


def expected(first: int, last: int) -> list[str]:
    return sorted(f"line {number}" for number in range(first, last))


def test_lines_arrive_over_tcp_and_udp(
    elasticsearch: FakeElasticsearch, logstash: Logstash
) -> None:
    logstash.to_elasticsearch(elasticsearch.url, 'user => "u" password => "p"')
    logstash.start()
    logstash.send(*lines(0, 300))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for line in lines(300, 310):
            client.sendto(line.encode(), ("127.0.0.1", logstash.port))
    wait_for(lambda: len(elasticsearch.documents) >= 310)
    assert found(elasticsearch) == expected(0, 310)
    assert elasticsearch.actions[0] == {"create": {"_index": "logs"}}
    assert elasticsearch.documents[0]["host"] == {"ip": "127.0.0.1", "hostname": "host"}
    assert list(elasticsearch.requests)[:2] == ["/", "/_license"]
    wait_for(lambda: logstash.stats()["events"]["out"] == 310)
    stats = logstash.stats()
    assert stats["events"]["in"] == 310
    assert stats["queue"]["type"] == "persisted"
    wait_for(lambda: logstash.stats()["queue"]["events_count"] == 0)
    assert stats["plugins"]["outputs"][0]["documents"] == {"successes": 310}
    about = logstash.get("/")
    assert (about["version"], about["status"], about["stand_in"]) == ("9.2.4", "green", True)
    assert logstash.get("/_node/stats")["events"]["out"] == 310
    assert logstash.stop() == 0
    assert "stand-in" in logstash.log()


def test_queued_events_survive_a_kill(elasticsearch: FakeElasticsearch, logstash: Logstash) -> None:
    elasticsearch.bulk_status = 503
    logstash.to_elasticsearch(elasticsearch.url)
    logstash.start()
    logstash.send(*lines(0, 500))
    wait_for(lambda: logstash.stats()["events"]["in"] == 500)
    assert logstash.stop(signal.SIGKILL) == -signal.SIGKILL
    elasticsearch.bulk_status = 200
    logstash.start()
    # No event is lost. The batch that was being sent at the kill can arrive twice.
    wait_for(lambda: len(set(found(elasticsearch))) >= 500)
    assert sorted(set(found(elasticsearch))) == expected(0, 500)
    assert logstash.stop() == 0


IDS = """
  mutate { add_field => { "[@metadata][arrival]" => "%{@timestamp}" } }
  fingerprint {
    source => ["[@metadata][arrival]", "[@metadata][input][tcp][source][port]", "message"]
    concatenate_sources => true
    method => "SHA256"
    target => "[@metadata][id]"
  }
"""


@pytest.mark.parametrize("ids", [True, False])
def test_ids_refuse_what_is_sent_again_after_a_kill(
    elasticsearch: FakeElasticsearch, logstash: Logstash, ids: bool
) -> None:
    elasticsearch.lose_answers = True
    logstash.settings.update({"pipeline.workers": 1, "pipeline.batch.size": 50})
    logstash.to_elasticsearch(
        elasticsearch.url, 'document_id => "%{[@metadata][id]}"' if ids else ""
    )
    text = (logstash.config / "syslog.conf").read_text().replace("{ syslog {", "{ tcp {")
    logstash.pipeline(text.replace("output {", f"filter {{ {IDS} }} output {{", 1))
    logstash.start()
    # Equal lines are different events.
    logstash.send(*["the same"] * 50)
    wait_for(lambda: logstash.stats()["events"]["in"] == 50)
    wait_for(lambda: len(elasticsearch.documents) >= 50)
    assert logstash.stop(signal.SIGKILL) == -signal.SIGKILL
    elasticsearch.lose_answers = False
    logstash.start()
    wait_for(lambda: logstash.stats()["events"]["out"] == 50)
    assert (len(elasticsearch.documents) == 50) is ids


def test_a_stop_keeps_the_queue(elasticsearch: FakeElasticsearch, logstash: Logstash) -> None:
    elasticsearch.bulk_status = 429
    logstash.to_elasticsearch(elasticsearch.url)
    logstash.start()
    logstash.send(*lines(0, 300))
    wait_for(lambda: logstash.stats()["events"]["in"] == 300)
    assert logstash.stop() == 0
    assert "SIGTERM received" in logstash.log()
    assert elasticsearch.documents == []
    elasticsearch.bulk_status = 200
    logstash.start()
    wait_for(lambda: len(elasticsearch.documents) >= 300)
    assert found(elasticsearch) == expected(0, 300)


def test_it_waits_while_elasticsearch_is_down(
    elasticsearch: FakeElasticsearch, logstash: Logstash
) -> None:
    elasticsearch.stop()
    logstash.to_elasticsearch(elasticsearch.url)
    logstash.start()
    logstash.send(*lines(0, 10))
    wait_for(lambda: logstash.stats()["events"]["in"] == 10)
    elasticsearch.start()
    wait_for(lambda: len(elasticsearch.documents) >= 10)
    assert found(elasticsearch) == expected(0, 10)


def test_it_uses_the_other_host(elasticsearch: FakeElasticsearch, logstash: Logstash) -> None:
    logstash.to_elasticsearch(f'http://127.0.0.1:1", "{elasticsearch.url}')
    logstash.start()
    logstash.send(*lines(0, 10))
    wait_for(lambda: len(elasticsearch.documents) >= 10)


def test_the_process_exits_after_wrong_credentials_at_start(
    elasticsearch: FakeElasticsearch, logstash: Logstash
) -> None:
    elasticsearch.root_status = 401
    logstash.to_elasticsearch(elasticsearch.url)
    logstash.start(ready=False)
    assert logstash.process is not None
    assert logstash.process.wait(10) == 1
    assert "Please check the credentials" in logstash.log()


def test_without_access_to_the_licence_nothing_is_sent(
    elasticsearch: FakeElasticsearch, logstash: Logstash
) -> None:
    elasticsearch.license_status = 403
    logstash.to_elasticsearch(elasticsearch.url)
    logstash.start()
    logstash.send(*lines(0, 10))
    wait_for(lambda: elasticsearch.requests["/_license"] > 2)
    assert elasticsearch.requests["/_bulk"] == 0
    assert "Unable to get license information" in logstash.log()


def test_refused_documents(elasticsearch: FakeElasticsearch, logstash: Logstash) -> None:
    answers = {"line 1": [409], "line 2": [400], "line 3": [403, 429, 503, 201]}

    def status(document: dict[str, Any]) -> int:
        statuses = answers.get(document["message"].strip(), [])
        return statuses.pop(0) if statuses else 201

    elasticsearch.item_status = status
    logstash.to_elasticsearch(elasticsearch.url)
    logstash.start()
    logstash.send(*lines(0, 5))
    wait_for(lambda: logstash.stats()["events"]["out"] == 5)
    assert found(elasticsearch) == ["line 0", "line 3", "line 4"]
    log = logstash.log()
    assert "Failed action" in log
    assert "Could not index event to Elasticsearch." in log
    assert log.count("Retrying failed action") == 3
    documents = logstash.stats()["plugins"]["outputs"][0]["documents"]
    assert documents == {
        "successes": 3,
        "non_retryable_failures": 1,
        "dlq_routed": 1,
        "retryable_failures": 3,
    }


def test_duplicates_are_refused_in_silence(
    elasticsearch: FakeElasticsearch, logstash: Logstash
) -> None:
    elasticsearch.item_status = lambda document: 409 if "line 1" in document["message"] else 201
    elasticsearch.error = {"type": "version_conflict_engine_exception"}
    silent = 'silence_errors_in_log => ["version_conflict_engine_exception"] document_id => "x"'
    logstash.to_elasticsearch(elasticsearch.url, silent)
    logstash.start()
    logstash.send(*lines(0, 3))
    wait_for(lambda: logstash.stats()["events"]["out"] == 3)
    assert elasticsearch.actions[0] == {"create": {"_index": "logs", "_id": "x"}}
    assert "Failed action" not in logstash.log()


def test_a_second_process_on_the_same_data_is_refused(
    elasticsearch: FakeElasticsearch, logstash: Logstash
) -> None:
    logstash.to_elasticsearch(elasticsearch.url)
    logstash.start()
    other = logstash.run()
    assert other.returncode == 1
    assert "already another instance" in other.stdout


def test_the_command_line(elasticsearch: FakeElasticsearch, logstash: Logstash) -> None:
    logstash.to_elasticsearch(elasticsearch.url)
    good = logstash.run("-t")
    assert (good.returncode, "Configuration OK" in good.stdout) == (0, True)
    version = logstash.run("--version")
    assert version.stdout.startswith("logstash 9.2.4 (stand-in")
    logstash.to_elasticsearch(elasticsearch.url, "nonsense => 1")
    bad = logstash.run("--config.test_and_exit")
    assert (bad.returncode, "Unknown setting 'nonsense'" in bad.stdout) == (1, True)
    assert logstash.run().returncode == 1
    logstash.settings["queue.typo"] = "memory"
    typo = logstash.run("-t")
    assert (typo.returncode, '"queue.typo" doesn\'t exist' in json.dumps(typo.stdout)) == (1, False)
    assert "queue.typo" in typo.stdout


def test_refused_documents_go_to_the_dead_letter_queue(
    elasticsearch: FakeElasticsearch, logstash: Logstash
) -> None:
    elasticsearch.item_status = lambda document: 400 if "line 1" in document["message"] else 201
    logstash.settings["dead_letter_queue.enable"] = True
    logstash.to_elasticsearch(elasticsearch.url)
    logstash.start()
    logstash.send(*lines(0, 3))
    wait_for(lambda: logstash.stats()["events"]["out"] == 3)
    (line,) = (logstash.home / "data/dead_letter_queue/syslog/1.log").read_text().splitlines()
    assert json.loads(line)["event"]["message"] == "line 1\n"
    assert logstash.stats()["dead_letter_queue"]["queue_size_in_bytes"] > 0


def test_other_inputs_conditions_and_files(logstash: Logstash) -> None:
    ports = {name: free_port() for name in ("tcp", "udp", "http")}
    logstash.settings["queue.type"] = "memory"
    logstash.pipeline(
        "input {"
        + "".join(
            f' {name} {{ host => "127.0.0.1" port => {port} type => "{name}" tags => ["t"] }}'
            for name, port in ports.items()
        )
        + f"""
        }}
        filter {{
          if [type] == "http" {{ mutate {{ add_field => {{ "seen" => "%{{[http][method]}}" }} }} }}
        }}
        output {{
          if [type] in ["tcp", "http"] {{
            file {{ path => "{logstash.home}/%{{type}}.out" codec => json_lines }}
          }} else {{
            stdout {{ codec => line {{ format => "from %{{[host][ip]}}: %{{message}}" }} }}
          }}
        }}
        """
    )
    logstash.start()
    with socket.create_connection(("127.0.0.1", ports["tcp"])) as client:
        client.sendall(b"one\n\nlast without a line end")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"three", ("127.0.0.1", ports["udp"]))
    request = urllib.request.Request(
        f"http://127.0.0.1:{ports['http']}/in",
        data=b'{"message": "four", "n": 4}',
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert (answer.status, answer.read()) == (200, b"ok")
    wait_for(lambda: logstash.stats()["events"]["out"] == 5)
    assert logstash.stop() == 0
    tcp = [json.loads(one) for one in (logstash.home / "tcp.out").read_text().splitlines()]
    assert [one["message"] for one in tcp] == ["one", "", "last without a line end"]
    assert all(one["tags"] == ["t"] for one in tcp)
    http = json.loads((logstash.home / "http.out").read_text())
    assert (http["message"], http["n"], http["seen"]) == ("four", 4, "POST")
    assert "from 127.0.0.1: three" in logstash.log()


def test_a_stop_drains_the_queue_if_configured(
    elasticsearch: FakeElasticsearch, logstash: Logstash
) -> None:
    logstash.settings.update({"queue.drain": True, "pipeline.batch.size": 10})
    logstash.to_elasticsearch(elasticsearch.url)
    logstash.start()
    logstash.send(*lines(0, 500))
    wait_for(lambda: logstash.stats()["events"]["in"] == 500)
    assert logstash.stop() == 0
    assert found(elasticsearch) == expected(0, 500)


def pending(stats: dict[str, Any]) -> int:
    """What the collection makes of it: unread, and read but not delivered."""
    flow = Flow.of({"pipelines": {"syslog": stats}})
    assert flow is not None
    return flow.pending


def test_the_count_of_the_queue_is_late_and_has_only_unread_events(
    elasticsearch: FakeElasticsearch, logstash: Logstash
) -> None:
    elasticsearch.item_status = lambda _document: 403
    logstash.settings.update({"pipeline.batch.size": 20, "pipeline.workers": 1})
    logstash.pace["STAND_IN_QUEUE_STATS_SECONDS"] = "1"
    logstash.to_elasticsearch(elasticsearch.url)
    text = (logstash.config / "syslog.conf").read_text()
    logstash.pipeline(text.replace("output {", "filter { mutate { } } output {", 1))
    logstash.start()
    logstash.send(*lines(0, 20))
    wait_for(lambda: logstash.stats()["plugins"]["filters"][0]["events"]["in"] == 20)
    logstash.send(*lines(20, 50))
    stale = logstash.stats()
    assert stale["events"] == {**stale["events"], "in": 50, "filtered": 0, "out": 0}
    assert (stale["queue"]["events_count"], pending(stale)) == (0, 20)
    wait_for(lambda: logstash.stats()["queue"]["events_count"] == 30)
    assert pending(logstash.stats()) == 50
    elasticsearch.item_status = lambda _document: 201
    wait_for(lambda: logstash.stats()["events"]["filtered"] == 50)
    wait_for(lambda: pending(logstash.stats()) == 0)


@pytest.mark.parametrize("status", [403, 429])
def test_a_stop_does_not_end_while_documents_are_refused(
    elasticsearch: FakeElasticsearch, logstash: Logstash, status: int
) -> None:
    elasticsearch.item_status = lambda _document: status
    logstash.to_elasticsearch(elasticsearch.url)
    logstash.start()
    logstash.send(*lines(0, 10))
    wait_for(lambda: "Retrying failed action" in logstash.log())
    assert logstash.process is not None
    logstash.process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        logstash.process.wait(1.5)
    assert logstash.log().count("appears to be stalled") >= 4
    elasticsearch.item_status = lambda _document: 201
    assert logstash.process.wait(10) == 0
    assert found(elasticsearch) == expected(0, 10)


def test_an_unsafe_shutdown_ends_it_and_keeps_the_queue(
    elasticsearch: FakeElasticsearch, logstash: Logstash
) -> None:
    elasticsearch.item_status = lambda _document: 403
    logstash.settings["pipeline.unsafe_shutdown"] = True
    logstash.to_elasticsearch(elasticsearch.url)
    logstash.start()
    logstash.send(*lines(0, 10))
    wait_for(lambda: "Retrying failed action" in logstash.log())
    assert logstash.stop() == 1
    assert "Forcefully quitting Logstash" in logstash.log()
    elasticsearch.item_status = lambda _document: 201
    logstash.start()
    wait_for(lambda: found(elasticsearch) == expected(0, 10))


def test_the_api_answers_before_the_port_is_open(
    elasticsearch: FakeElasticsearch, logstash: Logstash
) -> None:
    logstash.pace["STAND_IN_START_SECONDS"] = "60"
    logstash.to_elasticsearch(elasticsearch.url)
    logstash.start(ready=False)

    def answers() -> bool:
        try:
            return bool(logstash.get("/")["stand_in"])
        except OSError:
            return False

    wait_for(answers)
    time.sleep(0.5)
    assert not logstash.running()
    with pytest.raises(ConnectionRefusedError):
        logstash.send("too early")
    assert logstash.stop() == 0


def test_a_stop_loses_what_senders_write_until_they_are_cut_off(
    elasticsearch: FakeElasticsearch, logstash: Logstash
) -> None:
    logstash.pace["STAND_IN_HANG_UP_SECONDS"] = "1"
    logstash.to_elasticsearch(elasticsearch.url)
    logstash.start()
    sent = 0
    with socket.create_connection(("127.0.0.1", logstash.port)) as client:
        client.sendall(f"{lines(0, 1)[0]}\n".encode())
        wait_for(lambda: len(elasticsearch.documents) == 1)
        assert logstash.process is not None
        logstash.process.send_signal(signal.SIGTERM)
        wait_for(lambda: refused(logstash.port))
        begun = time.monotonic()
        with contextlib.suppress(OSError):
            while time.monotonic() - begun < 10:
                client.sendall(f"{lines(1, 2)[0]}\n".encode())
                sent += 1
                time.sleep(0.01)
    assert logstash.process.wait(10) == 0
    assert 20 < sent < 200
    assert found(elasticsearch) == expected(0, 1)


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return True
    return False


def test_a_burst_of_datagrams_does_not_fit_into_the_kernels_buffer(
    elasticsearch: FakeElasticsearch, logstash: Logstash
) -> None:
    logstash.pace["STAND_IN_WAKE_SECONDS"] = "1"
    logstash.to_elasticsearch(elasticsearch.url)
    logstash.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for line in lines(0, 500):
            client.sendto(line.encode(), ("127.0.0.1", logstash.port))
    wait_for(lambda: logstash.stats()["events"]["in"])
    time.sleep(0.5)
    # The real one keeps the first 256: those that fit into the buffer of 212992 bytes.
    (default,) = map(int, Path("/proc/sys/net/core/rmem_default").read_text().split())
    fits = default // 832
    kept = logstash.stats()["events"]["in"]
    assert kept in range(min(500, fits), min(500, fits) + 3)
    wait_for(lambda: len(elasticsearch.documents) == kept)
    assert found(elasticsearch) == expected(0, kept)
