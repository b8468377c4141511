# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a service keeps its data: volumes, mounts and blockers, and no secret in the output."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from ansible_collections.elk.swarm.plugins.filter.service_storage import service_storage
from ansible_collections.elk.swarm.plugins.filter.storage_plan import storage_plan
from ansible_collections.elk.swarm.plugins.filter.storage_work import storage_work
from ansible_collections.elk.swarm.plugins.module_utils.docker.volume_plan import desired_volumes
from ansible_collections.elk.swarm.plugins.module_utils.platform.storage_plan import (
    FIELDS,
    move_blocker,
    note,
    plan,
    plan_host,
)
from repo import ROOT

PLUGIN: dict[str, Any] = {"kind": "plugin", "plugin": "registry.example.org:5000/lab/disk:1"}
NFS: dict[str, Any] = {"kind": "nfs", "server": "nas", "path": "/export/elk"}
CIFS: dict[str, Any] = {
    "kind": "cifs",
    "server": "192.0.2.10",
    "path": "/elk",
    "user": "elk",
    "password": "hush",
}
GLUSTERFS: dict[str, Any] = {"kind": "glusterfs", "path": "/mnt/gluster"}
CEPHFS: dict[str, Any] = {
    "kind": "cephfs",
    "server": "192.0.2.10:6789,192.0.2.11",
    "path": "/elk/",
    "user": "elk",
    "password": "aGVsbG8==",
}
ALL = [{"kind": "bind"}, {"kind": "volume"}, PLUGIN, NFS, CIFS, GLUSTERFS, CEPHFS]


def test_the_specs_name_every_kind_and_every_field() -> None:
    for service in ("elasticsearch", "logstash"):
        text = (ROOT / "roles" / service / "meta/argument_specs.yml").read_text()
        spec = yaml.safe_load(text)["argument_specs"]["main"]["options"][f"{service}_storage"]
        assert spec["options"]["kind"]["choices"] == list(FIELDS)
        known = {name for pair in FIELDS.values() for names in pair for name in names}
        assert set(spec["options"]) == {"kind", *known}


@pytest.mark.parametrize("value", ALL, ids=lambda value: value["kind"])
def test_every_kind_can_be_used(value: dict[str, Any]) -> None:
    found = plan("elasticsearch", value, "m1")
    assert found.problems == ()
    assert found.kind == value["kind"]


@pytest.mark.parametrize(
    ("value", "driver", "options"),
    [
        ({"kind": "volume"}, "local", {}),
        (
            {**PLUGIN, "options": {"size": "20g", "copies": 2}},
            "disk",
            {"size": "20g", "copies": "2"},
        ),
        ({**PLUGIN, "alias": "fast"}, "fast", {}),
        (
            NFS,
            "local",
            {"type": "nfs", "o": "addr=nas,nfsvers=4.2,hard", "device": ":/export/elk/es-m1"},
        ),
        (
            {**NFS, "mount_options": "nfsvers=3,nolock"},
            "local",
            {"type": "nfs", "o": "addr=nas,nfsvers=3,nolock", "device": ":/export/elk/es-m1"},
        ),
        (
            CIFS,
            "local",
            {
                "type": "cifs",
                "o": "addr=192.0.2.10,username=elk,password=hush,"
                "uid=1000,gid=0,file_mode=0660,dir_mode=0770,vers=3.1.1",
                "device": "//192.0.2.10/elk/es-m1",
            },
        ),
        (GLUSTERFS, "local", {"type": "none", "o": "bind", "device": "/mnt/gluster/es-m1"}),
        (
            CEPHFS,
            "local",
            {
                "type": "ceph",
                "o": "name=elk,secret=aGVsbG8==",
                "device": "192.0.2.10:6789,192.0.2.11:/elk/es-m1",
            },
        ),
    ],
)
def test_the_volume_of_each_kind(
    value: dict[str, Any], driver: str, options: dict[str, str]
) -> None:
    volume = plan("elasticsearch", value, "m1").volume_item()
    assert volume == {"volume_name": "es-m1", "driver": driver, "driver_options": options}
    # The module volume accepts it.
    [desired] = desired_volumes({"volumes": [volume]})
    assert desired.options == options


