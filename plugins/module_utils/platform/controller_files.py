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
    config_name,
    secret_name,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.secrets import (
    AUTHORITIES,
    ELASTIC,
    HASH_KEY,
    KIBANA_KEY,
    KIBANA_KEYS,
    LOGSTASH,
    TOKEN,
    certificate_keys,
    fingerprint,
)
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
    token_file: str = "",
    kibana: str,
    logstash: str,
) -> ControllerSecrets:
    """The secrets of the controller, as fingerprints."""
    values = {}
    for name in (ELASTIC, LOGSTASH, TOKEN, *KIBANA_KEYS, HASH_KEY):
        path = token_file if name == TOKEN and token_file else f"{directory}/{name}"
        values[name] = tuple(fingerprint(value, salt) for value in stored_values(Path(path)))
    authorities = {
        name: tuple(
            key for stage in STAGES for key in certificate_keys(_text(f"{directory}/{name}{stage}"))
        )
        for name in AUTHORITIES
    }
    if own_authority:
        authorities["ca.crt"] = certificate_keys(_text(own_authority))
    certificate, key = (_text(f"{directory}/certs/kibana.{end}") for end in ("crt", "key"))
    if key_state(certificate, f"{directory}/certs/kibana.key") != "fits":
        # A run was killed after it wrote the new key and before its certificate.
        key = ""
    hash_key = read(Path(f"{directory}/{HASH_KEY}"))
    return ControllerSecrets(
        directory=directory,
        given=frozenset(given),
        values=values,
        authorities=authorities,
        own_authority=bool(own_authority),
        signing=frozenset(
            name for name in AUTHORITIES if _text(f"{directory}/{name.removesuffix('.crt')}.key")
        ),
        kibana_certificate=config_name(f"{kibana}-certificate", certificate) if certificate else "",
        kibana_key=secret_name(f"{kibana}-{KIBANA_KEY}", key, hash_key) if key and hash_key else "",
        kibana=kibana,
        logstash=logstash,
    )


def host_authorities(files: Mapping[str, object], config_dir: str) -> dict[str, Sequence[str]]:
    """Public keys of the authorities that a host trusts, from the files of its survey."""
    return {
        name: certificate_keys(str(files.get(f"{config_dir}/pki/{name}") or ""))
        for name in AUTHORITIES
    }
