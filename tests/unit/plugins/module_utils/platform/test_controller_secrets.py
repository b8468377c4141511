# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the controller holds against what the hosts hold: lost, old and foreign secrets."""

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
    Held,
    Shown,
    judge,
)
from ansible_collections.elk.swarm.plugins.module_utils.swarm import configs_and_secrets

PASSWORDS = ("elastic_password", "logstash_password", "kibana_token")
KEYS = ("kibana_encryption_key", "kibana_saved_objects_key", "kibana_reporting_key")
OBJECTS = (
    "kibana-key-0123456789ab",
    "kibana-yml-0123456789ab",
    "logshipper-syslog-conf-0123456789ab",
)

HELD = Held(
    directory="/secure",
    values={name: (f"fp-{name}",) for name in (*PASSWORDS, *KEYS, "secret_hash_key")},
    authorities={"ca.crt": ("ours",), "transport-ca.crt": ("between",)},
    signing=frozenset({"ca.crt", "transport-ca.crt"}),
    kibana_certificate="kibana-certificate-0123456789ab",
    kibana_key="kibana-key-0123456789ab",
)
AUTHORITIES = {"ca.crt": ("ours",), "transport-ca.crt": ("between",)}
RENDERED = {name: f"fp-{name}" for name in ("kibana_token", *KEYS)}
HOSTS = {
    "m1": Shown(
        remembers=True,
        authorities=AUTHORITIES,
        fingerprints={"elastic_password": "fp-elastic_password", **RENDERED},
        services=("elk_elasticsearch-1", "kibana", "logshipper"),
        objects=(*OBJECTS, "kibana-certificate-0123456789ab"),
    ),
    "w1": Shown(
        remembers=True,
        authorities=AUTHORITIES,
        fingerprints={
            "elastic_password": "fp-elastic_password",
            "logstash_password": "fp-logstash_password",
        },
    ),
}
TAKEN = dict.fromkeys(PASSWORDS, True)


def without(*names: str, held: Held = HELD) -> Held:
    return replace(held, values={**held.values, **dict.fromkeys(names, ())})


def foreign(*names: str, held: Held = HELD) -> Held:
    return replace(held, values={**held.values, **dict.fromkeys(names, ("another",))})


def names(found: list[Blocker]) -> list[str]:
    return [blocker.name for blocker in found]


def only(held: Held, hosts: dict[str, Shown] | None = None, **logins: Any) -> Blocker:
    found = judge(held, HOSTS if hosts is None else hosts, logins)
    assert len(found) == 1, found
    return found[0]


def changed(**fields: Any) -> dict[str, Shown]:
    return {name: replace(shown, **fields) for name, shown in HOSTS.items()}


def test_a_controller_of_the_platform_is_let_through() -> None:
    assert judge(HELD, HOSTS, TAKEN) == []
    assert judge(HELD, HOSTS, {}) == [], "also while Elasticsearch is away"


def test_bare_hosts_have_nothing_to_compare_with() -> None:
    empty = Held(directory="/secure")
    assert judge(empty, {"m1": Shown(), "w1": Shown()}, {}) == []
    assert judge(HELD, {"m1": Shown()}, {}) == []


def test_an_empty_folder_is_refused_for_every_secret() -> None:
    found = judge(Held(directory="/empty"), HOSTS, {})
    assert set(names(found)) == set(BLOCKERS) - {"authority_key"}
    for blocker in found:
        assert blocker.where.startswith("/empty/")
        assert "Bring /empty back from your copy" in blocker.remedy


@pytest.mark.parametrize("lost", ["ca.crt", "transport-ca.crt"])
def test_a_lost_authority_is_refused_although_the_passwords_are_there(lost: str) -> None:
    held = replace(HELD, authorities={**AUTHORITIES, lost: ()})
    found = only(held, **TAKEN)
    assert (found.name, found.where, found.final) == ("authority", f"/secure/{lost}", True)
    assert "m1, w1" in found.wrong
    assert "playbooks/fetch_secrets.yml" in found.remedy


