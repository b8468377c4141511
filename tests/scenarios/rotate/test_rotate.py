"""Every secret is rotated while clients write, search and send. One story."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.harness.playbook import Outcome
    from tests.scenarios.rotate.conftest import Renewed

ROTATE = "playbooks/rotate.yml"
ALL = "certificates,passwords,encryption_keys,join_tokens"
NEXT_AUTHORITY = ["ca.crt.former", "ca.crt.next", "ca.key.next"]
NEXT_TRANSPORT = [f"transport-{name}" for name in NEXT_AUTHORITY]
NAMES = {"elk", "elk-2"}
PASSWORDS = {"elastic_password", "logstash_password", "kibana_token"}
KEYS = {"kibana_encryption_key", "kibana_saved_objects_key", "kibana_reporting_key"}
SERVICES = ("elk_elasticsearch-[a-z0-9]*", "logshipper", "kibana")


def renew(platform: Renewed, kinds: str) -> Outcome:
    outcome = platform.run(ROTATE, rotate=kinds)
    assert outcome.code == 0, outcome.output
    platform.at_rest()
    assert platform.unfinished() == []
    return outcome


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in before if before[name] != after[name]}


def test_the_platform_comes_up(platform: Renewed) -> None:
    outcome = platform.run("site.yml")
    assert outcome.code == 0, outcome.output
    platform.make_client()
    platform.begin_load(*platform.hosts)


def test_the_secrets_to_rotate_must_be_named(platform: Renewed) -> None:
    before = platform.secrets()
    for variables in ({}, {"rotate": "passwords,sundries"}, {"rotate": []}):
        outcome = platform.run(ROTATE, **variables)
        assert outcome.code != 0
        assert "-e rotate=certificates,passwords" in outcome.text
    assert platform.secrets() == before


def test_a_check_changes_nothing(platform: Renewed) -> None:
    before = (platform.secrets(), platform.served(), platform.tokens(), platform.service_tokens())
    tasks = [platform.tasks(name) for name in SERVICES]
    outcome = platform.run(ROTATE, "--check", rotate=ALL)
    assert outcome.code == 0, outcome.output
    assert "elk_elastic_password is renewed." in outcome.text
    after = (platform.secrets(), platform.served(), platform.tokens(), platform.service_tokens())
    assert after == before
    assert platform.unfinished() == []
    assert tasks == [platform.tasks(name) for name in SERVICES]


def test_secrets_from_variables_are_kept(platform: Renewed) -> None:
    given = {"elk_logstash_password": "from-a-vault", "kibana_reporting_key": "from a vault" * 3}
    outcome = platform.run(ROTATE, "--check", rotate="passwords,encryption_keys", **given)
    assert outcome.code == 0, outcome.output
    for name in given:
        assert f"{name} is unchanged: it is not what" in outcome.text
    for name in ("elk_elastic_password", "kibana_saved_objects_key"):
        assert f"{name} is renewed." in outcome.text


def test_a_rotation_of_passwords_that_was_killed_twice_is_finished(platform: Renewed) -> None:
    old, nodes = platform.secrets(), platform.containers()
    names = platform.service_tokens()
    platform.kill("Log in with the next password of elastic from now on", rotate="passwords")
    # Elasticsearch has the new password already; a run with the old one says what to do.
    assert platform.unfinished() == ["elastic_password.next", "logstash_password.next"]
    refused = platform.run("playbooks/stack.yml")
    assert refused.code != 0
    assert "playbooks/rotate.yml -e rotate=passwords" in refused.text
    platform.kill("Give each service what was renewed", rotate="passwords")
    assert platform.unfinished() == [
        "elastic_password.former",
        "kibana_token.former",
        "logstash_password.former",
    ]
    renewed_once = platform.lab.secret("elastic_password")
    renew(platform, "passwords")
    new = platform.secrets()
    assert new["elastic_password"] == renewed_once
    assert changed(old, new) == PASSWORDS
    assert platform.containers() == nodes
    for user, name in (("elastic", "elastic_password"), ("logstash_writer", "logstash_password")):
        assert platform.lets_in(basic_auth=(user, new[name]))
        assert not platform.lets_in(basic_auth=(user, old[name]))
    assert platform.lets_in(bearer_auth=new["kibana_token"])
    assert not platform.lets_in(bearer_auth=old["kibana_token"])
    assert platform.service_tokens() == NAMES - names
    platform.nothing_to_do()


def test_all_kinds_in_one_run(platform: Renewed) -> None:
    old, served, tokens = platform.secrets(), platform.served(), platform.tokens()
    nodes, names = platform.containers(), platform.service_tokens()
    renew(platform, ALL)
    new = platform.secrets()
    certificates = {name for name in old if name.startswith("certs/")}
    assert changed(old, new) == certificates | KEYS | PASSWORDS
    assert changed(served, platform.served()) == set(platform.hosts)
    assert platform.served() == platform.certificates()
    assert changed(tokens, platform.tokens()) == {"worker", "manager"}
    assert platform.service_tokens() == NAMES - names
    assert platform.containers() == nodes
    settings = platform.kibana_settings()
    # The former key of saved objects only decrypts now.
    assert old["kibana_saved_objects_key"] in settings.split("decryptionOnlyKeys:")[1]
    assert new["kibana_saved_objects_key"] in settings.split("decryptionOnlyKeys:")[0]
    assert old["kibana_encryption_key"] not in settings
    platform.nothing_to_do()


def test_nothing_is_missing(platform: Renewed) -> None:
    platform.end_load()


def test_a_check_of_a_new_authority_changes_nothing(platform: Renewed) -> None:
    before = (platform.secrets(), platform.authorities(), platform.served())
    outcome = platform.run(ROTATE, "--check", rotate="ca")
    assert outcome.code == 0, outcome.output
    assert (platform.secrets(), platform.authorities(), platform.served()) == before
    assert platform.unfinished() == []


def test_the_next_authority_is_trusted_before_it_signs(platform: Renewed) -> None:
    [former] = platform.authorities()
    nodes = platform.containers()
    outcome = platform.run(ROTATE, rotate="ca_trust")
    assert outcome.code == 0, outcome.output
    platform.at_rest()
    assert platform.unfinished() == NEXT_AUTHORITY
    assert platform.authorities() == [former, platform.lab.kept("ca.crt.next").read_text()]
    assert platform.containers() == nodes
    # Clients that do not know the next authority yet can still connect.
    assert platform.served(former) == platform.certificates()
    platform.nothing_to_do()
    platform.begin_load(*platform.hosts)


def test_a_change_of_authority_that_was_killed_twice_is_finished(platform: Renewed) -> None:
    old, nodes = platform.secrets(), platform.containers()
    former, following = platform.authorities()
    [transport] = platform.authorities("transport-ca.crt")
    # An authority that is trusted already and one that is not yet, in one run.
    both = "ca,transport_ca"
    platform.kill("See that Elasticsearch serves the new certificate", rotate=both)
    assert platform.unfinished() == [*NEXT_AUTHORITY, *NEXT_TRANSPORT]
    platform.kill("Forget that it was the next", rotate=both)
    outcome = platform.run(ROTATE, rotate=both)
    assert outcome.code == 0, outcome.output
    platform.at_rest()
    assert platform.unfinished() == []
    assert platform.authorities() == [following]
    [now] = platform.authorities("transport-ca.crt")
    assert now != transport
    certificates = {name for name in old if name.startswith("certs/")}
    assert changed(old, platform.secrets()) == certificates | {
        "ca.key",
        "transport-ca.key",
    }
    assert platform.served() == platform.certificates()
    with pytest.raises(ssl.SSLCertVerificationError):
        platform.served(former)
    assert platform.containers() == nodes
    platform.nothing_to_do()


def test_nothing_is_missing_under_the_new_authority(platform: Renewed) -> None:
    platform.end_load()
