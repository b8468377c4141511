# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which certificates the role pki keeps; its variables decide."""

from __future__ import annotations

import datetime

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from repo import ROOT
from tests.certificates import DAY, issue, key_pem, new_key
from tests.unit.roles.evaluation import Case, evaluate

SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH


def make(name, key, authority, days=100, alternative=("m1", "10.60.0.11"), usages=(SERVER,)):
    now = datetime.datetime.now(datetime.UTC)
    end = now + days * DAY + datetime.timedelta(minutes=5)
    return issue(
        name,
        alternative,
        authority=authority,
        begin=now - 2 * DAY,
        end=end,
        usages=usages,
        key=key,
    )


def write(folder, name, issued, key):
    if issued:
        (folder / f"{name}.crt").write_text(issued.pem)
    if key:
        (folder / f"{name}.key").write_text(key_pem(key))


# Names that hosts give themselves.
CALLED = {"liar": {"elk_node_name": "kibana"}, "domain": {"elk_node_name": "m1.example.org"}}


# Variables of other roles and of the inventory.
SHARED = {
    "elk_stack_name": "elk",
    "elk_hosts": ["m1"],
    "elk_elasticsearch_hosts": ["m1"],
    "elk_node_name": "m1",
    "elk_config_dir": "/etc/elk",
    "elk_address": "10.60.0.11",
    "ansible_host": "10.60.0.11",
    "__pki_service": {"name": "kibana", "names": ["kibana", "logs.example.org"]},
}


class Question:
    """Expressions to evaluate with the role's variables, and the value that each must have."""

    def __init__(self, folder, **variables):
        folder.mkdir()
        self.name = folder.name
        self.variables = {
            **SHARED,
            "elk_local_dir": str(folder),
            "elk_transport_pending_file": f"{folder}/transport-ca.pending",
            **variables,
        }
        self.cases = []
        self.expected = {}

    def ask(self, name, expression, value, **variables):
        """One expression, with variables that only it has."""
        name = f"{self.name}: {name}"
        self.cases.append(Case(name, expression, {**self.variables, **variables}))
        self.expected[name] = value


def which_certificates_are_kept_and_which_are_renewed(folder):
    question = Question(folder, __pki_common_name="m1", __pki_names=["m1", "10.60.0.11"])
    certs = folder / "certs"
    certs.mkdir()
    key, stranger = new_key(), new_key()
    now = datetime.datetime.now(datetime.UTC)
    ca, same_name = (issue("CA", end=now + 900 * DAY) for _ in range(2))
    other = issue("Other")
    ca.write(folder, "ca")
    # A platform without this file is older than the authority for transport.
    issue("T").write(folder, "transport-ca")
    # By the name of the files: certificate, key, and whether both are kept.
    cases = {
        "good": (make("m1", key, ca), key, True),
        "last-day": (make("m1", key, ca, days=30), key, True),
        "too-late": (make("m1", key, ca, days=29), key, False),
        "expired": (make("m1", key, ca, days=-1), key, False),
        "name-gone": (make("m1", key, ca, alternative=("m1",)), key, False),
        "name-more": (make("m1", key, ca, alternative=("m1", "10.60.0.11", "x")), key, False),
        "name-order": (make("m1", key, ca, alternative=("10.60.0.11", "m1")), key, True),
        "client-too": (make("m1", key, ca, usages=(SERVER, CLIENT)), key, False),
        "client": (make("m1", key, ca, usages=(CLIENT,)), key, False),
        "any-use": (make("m1", key, ca, usages=()), key, False),
        "renamed": (make("m2", key, ca), key, False),
        "other-key": (make("m1", key, ca), stranger, False),
        "other-ca": (make("m1", key, other), key, False),
        "same-name-ca": (make("m1", key, same_name), key, False),
        "no-key": (make("m1", key, ca), None, False),
        "no-certificate": (None, key, False),
        "nothing": (None, None, False),
    }
    fits = "__pki_certificate_fits | bool"
    for name, (certificate, its_key, stays) in cases.items():
        write(certs, name, certificate, its_key)
        question.ask(name, fits, stays, __pki_certificate=name)
    # A node that changes over gets another certificate in each run, for a client as well.
    for name in ("good", "client-too"):
        changes = {"__pki_certificate": name, "__pki_both_trusted": True}
        question.ask(f"{name} while nodes change over", fits, False, **changes)
    question.ask("CA outlives what it signs", "__pki_ca_fits | bool", True)
    question.ask("CA would end first", "__pki_ca_fits | bool", False, pki_valid_days=901)
    names = ["a", "10.0.0.1", "2001:db8::1", "10.0.0.1.example", "a"]
    by_kind = ["DNS:10.0.0.1.example", "DNS:a", "IP:10.0.0.1", "IP:2001:db8::1"]
    question.ask("names by kind", "__pki_alt_names", by_kind, __pki_names=names)
    return question


