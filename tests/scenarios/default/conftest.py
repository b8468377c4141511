"""The lab's hosts, and runs whose output can be read, as for the runs that are killed."""

from tests.harness.fixtures import lab

__all__ = ["lab"]
