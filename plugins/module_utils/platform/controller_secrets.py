# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares the secrets of the controller with those of the hosts of a platform.

A controller that has lost its folder, or has an old copy or that of another platform, would give
all hosts new certificates and passwords. So `find_blockers` compares each secret before anything is
written. A blocker has the name of the file that it is about.

    lost     the platform has the secret, and the file does not exist
    other    no host has what is in the file: it is old, or of another platform
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.elk.swarm.plugins.module_utils.platform.secrets import (
    AUTHORITIES,
    ELASTIC,
    ELASTIC_ON_HOST,
    HASH_KEY,
    ROTATION,
)

FETCH = "playbooks/fetch_secrets.yml"
AUTHORITY, AUTHORITY_KEY = "authority", "authority_key"
# Names of the blockers, as preflight_accept takes them. Those of credentials have their names.
BLOCKERS = (AUTHORITY, AUTHORITY_KEY, ELASTIC, HASH_KEY)


@dataclass(frozen=True)
class Blocker:
    """One secret that does not match, its place, and the remedy."""

    name: str
    where: str
    wrong: str
    remedy: str
    # Whether preflight_accept cannot accept it.
    final: bool = False


@dataclass(frozen=True)
class ServedCredential:
    """A credential in a Swarm secret, which a service gets."""

    name: str
    # Of its file on the controller.
    path: str
    # The service in messages, and its name in the swarm.
    title: str
    service: str
    # What the name of the Swarm secret begins with.
    secret: str
    # What happens when a new one replaces one that is lost for good.
    renewal: str


@dataclass(frozen=True)
class ServedCertificate:
    """A certificate in a Swarm config, and its key in a Swarm secret."""

    title: str
    # What their names begin with.
    config: str
    secret: str
    # The names that they should have; empty if the controller lacks the files.
    config_name: str = ""
    secret_name: str = ""


@dataclass(frozen=True)
class ControllerSecrets:
    """Fingerprints of the controller's files and, during a rotation, of the files beside them."""

    directory: str
    # Names whose values come from a variable, so they have no file.
    given: frozenset[str] = frozenset()
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    # Public keys of the authorities, by file name; empty where the file does not exist.
    authorities: Mapping[str, Sequence[str]] = field(default_factory=dict)
    # Whether pki_ca_certificate gives the authority, whose key is then elsewhere.
    own_authority: bool = False
    # Authorities whose key the controller has.
    signing: frozenset[str] = frozenset()
    credentials: Sequence[ServedCredential] = ()
    certificates: Sequence[ServedCertificate] = ()


@dataclass(frozen=True)
class HostSecrets:
    """What one host has of a platform."""

    # Whether it has the note of an Elasticsearch cluster.
    remembers: bool = False
    authorities: Mapping[str, Sequence[str]] = field(default_factory=dict)
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    services: Sequence[str] = ()
    objects: Sequence[str] = ()


Hosts = Mapping[str, HostSecrets]
Logins = Mapping[str, object]


def is_platform(hosts: Hosts) -> bool:
    return any(
        secrets.remembers
        or secrets.services
        or secrets.fingerprints
        or any(secrets.authorities.values())
        for secrets in hosts.values()
    )


def find_blockers(controller: ControllerSecrets, hosts: Hosts, logins: Logins) -> list[Blocker]:
    """All secrets that do not match. Without a platform there is nothing to compare."""
    if not is_platform(hosts):
        return []
    return [
        *_authorities(controller, hosts),
        *_elastic(controller, hosts, logins),
        *_rendered(controller, hosts, logins),
        *_hash_key(controller, hosts),
    ]


def config_name(base: str, content: str) -> str:
    """The name of a Swarm config, as the module service makes it."""
    return f"{base}-{hashlib.sha256(content.encode('utf-8')).hexdigest()[:12]}"


def secret_name(base: str, content: str, key: str) -> str:
    """The name of a Swarm secret, as the module service makes it."""
    message = base.encode("utf-8") + b"\0" + content.encode("utf-8")
    return f"{base}-{hmac.new(key.encode('utf-8'), message, hashlib.sha256).hexdigest()[:12]}"


# The authorities ----------------------------------------------------------------------------------


