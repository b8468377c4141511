"""Fixtures of this scenario."""

from tests.harness.fixtures import lab, nothing_fails, platform

__all__ = ["lab", "nothing_fails", "platform"]
