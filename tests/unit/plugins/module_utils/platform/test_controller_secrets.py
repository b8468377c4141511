# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The secrets of the controller against those of the hosts: lost, old and foreign ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.platform import (
    controller_secrets as compare,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.controller_secrets import (
    BLOCKERS,
    Blocker,
    ControllerSecrets,
    HostSecrets,
    ServedCertificate,
    ServedCredential,
    find_blockers,
)
from ansible_collections.elk.swarm.plugins.module_utils.swarm import configs_and_secrets

PASSWORDS = ("elastic_password", "logstash_password", "kibana_token")
KEYS = ("kibana_encryption_key", "kibana_saved_objects_key", "kibana_reporting_key")
OBJECTS = (
    "kibana-key-0123456789ab",
    "kibana-yml-0123456789ab",
    "logshipper-syslog-conf-0123456789ab",
)

CREDENTIALS = [
    ServedCredential(name, f"/secure/{name}", title, service, f"{service}-{part}", "nothing breaks")
    for name, title, service, part in (
        ("logstash_password", "Logstash", "logshipper", "syslog-conf"),
        *((name, "Kibana", "kibana", "yml") for name in ("kibana_token", *KEYS)),
    )
]
CERTIFICATE = ServedCertificate(
    "Kibana",
    "kibana-certificate",
    "kibana-key",
    "kibana-certificate-0123456789ab",
    "kibana-key-0123456789ab",
)
CONTROLLER = ControllerSecrets(
    directory="/secure",
    values={name: (f"fp-{name}",) for name in (*PASSWORDS, *KEYS, "secret_hash_key")},
    authorities={"ca.crt": ("ours",), "transport-ca.crt": ("between",)},
    signing=frozenset({"ca.crt", "transport-ca.crt"}),
    credentials=CREDENTIALS,
    certificates=[CERTIFICATE],
)
AUTHORITIES = {"ca.crt": ("ours",), "transport-ca.crt": ("between",)}
RENDERED = {name: f"fp-{name}" for name in ("kibana_token", *KEYS)}
HOSTS = {
    "m1": HostSecrets(
        remembers=True,
        authorities=AUTHORITIES,
        fingerprints={"elastic_password": "fp-elastic_password", **RENDERED},
        services=("elk_elasticsearch-1", "kibana", "logshipper"),
        objects=(*OBJECTS, "kibana-certificate-0123456789ab"),
    ),
    "w1": HostSecrets(
        remembers=True,
        authorities=AUTHORITIES,
        fingerprints={
            "elastic_password": "fp-elastic_password",
            "logstash_password": "fp-logstash_password",
        },
    ),
}
LOGINS_WORK = dict.fromkeys(PASSWORDS, True)


def without(*names: str, controller: ControllerSecrets = CONTROLLER) -> ControllerSecrets:
    return replace(controller, values={**controller.values, **dict.fromkeys(names, ())})


def foreign(*names: str, controller: ControllerSecrets = CONTROLLER) -> ControllerSecrets:
    return replace(controller, values={**controller.values, **dict.fromkeys(names, ("another",))})


def names(found: list[Blocker]) -> list[str]:
    return [blocker.name for blocker in found]


def only(
    controller: ControllerSecrets, hosts: dict[str, HostSecrets] | None = None, **logins: Any
) -> Blocker:
    found = find_blockers(controller, HOSTS if hosts is None else hosts, logins)
    assert len(found) == 1, found
    return found[0]


def changed(**fields: Any) -> dict[str, HostSecrets]:
    return {name: replace(secrets, **fields) for name, secrets in HOSTS.items()}


def test_the_controller_of_the_platform_has_no_blockers() -> None:
    assert find_blockers(CONTROLLER, HOSTS, LOGINS_WORK) == []
    assert find_blockers(CONTROLLER, HOSTS, {}) == [], "also while Elasticsearch is away"


def test_bare_hosts_have_nothing_to_compare_with() -> None:
    empty = ControllerSecrets(directory="/secure")
    assert find_blockers(empty, {"m1": HostSecrets(), "w1": HostSecrets()}, {}) == []
    assert find_blockers(CONTROLLER, {"m1": HostSecrets()}, {}) == []


def test_an_empty_folder_is_a_blocker_for_every_secret() -> None:
    credentials = [replace(one, path=f"/empty/{one.name}") for one in CREDENTIALS]
    empty = ControllerSecrets(directory="/empty", credentials=credentials)
    found = find_blockers(empty, HOSTS, {})
    served = {one.name for one in credentials}
    assert set(names(found)) == {*BLOCKERS, *served} - {"authority_key"}
    for blocker in found:
        assert blocker.where.startswith("/empty/")
        assert "Restore /empty from your copy" in blocker.remedy