@pytest.mark.parametrize(("lost", "kind"), [("ca", "ca"), ("transport-ca", "transport_ca")])
def test_a_lost_key_of_an_authority_has_a_way_forward(lost: str, kind: str) -> None:
    held = replace(HELD, signing=HELD.signing - {f"{lost}.crt"})
    found = only(held, **TAKEN)
    assert (found.name, found.where) == ("authority_key", f"/secure/{lost}.key")
    assert f"playbooks/rotate.yml -e rotate={kind} -e rotate_lost_ca_key=true" in found.remedy


def test_an_old_authority_is_refused() -> None:
    found = only(replace(HELD, authorities={**AUTHORITIES, "ca.crt": ("old",)}), **TAKEN)
    assert found.name == "authority"
    assert found.final
    assert "old, or of another platform" in found.wrong


def test_another_platform_is_refused() -> None:
    held = replace(
        foreign(*PASSWORDS, *KEYS, "secret_hash_key"),
        authorities={"ca.crt": ("theirs",), "transport-ca.crt": ("theirs too",)},
        kibana_certificate="kibana-certificate-ba9876543210",
    )
    found = judge(held, HOSTS, {})
    assert set(names(found)) == {"authority", *PASSWORDS, *KEYS}


def test_both_authorities_of_a_renewal_are_known() -> None:
    both = {"ca.crt": ("ours", "next"), "transport-ca.crt": ("between",)}
    assert judge(replace(HELD, authorities=both), HOSTS, TAKEN) == []
    assert judge(HELD, changed(authorities=both), TAKEN) == []


def test_an_authority_of_the_operator_is_changed_in_three_runs() -> None:
    own = replace(HELD, own_authority=True, signing=frozenset({"transport-ca.crt"}))
    for step, hosts in (
        (("ours", "next"), ("ours",)),
        (("next", "ours"), ("ours", "next")),
        (("next",), ("next", "ours")),
    ):
        held = replace(own, authorities={**AUTHORITIES, "ca.crt": step})
        shown = changed(authorities={**AUTHORITIES, "ca.crt": hosts})
        assert judge(held, shown, TAKEN) == [], step
    found = only(replace(own, authorities={**AUTHORITIES, "ca.crt": ("next",)}), **TAKEN)
    assert found.where == "pki_ca_certificate"
    assert "three runs" in found.remedy


def test_a_host_that_was_away_does_not_stop_the_others() -> None:
    stale = Shown(
        remembers=True,
        authorities={"ca.crt": ("former",)},
        fingerprints={"elastic_password": "former"},
    )
    assert judge(HELD, {**HOSTS, "w2": stale}, TAKEN) == []
    assert judge(HELD, {**HOSTS, "w2": stale}, {}) == []


def test_an_old_copy_is_refused_although_one_host_was_away() -> None:
    new = changed(
        authorities={"ca.crt": ("new",)}, fingerprints={"elastic_password": "new"}, objects=()
    )
    stale = Shown(
        authorities={"ca.crt": ("ours",)}, fingerprints={"elastic_password": "fp-elastic_password"}
    )
    found = judge(HELD, {**new, "w2": stale}, {})
    assert names(found) == ["authority", "elastic_password"]


# elastic


def test_a_lost_password_of_elastic_is_never_made_again() -> None:
    found = only(without("elastic_password"), **TAKEN)
    assert (found.where, found.final) == ("/secure/elastic_password", True)
    assert "m1, w1 have the password" in found.wrong


def test_a_lost_password_that_no_host_has_either() -> None:
    """As after a reset that has kept the data."""
    found = only(without("elastic_password"), {"m1": Shown(remembers=True), "w1": Shown()})
    assert found.final
    assert "elasticsearch-reset-password -u elastic" in found.remedy


def test_a_reset_that_kept_the_data_needs_nothing_but_that_password() -> None:
    hosts = {"m1": Shown(remembers=True), "w1": Shown(remembers=True)}
    held = Held(directory="/secure", values={"elastic_password": ("any",)})
    assert judge(held, hosts, {}) == []


def test_a_password_that_elasticsearch_takes_is_right_whatever_the_files_say() -> None:
    held = foreign("elastic_password")
    assert judge(held, HOSTS, TAKEN) == []
    assert "another password than m1, w1" in only(held).wrong


