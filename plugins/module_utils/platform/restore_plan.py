# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans which secrets a controller gets back from the hosts of its platform, and which are lost.

Pure: compares the files of the hosts with those of the controller and returns what to write. It
never overwrites a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.elk.swarm.plugins.module_utils.platform.secrets import (
    AUTHORITIES,
    ELASTIC,
    FORMER_KEYS,
    HASH_KEY,
    PENDING,
    ROTATION,
    certificate_keys,
    first_certificate,
)

# The next run makes missing certificates again, without harm.
_CERTS = "certs/"
_ENDINGS = ("crt", "key")


@dataclass(frozen=True)
class Present:
    """What the controller has: all values of a file, and of the files beside it in a rotation."""

    values: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    # The names of the credentials that services have.
    credentials: Sequence[str] = ()
    given: frozenset[str] = frozenset()
    own_authority: bool = False


@dataclass(frozen=True)
class Plan:
    """What to write, what exists already, the blockers, and what no host has."""

    write: Mapping[str, str] = field(default_factory=dict, repr=False)
    sources: Mapping[str, str] = field(default_factory=dict)
    kept: Sequence[str] = ()
    blockers: Sequence[str] = ()
    lost: Sequence[str] = ()


def plan(files_by_host: Mapping[str, Mapping[str, str]], present: Present) -> Plan:
    """Plan the files that the controller needs to match the platform."""
    found = {host: _one_authority_each(files) for host, files in files_by_host.items()}
    write: dict[str, str] = {}
    sources: dict[str, str] = {}
    kept: list[str] = []
    blockers: list[str] = []
    names = dict.fromkeys(name for files in found.values() for name in files)
    for name in names:
        if name in present.given or (name == "ca.crt" and present.own_authority):
            continue
        holders = {host: files[name] for host, files in found.items() if name in files}
        host, text = _choose(name, holders)
        ours = present.values.get(name, ())
        if ours:
            kept.append(name)
            if not _fits(name, text, ours):
                blockers.append(
                    f"{name} holds another value than {host}. If you mean the platform of these "
                    "hosts, move the file away and run this again"
                )
        elif not host:
            blockers.append(
                f"{name} is not the same on {', '.join(holders)}. Restore your copy, or remove "
                "the hosts of another platform from the inventory"
            )
        elif not _pair_differs(name, found[host], present):
            write[name], sources[name] = text, host
    there = {*write, *kept, *present.given, *(n for n, v in present.values.items() if v)}
    return Plan(write, sources, kept, blockers, tuple(_lost(there, names, present)))


def _one_authority_each(files: Mapping[str, str]) -> Mapping[str, str]:
    """While nodes change authorities each file holds both, its own first: take only that one."""
    keys = [set(certificate_keys(files.get(name, ""))) for name in AUTHORITIES]
    if not set.intersection(*keys):
        return files
    own = {name: first_certificate(files[name]) for name in AUTHORITIES}
    return {**files, **own, PENDING: "Nodes change over. playbooks/site.yml ends that.\n"}


def _choose(name: str, holders: Mapping[str, str]) -> tuple[str, str]:
    """The host and its text; empty if the hosts do not agree.

    A file with more authorities is no agreement either: a hostile host could add its own.
    """
    host, text = next(iter(holders.items()))
    if name in AUTHORITIES and any(
        one.count("-----BEGIN") != len(certificate_keys(one)) for one in holders.values()
    ):
        # Other programs may read certificates in it that this code does not see.
        return "", ""
    seen = {certificate_keys(text) if name in AUTHORITIES else text for text in holders.values()}
    return (host, text) if len(seen) == 1 else ("", "")


def may_give(host: str, name: str, credentials: Sequence[str], certificates: Sequence[str]) -> bool:
    """Whether a host may give a file of this name: its own files, and those that hosts share."""
    bases = (host, f"{host}.transport", *certificates)
    files = [f"{_CERTS}{base}.{end}" for base in bases for end in _ENDINGS]
    return name in (*AUTHORITIES, ELASTIC, *credentials, FORMER_KEYS, *files)


def _fits(name: str, text: str, ours: Sequence[str]) -> bool:
    if name in AUTHORITIES:
        keys = {key for value in ours for key in certificate_keys(value)}
        return bool(keys & set(certificate_keys(text)))
    # A certificate renewed on the controller reaches its host only with the next run.
    if name.startswith(_CERTS) or name == FORMER_KEYS:
        return True
    return text.rstrip("\n") in [value.rstrip("\n") for value in ours]


def _pair_differs(name: str, files: Mapping[str, str], present: Present) -> bool:
    """Whether this half of a certificate and key does not fit the other half on the controller."""
    if not name.startswith(_CERTS):
        return False
    base, _dot, ending = name.rpartition(".")
    other = f"{base}.{'key' if ending == 'crt' else 'crt'}"
    ours = present.values.get(other, ())
    return bool(ours) and files.get(other) not in ours


def _lost(there: set[str], found: Mapping[str, object], present: Present) -> Iterator[str]:
    for authority in AUTHORITIES:
        own = present.own_authority and authority == "ca.crt"
        # An older platform has no separate authority for transport.
        if own or (authority == "transport-ca.crt" and authority not in {*there, *found}):
            continue
        for name in (authority, f"{authority.removesuffix('.crt')}.key"):
            if name not in there:
                yield name
    for name in (ELASTIC, *present.credentials, HASH_KEY):
        if name not in there:
            yield name


def next_steps(lost: Sequence[str], directory: str, credentials: Sequence[str]) -> list[str]:
    """The commands, in order, for what no host has."""
    steps: list[str] = []
    accepted = [name for name in lost if name in (*credentials, HASH_KEY)]
    accept = (
        '-e \'{"preflight_accept": [' + ", ".join(f'"{name}"' for name in accepted) + "]}'"
        if accepted
        else ""
    )
    if ELASTIC in lost:
        steps.append(
            f"{ELASTIC}: set a new one in a running container of Elasticsearch, with "
            f"bin/elasticsearch-reset-password -u elastic, and write it into {directory}/{ELASTIC}."
        )
    kinds = [kind for file, kind in ROTATION.items() if file.replace(".crt", ".key") in lost]
    if kinds:
        steps.append(
            "Replace the authority, because nothing can sign for it any more: ansible-playbook "
            + " ".join(
                filter(
                    None,
                    (
                        f"playbooks/rotate.yml -e rotate={','.join(kinds)}",
                        "-e rotate_lost_ca_key=true",
                        accept,
                    ),
                )
            )
        )
        accept = ""
    steps.append(" ".join(filter(None, ("ansible-playbook site.yml", accept))))
    return steps
