# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight refuses what a role would refuse later, and has a check for each check of a role."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.examine import (
    CHECKS,
    examine,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import Host, Site
from repo import ROOT
from tests.unit.expressions import Loader
from tests.unit.plugins.module_utils.platform.preflight.described import described

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import Finding

GOOD: dict[str, Any] = {
    "elk_stack_name": "elk",
    "elk_network": "elknet",
    "elasticsearch_index_refresh_interval": "5s",
    "elasticsearch_rollover_max_age": "1d",
    "elasticsearch_rollover_max_primary_shard_size": "50gb",
    "elasticsearch_retention": "30d",
    "pki_ca_valid_days": "3650",
    "pki_valid_days": "730",
    "pki_renew_days": "30",
}
NAMES = (
    "stack_name",
    "times",
    "certificate_days",
    "certificate_names",
    "docker_users",
)
# Each check of a role, and the check of preflight that comes before it. Without one, the task needs
# what only an earlier role makes, or asks the host or the cluster at that moment.
PREFLIGHT_HAS = {
    "Check that the containers have room": "replicas",
    # What meta/service.yml describes, preflight checks as well.
    "Check the values of Kibana": "",
    "Check the values of Logstash": "",
    "Check that the token and the certificate are there": "",
    "Check that every replica has a host": "replicas",
    "Check that the certificate authority is there": "",
    "Check the days of validity and the names": "certificate_days",
    "Check that the key of a certificate authority is not lost": "authority_key",
    # Files of the operator's own authority are read by modules of community.crypto.
    "Check that your certificate authority has both of its files": "",
    "Check that your certificate authority may sign and lasts": "",
    "Refuse users that do not exist": "docker_users",
    "Refuse an older Engine than there is": "engine_version",
    "Refuse a daemon that lives and does not answer": "daemon",
    "Refuse storage that cannot be, or that would leave data behind": "storage",
    "Refuse a host that has been part of another cluster": "data_directory",
    # These ask the swarm or the cluster.
    "Refuse what cannot be done safely": "",
    "Refuse what would harm the cluster": "",
}
# The tasks of a role that site.yml runs from the start; others belong to single playbooks.
FILES = (
    "*/tasks/check.yml",
    "docker_engine/tasks/main.yml",
    "docker_engine/tasks/users.yml",
    "swarm/tasks/main.yml",
    "storage/tasks/make.yml",
    "elasticsearch/tasks/survey.yml",
    "elasticsearch/tasks/prepare.yml",
)


def found(name: str = "", value: Any = None, **survey: Any) -> list[Finding]:
    settings = {**GOOD, name: value} if name else GOOD
    hosts = {"m1": Host("m1", {}, {"memory": 1, **survey})}
    return examine(Site({"swarm_managers": ["m1"]}, hosts, settings), only=NAMES)


def test_good_values_have_no_findings() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("name", "value", "check", "says"),
    [
        ("elk_stack_name", "My Stack", "stack_name", "cannot begin the name"),
        ("elk_stack_name", "a" * 41, "stack_name", "cannot begin the name"),
        ("elk_network", "elk net", "stack_name", "cannot begin the name"),
        ("elasticsearch_retention", "30", "times", "needs a unit"),
        ("elasticsearch_retention", 30, "times", "needs a unit"),
        ("elasticsearch_rollover_max_primary_shard_size", "50", "times", "no size"),
        ("pki_valid_days", "5000", "certificate_days", "outlive their authority"),
        ("pki_valid_days", 20, "certificate_days", "each run would renew"),
    ],
)
def test_a_value_that_a_role_would_refuse_later(
    name: str, value: Any, check: str, says: str
) -> None:
    (finding,) = found(name, value)
    assert (finding.check, finding.warning) == (check, False)
    assert re.search(says, finding.wrong)


def test_a_user_that_does_not_exist() -> None:
    (finding,) = found(unknown_users=["deploy"])
    assert (finding.check, finding.where) == ("docker_users", "m1")


def test_a_host_with_the_name_of_a_certificate() -> None:
    site = Site({"swarm_managers": ["kibana"]}, {}, GOOD, services=described({}))
    (finding,) = examine(site, only=NAMES)
    assert (finding.check, finding.where) == ("certificate_names", "kibana")
    assert finding.wrong == (
        "has the name of a file of another certificate: certs/kibana.crt is that of the service, "
        "certs/HOST.transport.crt that of a node."
    )


def tasks(value: Any) -> Iterator[dict[str, Any]]:
    for task in value or ():
        for part in ("block", "rescue", "always"):
            yield from tasks(task.get(part))
        yield task


def test_preflight_has_every_check_of_a_role() -> None:
    own = {"preflight", "reset"}
    names = [
        task["name"]
        for pattern in FILES
        for file in sorted((ROOT / "roles").glob(pattern))
        if file.parts[-3] not in own
        for task in tasks(yaml.load(file.read_text(), Loader))
        if {"ansible.builtin.assert", "ansible.builtin.fail"} & task.keys()
    ]
    assert sorted(names) == sorted(PREFLIGHT_HAS), "a new check of a role needs one in preflight"
    assert {check for check in PREFLIGHT_HAS.values() if check} <= set(CHECKS)


def test_preflight_gets_every_value_that_it_checks() -> None:
    """A value that the role does not hand over would never be checked."""
    (module,) = [
        task["elk.swarm.preflight"]
        for task in yaml.load((ROOT / "roles/preflight/tasks/main.yml").read_text(), Loader)
        if "elk.swarm.preflight" in task
    ]
    assert set(GOOD) <= set(module["settings"])
