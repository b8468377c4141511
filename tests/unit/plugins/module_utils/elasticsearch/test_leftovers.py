# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which settings and voting exclusions belong to a run, and which to a person."""

from __future__ import annotations

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.leftovers import (
    leftovers_of,
    voting_blockers,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.settings import (
    ENABLE,
    EXCLUDE,
    EXCLUDE_NAME,
    LEAVE,
    MARK,
    MOVE,
)

IP = f"{EXCLUDE}_ip"


def test_a_cluster_in_normal_operation_has_none() -> None:
    found = leftovers_of({"cluster.max_shards_per_node": "2000", ENABLE: "all", EXCLUDE_NAME: ""})
    assert found == leftovers_of({})
    assert found.restriction_blockers() + found.removal_blockers() == []
    assert found.move_blockers() + found.exclusion_blockers() + voting_blockers([]) == []


@pytest.mark.parametrize(
    ("settings", "foreign"),
    [
        ({EXCLUDE_NAME: "w1", LEAVE: "w1"}, []),
        ({EXCLUDE_NAME: "w1", MOVE: "w1"}, []),
        ({EXCLUDE_NAME: "w1"}, [EXCLUDE_NAME]),
        # A person has replaced the value that the mark explains.
        ({EXCLUDE_NAME: "w1,w2", MOVE: "w1"}, [EXCLUDE_NAME]),
        ({EXCLUDE_NAME: "w1", MOVE: "w1", IP: "192.0.2.1"}, [IP]),
    ],
)
def test_an_exclusion_belongs_to_a_run_if_its_mark_names_the_same_node(
    settings: dict[str, str], foreign: list[str]
) -> None:
    assert list(leftovers_of(settings).foreign) == foreign


def test_only_a_rolling_restart_finishes_a_rolling_restart() -> None:
    ours, foreign = leftovers_of({ENABLE: "primaries", MARK: "elk"}), leftovers_of({ENABLE: "none"})
    assert ours.restriction_blockers(resumes=True) == []
    assert "a rolling restart was interrupted" in ours.restriction_blockers()[0]
    # A person has restricted allocation further, after a run that was killed.
    both = leftovers_of({ENABLE: "none", MARK: "elk"})
    for resumes in (True, False):
        assert "somebody restricts" in foreign.restriction_blockers(resumes=resumes)[0]
        assert both.restriction_blockers(resumes=resumes) == foreign.restriction_blockers()


def test_a_removal_blocks_all_but_itself() -> None:
    found = leftovers_of({EXCLUDE_NAME: "w1", LEAVE: "w1"})
    assert found.removal_blockers("w1") == []
    assert "-e remove_host=w1" in found.removal_blockers("w2")[0]


def test_an_exclusion_can_be_asked_for_one_node() -> None:
    found = leftovers_of({EXCLUDE_NAME: "w1,w2", IP: "192.0.2.1"})
    assert len(found.exclusion_blockers()) == 2
    assert len(found.exclusion_blockers("w2")) == 1
    assert found.exclusion_blockers("w") == []
