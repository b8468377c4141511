# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role storage knows: the data of each host, and whether a cluster has ever formed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from repo import ROOT
from tests.unit.roles.evaluation import Case, evaluate

if TYPE_CHECKING:
    from pathlib import Path

FILE = "/etc/elk.d/elasticsearch/cluster_uuid"


def survey(uuid: str) -> dict[str, Any]:
    return {"preflight_survey": {"survey": {"files": {FILE: uuid, "/etc/other": "x"}}}}


def test_one_host_with_a_note_is_enough(tmp_path: Path) -> None:
    hosts = {"m1": survey(""), "m2": survey(""), "m3": survey("abc"), "m4": {}}
    groups = {"swarm_managers": {"hosts": hosts}}
    found = evaluate(
        tmp_path,
        [
            Case(
                "none", "__storage_never_formed | bool", {"elk_elasticsearch_hosts": ["m1", "m2"]}
            ),
            Case("one", "__storage_never_formed | bool", {"elk_elasticsearch_hosts": ["m1", "m3"]}),
            Case(
                "unseen", "__storage_never_formed | bool", {"elk_elasticsearch_hosts": ["m1", "m4"]}
            ),
            Case(
                "limit", "__storage_never_formed | bool", {"elk_elasticsearch_hosts": ["m1", "x"]}
            ),
        ],
        groups=groups,
        local_dir=tmp_path,
        hosts="swarm_managers",
        variables={"elk_config_dir": "/etc/elk.d"},
        vars_files=[ROOT / "roles" / "storage" / "vars" / "main.yml"],
    )
    assert found["m1"] == {"none": True, "one": False, "unseen": False, "limit": False}


def seen(paths: list[str]) -> dict[str, Any]:
    disks = {path: {"empty": True} for path in paths}
    return {"survey": {"files": {"/etc/elk/storage.json": ""}, "disks": disks}}


def test_each_host_gets_the_data_of_the_services_that_it_may_run(tmp_path: Path) -> None:
    role = tmp_path / "roles" / "hello" / "meta"
    role.mkdir(parents=True)
    data = [{"name": name, "storage": {"kind": "volume"}} for name in ("hello", "hello_wal")]
    hello = {"title": "Hello", "kind": "per_host", "hosts": ["w1"], "data": data}
    (role / "service.yml").write_text(json.dumps({"hello": hello}))
    every = {"elk_additional_service_roles": ["hello"]}
    ours = seen(["/srv/elk/elasticsearch", "/srv/elk/logstash"])
    theirs = {f"/srv/elk/{name}": {"empty": False} for name in ("elasticsearch", "hello")}
    looked = {"preflight_survey": ours}
    found = evaluate(
        tmp_path,
        [
            Case("ours", "__storage_here"),
            Case("theirs", "__storage_here", {**every, "logstash_storage": {"kind": "volume"}}),
            Case("directories", "__storage_directories", every),
            Case("plan", "__storage_plan", looked),
            Case("surveyed", "__storage_surveyed", looked),
            # Preflight has not looked at the directory of this service: it may have data.
            Case("not surveyed", "__storage_surveyed", {**looked, **every}),
            Case("not yet", "__storage_surveyed"),
            Case(
                "data",
                "__storage_plan.errors | length",
                {
                    **looked,
                    **every,
                    "__storage_survey": {"survey": {**seen([])["survey"], "disks": theirs}},
                },
            ),
        ],
        groups={
            "swarm_managers": {"hosts": {"m1": {}, "w1": {}}},
            "elasticsearch": {"hosts": {"m1": {}}},
        },
        local_dir=tmp_path,
        hosts="swarm_managers",
        vars_files=[
            ROOT / "roles" / role / kind / "main.yml"
            for role in ("elk", "storage")
            for kind in ("defaults", "vars")
        ],
    )
    bind, volume = {"kind": "bind"}, {"kind": "volume"}
    assert found["m1"]["ours"] == {"elasticsearch": bind, "logstash": bind}
    assert found["w1"]["ours"] == {"logstash": bind}
    assert found["m1"]["theirs"] == {"elasticsearch": bind, "logstash": volume}
    assert found["w1"]["theirs"] == {"logstash": volume, "hello": volume, "hello_wal": volume}
    assert found["w1"]["directories"] == {
        name: f"/srv/elk/{name}" for name in ("elasticsearch", "logstash", "hello", "hello_wal")
    }
    assert found["m1"]["plan"]["directories"] == ["/srv/elk/elasticsearch", "/srv/elk/logstash"]
    assert found["w1"]["plan"]["directories"] == ["/srv/elk/logstash"]
    assert [found["m1"][name] for name in ("surveyed", "not surveyed", "not yet")] == [
        True,
        False,
        False,
    ]
    assert (found["m1"]["data"], found["w1"]["data"]) == (0, 1)
