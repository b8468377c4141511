"""What the tests of hosts that come and go share."""

from tests.interrupted.conftest import lab
from tests.under_load.platform import nothing_fails, platform

__all__ = ["lab", "nothing_fails", "platform"]
