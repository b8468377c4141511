# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of a daemon that runs already, and paths."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.daemon_options import (
    DAEMON_FILE,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.examine import examine
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import Host, Site
from tests.unit.plugins.module_utils.platform.preflight.described import described

if TYPE_CHECKING:
    from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import Finding

NAMES = ("daemon_flags", "daemon_data", "daemon_kept", "daemon_foreign", "paths", "one_local_dir")
MEMBER = {"swarm": {"state": "active"}, "root": "/var/lib/docker", "driver": "overlay2"}


def found(
    options: dict[str, Any],
    docker: dict[str, Any] | None = None,
    present: dict[str, Any] | None = None,
    **settings: Any,
) -> list[Finding]:
    survey = {"docker": docker or {}, "files": {DAEMON_FILE: json.dumps(present or {})}}
    host = Host("m1", {"docker_engine_source": "docker_ce"}, survey)
    return examine(
        Site(
            {"swarm_managers": ["m1"]},
            {"m1": host},
            {"docker_engine_daemon_options": options, **settings},
        ),
        only=NAMES,
    )


@pytest.mark.parametrize(
    "options",
    [{"data-root": "/data/docker"}, {"storage-driver": "vfs"}, {"userns-remap": "default"}],
)
def test_a_member_of_a_swarm_keeps_its_data(options: dict[str, Any]) -> None:
    (finding,) = found(options, MEMBER)
    assert (finding.check, finding.where, finding.warning) == ("daemon_data", "m1", False)
    # A bare host may get what it likes.
    assert found(options) == []
    assert found(options, {"swarm": {"state": "inactive"}, "root": "/var/lib/docker"}) == []
    # Containers that are not of this collection count as well.
    assert found(options, {**MEMBER, "swarm": {}, "containers": 1})


def test_the_present_values_are_no_finding() -> None:
    same = {"data-root": "/var/lib/docker", "storage-driver": "overlay2", "userns-remap": "a"}
    assert found(same, MEMBER, same) == []


@pytest.mark.parametrize("name", ["data-root", "exec-root", "userns-remap"])
def test_what_the_present_file_needs_is_not_dropped(name: str) -> None:
    (finding,) = found({}, present={name: "/data"})
    assert (finding.check, finding.warning) == ("daemon_kept", False)
    assert found({name: "/data"}, present={name: "/data"}) == []


def test_null_and_a_slash_at_the_end_are_no_other_place() -> None:
    assert found({"data-root": None}, MEMBER) == []
    assert found({"data-root": "/var/lib/docker/"}, MEMBER) == []


@pytest.mark.parametrize("name", ["hosts", "containerd"])
def test_what_the_unit_passes_as_a_flag(name: str) -> None:
    (finding,) = found({name: ["tcp://0.0.0.0:2375"]})
    assert (finding.check, finding.where, finding.warning) == ("daemon_flags", "m1", False)
    assert found({name: None}) == []


def test_the_flags_of_the_unit_count_where_there_is_one() -> None:
    options = {"hosts": ["tcp://0.0.0.0:2375"], "mtu": 1450}
    assert found(options, {"flags": []}) == []
    (finding,) = found(options, {"flags": ["containerd", "mtu"]})
    assert "docker.service passes mtu as a flag there, and docker_engine_daemon" in finding.wrong


def test_what_the_role_writes_by_itself_counts() -> None:
    (finding,) = found({}, {"flags": ["log-driver"]})
    assert "docker_engine_log_driver sets log-driver" in finding.wrong
    assert "log-driver: null" in finding.mend
    assert found({"log-driver": None, "log-opts": None}, {"flags": ["log-driver"]}) == []


def test_foreign_options_are_named_before_they_are_lost() -> None:
    present = {"mtu": 1450, "dns": ["10.0.0.2"], "registry-mirrors": ["https://m"], "log-opts": {}}
    (finding,) = found({"dns": []}, present=present)
    assert (finding.check, finding.warning) == ("daemon_foreign", True)
    assert "has mtu, registry-mirrors, which" in finding.wrong
    mirrors = {"docker_engine_registry_mirrors": ["https://m"]}
    assert found({"dns": [], "mtu": 1400}, present=present, **mirrors) == []


@pytest.mark.parametrize("path", ["~/secure", "secure/ca.crt", "$HOME/ca.crt"])
@pytest.mark.parametrize("name", ["elk_config_dir", "pki_ca_key"])
def test_a_path_that_is_not_absolute(name: str, path: str) -> None:
    (finding,) = found({}, **{name: path})
    assert (finding.check, finding.where) == ("paths", name)
    assert found({}, **{name: "/secure/x"}) == []


@pytest.mark.parametrize(("path", "wrong"), [("secure/token", True), ("/secure/token", False)])
def test_the_path_of_a_credential(path: str, wrong: bool) -> None:
    services = described({"elk_kibana_token_file": path})
    site = Site({"swarm_managers": ["m1"]}, {}, {}, services=services)
    findings = [one.where for one in examine(site, only=NAMES)]
    assert findings == (["elk_kibana_token_file"] if wrong else [])


def test_all_hosts_use_one_folder_of_the_controller() -> None:
    hosts = {
        name: Host(name, {"local_dir": f"/secure/{name}"}, {"memory": 1}) for name in ("m1", "w1")
    }
    site = Site({"swarm_managers": ["m1"], "swarm_workers": ["w1"]}, hosts, {})
    (finding,) = examine(site, ["one_local_dir"], only=NAMES)
    assert (finding.check, finding.warning) == ("one_local_dir", False)
    assert "/secure/m1 (m1); /secure/w1 (w1)" in finding.wrong
