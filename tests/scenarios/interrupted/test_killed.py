"""Runs of site.yml and its parts that are killed at many points: the next goes on by itself.

The tests build on each other, in the order of this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.scenarios.interrupted.conftest import POINTS

if TYPE_CHECKING:
    from tests.harness.lab import Lab


def test_there_are_enough_points_and_each_is_told_from_the_others() -> None:
    assert len(POINTS) >= 20
    assert len({point["half"] for point in POINTS}) == len(POINTS)


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point["half"])
def test_a_run_gets_past_the_last_point_and_is_killed_when(lab: Lab, point: dict[str, Any]) -> None:
    run = lab.run_to(point)
    lab.told(run, f"{point['task']}: {point['half']}")
    assert run.problems == []


def test_a_plain_run_then_comes_to_its_end(lab: Lab) -> None:
    run = lab.run()
    code = run.finish()
    lab.told(run, "to the end")
    assert (code, run.problems) == (0, []), run.text


def test_the_run_after_that_changes_nothing(lab: Lab) -> None:
    run = lab.run()
    code = run.finish()
    lab.told(run, "again")
    assert (code, run.problems) == (0, []), run.text
    assert run.changes == dict.fromkeys([*lab.names, "localhost"], 0), run.text
