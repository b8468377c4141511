"""What a run reports when a host, a disk, a registry or the managers fail: where, why, what next.

Each test undoes its fault.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from lab.state import ELASTIC_VERSION

if TYPE_CHECKING:
    from tests.harness.lab import Lab, Run

# Seconds in which a run must give up, on a busy machine.
SOON = 240


def final_message(run: Run) -> str:
    """The text after the summary, as one line."""
    text = " ".join(run.text.split())
    assert "The run failed: " in text, run.text
    return text.split("The run failed: ")[1]


def end(lab: Lab, run: Run, what: str) -> str:
    code = run.finish()
    lab.report(run, what)
    assert code != 0, run.text
    assert run.seconds < SOON
    message = final_message(run)
    assert message.endswith(
        "Then run the same command again: it keeps what is done and continues from there."
    )
    return message


def test_a_host_that_hangs_in_the_middle(lab: Lab) -> None:
    run = lab.run("playbooks/stack.yml")
    lab.wait_for(run, "Read whether this host has been part of a cluster", "start")
    lab.docker("pause", "w1")
    try:
        message = end(lab, run, "a host that hangs in the middle")
    finally:
        lab.docker("unpause", "w1")
    assert re.match(r'w1 cannot be reached at "[^"]+": ', message)
    assert re.search(r"(?i)timed? ?out|not responding", message)
    assert "Next: bring the host back until this command succeeds: ssh " in message
    assert f"deploy@{lab.address('w1')} true" in message


def test_a_full_disk(lab: Lab) -> None:
    lab.read(
        "w1",
        "mount -t tmpfs -o size=4k,mode=755 none /etc/elk/pki && echo full > /etc/elk/pki/filler",
    )
    try:
        message = end(lab, lab.run("playbooks/cluster.yml"), "a full disk")
    finally:
        lab.read("w1", "umount /etc/elk/pki")
    assert message.startswith("w1 failed at ")
    assert "No space left on device" in message
    assert f"deploy@{lab.address('w1')} df -h" in message


def test_a_registry_that_does_not_answer(lab: Lab) -> None:
    unused = lab.state.address(250)
    image = f"{unused}:5000/kibana-stand-in:{ELASTIC_VERSION}"
    # Kibana, because another image of Elasticsearch would restart its nodes.
    message = end(
        lab,
        lab.run("playbooks/stack.yml", f"--extra-vars=kibana_image={image}"),
        "a registry that does not answer",
    )
    assert re.match(r'm\d failed at "Report the failed deployment of Kibana": ', message)
    assert "but it cannot come up (0 of 1 tasks" in message
    assert f"on that host: docker pull {image}]" in message
    assert "Next command: docker service ps --no-trunc kibana" in message


def test_a_manager_without_quorum(lab: Lab) -> None:
    lab.docker("pause", "m2")
    try:
        # The managers notice the loss after some seconds.
        deadline = time.monotonic() + SOON
        while lab.shell("m1", "timeout 10 docker node ls").returncode == 0:
            assert time.monotonic() < deadline
            time.sleep(1)
        message = end(
            lab,
            lab.run("playbooks/cluster.yml", "--limit=localhost,m1,w1"),
            "a manager without quorum",
        )
    finally:
        lab.docker("unpause", "m2")
    assert message.startswith("m1 failed at ")
    assert "Nothing was changed. m1: is a manager that cannot reach a majority" in message
    assert f"Bring back enough of the other managers ({lab.address('m2')}:2377)" in message
    assert "playbooks/recover_quorum.yml" in message


def test_the_same_command_then_repairs_everything(lab: Lab) -> None:
    run = lab.run()
    code = run.finish()
    lab.report(run, "after all that")
    assert (code, run.problems) == (0, []), run.text
