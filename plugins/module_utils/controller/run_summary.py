# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The summary of a failed run: which host, why, and what to type next."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common.text import some

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LONGEST = 900
# Hosts to name with the same cause; a run over 50 hosts can lose all of them at once.
NAMED = 12


@dataclass(frozen=True)
class Host:
    """A host, and how to log in to it with ssh."""

    name: str
    address: str = ""
    user: str = ""
    port: str = ""
    key: str = ""
    options: str = ""

    @classmethod
    def from_variables(cls, name: str, variables: Mapping[str, Any]) -> Host:
        def plain(*names: str) -> str:
            value = next((str(variables[one]) for one in names if variables.get(one)), "")
            # A template that is not evaluated does not help the operator.
            return "" if "{{" in value else value

        return cls(
            name,
            plain("ansible_host", "ansible_ssh_host"),
            plain("ansible_user", "ansible_ssh_user"),
            plain("ansible_port", "ansible_ssh_port"),
            plain("ansible_ssh_private_key_file", "ansible_private_key_file"),
            plain("ansible_ssh_common_args"),
        )

    def ssh(self, *command: str) -> str:
        words = ["ssh"]
        words += ["-i", self.key] if self.key else []
        words += ["-p", self.port] if self.port not in ("", "22") else []
        target = self.address or self.name
        if self.user:
            target = f"{self.user}@{target}"
        options = [self.options] if self.options else []
        return " ".join([shlex.join(words), *options, shlex.join([target, *command])])


@dataclass(frozen=True)
class Failure:
    """The task at which a host failed. The message is from Ansible or from a module."""

    host: Host
    task: str
    message: str
    unreachable: bool = False


@dataclass(frozen=True)
class _Rule:
    pattern: re.Pattern[str]
    # Printed before the message, which names only symptoms; empty if the message is enough.
    cause: str
    command: tuple[str, ...] = ()
    advice: str = ""


def _rule(pattern: str, cause: str = "", command: tuple[str, ...] = (), advice: str = "") -> _Rule:
    return _Rule(re.compile(pattern, re.IGNORECASE), cause, command, advice)


# The first rule that matches counts.
UNREACHABLE: tuple[_Rule, ...] = (
    _rule(
        r"host identification has changed|host key verification failed",
        "its host key has changed, or is not in known_hosts",
        advice="if the host was reinstalled, ssh-keygen -R {address} and log in once: {ssh}",
    ),
    _rule(r"permission denied", "it refuses this login", advice="test the login: {ssh}"),
    _rule(
        r"no space left on device|failed to create temporary directory",
        "",
        ("df", "-h", "/tmp", "/home"),
    ),
    _rule(
        r"timed? ?out|not responding|no route to host|refused|unreachable|closed|broken pipe",
        "",
        advice="bring the host back until this command succeeds: {ssh_true}",
    ),
)
FAILED: tuple[_Rule, ...] = (
    _rule(r"no space left on device|disk quota exceeded", "", ("df", "-h")),
    _rule(
        r"missing sudo password|sudo: a password is required|incorrect sudo password",
        "",
        advice="run the same command with --ask-become-pass",
    ),
    _rule(
        r"failed to update apt cache|failed to fetch|unable to fetch|could not resolve",
        "",
        ("sudo", "apt-get", "update"),
    ),
)


def shortened(message: str) -> str:
    """One line, without the prefixes of ssh and Ansible."""
    text = re.sub(r"\s+", " ", message).strip()
    for prefix in (
        r"^Task failed: ",
        r"^Module failed: ",
        r"^Failed to connect to the host via ssh: ",
    ):
        text = re.sub(prefix, "", text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def cause_and_command(failure: Failure) -> tuple[str, str]:
    """The cause, and what to type; empty where the message contains the command."""
    host = failure.host
    cause = shortened(failure.message)
    for rule in UNREACHABLE if failure.unreachable else FAILED:
        if rule.pattern.search(failure.message):
            advice = rule.advice.format(
                address=host.address or host.name, ssh=host.ssh(), ssh_true=host.ssh("true")
            )
            return (
                f"{rule.cause} ({cause})" if rule.cause else cause,
                host.ssh(*rule.command) if rule.command else advice,
            )
    if failure.unreachable:
        return cause, host.ssh("true")
    # The messages of this collection end with what to type.
    return cause, ""


def closing(failures: Iterable[Failure]) -> str:
    """The summary; empty if no host failed or was unreachable."""
    groups: dict[tuple[str, str, bool], list[Failure]] = {}
    for failure in failures:
        key = (failure.task, shortened(failure.message), failure.unreachable)
        groups.setdefault(key, []).append(failure)
    if not groups:
        return ""
    lines = ["The run failed:"]
    for (task, _message, unreachable), group in groups.items():
        cause, command = cause_and_command(group[0])
        names = [failure.host.name for failure in group]
        verb = "cannot be reached" if unreachable else "failed"
        lines.append(f'  {some(names, NAMED)} {verb} at "{task}": {cause}')
        if command:
            lines.append(f"    Next: {command}")
    lines.append("Then run the same command again: it keeps what is done and continues from there.")
    return "\n".join(lines)