@pytest.mark.parametrize("lost", ["ca.crt", "transport-ca.crt"])
def test_a_lost_authority_is_a_blocker_although_the_passwords_exist(lost: str) -> None:
    controller = replace(CONTROLLER, authorities={**AUTHORITIES, lost: ()})
    found = only(controller, **LOGINS_WORK)
    assert (found.name, found.where, found.final) == ("authority", f"/secure/{lost}", True)
    assert "m1, w1" in found.wrong
    assert "playbooks/fetch_secrets.yml" in found.remedy


@pytest.mark.parametrize(("lost", "kind"), [("ca", "ca"), ("transport-ca", "transport_ca")])
def test_a_lost_key_of_an_authority_has_a_remedy(lost: str, kind: str) -> None:
    controller = replace(CONTROLLER, signing=CONTROLLER.signing - {f"{lost}.crt"})
    found = only(controller, **LOGINS_WORK)
    assert (found.name, found.where) == ("authority_key", f"/secure/{lost}.key")
    assert f"playbooks/rotate.yml -e rotate={kind} -e rotate_lost_ca_key=true" in found.remedy


def test_an_old_authority_is_a_blocker() -> None:
    found = only(
        replace(CONTROLLER, authorities={**AUTHORITIES, "ca.crt": ("old",)}), **LOGINS_WORK
    )
    assert found.name == "authority"
    assert found.final
    assert "old, or of another platform" in found.wrong


def test_another_platform_is_a_blocker() -> None:
    controller = replace(
        foreign(*PASSWORDS, *KEYS, "secret_hash_key"),
        authorities={"ca.crt": ("theirs",), "transport-ca.crt": ("theirs too",)},
        certificates=[replace(CERTIFICATE, config_name="kibana-certificate-ba9876543210")],
    )
    found = find_blockers(controller, HOSTS, {})
    assert set(names(found)) == {"authority", *PASSWORDS, *KEYS}


def test_both_authorities_of_a_rotation_are_known() -> None:
    both = {"ca.crt": ("ours", "next"), "transport-ca.crt": ("between",)}
    assert find_blockers(replace(CONTROLLER, authorities=both), HOSTS, LOGINS_WORK) == []
    assert find_blockers(CONTROLLER, changed(authorities=both), LOGINS_WORK) == []


def test_an_authority_of_the_operator_is_changed_in_three_runs() -> None:
    own = replace(CONTROLLER, own_authority=True, signing=frozenset({"transport-ca.crt"}))
    for step, hosts in (
        (("ours", "next"), ("ours",)),
        (("next", "ours"), ("ours", "next")),
        (("next",), ("next", "ours")),
    ):
        controller = replace(own, authorities={**AUTHORITIES, "ca.crt": step})
        secrets = changed(authorities={**AUTHORITIES, "ca.crt": hosts})
        assert find_blockers(controller, secrets, LOGINS_WORK) == [], step
    found = only(replace(own, authorities={**AUTHORITIES, "ca.crt": ("next",)}), **LOGINS_WORK)
    assert found.where == "pki_ca_certificate"
    assert "three runs" in found.remedy


def test_a_host_that_was_away_does_not_stop_the_others() -> None:
    stale = HostSecrets(
        remembers=True,
        authorities={"ca.crt": ("former",)},
        fingerprints={"elastic_password": "former"},
    )
    assert find_blockers(CONTROLLER, {**HOSTS, "w2": stale}, LOGINS_WORK) == []
    assert find_blockers(CONTROLLER, {**HOSTS, "w2": stale}, {}) == []


def test_an_old_copy_is_a_blocker_although_one_host_was_away() -> None:
    new = changed(
        authorities={"ca.crt": ("new",)}, fingerprints={"elastic_password": "new"}, objects=()
    )
    stale = HostSecrets(
        authorities={"ca.crt": ("ours",)}, fingerprints={"elastic_password": "fp-elastic_password"}
    )
    found = find_blockers(CONTROLLER, {**new, "w2": stale}, {})
    assert names(found) == ["authority", "elastic_password"]


# elastic


def test_a_lost_password_of_elastic_is_never_replaced() -> None:
    found = only(without("elastic_password"), **LOGINS_WORK)
    assert (found.where, found.final) == ("/secure/elastic_password", True)
    assert "m1, w1 have the password" in found.wrong


def test_a_lost_password_that_no_host_has_either() -> None:
    """As after a reset that kept the data."""
    found = only(
        without("elastic_password"), {"m1": HostSecrets(remembers=True), "w1": HostSecrets()}
    )
    assert found.final
    assert "elasticsearch-reset-password -u elastic" in found.remedy


def test_a_reset_that_kept_the_data_needs_nothing_but_that_password() -> None:
    hosts = {"m1": HostSecrets(remembers=True), "w1": HostSecrets(remembers=True)}
    controller = ControllerSecrets(directory="/secure", values={"elastic_password": ("any",)})
    assert find_blockers(controller, hosts, {}) == []


