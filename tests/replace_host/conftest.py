"""What the tests of hosts that die and are replaced share."""

from tests.interrupted.conftest import lab
from tests.quorum.conftest import platform
from tests.under_load.platform import nothing_fails

__all__ = ["lab", "nothing_fails", "platform"]
