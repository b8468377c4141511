# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the secrets that the controller holds of a platform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ansible_collections.elk.swarm.plugins.module_utils.controller.local_secret import (
    SecretError,
    read,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.controller_secrets import (
    ControllerSecrets,
    ServedCertificate,
    ServedCredential,
    config_name,
    secret_name,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.secrets import (
    AUTHORITIES,
    ELASTIC,
    HASH_KEY,
    certificate_keys,
    fingerprint,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.service_settings import (
    ServiceSettings,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.services import Certificate
from ansible_collections.elk.swarm.plugins.module_utils.platform.tls_trust import key_state

# Suffixes of the file and of those beside it during a rotation.
STAGES = ("", ".next", ".former")


def stored_values(path: Path) -> list[str]:
    """The value of a file, and of those beside it during a rotation."""
    found = (read(path.with_name(path.name + stage)) for stage in STAGES)
    return [value for value in found if value is not None]


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise SecretError(f"{path} cannot be read: {error}.") from error


def read_controller(
    directory: str,
    *,
    salt: str,
    given: Sequence[str] = (),
    own_authority: str = "",
    services: Sequence[ServiceSettings] = (),
) -> ControllerSecrets:
    """The secrets of the controller, as fingerprints."""
    credentials = [
        ServedCredential(
            name=one.name,
            path=one.file or f"{directory}/{one.name}",
            title=service.title,
            service=service.service,
            secret=one.secret,
            renewal=one.renewal,
        )
        for service in services
        for one in service.credentials
    ]
    paths = {name: f"{directory}/{name}" for name in (ELASTIC, HASH_KEY)}
    values = {
        name: tuple(fingerprint(value, salt) for value in stored_values(Path(path)))
        for name, path in {**paths, **{one.name: one.path for one in credentials}}.items()
    }
    authorities = {
        name: tuple(
            key for stage in STAGES for key in certificate_keys(_text(f"{directory}/{name}{stage}"))
        )
        for name in AUTHORITIES
    }
    if own_authority:
        authorities["ca.crt"] = certificate_keys(_text(own_authority))
    hash_key = read(Path(f"{directory}/{HASH_KEY}")) or ""
    return ControllerSecrets(
        directory=directory,
        given=frozenset(given),
        values=values,
        authorities=authorities,
        own_authority=bool(own_authority),
        signing=frozenset(
            name for name in AUTHORITIES if _text(f"{directory}/{name.removesuffix('.crt')}.key")
        ),
        credentials=credentials,
        certificates=[
            _served(directory, service.title, one, hash_key)
            for service in services
            for one in service.certificates
            if one.config and one.secret
        ],
    )


def _served(directory: str, title: str, held: Certificate, hash_key: str) -> ServedCertificate:
    certificate, key = (_text(f"{directory}/certs/{held.name}.{end}") for end in ("crt", "key"))
    if key_state(certificate, f"{directory}/certs/{held.name}.key") != "fits":
        # A run was killed after it wrote the new key and before its certificate.
        key = ""
    return ServedCertificate(
        title,
        held.config,
        held.secret,
        config_name(held.config, certificate) if certificate else "",
        secret_name(held.secret, key, hash_key) if key and hash_key else "",
    )


def host_authorities(files: Mapping[str, object], config_dir: str) -> dict[str, Sequence[str]]:
    """Public keys of the authorities that a host trusts, from the files of its survey."""
    return {
        name: certificate_keys(str(files.get(f"{config_dir}/pki/{name}") or ""))
        for name in AUTHORITIES
    }
