"""What the tests of hosts that come and go share."""

from tests.interrupted.conftest import lab
from tests.under_load.platform import platform

__all__ = ["lab", "platform"]
