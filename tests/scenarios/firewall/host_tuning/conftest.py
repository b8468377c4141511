"""The same hosts, and the same way to run a role on them, as for the firewalls."""

from tests.scenarios.firewall.conftest import site

__all__ = ["site"]