@pytest.mark.parametrize("value", ALL[1:], ids=lambda value: value["kind"])
def test_each_service_and_host_has_its_own_volume(value: dict[str, Any]) -> None:
    made = [
        plan(service, value, node).volume_item()
        for service in ("elasticsearch", "logstash")
        for node in ("m1", "m2")
    ]
    assert [one["volume_name"] for one in made] == ["es-m1", "es-m2", "ls-m1", "ls-m2"]
    devices = [one["driver_options"].get("device") for one in made]
    assert devices == [None] * 4 or len(set(devices)) == 4


@pytest.mark.parametrize(
    ("value", "where", "wrong"),
    [
        ("bind", "", "is not a dictionary"),
        ({"kind": "ramdisk"}, "kind", "ramdisk is no kind"),
        ({"kind": "volume", "size": "3g"}, "size", "does not belong to kind volume"),
        ({"kind": "volume", "server": "nas"}, "server", "does not belong to kind volume"),
        ({**NFS, "plugin": "disk:1"}, "plugin", "does not belong to kind nfs"),
        ({"kind": "plugin"}, "plugin", "is missing"),
        ({"kind": "nfs", "server": "nas"}, "path", "is missing"),
        ({**CIFS, "password": ""}, "password", "is missing"),
        ({**PLUGIN, "plugin": "registry.example.org:5000/disk"}, "plugin", "has no tag"),
        ({**PLUGIN, "plugin": "disk:latest"}, "plugin", "has the tag latest"),
        ({**PLUGIN, "plugin": "registry.example.org/"}, "plugin", "is no plugin"),
        ({**PLUGIN, "alias": "disk:1"}, "alias", "is no name for a plugin"),
        ({**PLUGIN, "options": {"size": 1.5}}, "options.size", "is not a string"),
        (
            {**PLUGIN, "grant_all": True, "privileges": [{"name": "network", "value": ["host"]}]},
            "grant_all",
            "is set together with privileges",
        ),
        ({**NFS, "server": "nas,ro"}, "server", "is no name and no address"),
        ({**NFS, "server": "192.0.2.300"}, "server", "is no name and no address"),
        ({**NFS, "path": "export"}, "path", "is no absolute path"),
        ({**NFS, "path": "/export/../etc"}, "path", "is no absolute path"),
        ({**NFS, "mount_options": "hard,,ro"}, "mount_options", "is no list of mount options"),
        ({**NFS, "mount_options": "addr=other"}, "mount_options", "holds addr"),
        ({**CIFS, "mount_options": "password=hush"}, "mount_options", "holds password"),
        ({**CIFS, "server": "nas"}, "server", "is no address"),
        ({**CIFS, "password": "hush,ro"}, "password", "holds a comma"),
        ({**CEPHFS, "server": "192.0.2.10:mon"}, "server", "is no address"),
        ({**CEPHFS, "password": "hush hush"}, "password", "holds a comma or white space"),
        ({**GLUSTERFS, "server": "nas"}, "server", "does not belong to kind glusterfs"),
    ],
)
def test_problems_name_the_field(value: Any, where: str, wrong: str) -> None:
    [problem] = plan("logstash", value, "m1").problems
    assert problem.field == where
    assert wrong in problem.wrong
    assert problem.mend
    assert problem.sentence("logstash_storage").startswith(
        f"logstash_storage.{where}:" if where else "logstash_storage:"
    )
    assert "hush" not in problem.sentence("x")


def test_the_mount_is_the_same_on_all_hosts_and_has_no_options() -> None:
    value = {**PLUGIN, "options": {"size": "2g"}}
    first, second = (
        service_storage(value, "logstash", node, "/srv/elk/logstash", "/data")
        for node in ("m1", "m2")
    )
    assert first["mount"] == second["mount"]
    assert first["mount"] == {
        "type": "volume",
        "source": "ls-{{.Node.Hostname}}",
        "target": "/data",
        "no_copy": True,
        "driver_config": {"name": "disk"},
    }
    assert (first["volume"], second["volume"]) == ("ls-m1", "ls-m2")
    assert second["expected"] == {
        "type": "volume",
        "source": "ls-m2",
        "target": "/data",
        "driver": "disk",
        "filesystems": [],
    }
    nfs = service_storage(NFS, "logstash", "m1", "", "/data")
    assert nfs["expected"]["filesystems"] == ["nfs", "nfs4"]
    bound = service_storage({"kind": "bind"}, "logstash", "m1", "/srv/elk/logstash", "/data")
    assert bound["volume"] == ""
    assert bound["mount"] == {"type": "bind", "source": "/srv/elk/logstash", "target": "/data"}


