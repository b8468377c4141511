"""What a run says when a host, a disk, a registry or the managers let it down: who, why, what next.

Each test gives back what it took.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from lab.state import ELASTIC_VERSION

if TYPE_CHECKING:
    from tests.harness.lab import Lab, Run

# How long a run may take until it gives up, on a busy machine.
SOON = 240


def last_words(run: Run) -> str:
    """What stands behind the summary, as one line."""
    text = " ".join(run.text.split())
    assert "The run has ended before its end: " in text, run.text
    return text.split("The run has ended before its end: ")[1]


def end(lab: Lab, run: Run, what: str) -> str:
    code = run.finish()
    lab.told(run, what)
    assert code != 0, run.text
    assert run.seconds < SOON
    words = last_words(run)
    assert words.endswith(
        "Then run the same command again: what is done stays, and it goes on from there."
    )
    return words


def test_a_host_that_hangs_in_the_middle(lab: Lab) -> None:
    run = lab.run("playbooks/stack.yml")
    lab.wait_for(run, "Read whether this host has been part of a cluster", "start")
    lab.docker("pause", "w1")
    try:
        words = end(lab, run, "a host that hangs in the middle")
    finally:
        lab.docker("unpause", "w1")
    assert re.match(r'w1 cannot be reached at "[^"]+": ', words)
    assert re.search(r"(?i)timed? ?out|not responding", words)
    assert "Next: bring the host back, until this answers: ssh " in words
    assert f"deploy@{lab.address('w1')} true" in words


def test_a_full_disk(lab: Lab) -> None:
    lab.read(
        "w1",
        "mount -t tmpfs -o size=4k,mode=755 none /etc/elk/pki && echo full > /etc/elk/pki/filler",
    )
    try:
        words = end(lab, lab.run("playbooks/cluster.yml"), "a full disk")
    finally:
        lab.read("w1", "umount /etc/elk/pki")
    assert words.startswith("w1 failed at ")
    assert "No space left on device" in words
    assert f"deploy@{lab.address('w1')} df -h" in words


def test_a_registry_that_does_not_answer(lab: Lab) -> None:
    nobody = lab.state.address(250)
    image = f"{nobody}:5000/kibana-stand-in:{ELASTIC_VERSION}"
    # Kibana, because Elasticsearch would have to be restarted for another image.
    words = end(
        lab,
        lab.run("playbooks/stack.yml", f"--extra-vars=kibana_image={image}"),
        "a registry that does not answer",
    )
    assert re.match(r'm\d failed at "Say why the service does not run as asked": ', words)
    assert "but it cannot come up (0 of 1 tasks" in words
    assert f"on that host: docker pull {image}]" in words
    assert "Next command: docker service ps --no-trunc kibana" in words


def test_a_manager_without_the_others(lab: Lab) -> None:
    lab.docker("pause", "m2")
    try:
        # Managers take some seconds to miss each other.
        deadline = time.monotonic() + SOON
        while lab.shell("m1", "timeout 10 docker node ls").returncode == 0:
            assert time.monotonic() < deadline
            time.sleep(1)
        words = end(
            lab,
            lab.run("playbooks/cluster.yml", "--limit=localhost,m1,w1"),
            "a manager without quorum",
        )
    finally:
        lab.docker("unpause", "m2")
    assert words.startswith("m1 failed at ")
    assert "Nothing was changed. m1: is a manager that cannot reach a majority" in words
    assert f"Bring back enough of the other managers ({lab.address('m2')}:2377)" in words
    assert "playbooks/recover_quorum.yml" in words


def test_the_same_command_then_puts_everything_right(lab: Lab) -> None:
    run = lab.run()
    code = run.finish()
    lab.told(run, "after all that")
    assert (code, run.problems) == (0, []), run.text
