"""What the tests of hosts that come and go share."""

from tests.harness.fixtures import lab, nothing_fails, platform

__all__ = ["lab", "nothing_fails", "platform"]
