# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables that no role reads, that are misspelt, or that have the wrong type."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.foreign_names import (
    EVERYDAY,
    FOREIGN,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import (
    Finding,
    Site,
    Vocabulary,
    check,
)

# How similar a name must be to a known one to count as misspelt.
NEAR_ENDING = 0.6
NEAR_NAME = 0.88
SPECS = "meta/argument_specs.yml"
_FACTS = re.compile(r"^( *)ansible\.builtin\.set_fact:\n((?:\1 +.*\n)+)", re.MULTILINE)


def nearest(name: str, vocabulary: Vocabulary) -> str:
    """The known variable that is probably meant; empty if none is similar."""
    best, score = "", 0.0
    for known in sorted(vocabulary.options):
        whole = difflib.SequenceMatcher(None, name, known).ratio()
        near = whole >= NEAR_NAME
        for prefix in vocabulary.prefixes:
            if name.startswith(prefix) and known.startswith(prefix):
                # The common prefix makes all names similar, so compare only the rest.
                matcher = difflib.SequenceMatcher(None, name[len(prefix) :], known[len(prefix) :])
                near = near or matcher.ratio() >= NEAR_ENDING
        if near and whole > score:
            best, score = known, whole
    return best


def _main_entry(specs: str) -> str:
    """The entry of argument specs for users. The others are for playbooks and other roles."""
    return re.split(r"^  (?!main:)\w+:$", specs, maxsplit=1, flags=re.MULTILINE)[0]


def read_vocabulary(
    roles: Mapping[str, Mapping[str, str]], playbooks: Sequence[str] = ()
) -> Vocabulary:
    """The variables of roles, from the texts of their files by role and path.

    It needs only names, and the files are our own, so it parses no YAML: it must be fast with any
    Python of a controller.
    """
    prefixes = tuple(f"{role}_" for role in roles)
    ours = "|".join(map(re.escape, prefixes)) or "$^"
    key = re.compile(rf"^([ \t]*)(?:- )?((?:{ours})\w+):", re.MULTILINE)
    register = re.compile(rf"\bregister:\s*((?:{ours})\w+)")
    word = re.compile(rf"\b(?:{ours})\w+")
    private_key = re.compile(r"^ *(__\w+):", re.MULTILINE)
    private_word = re.compile(r"__\w+")
    private_register = re.compile(r"\bregister:\s*(__\w+)")
    option: set[str] = set()
    computed: set[str] = set()
    given: set[str] = set()
    used: set[str] = set()
    private: set[str] = set()
    facts: set[str] = set()
    for files in roles.values():
        for path, text in files.items():
            private.update(private_word.findall(text))
            found = key.findall(_main_entry(text) if path == SPECS else text)
            if path.startswith(("defaults/", "meta/")):
                option.update(name for _indent, name in found)
            elif path.startswith("vars/"):
                computed.update(name for indent, name in found if not indent)
            else:
                given.update([*(name for _indent, name in found), *register.findall(text)])
                used.update(word.findall(text))
                facts.update(private_register.findall(text))
                for _indent, block in _FACTS.findall(text):
                    facts.update(private_key.findall(block))
    for text in playbooks:
        used.update(word.findall(text))
    computed -= given | option
    return Vocabulary(
        prefixes,
        frozenset(option),
        frozenset(computed),
        frozenset((given | used) - option - computed),
        frozenset(private - facts),
    )


def private_role(name: str, vocabulary: Vocabulary) -> str:
    """The role that a variable is private to; empty if it is not private.

    Roles of others may have private variables that begin like those of ours.
    """
    if name not in vocabulary.private:
        return ""
    roles = [one for one in vocabulary.prefixes if name.startswith(f"__{one}")]
    return max(roles, key=len, default="").rstrip("_")


@check("variables")
def check_variables(site: Site) -> Iterator[Finding]:
    words = site.vocabulary
    holders: dict[str, list[str]] = {}
    for host, names in site.variables.items():
        for name in names:
            foreign = words.prefixes and name in FOREIGN
            if name.startswith(words.prefixes) or foreign or private_role(name, words):
                holders.setdefault(name, []).append(host)
    passed = {*words.options, *words.internal, *site.texts("preflight_own_variables")}
    for name, hosts in sorted(holders.items()):
        if name in passed:
            continue
        where = site.where(name, hosts, list(site.variables))
        if role := private_role(name, words):
            yield Finding(
                where,
                f"is private to the role {role}, and nothing may set it from elsewhere.",
                "Remove it. docs/roles has the variables for you.",
            )
            continue
        if name in words.computed:
            yield Finding(
                where,
                "is computed by a role, which ignores a value from elsewhere.",
                "Remove it.",
            )
            continue
        if name in FOREIGN:
            yield Finding(
                where,
                "is a variable of another role, so it does nothing here.",
                f"Use {FOREIGN[name]}. If another role of yours needs it, name it in "
                "preflight_own_variables.",
                # Without a beginning of ours, another role in the same inventory may need it.
                warning=not name.startswith(words.prefixes),
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
                "begins like the variables of this collection, but is none of them.",
                "Correct or remove it, or name it in preflight_own_variables if it is your own.",
                warning=name.startswith(EVERYDAY),
            )


@check("kinds")
def check_kinds(site: Site) -> Iterator[Finding]:
    """What Ansible found when it checked the variables against the roles' specs."""
    found: dict[str, list[str]] = {}
    for host in site.seen:
        for text in host.declared.get("argument_errors") or []:
            found.setdefault(str(text).rstrip("."), []).append(host.name)
    texts: dict[str, list[str]] = {}
    for host in site.seen:
        for name in host.declared.get("text_values") or []:
            texts.setdefault(str(name), []).append(host.name)
    for name, hosts in texts.items():
        yield Finding(
            site.where(name, hosts, site.seen),
            "is a text, but must be a list or a dictionary.",
            "Write it in a file of variables, or as JSON on the command line: "
            f'-e \'{{"{name}": ["one", "two"]}}\'.',
        )
    for text, hosts in found.items():
        yield Finding(
            site.where("variables", hosts, site.seen),
            f"{text}.",
            "Correct it; docs/roles describes each variable.",
        )
