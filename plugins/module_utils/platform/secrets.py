# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The secrets of a platform: their names, and how to read them out of rendered files.

They are compared by fingerprints, so that no output holds a value. Everything here is pure:
secrets_survey reads the files of hosts, controller_files those of the controller.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ELASTIC = "elastic_password"
LOGSTASH = "logstash_password"
TOKEN = "kibana_token"
FORMER_KEYS = "kibana_former_saved_objects_keys"
HASH_KEY = "secret_hash_key"

# The file on a host from which the first start of Elasticsearch takes its password.
ELASTIC_ON_HOST = "elasticsearch/secrets/elastic_password"
# Authorities that hosts trust. Each file may hold two certificates during a rotation.
AUTHORITIES = ("ca.crt", "transport-ca.crt")
# Exists while nodes change over to the authority for transport and hosts trust both.
PENDING = "transport-ca.pending"
# The name of each in playbooks/rotate.yml.
ROTATION = {"ca.crt": "ca", "transport-ca.crt": "transport_ca"}

# Guessing a short password of an operator must cost time; ours have 32 random characters.
_ROUNDS = 50_000

_SETTINGS = {
    "elasticsearch.serviceAccountToken": TOKEN,
    "xpack.security.encryptionKey": "kibana_encryption_key",
    "xpack.encryptedSavedObjects.encryptionKey": "kibana_saved_objects_key",
    "xpack.reporting.encryptionKey": "kibana_reporting_key",
}
_FORMER_SETTING = "xpack.encryptedSavedObjects.keyRotation.decryptionOnlyKeys"
_PASSWORD = re.compile(r"^\s*password => ([\"'])(.+)\1\s*$", re.MULTILINE)
_CERTIFICATE = re.compile(
    r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL | re.ASCII
)

_SEQUENCE, _VERSION = 0x30, 0xA0


def fingerprint(value: str, salt: str) -> str:
    """Equal for equal value and salt; does not help to guess the value."""
    made = hashlib.pbkdf2_hmac("sha256", value.encode("utf-8"), salt.encode("utf-8"), _ROUNDS)
    return made.hex()[:32]


def rendered_secrets(text: str) -> dict[str, str]:
    """The secrets in a file that the roles kibana and logstash render; empty for other files."""
    found: dict[str, str] = {}
    if "elasticsearch.serviceAccountToken:" in text:
        for setting, name in _SETTINGS.items():
            line = re.search(rf"^{re.escape(setting)}: (.+)$", text, re.MULTILINE)
            value = _scalar(line.group(1)) if line else ""
            if value:
                found[name] = value
        former = re.search(rf"^{re.escape(_FORMER_SETTING)}:\n((?: *- .+\n?)+)", text, re.MULTILINE)
        if former:
            lines = former.group(1).splitlines()
            found[FORMER_KEYS] = "\n".join(_scalar(line.strip()[2:]) for line in lines)
    elif "ssl_certificate_authorities =>" in text:
        line = _PASSWORD.search(text)
        if line:
            found[LOGSTASH] = line.group(2)
    return found


def _scalar(text: str) -> str:
    """The value of a line of YAML; empty if it is not on one line."""
    text = text.strip()
    if text[:1] in ("'", '"'):
        quote = text[0]
        if len(text) < 2 or text[-1] != quote or "\\" in text:
            return ""
        return text[1:-1].replace(quote * 2, quote)
    return "" if text[:1] in ("|", ">", "!", "&", "*") else text


def first_certificate(text: str) -> str:
    """The first certificate of a PEM file, as a file."""
    found = _CERTIFICATE.search(text)
    return f"{found.group(0)}\n" if found else ""


def certificate_keys(text: str) -> tuple[str, ...]:
    """Fingerprints of the public keys of all certificates in a PEM file.

    Of the key and not the certificate: an extended authority keeps its key.
    """
    return tuple(_keys(text))


def _keys(text: str) -> Iterator[str]:
    for block in _CERTIFICATE.findall(text):
        try:
            der = base64.b64decode("".join(block.split()), validate=True)
            yield hashlib.sha256(_public_key(der)).hexdigest()[:32]
        except (ValueError, IndexError, binascii.Error):
            continue


def _public_key(der: bytes) -> bytes:
    """SubjectPublicKeyInfo: the sixth field of a certificate's first part, after its version."""
    _tag, certificate, _rest = _element(der)
    _tag, fields, _rest = _element(certificate)
    tag, _content, rest = _element(fields)
    # A certificate of version 1 has no field for its version.
    skipped = 5 if tag == _VERSION else 4
    for _field in range(skipped):
        _tag, _content, rest = _element(rest)
    tag, content, _rest = _element(rest)
    if tag != _SEQUENCE:
        raise ValueError("not a public key")
    return content


def _element(der: bytes) -> tuple[int, bytes, bytes]:
    """Tag and content of the first element of DER, and what comes after it."""
    tag, size, start = der[0], der[1], 2
    if size & 0x80:
        count = size & 0x7F
        start += count
        size = int.from_bytes(der[2:start], "big")
    if start + size > len(der):
        raise ValueError("cut off")
    return tag, der[start : start + size], der[start + size :]
