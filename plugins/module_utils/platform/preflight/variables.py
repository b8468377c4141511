# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables that nobody reads, that are misspelt, or that have the wrong kind."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import (
    Finding,
    Site,
    Vocabulary,
    check,
)

# What a name must have in common with a known one to count as a slip of it.
NEAR_ENDING = 0.6

NEAR_NAME = 0.88


def nearest(name: str, vocabulary: Vocabulary) -> str:
    """The known variable that a name is a slip of, empty if none is near."""
    best, score = "", 0.0
    for known in sorted(vocabulary.options):
        whole = difflib.SequenceMatcher(None, name, known).ratio()
        near = whole >= NEAR_NAME
        for prefix in vocabulary.prefixes:
            if name.startswith(prefix) and known.startswith(prefix):
                # The common beginning makes any two names look alike, so only the rest counts.
                matcher = difflib.SequenceMatcher(None, name[len(prefix) :], known[len(prefix) :])
                near = near or matcher.ratio() >= NEAR_ENDING
        if near and whole > score:
            best, score = known, whole
    return best


def read_vocabulary(
    roles: Mapping[str, Mapping[str, str]], playbooks: Sequence[str] = ()
) -> Vocabulary:
    """The variables of roles, from the texts of their files by role and path.

    Only names are wanted and the files are our own, so no YAML is parsed: this has to run in the
    time of a blink wherever the controller's Python lives.
    """
    prefixes = tuple(f"{role}_" for role in roles)
    ours = "|".join(map(re.escape, prefixes)) or "$^"
    key = re.compile(rf"^([ \t]*)(?:- )?((?:{ours})\w+):", re.MULTILINE)
    register = re.compile(rf"\bregister:\s*((?:{ours})\w+)")
    word = re.compile(rf"\b(?:{ours})\w+")
    option: set[str] = set()
    computed: set[str] = set()
    given: set[str] = set()
    used: set[str] = set()
    for files in roles.values():
        for path, text in files.items():
            found = key.findall(text)
            if path.startswith(("defaults/", "meta/")):
                option.update(name for _indent, name in found)
            elif path.startswith("vars/"):
                computed.update(name for indent, name in found if not indent)
            else:
                given.update([*(name for _indent, name in found), *register.findall(text)])
                used.update(word.findall(text))
    for text in playbooks:
        used.update(word.findall(text))
    computed -= given | option
    return Vocabulary(
        prefixes,
        frozenset(option),
        frozenset(computed),
        frozenset((given | used) - option - computed),
    )


@check("variables")
def check_variables(site: Site) -> Iterator[Finding]:
    words = site.vocabulary
    holders: dict[str, list[str]] = {}
    for host, names in site.variables.items():
        for name in names:
            if name.startswith(words.prefixes):
                holders.setdefault(name, []).append(host)
    passed = {*words.options, *words.internal, *site.texts("preflight_own_variables")}
    for name, hosts in sorted(holders.items()):
        if name in passed:
            continue
        where = site.where(name, hosts, list(site.variables))
        if name in words.computed:
            yield Finding(
                where,
                "is worked out by a role, and a value from elsewhere is not used.",
                "Remove it.",
            )
            continue
        known = nearest(name, words)
        if known:
            yield Finding(
                where,
                "is no variable of this collection, so it does nothing.",
                f"Did you mean {known}? If it is your own, name it in preflight_own_variables.",
            )
        else:
            yield Finding(
                where,
                "begins like the variables of this collection and is none of them.",
                "Correct or remove it, or name it in preflight_own_variables if it is your own.",
                warning=True,
            )


@check("kinds")
def check_kinds(site: Site) -> Iterator[Finding]:
    """What Ansible found when it held the variables against the roles' specs."""
    found: dict[str, list[str]] = {}
    for host in site.seen:
        for text in host.declared.get("argument_errors") or []:
            found.setdefault(str(text).rstrip("."), []).append(host.name)
    for text, hosts in found.items():
        yield Finding(
            site.where("variables", hosts, site.seen),
            f"{text}.",
            "Correct it; docs/roles says what each variable takes.",
        )
