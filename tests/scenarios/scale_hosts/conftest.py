"""Fixtures for the tests that add and remove hosts."""

from tests.harness.fixtures import lab, nothing_fails, platform

__all__ = ["lab", "nothing_fails", "platform"]
