"""What the tests of hosts that die and are replaced share."""

from tests.interrupted.conftest import lab
from tests.quorum.conftest import platform

__all__ = ["lab", "platform"]
