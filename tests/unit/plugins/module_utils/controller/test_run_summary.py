"""The summary of a failed run: the host, the cause, the next command."""

from __future__ import annotations

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.controller.run_summary import (
    LONGEST,
    NAMED,
    Failure,
    Host,
    closing,
    shortened,
)

W1 = Host("w1", "10.20.0.21", "deploy")


def failure(message: str, host: Host = W1, *, unreachable: bool = False) -> Failure:
    return Failure(host, "role : Do it", message, unreachable)


def test_a_successful_run_has_no_summary() -> None:
    assert closing([]) == ""


def test_an_unreachable_host_is_named_with_cause_and_command() -> None:
    message = (
        "Task failed: Failed to connect to the host via ssh: ssh: connect to host w1: No route"
    )
    assert closing([failure(message + " to host", unreachable=True)]).splitlines() == [
        "The run failed:",
        '  w1 cannot be reached at "role : Do it": ssh: connect to host w1: No route to host',
        "    Next: bring the host back until this command succeeds: ssh deploy@10.20.0.21 true",
        "Then run the same command again: it keeps what is done and continues from there.",
    ]


@pytest.mark.parametrize(
    ("message", "unreachable", "expected"),
    [
        ("Timeout, server 10.20.0.21 not responding.", True, "ssh deploy@10.20.0.21 true"),
        ("deploy@w1: Permission denied (publickey).", True, "it refuses this login (deploy"),
        ("REMOTE HOST IDENTIFICATION HAS CHANGED!", True, "ssh-keygen -R 10.20.0.21"),
        ("Something that nobody has heard of", True, "Next: ssh deploy@10.20.0.21 true"),
        ("write: [Errno 28] No space left on device", False, "ssh deploy@10.20.0.21 df -h"),
        ("Missing sudo password", False, "--ask-become-pass"),
        ("Failed to update apt cache: x", False, "ssh deploy@10.20.0.21 sudo apt-get update"),
    ],
)
def test_each_kind_of_failure_has_its_command(
    message: str, unreachable: bool, expected: str
) -> None:
    assert expected in closing([failure(message, unreachable=unreachable)])


def test_a_message_with_a_next_command_gets_no_second_one() -> None:
    text = closing([failure("It is down. Next command: docker service ps --no-trunc kibana")])
    assert text.count("Next") == 1
    assert "Next command: docker service ps --no-trunc kibana" in text


def test_hosts_with_the_same_message_share_a_line() -> None:
    hosts = [Host(f"w{number}") for number in range(NAMED + 3)]
    text = closing([failure("lost", host, unreachable=True) for host in hosts])
    assert text.count("cannot be reached") == 1
    assert "w0, w1" in text
    assert "and 3 more cannot be reached" in text


def test_the_ssh_command_uses_the_variables_of_the_run() -> None:
    host = Host.from_variables(
        "w1",
        {
            "ansible_host": "10.20.0.21",
            "ansible_user": "deploy",
            "ansible_port": 2222,
            "ansible_ssh_private_key_file": "/my keys/id",
            "ansible_ssh_common_args": "-o IdentitiesOnly=yes",
        },
    )
    assert host.ssh("df", "-h") == (
        "ssh -i '/my keys/id' -p 2222 -o IdentitiesOnly=yes deploy@10.20.0.21 df -h"
    )
    assert Host.from_variables("w1", {"ansible_host": "{{ later }}"}).ssh("true") == "ssh w1 true"
    assert Host.from_variables("w1", {"ansible_port": 22}).ssh("true") == "ssh w1 true"


def test_long_messages_are_cut_and_lines_are_joined() -> None:
    assert shortened("Module failed: one\n   two\n") == "one two"
    assert len(shortened("x" * 5 * LONGEST)) == LONGEST + 2
