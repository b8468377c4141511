# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the status shows of services that run once on each host."""

from __future__ import annotations

from typing import Any

from ansible_collections.elk.swarm.plugins.module_utils.platform.status.faults import Finding
from tests.unit.plugins.module_utils.platform.status.test_report import (
    platform,
    report,
    service,
    table,
    view,
)

BROKER: dict[str, Any] = {
    "name": "broker",
    "role": "broker",
    "title": "Broker",
    "kind": "per_host",
    "group": "broker",
    "service": "broker",
    "hosts": ["m1", "w1"],
}
TICKER = {**BROKER, "name": "ticker", "title": "Ticker", "kind": "host", "service": "tick"}


def extended(ticker: str = "active", **brokers: int) -> dict[str, Any]:
    """A platform with both services, where Swarm should run so many tasks of each broker."""
    data = platform("w1")
    data["services"] += [BROKER, TICKER]
    for host, tasks in brokers.items():
        nodes = [host] if tasks else []
        view(data, "swarm")["services"].append(
            service(f"broker-{host}", desired=tasks, running=tasks, nodes=nodes)
        )
    data["hosts"][0]["survey"]["units"] = {"tick.service": "active"}
    data["hosts"][1]["survey"]["units"] = {"tick.service": ticker}
    return data


def findings(data: dict[str, Any]) -> list[Finding]:
    return report(data).findings


def test_they_are_in_the_table() -> None:
    made = report(extended(m1=1, w1=1))
    assert made.findings == []
    rows = [[cell.text for cell in row] for row in table(made, "Services").rows]
    image = "kibana:9.2.4"
    assert ["broker-m1", image, "1", "1", "m1", "-"] in rows
    assert ["broker-w1", image, "1", "1", "w1", "-"] in rows
    assert rows[-1] == ["tick", "-", "2", "2", "m1, w1", "-"]
    assert next(card.value for card in made.cards if card.title == "Services") == "5 of 5"


def test_the_service_of_a_host_is_missing_or_scaled_to_0() -> None:
    texts = {one.check: one for one in findings(extended(m1=0))}
    assert set(texts) == {"service_missing", "service_scaled"}
    assert {one.level for one in texts.values()} == {"bad"}
    assert texts["service_missing"].text == (
        "The service broker-w1 does not exist, and Broker should run on w1"
    )
    assert texts["service_scaled"].text.startswith("broker-m1: scaled to 0 by hand")
    assert texts["service_scaled"].next.startswith("docker service scale broker-m1=1")


def test_a_unit_that_does_not_run_is_a_fault() -> None:
    data = extended("failed", m1=1, w1=1)
    [stopped] = findings(data)
    assert (stopped.level, stopped.check) == ("bad", "unit_stopped")
    assert stopped.text == "w1: tick.service is failed"
    assert stopped.next.startswith("journalctl -u tick.service")
    rows = [[cell.text for cell in row] for row in table(report(data), "Services").rows]
    assert rows[-1] == ["tick", "-", "1", "2", "m1", "-"]


def test_a_host_that_does_not_answer_is_reported_once() -> None:
    data = extended(m1=1, w1=1)
    data["hosts"][1].update(survey={}, problem="ssh: no route", unreachable=True)
    assert not [one for one in findings(data) if one.check == "unit_stopped"]