def _authorities(controller: ControllerSecrets, hosts: Hosts) -> Iterator[Blocker]:
    for name in AUTHORITIES:
        path = f"{controller.directory}/{name}"
        ours = set(controller.authorities.get(name, ()))
        holders = [host for host, secrets in hosts.items() if secrets.authorities.get(name)]
        strangers = [host for host in holders if not ours & set(hosts[host].authorities[name])]
        if not holders:
            continue
        if not ours:
            yield Blocker(
                AUTHORITY,
                path,
                f"is not there, and {_listed(holders)} trust{_s(holders)} an authority of this "
                "platform. A new one would cut off all nodes and clients.",
                _remedy(controller),
                final=True,
            )
        elif _most(strangers, holders):
            yield Blocker(
                AUTHORITY,
                "pki_ca_certificate" if controller.own_authority and name == "ca.crt" else path,
                f"is not an authority that {_listed(strangers)} trust{_s(strangers)}: the file is "
                "old, or of another platform. New certificates would cut off all nodes and "
                "clients.",
                "Put both certificates into that file, the one that the hosts trust first, and "
                "run site.yml. That is the first of three runs, see playbooks/rotate.yml."
                if controller.own_authority and name == "ca.crt"
                else f"{_remedy(controller)} If you mean another platform, set elk_local_dir to "
                "its folder, or use an inventory with its hosts.",
                final=True,
            )
        elif name not in controller.signing and not (controller.own_authority and name == "ca.crt"):
            key = f"{controller.directory}/{name.removesuffix('.crt')}.key"
            yield Blocker(
                AUTHORITY_KEY,
                key,
                f"is not there, and nothing else can sign for the authority in {path}.",
                f"Restore it from your copy of {controller.directory}. If it is lost for good, "
                f"replace the authority: playbooks/rotate.yml -e rotate={_lost_kinds(controller)} "
                "-e rotate_lost_ca_key=true.",
            )


def _lost_kinds(controller: ControllerSecrets) -> str:
    """All authorities without a key, which must be replaced together."""
    return ",".join(
        kind
        for name, kind in ROTATION.items()
        if controller.authorities.get(name)
        and name not in controller.signing
        and not (controller.own_authority and name == "ca.crt")
    )


# The passwords and keys ---------------------------------------------------------------------------


def _elastic(controller: ControllerSecrets, hosts: Hosts, logins: Logins) -> Iterator[Blocker]:
    path = f"{controller.directory}/{ELASTIC}"
    holders = [host for host, secrets in hosts.items() if ELASTIC in secrets.fingerprints]
    used = [host for host, secrets in hosts.items() if secrets.remembers or secrets.services]
    if ELASTIC in controller.given:
        if logins.get(ELASTIC) is False:
            yield Blocker(
                ELASTIC,
                "elk_elastic_password",
                "is refused by Elasticsearch.",
                "Set it to the present password of the user elastic.",
            )
        return
    if not controller.values.get(ELASTIC):
        if holders:
            yield Blocker(
                ELASTIC,
                path,
                f"is not there, and {_listed(holders)} {_has(holders)} the password of this "
                f"platform in {ELASTIC_ON_HOST}.",
                _remedy(controller),
                final=True,
            )
        elif used:
            yield Blocker(
                ELASTIC,
                path,
                f"is not there, and Elasticsearch on {_listed(used)} has a password for the user "
                "elastic already. No host has it.",
                f"Restore {controller.directory} from your copy. If it is lost for good, set a new "
                "one in a running container of Elasticsearch, with "
                "bin/elasticsearch-reset-password -u elastic, and write it into that file.",
                final=True,
            )
        return
    if logins.get(ELASTIC) is True:
        return
    strangers = [
        host
        for host in holders
        if hosts[host].fingerprints[ELASTIC] not in controller.values[ELASTIC]
    ]
    # A cluster that is still forming refuses all logins.
    if logins.get(ELASTIC) is False and any(secrets.remembers for secrets in hosts.values()):
        yield Blocker(
            ELASTIC,
            path,
            "is refused by Elasticsearch: it is old, of another platform, or was changed in "
            "Elasticsearch.",
            f"{_remedy(controller)} If you have changed it in Elasticsearch, write that password "
            "into the file.",
        )
    elif _most(strangers, holders):
        yield Blocker(
            ELASTIC,
            path,
            f"holds another password than {_listed(strangers)}: it is old, or of another platform.",
            _remedy(controller),
        )


