# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The smoke test's probe: lost, doubled and damaged lines, and no documents left behind."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from typing import TYPE_CHECKING, Any

from tests.contract.fake_elasticsearch import (
    FOREVER,
    FakeCluster,
    error,
    free_port,
)
from tests.contract.fake_shipper import RFC3164, FakeShipper

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Any]

PROBE = "syslog_probe"


def target(shipper: FakeShipper, *protocols: str) -> dict[str, Any]:
    return {
        "address": "127.0.0.1",
        "port": shipper.port,
        "protocols": list(protocols or ("tcp", "udp")),
    }


def remaining(cluster: FakeCluster) -> int:
    return len([source for source in cluster.documents.values() if "run" in source["message"]])


def test_all_lines_come_through(cluster: FakeCluster, shipper: FakeShipper, run: Run) -> None:
    cluster.indices["syslog-msg-000001"] = {"aliases": {"syslog-msg": {}}}
    cluster.add_document("syslog-msg", {"message": "a line of another program"})
    result = run(PROBE, targets=[target(shipper)], count=6)
    assert not result.failed, result.msg
    assert not result.changed
    assert (result["sent"], result["found"], result["deleted"]) == (12, 12, 12)
    assert (result["missing"], result["duplicates"], result["unparsed"]) == (0, 0, 0)
    assert [(item["protocol"], item["found"]) for item in result["targets"]] == [
        ("tcp", 6),
        ("udp", 6),
    ]
    assert result["indices"] == ["syslog-msg-000001"]
    assert shipper.connections == 1
    # Its own documents are removed, and no others.
    assert [source["message"] for source in cluster.documents.values()] == [
        "a line of another program"
    ]
    assert cluster.open_points_in_time == 0


def test_thousands_of_lines(cluster: FakeCluster, shipper: FakeShipper, run: Run) -> None:
    result = run(PROBE, targets=[target(shipper, "tcp")], count=12_000, formats=["rfc3164"])
    assert not result.failed, result.msg
    assert (result["sent"], result["found"], result["duplicates"]) == (12_000, 12_000, 0)
    assert remaining(cluster) == 0


def test_lost_line_names_address_and_protocol(
    cluster: FakeCluster, shipper: FakeShipper, run: Run
) -> None:
    shipper.lose = {1}
    result = run(PROBE, targets=[target(shipper, "tcp")], wait_timeout=0.3)
    assert result.failed
    assert f"127.0.0.1:{shipper.port}/tcp: 1 of 3 lines were not found" in result.msg
    assert (result["sent"], result["found"], result["missing"]) == (3, 2, 1)
    assert remaining(cluster) == 0


def test_doubled_line(cluster: FakeCluster, shipper: FakeShipper, run: Run) -> None:
    shipper.double = {2}
    result = run(PROBE, targets=[target(shipper, "tcp")], wait_timeout=1)
    assert result.failed
    assert (result["found"], result["duplicates"], result["deleted"]) == (3, 1, 4)
    assert remaining(cluster) == 0


def test_unparsed_format(cluster: FakeCluster, shipper: FakeShipper, run: Run) -> None:
    shipper.understands = (RFC3164,)
    result = run(PROBE, targets=[target(shipper, "tcp")])
    assert result.failed
    assert result["unparsed"] == 1
    assert "rfc5424" in result.msg
    assert "_grokparsefailure_sysloginput" in result.msg
    assert remaining(cluster) == 0


def test_line_end_left_in_the_message(shipper: FakeShipper, run: Run) -> None:
    shipper.line_end = "\n"
    assert run(PROBE, targets=[target(shipper, "udp")])["unparsed"] == 3


def test_untagged_plain_line(shipper: FakeShipper, run: Run) -> None:
    shipper.failure_tag = "something_else"
    result = run(PROBE, targets=[target(shipper, "tcp")], formats=["plain"], count=1)
    assert result.failed
    assert "carries no tag" in result.msg
    tagged = run(
        PROBE,
        targets=[target(shipper, "tcp")],
        formats=["plain"],
        count=1,
        failure_tag="something_else",
    )
    assert not tagged.failed


def test_nothing_listens(cluster: FakeCluster, shipper: FakeShipper, run: Run) -> None:
    port = free_port()
    targets = [target(shipper, "tcp"), {"address": "127.0.0.1", "port": port}]
    result = run(PROBE, targets=targets, wait_timeout=1)
    assert result.failed
    assert f"127.0.0.1:{port}/tcp: connection refused" in result.msg
    assert "docker service ps" in result.msg
    # The lines of the other target are still found and removed.
    assert result["targets"][0]["found"] == 3
    assert remaining(cluster) == 0


def test_lines_can_be_kept(cluster: FakeCluster, shipper: FakeShipper, run: Run) -> None:
    result = run(PROBE, targets=[target(shipper, "tcp")], keep=True)
    assert result.changed
    assert remaining(cluster) == 3
    assert all(result["run"] in source["message"] for source in cluster.documents.values())


