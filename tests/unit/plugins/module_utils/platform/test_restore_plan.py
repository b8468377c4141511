# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the controller gets back from hosts, what stays, and what is lost."""

from __future__ import annotations

import functools

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.platform.restore_plan import (
    Present,
    may_give,
    next_steps,
    plan,
)
from tests.certificates import issue

CA = issue("elk CA").pem
OTHER_CA = issue("elk CA").pem
NEXT = issue("elk CA").pem
PASSWORD = {"elastic_password": "p\n"}
CREDENTIALS = (
    "logstash_password",
    "kibana_token",
    "kibana_encryption_key",
    "kibana_saved_objects_key",
    "kibana_reporting_key",
)
EVERYTHING = {
    "ca.crt": CA,
    "certs/m1.crt": "c",
    "certs/m1.key": "k",
    **PASSWORD,
    "logstash_password": "l\n",
    "kibana_token": "t\n",
    "kibana_encryption_key": "1\n",
    "kibana_saved_objects_key": "2\n",
    "kibana_reporting_key": "3\n",
}


def test_an_empty_folder_gets_everything_and_two_keys_are_lost() -> None:
    present = Present(credentials=(*CREDENTIALS, "hello_password"))
    found = plan({"m1": EVERYTHING, "w1": {**PASSWORD, "ca.crt": CA}}, present)
    assert found.write == EVERYTHING
    assert found.sources["elastic_password"] == "m1"
    assert found.blockers == []
    assert found.lost == ("ca.key", "hello_password", "secret_hash_key")


def test_existing_files_stay() -> None:
    present = Present({"elastic_password": ["p"], "ca.crt": [CA], "ca.key": ["k"]})
    found = plan({"m1": {**PASSWORD, "ca.crt": CA}}, present)
    assert found.write == {}
    assert found.kept == ["elastic_password", "ca.crt"]
    assert found.blockers == []


def test_another_value_is_not_overwritten() -> None:
    for name, ours in (("elastic_password", "other"), ("ca.crt", NEXT)):
        found = plan({"m1": EVERYTHING}, Present({name: [ours]}))
        assert len(found.blockers) == 1
        assert found.blockers[0].startswith(f"{name} holds another value than m1")


def test_the_values_of_a_rotation_fit() -> None:
    found = plan({"m1": PASSWORD}, Present({"elastic_password": ["new", "p"]}))
    assert found.blockers == []


def test_hosts_that_do_not_agree() -> None:
    found = plan({"m1": {"elastic_password": "p\n"}, "w1": {"elastic_password": "q\n"}}, Present())
    assert found.write == {}
    assert "not the same on m1, w1" in found.blockers[0]


def test_a_host_cannot_add_an_authority_of_its_own() -> None:
    found = plan({"m1": {"ca.crt": CA}, "w1": {"ca.crt": CA + NEXT}}, Present())
    assert found.write == {}
    assert "ca.crt is not the same on m1, w1" in found.blockers[0]


@pytest.mark.parametrize(
    "name", ["ca.key", "ca.crt.next", "certs/w1.key", "../x", "certs/../x", "elastic_password.next"]
)
def test_a_host_gives_only_its_own_and_shared_files(name: str) -> None:
    assert not may_give("m1", name, CREDENTIALS, ["kibana"])
    for own in (*EVERYTHING, "certs/kibana.key", "certs/m1.transport.crt", "transport-ca.crt"):
        assert may_give("m1", own, CREDENTIALS, ["kibana"])
    assert not may_give("m1", "certs/kibana.key", CREDENTIALS, [])
    assert not may_give("m1", "kibana_token", [], ["kibana"])


def test_a_certificate_comes_back_with_its_own_key_only() -> None:
    found = plan({"m1": EVERYTHING}, Present({"certs/m1.key": ["renewed"]}))
    assert "certs/m1.crt" not in found.write
    found = plan({"m1": EVERYTHING}, Present({"certs/m1.key": ["k"]}))
    assert found.write["certs/m1.crt"] == "c"


def test_values_from_variables_are_not_written() -> None:
    given = Present(given=frozenset({"elastic_password"}), own_authority=True)
    found = plan({"m1": EVERYTHING}, given)
    assert not {"elastic_password", "ca.crt"} & set(found.write)
    assert found.lost == ("secret_hash_key",)


def test_the_key_of_the_transport_authority_is_lost_as_well() -> None:
    found = plan({"m1": {**EVERYTHING, "transport-ca.crt": CA}}, Present())
    assert found.lost == ("ca.key", "transport-ca.key", "secret_hash_key")


def test_each_file_gets_one_authority_while_nodes_change_over() -> None:
    """Otherwise nodes would trust the authority of clients for good."""
    both = {"ca.crt": CA + OTHER_CA, "transport-ca.crt": OTHER_CA + CA}
    found = plan({"m1": {**EVERYTHING, **both}}, Present())
    assert found.blockers == []
    assert found.write["ca.crt"].strip() == CA.strip()
    assert found.write["transport-ca.crt"].strip() == OTHER_CA.strip()
    assert "transport-ca.pending" in found.write


def test_a_file_that_hides_an_authority_does_not_come_back() -> None:
    hidden = OTHER_CA.replace("BEGIN CERTIFICATE", "BEGIN X509 CERTIFICATE")
    found = plan({"m1": {**EVERYTHING, "ca.crt": CA + hidden}}, Present())
    assert "ca.crt" not in found.write
    assert any(text.startswith("ca.crt is not the same") for text in found.blockers)


def test_next_steps() -> None:
    accept = '-e \'{"preflight_accept": ["secret_hash_key"]}\''
    steps = functools.partial(next_steps, directory="/d", credentials=CREDENTIALS)
    assert steps(()) == ["ansible-playbook site.yml"]
    assert steps(("secret_hash_key",)) == [f"ansible-playbook site.yml {accept}"]
    assert '["kibana_token", "secret_hash_key"]' in steps(("kibana_token", "secret_hash_key"))[0]
    both = steps(("ca.key", "secret_hash_key"))
    assert both[0].endswith(f"rotate.yml -e rotate=ca -e rotate_lost_ca_key=true {accept}")
    assert both[1] == "ansible-playbook site.yml"
    transport = steps(("transport-ca.key",))
    assert transport[0].endswith("rotate.yml -e rotate=transport_ca -e rotate_lost_ca_key=true")
    keys = steps(("ca.key", "transport-ca.key"))
    assert keys[0].endswith("rotate.yml -e rotate=ca,transport_ca -e rotate_lost_ca_key=true")
    assert "elasticsearch-reset-password" in steps(("elastic_password",))[0]
