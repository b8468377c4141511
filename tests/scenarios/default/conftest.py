"""The lab's hosts, and runs of playbooks whose output the tests read."""

from tests.harness.fixtures import lab

__all__ = ["lab"]
