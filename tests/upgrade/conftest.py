"""What the tests of rolls share."""

from tests.interrupted.conftest import lab
from tests.under_load.platform import nothing_fails, platform

__all__ = ["lab", "nothing_fails", "platform"]
