# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which certificates the role pki takes for good, decided by its own variables."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from playbook_run import run_in_folder

ROOT = Path(__file__).parents[2]
DAY = datetime.timedelta(days=1)


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


def make(name, key, issuer, issuer_key, days=100, alternative=("m1", "10.60.0.11"), ca=False):
    now = datetime.datetime.now(datetime.UTC)
    subject, by = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in (name, issuer)
    )
    entries = [
        x509.IPAddress(ipaddress.ip_address(text)) if text[0].isdigit() else x509.DNSName(text)
        for text in alternative
    ]
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 2 * DAY)
        .not_valid_after(now + days * DAY + datetime.timedelta(minutes=5))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), ca)
        .add_extension(x509.SubjectAlternativeName(entries), False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False
        )
        .sign(issuer_key, hashes.SHA256())
    )


def write(folder, name, certificate, key):
    if certificate:
        (folder / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    if key:
        (folder / f"{name}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )


def asserts(expression, text):
    return {"ansible.builtin.assert": {"that": expression, "fail_msg": text, "quiet": True}}


def test_what_is_kept_and_what_is_made_anew(tmp_path):
    certs = tmp_path / "certs"
    certs.mkdir()
    ca_key, key, stranger = new_key(), new_key(), new_key()
    write(tmp_path, "ca", make("CA", ca_key, "CA", ca_key, days=900, ca=True), ca_key)
    # Name of the files: what they are, and whether they may stay.
    cases = {
        "good": (make("m1", key, "CA", ca_key), key, True),
        "last-day": (make("m1", key, "CA", ca_key, days=30), key, True),
        "too-late": (make("m1", key, "CA", ca_key, days=29), key, False),
        "expired": (make("m1", key, "CA", ca_key, days=-1), key, False),
        "name-gone": (make("m1", key, "CA", ca_key, alternative=("m1",)), key, False),
        "name-more": (
            make("m1", key, "CA", ca_key, alternative=("m1", "10.60.0.11", "x")),
            key,
            False,
        ),
        "name-order": (make("m1", key, "CA", ca_key, alternative=("10.60.0.11", "m1")), key, True),
        "renamed": (make("m2", key, "CA", ca_key), key, False),
        "other-key": (make("m1", key, "CA", ca_key), stranger, False),
        "other-ca": (make("m1", key, "Other", stranger), key, False),
        "same-name-ca": (make("m1", key, "CA", stranger), key, False),
        "no-key": (make("m1", key, "CA", ca_key), None, False),
        "no-certificate": (None, key, False),
        "nothing": (None, None, False),
    }
    tasks = []
    for name, (certificate, its_key, stays) in cases.items():
        write(certs, name, certificate, its_key)
        expression = "__pki_certificate_fits | bool"
        task = asserts(expression if stays else f"not ({expression})", f"wrong about {name}")
        tasks.append({"name": name, "vars": {"pki_certificate": name}, **task})
    tasks += [
        {"name": "CA outlives what it signs", **asserts("__pki_ca_fits | bool", "CA 1")},
        {
            "name": "CA would end first",
            "vars": {"pki_valid_days": 901},
            **asserts("not (__pki_ca_fits | bool)", "CA 2"),
        },
        {
            "name": "Names by kind",
            "vars": {"__pki_names": ["a", "10.0.0.1", "2001:db8::1", "10.0.0.1.example", "a"]},
            **asserts(
                "__pki_alt_names == "
                "['DNS:10.0.0.1.example', 'DNS:a', 'IP:10.0.0.1', 'IP:2001:db8::1']",
                "names: {{ __pki_alt_names }}",
            ),
        },
    ]
    role = ROOT / "roles" / "pki"
    play = {
        "hosts": "m1",
        "gather_facts": False,
        "vars_files": [str(role / "defaults" / "main.yml"), str(role / "vars" / "main.yml")],
        "vars": {
            "elk_local_dir": str(tmp_path),
            "__pki_common_name": "m1",
            "__pki_names": ["m1", "10.60.0.11"],
        },
        "tasks": tasks,
    }
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play], sort_keys=False))
    said = run_in_folder(tmp_path, "m1,")
    assert f"ok={len(tasks)} " in said
