# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the controller holds against what the hosts of a platform hold.

A controller that has lost its folder, has an old copy of it, or has that of another platform would
give all hosts new certificates and passwords. So before anything is written, each secret is
compared: `judge(Held, Shown)` gives the blockers, each under the name of the file it is about.

    lost     the platform has one, the file is not there
    other    the file holds what no host of the platform has: an old copy, or another platform's
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
    KIBANA_KEY,
    KIBANA_KEYS,
    KIBANA_SETTINGS,
    LOGSTASH,
    LOGSTASH_PIPELINE,
    ROTATION,
    TOKEN,
)

FETCH = "playbooks/fetch_secrets.yml"
AUTHORITY, AUTHORITY_KEY = "authority", "authority_key"
# The names of the blockers, which preflight_accept takes.
BLOCKERS = (AUTHORITY, AUTHORITY_KEY, ELASTIC, LOGSTASH, TOKEN, *KIBANA_KEYS, HASH_KEY)

# What happens when a secret that is lost for good is made again.
_NEW_ONE = {
    LOGSTASH: "Logstash then gets a new password and new tasks",
    TOKEN: "Kibana then gets a new token and new tasks",
    "kibana_encryption_key": "people then log in to Kibana again",
    "kibana_saved_objects_key": "what Kibana has encrypted in saved objects is lost then",
    "kibana_reporting_key": "reports that Kibana is making are lost then",
    HASH_KEY: "Logstash and Kibana then get new tasks, and nothing is lost",
}


@dataclass(frozen=True)
class Blocker:
    """One secret that does not fit, where, and the way back."""

    name: str
    where: str
    wrong: str
    remedy: str
    # Whether the operator may go on all the same.
    final: bool = False


@dataclass(frozen=True)
class Held:
    """What the controller has. Fingerprints of the file and, during a renewal, of those beside."""

    directory: str
    # Names whose values come from a variable, so that no file is made for them.
    given: frozenset[str] = frozenset()
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    # Public keys of the authorities, by the name of the file; none where it is not there.
    authorities: Mapping[str, Sequence[str]] = field(default_factory=dict)
    # Whether the authority is given by pki_ca_certificate, whose key stays where it is.
    own_authority: bool = False
    # Authorities whose key is there.
    signing: frozenset[str] = frozenset()
    # What the name of the certificate's config and of its key's secret would be, of Kibana.
    kibana_certificate: str = ""
    kibana_key: str = ""
    kibana: str = "kibana"
    logstash: str = "logshipper"


@dataclass(frozen=True)
class Shown:
    """What one host shows of a platform."""

    # Whether it remembers a cluster of Elasticsearch.
    remembers: bool = False
    authorities: Mapping[str, Sequence[str]] = field(default_factory=dict)
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    services: Sequence[str] = ()
    objects: Sequence[str] = ()


Hosts = Mapping[str, Shown]
Logins = Mapping[str, object]


def is_platform(hosts: Hosts) -> bool:
    return any(
        shown.remembers or shown.services or shown.fingerprints or any(shown.authorities.values())
        for shown in hosts.values()
    )


def judge(held: Held, hosts: Hosts, logins: Logins) -> list[Blocker]:
    """Every secret that does not fit. Without a platform there is nothing to compare with."""
    if not is_platform(hosts):
        return []
    return [
        *_authorities(held, hosts),
        *_elastic(held, hosts, logins),
        *_rendered(held, hosts, logins),
        *_hash_key(held, hosts),
    ]


def config_name(base: str, content: str) -> str:
    """The name of a Swarm config, as the module service makes it."""
    return f"{base}-{hashlib.sha256(content.encode('utf-8')).hexdigest()[:12]}"


def secret_name(base: str, content: str, key: str) -> str:
    """The name of a Swarm secret, as the module service makes it."""
    message = base.encode("utf-8") + b"\0" + content.encode("utf-8")
    return f"{base}-{hmac.new(key.encode('utf-8'), message, hashlib.sha256).hexdigest()[:12]}"


# The authorities ----------------------------------------------------------------------------------


