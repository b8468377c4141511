# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples in the docstrings of module_utils are true."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

from ansible_collections.elk.swarm.plugins import module_utils

UTILS = Path(module_utils.__path__[0])
WITH_EXAMPLES = sorted(
    ".".join(path.relative_to(UTILS).with_suffix("").parts)
    for path in UTILS.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_are_true(name: str) -> None:
    done = doctest.testmod(importlib.import_module(f"{module_utils.__name__}.{name}"))
    assert (done.attempted > 0, done.failed) == (True, 0)
