# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which certificates the role pki takes for good, decided by its own variables."""

from __future__ import annotations

import datetime
import ipaddress

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from repo import ROOT
from tests.harness.playbook import run_in_folder

DAY = datetime.timedelta(days=1)
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


def make(
    name,
    key,
    issuer,
    issuer_key,
    days=100,
    alternative=("m1", "10.60.0.11"),
    ca=False,
    usages=(SERVER,),
):
    now = datetime.datetime.now(datetime.UTC)
    subject, by = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in (name, issuer)
    )
    entries = [
        x509.IPAddress(ipaddress.ip_address(text)) if text[0].isdigit() else x509.DNSName(text)
        for text in alternative
    ]
    builder = (
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
    )
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), False)
    return builder.sign(issuer_key, hashes.SHA256())


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


# What a host calls itself.
CALLED = {"liar": {"elk_node_name": "kibana"}, "domain": {"elk_node_name": "m1.example.org"}}


def run_play(folder, tasks, **variables):
    """Run tasks with the variables of the role and with those of other roles and the inventory."""
    role = ROOT / "roles" / "pki"
    shared = {
        "elk_local_dir": str(folder),
        "elk_stack_name": "elk",
        "elk_hosts": ["m1"],
        "elk_elasticsearch_hosts": ["m1"],
        "elk_node_name": "m1",
        "elk_config_dir": "/etc/elk",
        "elk_transport_pending_file": f"{folder}/transport-ca.pending",
        "elk_address": "10.60.0.11",
        "ansible_host": "10.60.0.11",
        "pki_service_names": ["logs.example.org"],
    }
    play = {
        "hosts": "m1",
        "gather_facts": False,
        "vars_files": [str(role / "defaults" / "main.yml"), str(role / "vars" / "main.yml")],
        "tasks": [{"block": tasks, "vars": {**shared, **variables}}],
    }
    (folder / "play.yml").write_text(yaml.safe_dump([play], sort_keys=False))
    said = run_in_folder(folder, "m1,")
    assert f"ok={len(tasks)} " in said


def test_what_is_kept_and_what_is_made_anew(tmp_path):
    certs = tmp_path / "certs"
    certs.mkdir()
    ca_key, key, stranger = new_key(), new_key(), new_key()
    write(tmp_path, "ca", make("CA", ca_key, "CA", ca_key, days=900, ca=True), ca_key)
    # Without this file the platform is one from before.
    write(tmp_path, "transport-ca", make("T", stranger, "T", stranger, ca=True), stranger)
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
        "client-too": (make("m1", key, "CA", ca_key, usages=(SERVER, CLIENT)), key, False),
        "client": (make("m1", key, "CA", ca_key, usages=(CLIENT,)), key, False),
        "any-use": (make("m1", key, "CA", ca_key, usages=()), key, False),
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
        # A node that changes over gets another certificate in each run, for a client as well.
        *(
            {
                "name": f"{name} while nodes change over",
                "vars": {"pki_certificate": name, "__pki_both_trusted": True},
                **asserts("not (__pki_certificate_fits | bool)", f"wrong about {name}"),
            }
            for name in ("good", "client-too")
        ),
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
    wanted = {"__pki_common_name": "m1", "__pki_names": ["m1", "10.60.0.11"]}
    run_play(tmp_path, tasks, **wanted)


# Kind of a certificate, an expression of the role's variables, and the value it must have.
KINDS = [
    ("node", "pki_certificate", "m1"),
    ("node", "__pki_names | unique | sort", ["127.0.0.1", "es-nodes", "localhost", "m1"]),
    # A host that calls itself by the name of another one does not get it.
    ("liar", "__pki_names | unique | sort", ["127.0.0.1", "es-nodes", "localhost", "m1"]),
    ("domain", "__pki_own_names", ["m1.example.org"] * 2),
    ("node", "__pki_usages", ["TLS Web Server Authentication"]),
    ("node", "__pki_signing_file | basename", "ca.crt"),
    ("node", "__pki_new_keys", False),
    ("transport", "pki_certificate", "m1.transport"),
    ("transport", "__pki_names", ["m1"]),
    (
        "transport",
        "__pki_usages",
        ["TLS Web Server Authentication", "TLS Web Client Authentication"],
    ),
    ("transport", "__pki_signing_file | basename", "transport-ca.crt"),
    ("transport", "__pki_signing_key_file | basename", "transport-ca.key"),
    ("transport", "__pki_signing_passphrase", ""),
    ("transport", "__pki_new_keys", False),
    ("kibana", "pki_certificate", "kibana"),
    # No host: neither its name nor its address.
    ("kibana", "__pki_names", ["kibana", "localhost", "127.0.0.1", "logs.example.org"]),
    ("kibana", "__pki_usages", ["TLS Web Server Authentication"]),
    ("kibana", "__pki_signing_file | basename", "ca.crt"),
    # An earlier certificate of the same key, with more names, has been seen by everybody.
    ("kibana", "__pki_new_keys", True),
]