def test_a_password_that_elasticsearch_accepts_is_right_despite_the_files() -> None:
    controller = foreign("elastic_password")
    assert find_blockers(controller, HOSTS, LOGINS_WORK) == []
    assert "another password than m1, w1" in only(controller).wrong


def test_a_password_that_elasticsearch_refuses_is_wrong_despite_the_files() -> None:
    found = only(CONTROLLER, elastic_password=False)
    assert "is refused by Elasticsearch" in found.wrong
    assert not found.final


def test_a_refused_login_is_no_blocker_while_the_cluster_forms() -> None:
    hosts = changed(remembers=False, services=(), objects=())
    assert find_blockers(CONTROLLER, hosts, {"elastic_password": False}) == []


def test_values_of_a_killed_rotation_are_known() -> None:
    controller = replace(
        CONTROLLER, values={**CONTROLLER.values, "elastic_password": ("new", "fp-elastic_password")}
    )
    assert find_blockers(controller, HOSTS, {}) == []


# Secrets that Swarm gives to services


@pytest.mark.parametrize("name", ["logstash_password", "kibana_token", *KEYS])
def test_the_secrets_of_a_service_are_compared(name: str) -> None:
    lost = only(without(name), **{**LOGINS_WORK, name: None})
    assert (lost.name, lost.where) == (name, f"/secure/{name}")
    assert f'"preflight_accept": ["{name}"]}}\'; nothing breaks.' in lost.remedy
    service = "logshipper" if name == "logstash_password" else "kibana"
    assert f"the service {service} of this platform has one" in lost.wrong
    other = only(foreign(name), **{**LOGINS_WORK, name: None})
    assert "old, or of another platform" in other.wrong


@pytest.mark.parametrize("name", ["logstash_password", "kibana_token", *KEYS])
def test_without_a_running_task_the_names_in_the_swarm_count(name: str) -> None:
    hosts = {"m1": HostSecrets(objects=OBJECTS, services=("kibana",))}
    found = only(without(name), hosts)
    assert found.name == name
    assert "(m1)" in found.wrong
    assert find_blockers(CONTROLLER, hosts, {}) == []


def test_a_refused_login_alone_is_no_blocker() -> None:
    """Somebody changed the user in Elasticsearch while no task runs: the run resets it."""
    hosts = changed(fingerprints={})
    assert find_blockers(CONTROLLER, hosts, {"logstash_password": False}) == []
    assert find_blockers(foreign("logstash_password"), hosts, {"logstash_password": True}) == []


def test_a_first_run_that_was_killed_has_no_user_yet() -> None:
    hosts = changed(
        objects=(), services=(), fingerprints={"elastic_password": "fp-elastic_password"}
    )
    assert (
        find_blockers(CONTROLLER, hosts, {"elastic_password": True, "logstash_password": False})
        == []
    )


def test_a_user_that_somebody_changed_is_no_blocker() -> None:
    assert find_blockers(CONTROLLER, HOSTS, {**LOGINS_WORK, "logstash_password": False}) == []


@pytest.mark.parametrize("name", [*PASSWORDS, *KEYS, "secret_hash_key"])
def test_values_from_variables_may_change(name: str) -> None:
    controller = replace(without(name), given=frozenset({name}))
    assert find_blockers(controller, HOSTS, {}) == []


def test_a_password_of_elastic_from_a_variable_must_be_the_present_one() -> None:
    controller = replace(without("elastic_password"), given=frozenset({"elastic_password"}))
    assert only(controller, elastic_password=False).where == "elk_elastic_password"


# The hash key of names


def test_the_names_in_the_swarm_show_a_lost_hash_key() -> None:
    found = only(without("secret_hash_key"), **LOGINS_WORK)
    assert (found.name, found.final) == ("secret_hash_key", False)
    assert "m1 lists kibana-key-0123456789ab" in found.wrong
    assert "Logstash and Kibana then get new tasks, and nothing is lost." in found.remedy


def test_another_hash_key_gives_another_name() -> None:
    other = replace(CERTIFICATE, secret_name="kibana-key-ffffffffffff")
    found = only(replace(CONTROLLER, certificates=[other]), **LOGINS_WORK)
    assert found.name == "secret_hash_key"
    assert "m1 lists no kibana-key-ffffffffffff" in found.wrong
    other = replace(other, config_name="kibana-certificate-ff")
    renewed = replace(CONTROLLER, certificates=[other])
    assert find_blockers(renewed, HOSTS, LOGINS_WORK) == [], (
        "a certificate that was just renewed proves nothing"
    )


def test_names_are_those_of_the_module_service() -> None:
    assert compare.secret_name("b", "text", "key") == configs_and_secrets.hashed_name(
        "secrets", "b", b"text", "key"
    )
    assert compare.config_name("b", "text") == configs_and_secrets.hashed_name(
        "configs", "b", b"text", None
    )