def _authorities(held: Held, hosts: Hosts) -> Iterator[Blocker]:
    for name in AUTHORITIES:
        path = f"{held.directory}/{name}"
        ours = set(held.authorities.get(name, ()))
        having = [host for host, shown in hosts.items() if shown.authorities.get(name)]
        strangers = [host for host in having if not ours & set(hosts[host].authorities[name])]
        if not having:
            continue
        if not ours:
            yield Blocker(
                AUTHORITY,
                path,
                f"is not there, and {_listed(having)} trust{_s(having)} an authority of this "
                "platform. A new one would cut all nodes and clients off.",
                _way_back(held),
                final=True,
            )
        elif _most(strangers, having):
            yield Blocker(
                AUTHORITY,
                "pki_ca_certificate" if held.own_authority and name == "ca.crt" else path,
                f"is not an authority that {_listed(strangers)} trust{_s(strangers)}: the file is "
                "old, or of another platform. New certificates would cut all nodes and clients "
                "off.",
                "Put both certificates into that file, the one that the hosts trust above, and "
                "run site.yml: that is the first of three runs, see playbooks/rotate.yml."
                if held.own_authority and name == "ca.crt"
                else f"{_way_back(held)} Where the platform is another one, name its own folder "
                "in elk_local_dir, or its own hosts in the inventory.",
                final=True,
            )
        elif name not in held.signing and not (held.own_authority and name == "ca.crt"):
            key = f"{held.directory}/{name.removesuffix('.crt')}.key"
            yield Blocker(
                AUTHORITY_KEY,
                key,
                f"is not there, and nothing else can sign for the authority in {path}.",
                f"Bring it back from your copy of {held.directory}. If it is lost for good, "
                f"replace the authority: playbooks/rotate.yml -e rotate={_lost_kinds(held)} -e "
                "rotate_lost_ca_key=true.",
            )


def _lost_kinds(held: Held) -> str:
    """All that must be renewed together, because nothing can sign for it."""
    return ",".join(
        kind
        for name, kind in ROTATION.items()
        if held.authorities.get(name)
        and name not in held.signing
        and not (held.own_authority and name == "ca.crt")
    )


# The passwords and keys ---------------------------------------------------------------------------


def _elastic(held: Held, hosts: Hosts, logins: Logins) -> Iterator[Blocker]:
    path = f"{held.directory}/{ELASTIC}"
    having = [host for host, shown in hosts.items() if ELASTIC in shown.fingerprints]
    used = [host for host, shown in hosts.items() if shown.remembers or shown.services]
    if ELASTIC in held.given:
        if logins.get(ELASTIC) is False:
            yield Blocker(
                ELASTIC,
                "elk_elastic_password",
                "is refused by Elasticsearch.",
                "Set it to the present password of the user elastic.",
            )
        return
    if not held.values.get(ELASTIC):
        if having:
            yield Blocker(
                ELASTIC,
                path,
                f"is not there, and {_listed(having)} {_has(having)} the password of this platform "
                f"in {ELASTIC_ON_HOST}.",
                _way_back(held),
                final=True,
            )
        elif used:
            yield Blocker(
                ELASTIC,
                path,
                f"is not there, and Elasticsearch on {_listed(used)} has a password for the user "
                "elastic already. No host has it.",
                f"Bring {held.directory} back from your copy. If it is lost for good, set a new "
                "one in a container of Elasticsearch that runs, with "
                "bin/elasticsearch-reset-password -u elastic, and write it into that file.",
                final=True,
            )
        return
    if logins.get(ELASTIC) is True:
        return
    strangers = [
        host for host in having if hosts[host].fingerprints[ELASTIC] not in held.values[ELASTIC]
    ]
    # A cluster that is about to form refuses everybody.
    if logins.get(ELASTIC) is False and any(shown.remembers for shown in hosts.values()):
        yield Blocker(
            ELASTIC,
            path,
            "is refused by Elasticsearch: it is old, of another platform, or was changed in "
            "Elasticsearch.",
            f"{_way_back(held)} If you have changed it in Elasticsearch, write that password into "
            "the file.",
        )
    elif _most(strangers, having):
        yield Blocker(
            ELASTIC,
            path,
            f"holds another password than {_listed(strangers)}: it is old, or of another platform.",
            _way_back(held),
        )