def test_a_password_that_elasticsearch_refuses_is_wrong_whatever_the_files_say() -> None:
    found = only(HELD, elastic_password=False)
    assert "is refused by Elasticsearch" in found.wrong
    assert not found.final


def test_a_cluster_that_is_about_to_form_refuses_everybody() -> None:
    hosts = changed(remembers=False, services=(), objects=())
    assert judge(HELD, hosts, {"elastic_password": False}) == []


def test_values_of_a_renewal_that_was_killed_are_known() -> None:
    held = replace(HELD, values={**HELD.values, "elastic_password": ("new", "fp-elastic_password")})
    assert judge(held, HOSTS, {}) == []


# What Swarm has given to services


@pytest.mark.parametrize("name", ["logstash_password", "kibana_token", *KEYS])
def test_what_a_service_has_is_compared(name: str) -> None:
    lost = only(without(name), **{**TAKEN, name: None})
    assert (lost.name, lost.where) == (name, f"/secure/{name}")
    assert f'"preflight_accept": ["{name}"]' in lost.remedy
    other = only(foreign(name), **{**TAKEN, name: None})
    assert "old, or of another platform" in other.wrong


@pytest.mark.parametrize("name", ["logstash_password", "kibana_token", *KEYS])
def test_without_a_running_task_the_names_in_the_swarm_tell_of_it(name: str) -> None:
    hosts = {"m1": Shown(objects=OBJECTS, services=("kibana",))}
    found = only(without(name), hosts)
    assert found.name == name
    assert "(m1)" in found.wrong
    assert judge(HELD, hosts, {}) == []


def test_a_refused_login_alone_is_no_sign() -> None:
    """A user that was changed in Elasticsearch by hand, while no task runs: the run corrects it."""
    hosts = changed(fingerprints={})
    assert judge(HELD, hosts, {"logstash_password": False}) == []
    assert judge(foreign("logstash_password"), hosts, {"logstash_password": True}) == []


def test_a_first_run_that_was_killed_has_no_user_yet() -> None:
    hosts = changed(
        objects=(), services=(), fingerprints={"elastic_password": "fp-elastic_password"}
    )
    assert judge(HELD, hosts, {"elastic_password": True, "logstash_password": False}) == []


def test_a_user_that_somebody_changed_is_put_right_by_the_run() -> None:
    assert judge(HELD, HOSTS, {**TAKEN, "logstash_password": False}) == []


@pytest.mark.parametrize("name", [*PASSWORDS, *KEYS, "secret_hash_key"])
def test_what_a_variable_gives_may_change(name: str) -> None:
    held = replace(without(name), given=frozenset({name}))
    assert judge(held, HOSTS, {}) == []


def test_a_given_password_of_elastic_has_to_be_the_present_one() -> None:
    held = replace(without("elastic_password"), given=frozenset({"elastic_password"}))
    assert only(held, elastic_password=False).where == "elk_elastic_password"


# The key of names


def test_a_lost_key_of_names_is_told_by_the_swarm() -> None:
    found = only(without("secret_hash_key"), **TAKEN)
    assert (found.name, found.final) == ("secret_hash_key", False)
    assert "m1 lists kibana-key-0123456789ab" in found.wrong
    assert "nothing is lost" in found.remedy


def test_another_key_of_names_gives_another_name() -> None:
    found = only(replace(HELD, kibana_key="kibana-key-ffffffffffff"), **TAKEN)
    assert found.name == "secret_hash_key"
    renewed = replace(HELD, kibana_key="kibana-key-ff", kibana_certificate="kibana-certificate-ff")
    assert judge(renewed, HOSTS, TAKEN) == [], "a certificate that was just renewed says nothing"


def test_names_are_those_of_the_module_service() -> None:
    assert compare.secret_name("b", "text", "key") == configs_and_secrets.hashed_name(
        "secrets", "b", b"text", "key"
    )
    assert compare.config_name("b", "text") == configs_and_secrets.hashed_name(
        "configs", "b", b"text", None
    )
