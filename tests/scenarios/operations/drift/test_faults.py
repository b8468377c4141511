"""Real faults that stop no service; status names each of them, with a command."""

from __future__ import annotations

import datetime
import json
import socket
from typing import TYPE_CHECKING, Any

from tests.certificates import DAY, issue
from tests.harness.wait import wait_for

if TYPE_CHECKING:
    from tests.scenarios.operations.drift.standing import Standing

INDEX = "syslog-msg-000001"
ALLOCATION = "cluster.routing.allocation.enable"
MARK = "cluster.routing.allocation.disk.watermark"
# Elasticsearch accepts the three only together.
LOW = {f"{MARK}.low": "9999gb", f"{MARK}.high": "2gb", f"{MARK}.flood_stage": "1gb"}
LINES = 300
WORD = "faultsofthestatus"
# The checks of status, and the message of each.
EXPECTED = {
    "index_blocks": f"index.blocks.write is set on the index {INDEX}",
    "queue_stuck": f"{LINES} events wait in the queue of Logstash and none was sent",
    "service_scaled": "kibana: scaled to 0 by hand",
    "server_away": "kibana answers on none of its hosts",
    "read_only": "w1: the file system /etc/elk (/etc/elk) is read-only",
    "authority_differs": "w1: its ca.crt is not the same as on this machine",
    "authority_lost": "ca.key is not there",
    "allocation": f"{ALLOCATION} is primaries",
    "disk_watermarks": "past the low watermark",
}


def findings(standing: Standing) -> tuple[int, list[dict[str, Any]]]:
    code, output = standing.run(
        "playbooks/status.yml",
        *("-e", "status_file=", "-e", "status_fail=true", "-e", "status_queue_wait=3"),
        callback="ansible.posix.json",
    )
    for play in json.loads(output[output.index("{") :])["plays"]:
        for task in play["tasks"]:
            for result in task["hosts"].values():
                if "findings" in result:
                    return code, list(result["findings"])
    raise AssertionError(output[-3000:])


def settings(standing: Standing, block: bool | None, cluster: dict[str, Any]) -> None:
    path = f"/{INDEX}/_settings"
    assert standing.elasticsearch(path, "PUT", {"index.blocks.write": block})[0] == 200
    body = {"transient": cluster}
    assert standing.elasticsearch("/_cluster/settings", "PUT", body)[0] == 200


def send(standing: Standing) -> None:
    """Send many lines to a host with Logstash."""
    address = str(standing.vars["m1"]["ansible_host"])
    with socket.create_connection((address, 514), timeout=10) as connection:
        for number in range(LINES):
            connection.sendall(f"<14>Nov  5 07:08:09 here app: {WORD} {number}\n".encode())


def stored(standing: Standing) -> int:
    standing.elasticsearch(f"/{INDEX}/_refresh", "POST")
    body = {"query": {"match": {"message": WORD}}, "track_total_hits": True, "size": 0}
    found = standing.elasticsearch(f"/{INDEX}/_search", "POST", body)[1]
    return int(found["hits"]["total"]["value"])


CA = "/etc/elk/pki/ca.crt"
SPOIL = f"""
cp -p {CA} /root/ca.crt.kept
cat >> {CA} <<'END'
%sEND
mount --bind /etc/elk /etc/elk
mount -o remount,bind,ro /etc/elk
"""
RESTORE = f"""
umount /etc/elk
cat /root/ca.crt.kept > {CA}
rm /root/ca.crt.kept
"""


def test_status_names_what_stops_lines_and_clients(standing: Standing) -> None:
    """The scenario's verify.yml shows that status finds none of these without the faults."""
    key = standing.directory / "ca.key"
    hidden = standing.directory / "ca.key.hidden"
    end = datetime.datetime.now(datetime.UTC) + 100 * DAY
    another = issue("another authority", end=end)
    standing.sh("w1", SPOIL % another.pem)
    key.rename(hidden)
    try:
        settings(standing, True, {**LOW, ALLOCATION: "primaries"})
        send(standing)
        standing.sh("m1", "docker service scale --detach kibana=0")
        wait_for(lambda: not standing.kibana_available(), 30, "The end of Kibana")
        code, found = findings(standing)
    finally:
        hidden.rename(key)
        standing.sh("w1", RESTORE)
        standing.sh("m1", "docker service scale --detach kibana=1")
        settings(standing, None, dict.fromkeys((*LOW, ALLOCATION)))
    for check, text in EXPECTED.items():
        named = [one for one in found if one["check"] == check]
        assert any(text in one["text"] for one in named), (check, found)
        assert all(one["next"] for one in named), named
    assert code == 2
    # What waited in the queue arrives once the block is gone, and nothing is lost.
    wait_for(lambda: stored(standing) == LINES, 90, "All lines in the index")
    wait_for(standing.kibana_available, 60, "Kibana")
