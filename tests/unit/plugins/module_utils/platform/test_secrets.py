# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets in rendered files, keys in certificates, and files of hostile users."""

from __future__ import annotations

import datetime
import os
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from ansible_collections.elk.swarm.plugins.module_utils.platform import secrets_survey
from ansible_collections.elk.swarm.plugins.module_utils.platform.secrets import (
    certificate_keys,
    fingerprint,
    rendered_secrets,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.secrets_survey import (
    SecretFile,
    read_file,
    served_certificates,
    survey,
    values,
)
from tests.certificates import DAY, issue

if TYPE_CHECKING:
    from pathlib import Path

KIBANA = """\
# Made by the Ansible role elk.swarm.kibana
elasticsearch.hosts:
- https://10.0.0.1:9200
elasticsearch.serviceAccountToken: AAEAAWVs
server.port: 5601
xpack.encryptedSavedObjects.encryptionKey: 'it''s: quoted'
xpack.encryptedSavedObjects.keyRotation.decryptionOnlyKeys:
- former1
- former2
xpack.reporting.encryptionKey: "012345"
xpack.security.encryptionKey: abcdef
"""
LOGSTASH = """\
output {
  elasticsearch {
    user => "logstash_writer"
    password => "pass'word"
    ssl_certificate_authorities => ["/usr/share/logstash/config/ca.crt"]
  }
}
"""


def test_secrets_of_kibana() -> None:
    assert rendered_secrets(KIBANA) == {
        "kibana_token": "AAEAAWVs",
        "kibana_encryption_key": "abcdef",
        "kibana_saved_objects_key": "it's: quoted",
        "kibana_reporting_key": "012345",
        "kibana_former_saved_objects_keys": "former1\nformer2",
    }


@pytest.mark.parametrize("quote", ['"', "'"])
def test_secrets_of_logstash(quote: str) -> None:
    inside = "'" if quote == '"' else '"'
    text = LOGSTASH.replace('"pass\'word"', f"{quote}pass{inside}word{quote}")
    assert rendered_secrets(text) == {"logstash_password": f"pass{inside}word"}


@pytest.mark.parametrize(
    "text", ["", "password => 'x'\n", "xpack.security.encryptionKey: x\n", "-----BEGIN"]
)
def test_other_files_have_none(text: str) -> None:
    assert rendered_secrets(text) == {}


def test_a_value_on_several_lines_is_ignored() -> None:
    text = KIBANA.replace("encryptionKey: abcdef", "encryptionKey: |-\n  abc\n  def")
    assert "kibana_encryption_key" not in rendered_secrets(text)


def test_an_extended_authority_keeps_its_fingerprint() -> None:
    authority, other = issue("elk CA"), issue("elk CA", key=rsa.generate_private_key(65537, 2048))
    later = datetime.datetime.now(datetime.UTC) + 3650 * DAY
    extended = issue("elk CA", key=authority.key, end=later)
    assert authority.pem != extended.pem
    assert certificate_keys(authority.pem) == certificate_keys(extended.pem)
    assert len(certificate_keys(authority.pem)) == 1
    assert certificate_keys(authority.pem + other.pem) == (
        *certificate_keys(authority.pem),
        *certificate_keys(other.pem),
    )
    assert certificate_keys(authority.pem) != certificate_keys(other.pem)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-----BEGIN CERTIFICATE-----\nnot base64!\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----\n",
    ],
)
def test_an_invalid_certificate_has_no_key(text: str) -> None:
    assert certificate_keys(text) == ()


def test_fingerprints_differ_by_value_and_by_run() -> None:
    assert fingerprint("a", "run 1") == fingerprint("a", "run 1")
    assert (
        len({fingerprint("a", "run 1"), fingerprint("a", "run 2"), fingerprint("b", "run 1")}) == 3
    )


def test_a_survey_holds_no_value(tmp_path: Path) -> None:
    folder = tmp_path / "elasticsearch" / "secrets"
    folder.mkdir(parents=True)
    (folder / "elastic_password").write_text("not-to-be-seen\n")
    found = survey(
        socket="/nowhere", timeout=1, info={}, config_dir=str(tmp_path), stack="elk", salt="run"
    )
    assert found["fingerprints"] == {"elastic_password": fingerprint("not-to-be-seen", "run")}
    assert "not-to-be-seen" not in str(found)


@pytest.mark.parametrize("trap", ["link", "folder link", "fifo", "folder", "large", "absent"])
def test_traps_of_another_user_are_not_read(tmp_path: Path, trap: str) -> None:
    """User 1000 may own the folder, and must neither get a file read nor block the run."""
    tmp_path.chmod(0o777)
    target = tmp_path / "shadow"
    target.write_text("root:secret\n")
    folder = tmp_path / "elasticsearch" / "secrets"
    path = folder / "elastic_password"
    if trap == "folder link":
        folder.parent.mkdir()
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / path.name).write_text("x")
        folder.symlink_to(tmp_path / "other")
    else:
        folder.mkdir(parents=True)
    if trap == "link":
        path.symlink_to(target)
    elif trap == "fifo":
        os.mkfifo(path)
    elif trap == "folder":
        path.mkdir()
    elif trap == "large":
        path.write_bytes(b"x" * (secrets_survey._MAX_FILE + 1))
    assert read_file(str(path)) is None
    assert values([], str(tmp_path)) == {}


def test_a_certificate_is_in_the_containers_of_its_service() -> None:
    authority = issue("elk CA").pem
    own = issue("elk CA").pem
    key = "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n"
    files = [
        SecretFile("k", authority, "analysis"),
        SecretFile("k", own, "analysis"),
        SecretFile("k", key, "analysis"),
        SecretFile("k", KIBANA, "analysis"),
        SecretFile("other", "-----BEGIN PRIVATE KEY-----\nno\n", "hello"),
        SecretFile("foreign", "-----BEGIN PRIVATE KEY-----\nno\n"),
    ]
    found = {"certs/kibana.crt": own, "certs/kibana.key": key}
    assert served_certificates(files, authority, {"analysis": "kibana"}, "m1") == found
    assert served_certificates(files, authority, {}, "m1") == {}


def test_a_host_has_the_certificate_of_its_own_service() -> None:
    key = "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n"
    files = [SecretFile("k", key, "broker-w1-example")]
    assert served_certificates(files, "", {"broker": "broker"}, "w1.example") == {
        "certs/broker.key": key
    }
    assert served_certificates(files, "", {"broker": "broker"}, "m1") == {}
