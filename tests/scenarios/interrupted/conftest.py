"""The points at which runs are killed, and the lab."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.harness.fixtures import client, lab

__all__ = ["client", "lab"]

POINTS: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("points.yml").read_text())