def test_check_mode_sends_nothing(cluster: FakeCluster, shipper: FakeShipper, run: Run) -> None:
    assert run(PROBE, check=True, targets=[target(shipper)])["skipped"]
    assert shipper.seen == 0
    assert cluster.calls == []


def test_nothing_is_sent_if_the_search_fails(
    cluster: FakeCluster, shipper: FakeShipper, run: Run
) -> None:
    result = run(PROBE, targets=[target(shipper)], password="another-password", doubt_timeout=0)
    assert result.failed
    assert "401" in result.msg
    assert shipper.seen == 0
    assert len(cluster.calls) == 1


def test_documents_are_removed_when_the_search_breaks(
    cluster: FakeCluster, shipper: FakeShipper, run: Run
) -> None:
    broken = error(403, "security_exception", "no right to open a point in time")
    cluster.script("POST", ".*/_pit", broken)
    result = run(PROBE, targets=[target(shipper, "tcp")])
    assert result.failed
    assert "no right to open a point in time" in result.msg
    assert remaining(cluster) == 0


def test_a_failed_cleanup_is_an_error(cluster: FakeCluster, shipper: FakeShipper, run: Run) -> None:
    broken = error(403, "security_exception", "no right to delete")
    cluster.script("POST", "/_bulk", broken, times=FOREVER)
    result = run(PROBE, targets=[target(shipper, "tcp")])
    assert result.failed
    assert "Cleaning up failed" in result.msg
    assert result["run"] in result.msg or "no right to delete" in result.msg


def test_documents_of_a_killed_smoke_test_are_removed(
    cluster: FakeCluster, shipper: FakeShipper, run: Run, tmp_path: Path
) -> None:
    cluster.indices["syslog-msg"] = {}
    (tmp_path / ".smoke-test-runofthepast").touch()
    # A run that was killed before it locked its note or sent anything.
    (tmp_path / ".smoke-test-runofnobody.new").touch()
    for number in range(3):
        message = f"elk.swarm smoke test runofthepast line0x{number} in plain"
        cluster.add_document("syslog-msg", {"message": message})
    result = run(PROBE, targets=[target(shipper)], notes_dir=str(tmp_path))
    assert not result.failed, result.msg
    assert result.changed
    assert (result["deleted"], result["leftover"]) == (6, 3)
    assert remaining(cluster) == 0
    assert list(tmp_path.iterdir()) == []
    again = run(PROBE, targets=[target(shipper)], notes_dir=str(tmp_path))
    assert not again.changed
    assert again["leftover"] == 0


def test_a_smoke_test_that_still_runs_is_left_alone(
    cluster: FakeCluster, shipper: FakeShipper, run: Run, tmp_path: Path
) -> None:
    cluster.indices["syslog-msg"] = {}
    note = tmp_path / ".smoke-test-runofnow"
    cluster.add_document("syslog-msg", {"message": "elk.swarm smoke test runofnow line0x0"})
    with note.open("w") as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)
        result = run(PROBE, targets=[target(shipper)], notes_dir=str(tmp_path))
    assert not result.failed, result.msg
    assert not result.changed
    assert remaining(cluster) == 1
    assert list(tmp_path.iterdir()) == [note]


def test_the_note_stays_until_the_documents_are_gone(
    cluster: FakeCluster, shipper: FakeShipper, run: Run, tmp_path: Path
) -> None:
    broken = error(403, "security_exception", "no right to delete")
    cluster.script("POST", "/_bulk", broken, times=FOREVER)
    result = run(PROBE, targets=[target(shipper, "tcp")], notes_dir=str(tmp_path))
    assert result.failed
    assert [path.name for path in tmp_path.iterdir()] == [f".smoke-test-{result['run']}"]
    cluster.scripts.clear()
    again = run(PROBE, targets=[target(shipper, "tcp")], notes_dir=str(tmp_path))
    assert again["leftover"] == 3
    assert remaining(cluster) == 0
    assert list(tmp_path.iterdir()) == []


