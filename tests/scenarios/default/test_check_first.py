"""Check, apply, check, apply: the first says what would be done, the last two find nothing to do.

The tests build on each other, in the order of this file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.harness.lab import Lab, Run

# Ansible itself makes folders in the home of the user who logs in.
LISTING = (
    "find /etc /srv /opt /usr -xdev -printf '%p %y %s %m %U:%G %T@\\n' | sort | sha256sum;"
    " dpkg-query -W; sysctl vm.max_map_count net.ipv4.tcp_retries2"
)
DIFF = re.compile(r"^(?:--- before|\+\+\+ after|@@ )", re.MULTILINE)


def footprint(lab: Lab) -> dict[str, str]:
    """What is on the hosts and in the controller's directory."""
    found = {host: lab.read(host, LISTING) for host in lab.names}
    found["controller"] = "\n".join(sorted(str(path) for path in lab.directory.glob("*")))
    return found


def end(lab: Lab, *options: str) -> Run:
    run = lab.run("site.yml", *options)
    code = run.finish()
    lab.told(run, f"site.yml {' '.join(options)}")
    assert (code, run.problems) == (0, []), run.text
    return run


def nothing(lab: Lab) -> dict[str, int]:
    return dict.fromkeys([*lab.names, "localhost"], 0)


def test_a_check_of_bare_hosts_changes_nothing_and_says_what_it_cannot_know(lab: Lab) -> None:
    before = footprint(lab)
    told = end(lab, "--check", "--diff")
    assert footprint(lab) == before
    assert all(told.changes[host] > 0 for host in lab.names)
    text = " ".join(told.text.split())
    assert text.count("Would install docker.io, ") == len(lab.names)
    assert "+ role: manager" in text
    assert "+ name: elknet" in text
    assert "comes with the run" in text
    foretold = text.partition("Not foretold, because there is no swarm yet that could be asked: ")
    assert all(part in foretold[2] for part in ("Elasticsearch", "Logstash", "Kibana"))


def test_a_check_of_what_then_stands_shows_nothing(lab: Lab) -> None:
    assert end(lab).changes["m1"] > 0
    told = end(lab, "--check", "--diff")
    assert told.changes == nothing(lab), told.text
    assert not DIFF.search(told.text), told.text
    assert "Not foretold" not in told.text


def test_another_run_changes_nothing(lab: Lab) -> None:
    again = end(lab)
    assert again.changes == nothing(lab), again.text
