# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The last words of a run that could not do its work: which host, why, and what to type next."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common.text import some

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LONGEST = 900
# So many of one kind are named; a run over 50 hosts can lose all of them at once.
NAMED = 12


@dataclass(frozen=True)
class Host:
    """A host, and how to log in to it by hand."""

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
            # What has to be worked out first is no help to a person.
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
    """Where a host left the run. The message is Ansible's or a module's."""

    host: Host
    task: str
    message: str
    unreachable: bool = False


@dataclass(frozen=True)
class _Rule:
    pattern: re.Pattern[str]
    # What to say instead of the message, which names symptoms; empty to keep it.
    cause: str
    command: tuple[str, ...] = ()
    advice: str = ""


def _rule(pattern: str, cause: str = "", command: tuple[str, ...] = (), advice: str = "") -> _Rule:
    return _Rule(re.compile(pattern, re.IGNORECASE), cause, command, advice)


# The first that matches counts.
AWAY: tuple[_Rule, ...] = (
    _rule(
        r"host identification has changed|host key verification failed",
        "its host key is another one than before, or none is known",
        advice="if the host was made anew, ssh-keygen -R {address} and log in once: {ssh}",
    ),
    _rule(r"permission denied", "it does not let this user in", advice="{ssh} shows what is asked"),
    _rule(
        r"no space left on device|failed to create temporary directory",
        "",
        ("df", "-h", "/tmp", "/home"),
    ),
    _rule(
        r"timed? ?out|not responding|no route to host|refused|unreachable|closed|broken pipe",
        "",
        advice="bring the host back, until this answers: {ssh_true}",
    ),
)
FAILED: tuple[_Rule, ...] = (
    _rule(r"no space left on device|disk quota exceeded", "", ("df", "-h")),
    _rule(
        r"missing sudo password|sudo: a password is required|incorrect sudo password",
        "",
        advice="the same command with --ask-become-pass",
    ),
    _rule(
        r"failed to update apt cache|failed to fetch|unable to fetch|could not resolve",
        "",
        ("sudo", "apt-get", "update"),
    ),
)


def shortened(message: str) -> str:
    """One line, without what ssh and Ansible put around it."""
    text = re.sub(r"\s+", " ", message).strip()
    for around in (
        r"^Task failed: ",
        r"^Module failed: ",
        r"^Failed to connect to the host via ssh: ",
    ):
        text = re.sub(around, "", text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def judged(failure: Failure) -> tuple[str, str]:
    """The cause, and what to type: empty where the message says it by itself."""
    host = failure.host
    cause = shortened(failure.message)
    for rule in AWAY if failure.unreachable else FAILED:
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
    # Messages of our own end with what has to be typed.
    return cause, ""


def closing(failures: Iterable[Failure]) -> str:
    """The text; empty when no host was lost or failed."""
    together: dict[tuple[str, str, bool], list[Failure]] = {}
    for failure in failures:
        key = (failure.task, shortened(failure.message), failure.unreachable)
        together.setdefault(key, []).append(failure)
    if not together:
        return ""
    lines = ["The run has ended before its end:"]
    for (task, _message, unreachable), alike in together.items():
        cause, command = judged(alike[0])
        names = [failure.host.name for failure in alike]
        verb = "cannot be reached" if unreachable else "failed"
        lines.append(f'  {some(names, NAMED)} {verb} at "{task}": {cause}')
        if command:
            lines.append(f"    Next: {command}")
    lines.append("Then run the same command again: what is done stays, and it goes on from there.")
    return "\n".join(lines)
