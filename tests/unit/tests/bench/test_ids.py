# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The measurement of ids compares the same lines, sent as Logstash sends them."""

from __future__ import annotations

import doctest
import importlib
import json
from typing import Any

import pytest

from repo import ROOT


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "bench" / "ids"))
    return importlib.import_module("lines")


def test_examples_are_true(lines: Any) -> None:
    done = doctest.testmod(lines)
    assert (done.attempted > 0, done.failed) == (True, 0)


def test_both_kinds_have_the_same_documents_and_ids_are_unique(lines: Any) -> None:
    sent = {
        ids: [
            json.loads(row)
            for body in lines.requests(1000, 300, "x", ids=ids)
            for row in body.splitlines()
        ]
        for ids in (True, False)
    }
    assert sent[True][1::2] == sent[False][1::2]
    assert {row["create"]["_id"] for row in sent[True][::2]} != {""}
    assert len({row["create"]["_id"] for row in sent[True][::2]}) == 300
    assert all(row == {"create": {"_index": "x"}} for row in sent[False][::2])


def test_a_line_has_150_bytes(lines: Any) -> None:
    sizes = [len(lines.document(number)["event"]["original"]) for number in (0, 99_999)]
    assert all(140 <= size <= 180 for size in sizes), sizes


def test_logstash_sends_as_many_lines_in_a_request(lines: Any) -> None:
    defaults = (ROOT / "roles" / "logstash" / "defaults" / "main.yml").read_text()
    assert f"logstash_batch_size: {lines.BATCH}\n" in defaults