def test_each_kind_of_certificate_names_its_own_and_says_what_it_is_for(tmp_path):
    tasks = [
        {
            "name": f"{kind}: {expression}",
            "vars": {**CALLED.get(kind, {"__pki_kind": kind}), "expected": expected},
            **asserts(f"({expression}) == expected", f"{kind}: {{{{ {expression} }}}} is wrong"),
        }
        for kind, expression, expected in KINDS
    ]
    run_play(tmp_path, tasks)


def test_the_authority_for_transport_is_never_that_of_the_operator(tmp_path):
    own = {
        "pki_ca_certificate": "/own/ca.crt",
        "pki_ca_key": "/own/ca.key",
        "pki_ca_passphrase": "x",
    }
    expected = [
        ("http", "__pki_own_ca | bool", False),
        ("http", "__pki_signing_file", "/own/ca.crt"),
        ("http", "__pki_signing_key_file", "/own/ca.key"),
        ("http", "__pki_signing_passphrase", "x"),
        ("transport", "__pki_own_ca | bool", True),
        ("transport", "__pki_signing_file", f"{tmp_path}/transport-ca.crt"),
        ("transport", "__pki_signing_passphrase", ""),
    ]
    tasks = [
        {
            "name": f"{authority}: {expression}",
            "vars": {"__pki_authority": authority, "expected": value},
            **asserts(f"({expression}) == expected", f"{{{{ {expression} }}}} is wrong"),
        }
        for authority, expression, value in expected
    ]
    run_play(tmp_path, tasks, **own)


def test_both_authorities_are_trusted_only_while_nodes_change_over(tmp_path):
    """By the files on the controller: which are there, and what a host then trusts."""
    cases = {
        "nothing": ([], False),
        "new": (["ca.crt", "transport-ca.crt"], False),
        "killed after the first": (["transport-ca.crt"], False),
        "from before": (["ca.crt"], True),
        "under way": (["ca.crt", "transport-ca.crt", "transport-ca.pending"], True),
    }
    tasks = []
    for name, (files, both) in cases.items():
        folder = tmp_path / name
        folder.mkdir()
        for file in files:
            (folder / file).write_text(f"{file}\n")
        variables = {
            "elk_local_dir": str(folder),
            "elk_transport_pending_file": f"{folder}/transport-ca.pending",
        }
        tasks.append(
            {
                "name": name,
                "vars": variables,
                **asserts(f"(__pki_both_trusted | bool) == {both}", f"wrong about {name}"),
            }
        )
        usages = ["TLS Web Server Authentication"]
        usages += ["TLS Web Client Authentication"] if both else []
        tasks.append(
            {
                "name": f"usages of {name}",
                "vars": {**variables, "expected": usages},
                **asserts("__pki_usages == expected", "{{ __pki_usages }} is wrong"),
            }
        )
    for name, http, transport in (
        ("new", "ca.crt\n", "transport-ca.crt\n"),
        ("under way", "ca.crt\ntransport-ca.crt\n", "transport-ca.crt\nca.crt\n"),
    ):
        variables = {
            "elk_local_dir": str(tmp_path / name),
            "elk_transport_pending_file": f"{tmp_path / name}/transport-ca.pending",
            "expected": [http, transport],
        }
        tasks.append(
            {
                "name": f"trust of {name}",
                "vars": variables,
                **asserts(
                    "(__pki_host_authorities | map(attribute='content')) == expected",
                    "{{ __pki_host_authorities }} is wrong",
                ),
            }
        )
    run_play(tmp_path, tasks)