def notes(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def arrive(cluster: FakeCluster, run: str, key: str, **fields: Any) -> None:
    message = f"elk.swarm smoke test {run} {key} in plain"
    cluster.add_document("syslog-msg", {"message": message, **fields})


def test_the_next_smoke_test_removes_late_lines(
    cluster: FakeCluster, shipper: FakeShipper, run: Run, tmp_path: Path
) -> None:
    shipper.lose = {0, 2}
    early = run(PROBE, targets=[target(shipper, "tcp")], wait_timeout=0.3, notes_dir=str(tmp_path))
    assert early.failed
    assert notes(tmp_path) == [f".smoke-test-{early['run']}"]
    arrive(cluster, early["run"], "line0x0", tags=["_grokparsefailure_sysloginput"])

    second = run(PROBE, targets=[target(shipper, "tcp")], notes_dir=str(tmp_path))
    assert not second.failed, second.msg
    assert (second.changed, second["leftover"]) == (True, 1)
    # One line is still missing, although all lines of a later smoke test have arrived.
    assert notes(tmp_path) == [f".smoke-test-{early['run']}"]

    arrive(cluster, early["run"], "line0x2")
    third = run(PROBE, targets=[target(shipper, "tcp")], notes_dir=str(tmp_path))
    assert third["leftover"] == 1
    assert remaining(cluster) == 0
    assert notes(tmp_path) == []


def test_it_waits_once_for_overtaken_lines(
    cluster: FakeCluster, shipper: FakeShipper, run: Run, tmp_path: Path
) -> None:
    note = tmp_path / ".smoke-test-runlate"
    note.write_text("2\n")
    cluster.indices["syslog-msg"] = {}
    arguments = {"targets": [target(shipper, "tcp")], "notes_dir": str(tmp_path)}
    timer = threading.Timer(1.5, arrive, (cluster, "runlate", "line0x0"))
    timer.start()
    started = time.monotonic()
    result = run(PROBE, late_wait=4, **arguments)
    timer.join()
    assert not result.failed, result.msg
    assert result["leftover"] == 1
    assert time.monotonic() - started >= 4
    assert note.read_text() == "1 waited\n"

    started = time.monotonic()
    assert not run(PROBE, late_wait=60, **arguments).failed
    assert time.monotonic() - started < 50
    arrive(cluster, "runlate", "line0x1")
    assert run(PROBE, late_wait=4, **arguments)["leftover"] == 1
    assert notes(tmp_path) == []


def test_a_line_that_only_resembles_the_smoke_test_stays(
    cluster: FakeCluster, shipper: FakeShipper, run: Run, tmp_path: Path
) -> None:
    word = "runofthepast"
    (tmp_path / f".smoke-test-{word}").touch()
    cluster.indices["syslog-msg"] = {}
    crafted = [
        f"sshd[1]: Accepted password for root from 203.0.113.9 {word}",
        f"elk.swarm smoke test {word} line0x0 in plain; rm -rf /",
        f"sudo: mallory ; elk.swarm smoke test {word} line0x0 in plain",
        f"elk.swarm smoke test {word} line0x0 in plain\nsudo: mallory",
    ]
    for message in crafted:
        cluster.add_document("syslog-msg", {"message": message})
    # The text of the smoke test, but from another program on another host.
    arrive(cluster, word, "line0x0", host={"hostname": "db1"}, process={"name": "sshd"})
    before = len(cluster.documents)
    result = run(PROBE, targets=[target(shipper, "tcp")], notes_dir=str(tmp_path))
    assert not result.failed, result.msg
    assert result["leftover"] == 0
    assert len(cluster.documents) == before == len(crafted) + 1


def test_a_note_expires_after_two_weeks(
    cluster: FakeCluster, shipper: FakeShipper, run: Run, tmp_path: Path
) -> None:
    for name, days in (("runold", 15), ("runyoung", 13)):
        note = tmp_path / f".smoke-test-{name}"
        note.write_text("2\n")
        moment = time.time() - days * 24 * 3600
        os.utime(note, (moment, moment))
    arrive(cluster, "runyoung", "line0x0")
    assert not run(PROBE, targets=[target(shipper)], notes_dir=str(tmp_path)).failed
    assert notes(tmp_path) == [".smoke-test-runyoung"]
    # A line that arrived does not extend the two weeks.
    assert (tmp_path / ".smoke-test-runyoung").read_text() == "1\n"
    assert time.time() - (tmp_path / ".smoke-test-runyoung").stat().st_mtime > 12 * 24 * 3600


def test_the_note_of_a_killed_smoke_test_stays_until_lines_arrive(
    cluster: FakeCluster, shipper: FakeShipper, run: Run, tmp_path: Path
) -> None:
    (tmp_path / ".smoke-test-runkilled").touch()
    shipper.lose = {0}
    arguments = {"targets": [target(shipper, "tcp")], "notes_dir": str(tmp_path)}
    assert run(PROBE, wait_timeout=0.3, **arguments).failed
    assert ".smoke-test-runkilled" in notes(tmp_path)
    assert not run(PROBE, **arguments).failed
    assert ".smoke-test-runkilled" not in notes(tmp_path)


def test_a_file_whose_name_is_no_run_is_ignored(
    cluster: FakeCluster, shipper: FakeShipper, run: Run, tmp_path: Path
) -> None:
    (tmp_path / ".smoke-test-error").touch()
    cluster.add_document("syslog-msg", {"message": "an error of another program"})
    assert not run(PROBE, targets=[target(shipper)], notes_dir=str(tmp_path)).failed
    assert len(cluster.documents) == 1