def _rendered(controller: ControllerSecrets, hosts: Hosts, logins: Logins) -> Iterator[Blocker]:
    """The secrets in the files that Swarm gives to services."""
    for credential in controller.credentials:
        name, path, service = credential.name, credential.path, credential.service
        if name in controller.given:
            continue
        holders = [host for host, secrets in hosts.items() if name in secrets.fingerprints]
        listing = [
            host
            for host, secrets in hosts.items()
            if any(_is_named(found, credential.secret) for found in secrets.objects)
        ]
        ours = controller.values.get(name, ())
        fitting = [host for host in holders if hosts[host].fingerprints[name] in ours]
        if not ours and (holders or listing):
            evidence = holders or listing
            yield Blocker(
                name,
                path,
                f"is not there, and the service {service} of this platform has one "
                f"({_listed(evidence)}).",
                f"{_remedy(controller)} {_accept(name, credential.renewal)}",
            )
        # A refused login proves nothing: a run resets what was changed in Elasticsearch by hand.
        elif ours and logins.get(name) is not True and holders and not fitting:
            yield Blocker(
                name,
                path,
                f"is not what the service {service} of this platform has ({_listed(holders)}): it "
                "is old, or of another platform.",
                f"{_remedy(controller)} {_accept(name, credential.renewal)}",
            )


def _hash_key(controller: ControllerSecrets, hosts: Hosts) -> Iterator[Blocker]:
    if HASH_KEY in controller.given:
        return
    path = f"{controller.directory}/{HASH_KEY}"
    objects = {name: host for host, secrets in hosts.items() for name in secrets.objects}
    served: list[ServedCredential | ServedCertificate] = [
        *controller.credentials,
        *controller.certificates,
    ]
    titles = dict.fromkeys(one.title for one in served)
    effect = f"{' and '.join(titles)} then get new tasks, and nothing is lost"
    accept = _accept(HASH_KEY, effect)
    rendered = [one.secret for one in served]
    named = [name for name in objects if any(_is_named(name, base) for base in rendered)]
    if not named:
        return
    if not controller.values.get(HASH_KEY):
        yield Blocker(
            HASH_KEY,
            path,
            f"is not there, and the names of Swarm secrets depend on it ({objects[named[0]]} lists "
            f"{named[0]}).",
            f"Restore {controller.directory} from your copy; no host has it. {accept}",
        )
        return
    # The name of the key can be compared only if the service runs with the controller's
    # certificate. A run that was killed while it changed the certificate may have left two.
    for one in controller.certificates:
        certificates = [name for name in objects if _is_named(name, one.config)]
        keys = [name for name in objects if _is_named(name, one.secret)]
        shown = certificates == [one.config_name] and keys and one.secret_name
        if shown and one.secret_name not in keys:
            yield Blocker(
                HASH_KEY,
                path,
                f"is not the key in the names of Swarm secrets: {objects[one.config_name]} lists "
                f"no {one.secret_name}.",
                f"Restore {controller.directory} from your copy; no host has it. {accept}",
            )
            return


def _most(strangers: Sequence[str], holders: Sequence[str]) -> bool:
    """Whether the controller is wrong, and not just a few hosts that were away."""
    return bool(holders) and 2 * len(strangers) >= len(holders)


# Words --------------------------------------------------------------------------------------------


def _is_named(name: str, base: str) -> bool:
    head, _dash, digest = name.rpartition("-")
    return head == base and len(digest) == 12


def _remedy(controller: ControllerSecrets) -> str:
    return (
        f"Restore {controller.directory} from your copy, or fetch what the hosts still have: "
        f"ansible-playbook {FETCH}."
    )


def _accept(name: str, effect: str) -> str:
    return (
        f'If it is lost for good, make a new one: -e \'{{"preflight_accept": ["{name}"]}}\'; '
        f"{effect}."
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def _s(names: Sequence[str]) -> str:
    return "s" if len(names) == 1 else ""


def _has(names: Sequence[str]) -> str:
    return "has" if len(names) == 1 else "have"