def test_a_digest_is_a_version_of_a_plugin() -> None:
    value = {**PLUGIN, "plugin": f"registry.example.org/disk@sha256:{'0' * 64}"}
    found = plan("elasticsearch", value, "m1")
    assert found.problems == ()
    assert found.driver == "disk"


@pytest.mark.parametrize("value", ALL, ids=lambda value: value["kind"])
def test_the_output_holds_no_secret(value: dict[str, Any]) -> None:
    if value["kind"] == "plugin":
        value = {**value, "plugin_options": {"KEY": "hush"}, "options": {"password": "hush"}}
    shown = json.dumps(service_storage(value, "elasticsearch", "m1", "/srv", "/data"))
    assert "hush" not in shown
    assert "aGVsbG8" not in shown
    planned = storage_plan({"elasticsearch": value}, "m1")
    assert "hush" not in planned["note"]
    assert "aGVsbG8" not in planned["note"]


def test_a_new_password_is_the_same_place() -> None:
    before = plan("elasticsearch", CIFS, "m1").identity()
    assert plan("elasticsearch", {**CIFS, "password": "new"}, "m1").identity() == before
    assert plan("elasticsearch", {**CIFS, "path": "/other"}, "m1").identity() != before


def test_another_version_of_a_plugin_is_the_same_place() -> None:
    before = plan("elasticsearch", PLUGIN, "m1").identity()
    newer = {**PLUGIN, "plugin": "registry.example.org:5000/lab/disk:2"}
    assert plan("elasticsearch", newer, "m1").identity() == before


# -- the note of a host ------------------------------------------------------------------------


VOLUME = plan("elasticsearch", {"kind": "volume"}, "m1").identity()
NOTE_OF_VOLUME = note("", [("elasticsearch", VOLUME)])


@pytest.mark.parametrize(
    ("text", "bound_empty", "value", "blocker"),
    [
        ("", None, {"kind": "bind"}, ""),
        ("", False, {"kind": "bind"}, ""),
        ("", True, {"kind": "volume"}, ""),
        ("", False, {"kind": "volume"}, "has its data on bind, and"),
        (NOTE_OF_VOLUME, True, {"kind": "volume"}, ""),
        (NOTE_OF_VOLUME, True, {"kind": "bind"}, "has its data on volume, and"),
        (NOTE_OF_VOLUME, True, PLUGIN, "asks for plugin (driver disk)"),
        (NOTE_OF_VOLUME, True, NFS, "asks for nfs (device :/export/elk/es-m1"),
        ("{", True, {"kind": "volume"}, "cannot be read"),
        ("[]", True, {"kind": "volume"}, "cannot be read"),
    ],
)
def test_data_stays_where_it_is(
    text: str, bound_empty: bool | None, value: dict[str, Any], blocker: str
) -> None:
    identity = plan("elasticsearch", value, "m1").identity()
    found = move_blocker("elasticsearch", text, bound_empty, identity)
    assert bool(found) == bool(blocker)
    assert blocker in found


OTHER_NFS = {**NFS, "path": "/export/other"}


@pytest.mark.parametrize(
    ("before", "value", "blocked"),
    [
        # The place of the first run was wrong, and nothing was ever there.
        (OTHER_NFS, NFS, False),
        (OTHER_NFS, {"kind": "bind"}, False),
        # The volume would keep its options.
        (OTHER_NFS, {"kind": "volume"}, True),
        # To make these anew would remove what is in them.
        ({"kind": "volume"}, NFS, True),
        (PLUGIN, {**PLUGIN, "options": {"size": "2g"}}, True),
    ],
)
def test_before_the_first_cluster_a_wrong_place_can_be_corrected(
    before: dict[str, Any], value: dict[str, Any], blocked: bool
) -> None:
    text = note("", [("elasticsearch", plan("elasticsearch", before, "m1").identity())])
    storage = plan("elasticsearch", value, "m1")
    directories, empty = {"elasticsearch": "/srv/elk/elasticsearch"}, {"elasticsearch": True}
    assert plan_host([storage], text, directories, empty).blockers
    found = plan_host([storage], text, directories, empty, never_formed=True)
    assert bool(found.blockers) == blocked
    for volume in found.volumes:
        assert volume["recreate"] == "reference-changed"
        assert "/export/elk" in found.note


