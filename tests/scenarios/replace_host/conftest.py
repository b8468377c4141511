"""Fixtures for the tests of hosts that die and are replaced."""

from tests.harness.fixtures import lab, nothing_fails
from tests.scenarios.quorum.conftest import platform

__all__ = ["lab", "nothing_fails", "platform"]
