"""Changes made outside of the collection are predicted and corrected, and nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness.wait import wait_for
from tests.scenarios.operations.drift.drifts import FOREIGN, GROUPS, Drift, difference

if TYPE_CHECKING:
    from tests.scenarios.operations.drift.standing import Report, Standing


def assert_only(report: Report, expected: set[tuple[str, str]]) -> None:
    assert not report.failed
    assert set(report.changed) == expected


def test_a_label_that_stops_a_node_is_corrected_by_a_restart_of_that_node(
    standing: Standing,
) -> None:
    generation = standing.node("w1")["Labels"]["elk.es"]
    standing.sh("m1", "docker node update --label-add elk.es=other w1")
    before = standing.node("w1")
    checked = standing.play("playbooks/stack.yml", "--check", "--diff")
    assert not checked.failed
    assert "generation other becomes" in checked.output
    assert standing.node("w1") == before

    done = standing.play("playbooks/stack.yml")
    assert not done.failed
    stopped = {host for host, task in done.changed if task == "elasticsearch : Stop the node"}
    assert stopped == {"w1"}
    assert standing.node("w1")["Labels"]["elk.es"] == generation


@pytest.mark.parametrize("group", GROUPS)
def test_drift_is_predicted_and_corrected(standing: Standing, group: str) -> None:
    playbook, drifts = GROUPS[group]
    standing.settle()
    for drift in drifts:
        assert drift.restored(standing), f"{drift.name}: not in order before"
        drift.spoil(standing)

    checked = standing.play(playbook, "--check", "--diff")
    assert_only(checked, {change for drift in drifts for change in drift.predicted})
    for drift in drifts:
        shown = " ".join(difference(checked.changed[change]) for change in drift.predicted)
        assert all(text in shown for text in drift.shows), f"{drift.name}: {shown}"
        assert not drift.restored(standing), f"{drift.name}: the check has changed it"

    done = standing.play(playbook, "--diff")
    assert_only(done, {change for drift in drifts for change in drift.changes})
    for drift in drifts:
        assert_restored(standing, drift)


def assert_restored(standing: Standing, drift: Drift) -> None:
    wait_for(lambda: drift.restored(standing), 120, f"The end of {drift.name}")


def test_what_the_collection_did_not_make_is_kept(standing: Standing) -> None:
    names = standing.sh("m1", "docker config ls --format '{{.Name}}'").split()
    assert FOREIGN in names
    standing.sh("m1", f"docker config rm {FOREIGN}")
