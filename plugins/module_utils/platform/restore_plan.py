# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which secrets a controller can get back from the hosts of its platform, and which are lost.

Pure: what hosts have and what the controller has goes in, what to write comes out. A file that is
there is never written again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.elk.swarm.plugins.module_utils.platform.controller_secrets import BLOCKERS
from ansible_collections.elk.swarm.plugins.module_utils.platform.secrets import (
    AUTHORITIES,
    ELASTIC,
    FORMER_KEYS,
    HASH_KEY,
    KIBANA_KEYS,
    LOGSTASH,
    PENDING,
    ROTATION,
    TOKEN,
    certificate_keys,
    first_certificate,
)

_TEXTS = (ELASTIC, LOGSTASH, TOKEN, *KIBANA_KEYS, FORMER_KEYS)
# Made again by the next run when they are not there, without any harm.
_CERTS = "certs/"
_ENDINGS = ("crt", "key")


@dataclass(frozen=True)
class Present:
    """What the controller has: all values of a file, with those beside it during a renewal."""

    values: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    given: frozenset[str] = frozenset()
    own_authority: bool = False


@dataclass(frozen=True)
class Plan:
    """What is written, what is there already, what hinders it, and what no host has."""

    write: Mapping[str, str] = field(default_factory=dict, repr=False)
    sources: Mapping[str, str] = field(default_factory=dict)
    kept: Sequence[str] = ()
    blockers: Sequence[str] = ()
    lost: Sequence[str] = ()


def plan(found: Mapping[str, Mapping[str, str]], present: Present) -> Plan:
    """The way from what the controller has to what the platform has."""
    found = {host: _settled(files) for host, files in found.items()}
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
                    f"{name} holds another value than {host}. If the platform of these hosts is "
                    f"meant, move the file away and run this again"
                )
        elif not host:
            blockers.append(
                f"{name} is not the same on {', '.join(holders)}. Bring back your copy, or take "
                "out of the inventory the hosts that are of another platform"
            )
        elif not _half_of_another(name, found[host], present):
            write[name], sources[name] = text, host
    there = {*write, *kept, *present.given, *(n for n, v in present.values.items() if v)}
    return Plan(write, sources, kept, blockers, tuple(_lost(there, names, present)))


def _settled(files: Mapping[str, str]) -> Mapping[str, str]:
    """While nodes change over, each file of a host holds both authorities, its own one first."""
    keys = [set(certificate_keys(files.get(name, ""))) for name in AUTHORITIES]
    if not set.intersection(*keys):
        return files
    own = {name: first_certificate(files[name]) for name in AUTHORITIES}
    return {**files, **own, PENDING: "Nodes change over. playbooks/site.yml ends that.\n"}


def _choose(name: str, holders: Mapping[str, str]) -> tuple[str, str]:
    """The host whose text counts; none where hosts do not agree.

    Not even a file with more authorities counts: a host in foreign hands could add its own.
    """
    host, text = next(iter(holders.items()))
    if name in AUTHORITIES and any(
        one.count("-----BEGIN") != len(certificate_keys(one)) for one in holders.values()
    ):
        # Other programs may read in it what is not seen here.
        return "", ""
    seen = {certificate_keys(text) if name in AUTHORITIES else text for text in holders.values()}
    return (host, text) if len(seen) == 1 else ("", "")


def may_give(host: str, name: str) -> bool:
    """Whether a host may give a file of this name: its own, and what it shares with others."""
    own = [f"{_CERTS}{base}.{end}" for base in (host, f"{host}.transport") for end in _ENDINGS]
    kibana = [f"{_CERTS}kibana.{end}" for end in _ENDINGS]
    return name in (*AUTHORITIES, *_TEXTS, *own, *kibana)


def _fits(name: str, text: str, ours: Sequence[str]) -> bool:
    if name in AUTHORITIES:
        keys = {key for value in ours for key in certificate_keys(value)}
        return bool(keys & set(certificate_keys(text)))
    # A certificate that was renewed on the controller only reaches its host by the next run.
    if name.startswith(_CERTS) or name == FORMER_KEYS:
        return True
    return text.rstrip("\n") in [value.rstrip("\n") for value in ours]


def _half_of_another(name: str, files: Mapping[str, str], present: Present) -> bool:
    """Whether the controller has the other half of a certificate and its key, and not this one."""
    if not name.startswith(_CERTS):
        return False
    base, _dot, ending = name.rpartition(".")
    other = f"{base}.{'key' if ending == 'crt' else 'crt'}"
    ours = present.values.get(other, ())
    return bool(ours) and files.get(other) not in ours


def _lost(there: set[str], found: Mapping[str, object], present: Present) -> Iterator[str]:
    for authority in AUTHORITIES:
        own = present.own_authority and authority == "ca.crt"
        # An older platform has no authority for transport.
        if own or (authority == "transport-ca.crt" and authority not in {*there, *found}):
            continue
        for name in (authority, f"{authority.removesuffix('.crt')}.key"):
            if name not in there:
                yield name
    for name in (*_TEXTS, HASH_KEY):
        if name not in there and name != FORMER_KEYS:
            yield name


def next_steps(lost: Sequence[str], directory: str) -> list[str]:
    """What to type, in this order, for what no host has."""
    steps: list[str] = []
    accepted = [name for name in lost if name in BLOCKERS and name != ELASTIC]
    accept = (
        '-e \'{"preflight_accept": [' + ", ".join(f'"{name}"' for name in accepted) + "]}'"
        if accepted
        else ""
    )
    if ELASTIC in lost:
        steps.append(
            f"{ELASTIC}: set a new one in a container of Elasticsearch that runs, with "
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
