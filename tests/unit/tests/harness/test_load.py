"""What counts as a failure for the clients of the load."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from elasticsearch import NotFoundError

from tests.harness.load import GONE, Load


def missing(kind: str) -> NotFoundError:
    cause = {"type": kind, "reason": "gone"}
    return NotFoundError(
        "search_phase_execution_exception", SimpleNamespace(status=404), {"error": cause}
    )


class Answers:
    """A client that returns or raises the listed answers."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def search(self, **_request: Any) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def load() -> Load:
    return Load(connect=Answers, syslog=[])


def test_a_search_whose_node_has_left_is_repeated_and_counted(load: Load) -> None:
    client = Answers(missing(GONE), {"_shards": {"failed": 0}})
    assert load.search(client) == {"_shards": {"failed": 0}}
    assert load.counts["search again"] == 1


def test_a_search_whose_node_has_left_is_repeated_only_once(load: Load) -> None:
    with pytest.raises(NotFoundError):
        load.search(Answers(missing(GONE), missing(GONE)))


def test_an_index_that_does_not_exist_is_a_failure(load: Load) -> None:
    with pytest.raises(NotFoundError):
        load.search(Answers(missing("index_not_found_exception"), {}))
    assert not load.counts
