"""Check, apply, check, apply: the first predicts the changes, the last two change nothing.

Then a controller without the secrets of the platform, which must change nothing either.

The tests build on each other, in the order of this file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.harness.lab import HOST_STATE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.lab import Lab, Run

# Without /home, where Ansible itself makes folders for the user who logs in.
LISTING = (
    "find /etc /srv /opt /usr -xdev -printf '%p %y %s %m %U:%G %T@\\n' | sort | sha256sum;"
    " dpkg-query -W; sysctl vm.max_map_count net.ipv4.tcp_retries2"
)
DIFF = re.compile(r"^(?:--- before|\+\+\+ after|@@ )", re.MULTILINE)


def footprint(lab: Lab) -> dict[str, str]:
    """The state of the hosts and of the controller's directory."""
    found = {host: lab.read(host, LISTING) for host in lab.names}
    found["controller"] = "\n".join(sorted(str(path) for path in lab.directory.glob("*")))
    return found


def end(lab: Lab, *options: str) -> Run:
    run = lab.run("site.yml", *options)
    code = run.finish()
    lab.report(run, f"site.yml {' '.join(options)}")
    assert (code, run.problems) == (0, []), run.text
    return run


def nothing(lab: Lab) -> dict[str, int]:
    return dict.fromkeys([*lab.names, "localhost"], 0)


def test_a_check_of_bare_hosts_changes_nothing_and_names_what_it_cannot_predict(lab: Lab) -> None:
    before = footprint(lab)
    checked = end(lab, "--check", "--diff")
    assert footprint(lab) == before
    assert all(checked.changes[host] > 0 for host in lab.names)
    text = " ".join(checked.text.split())
    assert text.count("Would install docker.io, ") == len(lab.names)
    assert "+ role: manager" in text
    assert "+ name: elknet" in text
    assert "comes with the run" in text
    unpredicted = text.partition(
        "Not foretold, because there is no swarm yet that could be asked: "
    )
    assert all(part in unpredicted[2] for part in ("Elasticsearch", "Logstash", "Kibana"))


def test_a_check_of_the_finished_platform_shows_no_change(lab: Lab) -> None:
    assert end(lab).changes["m1"] > 0
    checked = end(lab, "--check", "--diff")
    assert checked.changes == nothing(lab), checked.text
    assert not DIFF.search(checked.text), checked.text
    assert "Not foretold" not in checked.text


def test_another_run_changes_nothing(lab: Lab) -> None:
    again = end(lab)
    assert again.changes == nothing(lab), again.text


def test_a_controller_without_the_secrets_is_refused_before_any_change(
    lab: Lab, tmp_path: Path
) -> None:
    def state() -> dict[str, str]:
        return {host: lab.read(host, HOST_STATE) for host in lab.names}

    before = state()
    run = lab.run("site.yml", f"--extra-vars=elk_local_dir={tmp_path}")
    code = run.finish()
    lab.report(run, "site.yml with an empty elk_local_dir")
    assert code != 0
    assert "fetch_secrets.yml" in run.text
    assert not any(run.changes.values()), run.text
    assert state() == before
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