def test_options_of_the_volume_are_part_of_the_place() -> None:
    small = plan("logstash", {**PLUGIN, "options": {"size": "1g"}}, "m1").identity()
    large = plan("logstash", {**PLUGIN, "options": {"size": "2g"}}, "m1").identity()
    text = note("", [("logstash", small)])
    assert move_blocker("logstash", text, None, small) == ""
    assert "size 1g" in move_blocker("logstash", text, None, large)
    # The note has no entry for the other service.
    assert move_blocker("elasticsearch", text, True, large) == ""


def test_a_note_keeps_the_entries_of_other_services() -> None:
    logstash = plan("logstash", PLUGIN, "m1").identity()
    both = note(NOTE_OF_VOLUME, [("logstash", logstash)])
    assert json.loads(both) == {"elasticsearch": VOLUME, "logstash": logstash}
    # A bind mount needs no note: its directory shows whether it has data.
    assert note("", [("elasticsearch", {"kind": "bind"})]) == ""


# -- one host ----------------------------------------------------------------------------------

DATA_DIR = "/srv/elk"


def test_a_host_with_directories_needs_nothing_else() -> None:
    both = {"elasticsearch": {"kind": "bind"}, "logstash": {"kind": "bind"}}
    assert storage_plan(both, "m1") == {
        "errors": [],
        "directories": ["/srv/elk/elasticsearch", "/srv/elk/logstash"],
        "plugins": [],
        "volumes": [],
        "note": "",
    }


def test_two_services_share_one_plugin() -> None:
    value = {**PLUGIN, "plugin_options": {"PASSWORD": "hush"}, "grant_all": True}
    found = storage_plan({"elasticsearch": value, "logstash": value}, "m1")
    assert found["plugins"] == [
        {
            "plugin_name": PLUGIN["plugin"],
            "alias": "disk",
            "plugin_options": {"PASSWORD": "hush"},
            "privileges": [],
            "grant_all": True,
        }
    ]
    assert [one["volume_name"] for one in found["volumes"]] == ["es-m1", "ls-m1"]


def test_one_name_is_one_plugin() -> None:
    other = {**PLUGIN, "plugin_options": {"RETRIES": "5"}}
    found = storage_plan({"elasticsearch": PLUGIN, "logstash": other}, "m1")
    assert found["volumes"] == []
    [error] = found["errors"]
    assert error.startswith("logstash_storage: asks for another plugin disk")


def test_data_that_has_left_the_host_may_go_elsewhere() -> None:
    disks = {"/srv/elk/elasticsearch": {"empty": False}}
    desired = {"elasticsearch": {"kind": "volume"}}
    assert storage_plan(desired, "m1", "", DATA_DIR, disks)["errors"]
    found = storage_plan(desired, "m1", "", DATA_DIR, disks, moving=["elasticsearch"])
    assert found["errors"] == []
    assert [one["volume_name"] for one in found["volumes"]] == ["es-m1"]
    # It may not go back to a directory with old data: that is older than the data of the others.
    back = {"elasticsearch": {"kind": "bind"}}
    full = storage_plan(back, "m1", found["note"], DATA_DIR, disks, moving=["elasticsearch"])
    assert "/srv/elk/elasticsearch is not empty" in full["errors"][0]
    empty = {"/srv/elk/elasticsearch": {"empty": True}}
    done = storage_plan(back, "m1", found["note"], DATA_DIR, empty, moving=["elasticsearch"])
    assert done["errors"] == []
    # The note is written again, or it would still say that data is on a volume.
    assert done["note"] == "{}"
    assert storage_plan(back, "m1", done["note"], DATA_DIR, empty)["errors"] == []


# -- what a node is stopped for -------------------------------------------------------------------

