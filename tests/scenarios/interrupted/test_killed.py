"""Runs of site.yml and its parts are killed at many points; the next run continues.

The tests build on each other, in the order of this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.scenarios.interrupted.conftest import POINTS

if TYPE_CHECKING:
    from tests.harness.lab import Lab


def test_there_are_enough_points_and_their_names_differ() -> None:
    assert len(POINTS) >= 20
    assert len({point["half"] for point in POINTS}) == len(POINTS)


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point["half"])
def test_a_run_passes_the_last_point_and_is_killed_when(lab: Lab, point: dict[str, Any]) -> None:
    run = lab.run_to(point)
    lab.report(run, f"{point['task']}: {point['half']}")
    assert run.problems == []


def test_an_undisturbed_run_then_succeeds(lab: Lab) -> None:
    run = lab.run()
    code = run.finish()
    lab.report(run, "to the end")
    assert (code, run.problems) == (0, []), run.text


def test_the_run_after_that_changes_nothing(lab: Lab) -> None:
    run = lab.run()
    code = run.finish()
    lab.report(run, "again")
    assert (code, run.problems) == (0, []), run.text
    assert run.changes == dict.fromkeys([*lab.names, "localhost"], 0), run.text
