"""What the tests of rolls share."""

from tests.interrupted.conftest import lab
from tests.under_load.platform import platform

__all__ = ["lab", "platform"]
