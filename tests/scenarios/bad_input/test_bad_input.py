"""Bad inventories, variables and hosts: each is refused with its message and leaves nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.scenarios.bad_input.conftest import CASES, run_of

if TYPE_CHECKING:
    from tests.scenarios.bad_input.conftest import Lab


def test_there_are_enough_cases_and_their_names_differ() -> None:
    assert len(CASES) >= 40
    assert len({case["case"] for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_is_refused_with_its_message(lab: Lab, case: dict[str, Any]) -> None:
    outcome = lab.pending[run_of(case)].result()
    assert outcome.code != 0, outcome.output
    assert re.search(case["expect"], outcome.text), outcome.output
    assert outcome.changed == {}


def test_no_host_has_a_trace_of_any_run(lab: Lab) -> None:
    for waiting in lab.pending.values():
        waiting.exception()
    assert {host: lab.on_host(host, "traces") for host in lab.hosts} == dict.fromkeys(lab.hosts, "")