IN_VOLUME = {"kind": "volume"}
FULL, EMPTY = {"empty": False}, {"empty": True}


def written(value: dict[str, Any], before: str = "") -> str:
    """The note that a move writes on m1."""
    return str(storage_plan({"elasticsearch": value}, "m1", before, DATA_DIR, {})["note"])


@pytest.mark.parametrize(
    ("note_text", "disk", "value", "moves"),
    [
        pytest.param("", FULL, IN_VOLUME, True, id="to a volume"),
        pytest.param(
            written(IN_VOLUME), FULL, IN_VOLUME, False, id="to a volume, killed after the note"
        ),
        pytest.param(written(IN_VOLUME), {}, {"kind": "bind"}, True, id="to a directory"),
        pytest.param(
            written(IN_VOLUME),
            EMPTY,
            {"kind": "bind"},
            True,
            id="killed before the note was written",
        ),
        pytest.param("{}", EMPTY, {"kind": "bind"}, False, id="killed after the note was written"),
        pytest.param("{}", FULL, {"kind": "bind"}, False, id="where its data is"),
        pytest.param("", EMPTY, IN_VOLUME, False, id="a host without data"),
        pytest.param(written(PLUGIN), FULL, PLUGIN, False, id="where it is, on a plugin"),
    ],
)
def test_data_moves_until_the_note_says_that_it_has(
    note_text: str, disk: dict[str, Any], value: dict[str, Any], moves: bool
) -> None:
    found = storage_work(value, "m1", note_text, disk)
    assert (found["moves_data"], bool(found["reasons"]), found["blockers"]) == (moves, moves, [])


def test_the_reasons_name_both_places_without_secrets() -> None:
    cifs = written(CIFS)
    (reason,) = storage_work({"kind": "bind"}, "m1", cifs, EMPTY)["reasons"]
    assert reason.startswith("its data moves from cifs (")
    assert reason.endswith(" to bind")
    assert "hush" not in reason


def test_data_does_not_move_from_one_volume_to_another() -> None:
    found = storage_work(PLUGIN, "m1", written(IN_VOLUME), EMPTY)
    assert "elasticsearch_storage of kind bind first" in found["blockers"][0]
    assert found["before"] == {"kind": "volume", "driver": "local"}


def test_an_unreadable_note_is_a_blocker() -> None:
    (blocker,) = storage_work(IN_VOLUME, "m1", "{", FULL)["blockers"]
    assert blocker.startswith("elasticsearch has a note of where its data is that cannot be read")


@pytest.mark.parametrize(
    ("installed", "wanted", "reasons"),
    [
        ("docker.io/lab/disk:1", "lab/disk:1", []),
        ("docker.io/library/disk:1", "disk:1", []),
        ("docker.io/lab/disk:1", "lab/disk:2", ["plugin disk lab/disk:1 becomes lab/disk:2"]),
    ],
)
def test_another_version_of_a_plugin_stops_the_node_and_moves_nothing(
    installed: str, wanted: str, reasons: list[str]
) -> None:
    value = {"kind": "plugin", "plugin": wanted}
    found = storage_work(value, "m1", written(value), EMPTY, [{"reference": installed}])
    assert (found["reasons"], found["moves_data"]) == (reasons, False)


def test_with_a_blocker_nothing_is_planned() -> None:
    found = storage_plan(
        {"elasticsearch": {"kind": "volume"}, "logstash": {"kind": "nfs"}},
        "m1",
        "",
        DATA_DIR,
        {"/srv/elk/elasticsearch": {"empty": False}},
    )
    assert [error.partition(":")[0] for error in found["errors"][:2]] == [
        "logstash_storage.server",
        "logstash_storage.path",
    ]
    assert "elasticsearch has its data on bind" in found["errors"][2]
    assert "docs/storage.md#moving-data" in found["errors"][2]
    assert (found["directories"], found["volumes"], found["note"]) == ([], [], "")


def test_other_data_has_volumes_and_directories_of_its_name() -> None:
    desired = {"hello": {"kind": "bind"}, "hello_wal": {"kind": "volume"}}
    found = storage_plan(desired, "m1", "", "/data")
    assert found["directories"] == ["/data/hello"]
    assert [one["volume_name"] for one in found["volumes"]] == ["hello_wal-m1"]