# Kind of a certificate, an expression of the role's variables, and the value it must have.
KINDS = [
    ("node", "__pki_certificate", "m1"),
    ("node", "__pki_names | unique | sort", ["127.0.0.1", "es-nodes", "localhost", "m1"]),
    # A host that takes another's name does not get a certificate for it.
    ("liar", "__pki_names | unique | sort", ["127.0.0.1", "es-nodes", "localhost", "m1"]),
    ("domain", "__pki_own_names", ["m1.example.org"] * 2),
    ("node", "__pki_usages", ["TLS Web Server Authentication"]),
    ("node", "__pki_signing_file | basename", "ca.crt"),
    ("node", "__pki_new_keys", False),
    ("transport", "__pki_certificate", "m1.transport"),
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
    ("service", "__pki_certificate", "kibana"),
    # No name and no address of a host.
    ("service", "__pki_names", ["kibana", "logs.example.org", "localhost", "127.0.0.1"]),
    ("service", "__pki_usages", ["TLS Web Server Authentication"]),
    ("service", "__pki_signing_file | basename", "ca.crt"),
    # An earlier certificate with more names is public, so its key is not used again.
    ("service", "__pki_new_keys", True),
]


def each_kind_of_certificate_names_its_own_and_says_what_it_is_for(folder):
    question = Question(folder)
    for kind, expression, value in KINDS:
        name = f"{kind}: {expression}"
        question.ask(name, expression, value, **CALLED.get(kind, {"__pki_kind": kind}))
    return question


def the_authority_for_transport_is_never_that_of_the_operator(folder):
    own = {
        "pki_ca_certificate": "/own/ca.crt",
        "pki_ca_key": "/own/ca.key",
        "pki_ca_passphrase": "x",
    }
    question = Question(folder, **own)
    values = [
        ("http", "__pki_own_ca | bool", False),
        ("http", "__pki_signing_file", "/own/ca.crt"),
        ("http", "__pki_signing_key_file", "/own/ca.key"),
        ("http", "__pki_signing_passphrase", "x"),
        ("transport", "__pki_own_ca | bool", True),
        ("transport", "__pki_signing_file", f"{folder}/transport-ca.crt"),
        ("transport", "__pki_signing_passphrase", ""),
    ]
    for authority, expression, value in values:
        question.ask(f"{authority}: {expression}", expression, value, __pki_authority=authority)
    return question


def both_authorities_are_trusted_only_while_nodes_change_over(folder):
    """By the files on the controller: which are there, and what a host then trusts."""
    cases = {
        "nothing": ([], False),
        "new": (["ca.crt", "transport-ca.crt"], False),
        "killed after the first": (["transport-ca.crt"], False),
        "from before": (["ca.crt"], True),
        "under way": (["ca.crt", "transport-ca.crt", "transport-ca.pending"], True),
    }
    question = Question(folder)

    def expect(name, what, expression, value):
        own = {
            "elk_local_dir": str(folder / name),
            "elk_transport_pending_file": f"{folder / name}/transport-ca.pending",
        }
        question.ask(f"{what} of {name}", expression, value, **own)

    for name, (files, both) in cases.items():
        (folder / name).mkdir()
        for file in files:
            (folder / name / file).write_text(f"{file}\n")
        expect(name, "both", "__pki_both_trusted | bool", both)
        usages = ["TLS Web Server Authentication"]
        usages += ["TLS Web Client Authentication"] if both else []
        expect(name, "usages", "__pki_usages", usages)
    trust = "__pki_host_authorities | map(attribute='content')"
    for name, http, transport in (
        ("new", "ca.crt\n", "transport-ca.crt\n"),
        ("under way", "ca.crt\ntransport-ca.crt\n", "transport-ca.crt\nca.crt\n"),
    ):
        expect(name, "trust", trust, [http, transport])
    return question


QUESTIONS = (
    which_certificates_are_kept_and_which_are_renewed,
    each_kind_of_certificate_names_its_own_and_says_what_it_is_for,
    the_authority_for_transport_is_never_that_of_the_operator,
    both_authorities_are_trusted_only_while_nodes_change_over,
)


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Of each question the values that Ansible finds and the expected ones."""
    folder = tmp_path_factory.mktemp("pki")
    questions = {make.__name__: make(folder / make.__name__) for make in QUESTIONS}
    role = ROOT / "roles" / "pki"
    values = evaluate(
        folder,
        [case for question in questions.values() for case in question.cases],
        groups={"swarm_managers": {"hosts": {"m1": {}}}},
        local_dir=folder,
        vars_files=[role / "defaults" / "main.yml", role / "vars" / "main.yml"],
    )["m1"]
    return {
        name: ({key: values[key] for key in question.expected}, question.expected)
        for name, question in questions.items()
    }


@pytest.mark.parametrize("name", [make.__name__ for make in QUESTIONS])
def test_the_variables(answers, name):
    values, expected = answers[name]
    assert values == expected