def _rendered(held: Held, hosts: Hosts, logins: Logins) -> Iterator[Blocker]:
    """What is in files that Swarm has given to Logstash and Kibana."""
    for name in (LOGSTASH, TOKEN, *KIBANA_KEYS):
        if name in held.given:
            continue
        path = f"{held.directory}/{name}"
        service, rendered = (
            (held.logstash, LOGSTASH_PIPELINE)
            if name == LOGSTASH
            else (held.kibana, KIBANA_SETTINGS)
        )
        having = [host for host, shown in hosts.items() if name in shown.fingerprints]
        listing = [
            host
            for host, shown in hosts.items()
            if any(_is_named(found, f"{service}-{rendered}") for found in shown.objects)
        ]
        ours = held.values.get(name, ())
        fitting = [host for host in having if hosts[host].fingerprints[name] in ours]
        if not ours and (having or listing):
            showing = having or listing
            yield Blocker(
                name,
                path,
                f"is not there, and the service {service} of this platform has one "
                f"({_listed(showing)}).",
                f"{_way_back(held)} {_accept(name)}",
            )
        # A refused login is no sign: a run corrects what was changed in Elasticsearch by hand.
        elif ours and logins.get(name) is not True and having and not fitting:
            yield Blocker(
                name,
                path,
                f"is not what the service {service} of this platform has ({_listed(having)}): it "
                "is old, or of another platform.",
                f"{_way_back(held)} {_accept(name)}",
            )


def _hash_key(held: Held, hosts: Hosts) -> Iterator[Blocker]:
    if HASH_KEY in held.given:
        return
    path = f"{held.directory}/{HASH_KEY}"
    objects = {name: host for host, shown in hosts.items() for name in shown.objects}
    rendered = (f"{held.kibana}-{KIBANA_KEY}", f"{held.logstash}-{LOGSTASH_PIPELINE}")
    named = [name for name in objects if any(_is_named(name, base) for base in rendered)]
    if not named:
        return
    if not held.values.get(HASH_KEY):
        yield Blocker(
            HASH_KEY,
            path,
            f"is not there, and the names of Swarm secrets carry it ({objects[named[0]]} lists "
            f"{named[0]}).",
            f"Bring {held.directory} back from your copy; no host has it. {_accept(HASH_KEY)}",
        )
    # Only where Kibana runs with the certificate that is here can the name of its key be compared.
    # A run that was killed while it gave Kibana another one may have left two.
    certificates = [name for name in objects if _is_named(name, f"{held.kibana}-certificate")]
    keys = [name for name in objects if _is_named(name, f"{held.kibana}-{KIBANA_KEY}")]
    if (
        held.values.get(HASH_KEY)
        and certificates == [held.kibana_certificate]
        and keys
        and held.kibana_key
        and held.kibana_key not in keys
    ):
        host = objects[held.kibana_certificate]
        yield Blocker(
            HASH_KEY,
            path,
            f"is not the one in the names of Swarm secrets: {host} lists no {held.kibana_key}.",
            f"Bring {held.directory} back from your copy; no host has it. {_accept(HASH_KEY)}",
        )


def _most(strangers: Sequence[str], having: Sequence[str]) -> bool:
    """Whether it is this controller that is wrong, and not a few hosts that were away."""
    return bool(having) and 2 * len(strangers) >= len(having)


# Words --------------------------------------------------------------------------------------------


def _is_named(name: str, base: str) -> bool:
    head, _dash, digest = name.rpartition("-")
    return head == base and len(digest) == 12


def _way_back(held: Held) -> str:
    return (
        f"Bring {held.directory} back from your copy, or fetch what the hosts still have: "
        f"ansible-playbook {FETCH}."
    )


def _accept(name: str) -> str:
    return (
        f'If it is lost for good, make a new one: -e \'{{"preflight_accept": ["{name}"]}}\'; '
        f"{_NEW_ONE[name]}."
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def _s(names: Sequence[str]) -> str:
    return "s" if len(names) == 1 else ""


def _has(names: Sequence[str]) -> str:
    return "has" if len(names) == 1 else "have"
