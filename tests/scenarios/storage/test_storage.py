# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data on volumes of a plugin and on plain ones. One story, in the order of this file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.platform import Platform as AllNodes
from tests.harness.wait import wait_for
from tests.scenarios.storage.conftest import PASSWORD, Documents, Platform

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.lab import Lab

ELASTICSEARCH, LOGSTASH = "elk_elasticsearch", "logshipper"
LOCAL = {"kind": "volume"}
# Where a move of data is killed: in the restart of the first node, of the second one, and at the
# end. The moments are those of tests/scenarios/interrupted/points.yml.
STEPS = [
    pytest.param("Move its shards to the other nodes", "changed", id="shards leave"),
    pytest.param(
        "Hold back shards that would move while the node is away", "changed", id="allocation held"
    ),
    pytest.param("Stop the node", "changed", id="the node stops"),
    pytest.param("Make the volumes", "changed", id="a volume without a note"),
    pytest.param("Remember where the data is", "changed", id="new storage"),
    pytest.param("Wait until it is back in the cluster", "start", id="the node starts"),
    pytest.param("Allow shards on its new storage", "start", id="the second node is back"),
    pytest.param("Remove each that no node is labelled for", "start", id="all nodes have moved"),
]


@pytest.fixture
def newer(platform: Platform, variables: dict[str, Any]) -> dict[str, Any]:
    """The same with the plugin's next version, which needs more privileges than granted."""
    reference = platform.plugin["plugin"].replace(":1", ":2")
    upgraded = {**platform.plugin, "plugin": reference, "grant_all": True, "privileges": []}
    return {**variables, "elasticsearch_storage": upgraded}


@pytest.fixture
def variables(platform: Platform) -> dict[str, Any]:
    """Elasticsearch on the plugin's volumes, Logstash on plain ones."""
    return {"elasticsearch_storage": platform.plugin, "logstash_storage": LOCAL}


def test_the_platform_comes_up_on_volumes(
    platform: Platform, lab: Lab, variables: dict[str, Any]
) -> None:
    outcome = platform.run("site.yml", **variables)
    assert outcome.code == 0, outcome.output
    for host in platform.hosts:
        assert platform.mounted(host, ELASTICSEARCH) == ("volume", f"es-{host}", "disk:latest")
        # The volume was made with its options and its owner before the task started.
        status = f"docker volume inspect --format '{{{{.Status.size}}}}' es-{host}"
        assert lab.read(host, status) == "2g"
        assert lab.read(host, f"stat -c '%u:%g %a' /srv/lab-volumes/es-{host}") == "1000:0 770"
        assert not lab.read(host, "[ ! -e /srv/elk ] || ls -A /srv/elk")
    for host in platform.hosts[:2]:
        assert platform.mounted(host, LOGSTASH) == ("volume", f"ls-{host}", "local")


def test_only_the_plugin_has_its_password(platform: Platform, lab: Lab) -> None:
    for host in platform.hosts:
        assert PASSWORD in lab.read(host, "docker plugin inspect disk")
        everything = "docker volume inspect $(docker volume ls -q); cat /etc/elk/storage.json"
        assert PASSWORD not in lab.read(host, everything)
    services = "docker service inspect $(docker service ls -q)"
    assert PASSWORD not in lab.read("m1", services)


def test_a_second_run_changes_nothing(
    platform: Platform, documents: Documents, variables: dict[str, Any]
) -> None:
    documents.write()
    outcome = platform.run("site.yml", **variables)
    assert (outcome.code, outcome.changed) == (0, {}), outcome.output
    documents.check()


def test_another_kind_is_refused_while_there_is_data(
    platform: Platform, variables: dict[str, Any]
) -> None:
    outcome = platform.run("site.yml", **{**variables, "elasticsearch_storage": LOCAL})
    assert outcome.code != 0
    assert outcome.changed == {}
    for host in platform.hosts:
        assert (
            f"{host}: elasticsearch has its data on plugin (driver disk, size 2g),"
            " and elasticsearch_storage asks for volume." in outcome.text
        )
    assert "docs/storage.md#moving-data" in outcome.text


def test_other_options_are_refused_by_the_role_as_well(
    platform: Platform, variables: dict[str, Any]
) -> None:
    larger = {**platform.plugin, "options": {"size": "3g"}}
    outcome = platform.run(
        "playbooks/cluster.yml", **{**variables, "elasticsearch_storage": larger}
    )
    assert outcome.code != 0
    assert outcome.changed == {}
    assert "Nothing was changed on m1." in outcome.text
    assert "asks for plugin (driver disk, size 3g)" in outcome.text


def survives_a_task_and_a_host(
    platform: Platform, lab: Lab, documents: Documents, mount: tuple[str, str, str]
) -> None:
    """Kill the task of Elasticsearch on w1, then restart the host; each time all data stays."""

    def back_as_it_was() -> None:
        platform.wait_for_another_task("w1", ELASTICSEARCH, before)
        documents.check()
        assert platform.mounted("w1", ELASTICSEARCH) == mount

    before = platform.task("w1", ELASTICSEARCH)["Id"]
    lab.read("w1", f"docker kill {before}")
    back_as_it_was()
    before = platform.task("w1", ELASTICSEARCH)["Id"]
    lab.docker("restart", "w1")
    back_as_it_was()


def test_data_on_a_plugin_survives_a_task_and_a_host(
    platform: Platform, lab: Lab, documents: Documents
) -> None:
    mount = ("volume", "es-w1", "disk:latest")
    survives_a_task_and_a_host(platform, lab, documents, mount)


def test_a_plain_run_does_not_upgrade_a_plugin_in_use(
    platform: Platform, newer: dict[str, Any]
) -> None:
    refused = platform.run("playbooks/cluster.yml", **newer)
    assert refused.code != 0
    assert refused.changed == {}
    assert "es-w1 (container elk_elasticsearch-" in refused.text


def test_data_survives_an_upgrade_of_the_plugin_on_all_hosts(
    platform: Platform, lab: Lab, documents: Documents, newer: dict[str, Any]
) -> None:
    tasks = {host: platform.task(host, ELASTICSEARCH)["Id"] for host in platform.hosts}
    outcome = platform.run("playbooks/move_storage.yml", **newer)
    assert outcome.code == 0, outcome.output
    for host in platform.hosts:
        reference = lab.read(host, "docker plugin inspect --format '{{.PluginReference}}' disk")
        assert reference == newer["elasticsearch_storage"]["plugin"]
        assert platform.task(host, ELASTICSEARCH)["Id"] != tasks[host]
        assert platform.mounted(host, ELASTICSEARCH) == ("volume", f"es-{host}", "disk:latest")
    documents.check()


def test_a_reset_keeps_volumes_unless_it_removes_data_too(platform: Platform, lab: Lab) -> None:
    checked = platform.run("playbooks/reset.yml", "--check", reset_confirm="elk")
    assert checked.code == 0, checked.output
    assert "Data stays on volumes" in checked.text
    outcome = platform.run(
        "playbooks/reset.yml", reset_confirm="elk", reset_data=True, reset_data_confirm="elk"
    )
    assert outcome.code == 0, outcome.output
    for host in platform.hosts:
        volumes = lab.read(host, "docker volume ls -q").split()
        assert not [name for name in volumes if name.startswith(("es-", "ls-"))]
        assert not lab.read(host, "[ ! -e /etc/elk ] || ls -A /etc/elk")


def test_a_missing_client_for_nfs_is_reported(platform: Platform, lab: Lab) -> None:
    """The machine's kernel, which the hosts share, has none."""
    nfs = {"kind": "nfs", "server": lab.state.nfs_address, "path": "/export"}
    outcome = platform.run("playbooks/cluster.yml", elasticsearch_storage=nfs)
    assert outcome.code != 0
    for host in platform.hosts:
        assert f"Volume es-{host}: the owner of its directory" in outcome.text
        lab.read(host, f"docker volume rm es-{host}")
    assert "no such device" in outcome.text
    assert "load the kernel module of that file system" in outcome.text


def test_the_platform_comes_up_on_a_shared_disk(
    platform: Platform, lab: Lab, exported: Callable[[str], str], documents: Documents
) -> None:
    """Directories on a disk that the host mounts. The server is real, the mount is a stand-in."""
    for host in platform.hosts:
        lab.read(host, f"mkdir -p /mnt/nfs-stand-in/{host} /srv/elk")
        lab.read(host, f"mount -t nfs {lab.state.nfs_address}:/export/{host} /srv/elk")
    outcome = platform.run("site.yml")
    assert outcome.code == 0, outcome.output
    for host in platform.hosts:
        assert platform.mounted(host, ELASTICSEARCH) == ("bind", "", "")
        assert "node.lock" in exported(f"{host}/elasticsearch")
    documents.write()


def test_a_check_names_each_node_and_changes_nothing(platform: Platform) -> None:
    checked = platform.run("playbooks/move_storage.yml", "--check", elasticsearch_storage=LOCAL)
    assert (checked.code, checked.changed) == (0, {}), checked.output
    assert "These nodes would move, one after the other:" in checked.text
    for host in platform.hosts:
        line = (
            rf"{host} \([a-z, ]+\): generation \w+ becomes \w+, its data moves from bind to volume"
        )
        assert re.search(line, checked.text)


@pytest.mark.parametrize(("task", "moment"), STEPS)
def test_a_move_that_is_killed_loses_nothing(
    platform: Platform, documents: Documents, task: str, moment: str
) -> None:
    """Each run continues the run before, passes its step and is killed at the next step."""
    platform.kill_move(task, moment, elasticsearch_storage=LOCAL)
    with AllNodes(platform.lab).connect() as client:
        wait_for(lambda: documents.found(client), 60, "all documents", errors=Exception)


def test_data_moves_to_volumes_one_node_at_a_time(
    platform: Platform, lab: Lab, documents: Documents
) -> None:
    done = platform.run("playbooks/move_storage.yml", elasticsearch_storage=LOCAL)
    assert done.code == 0, done.output
    for host in platform.hosts:
        assert platform.mounted(host, ELASTICSEARCH) == ("volume", f"es-{host}", "local")
    documents.check()
    services = lab.read("m1", "docker service ls --format '{{.Name}}'").split()
    assert len([name for name in services if name.startswith(ELASTICSEARCH)]) == 1
    settings = documents.client.cluster.get_settings(flat_settings=True)["persistent"]
    assert not [name for name in settings if "allocation" in name or "metadata.elk_" in name]
    assert not AllNodes(lab).locks()


def test_another_run_changes_nothing(platform: Platform) -> None:
    for playbook in ("playbooks/move_storage.yml", "site.yml"):
        outcome = platform.run(playbook, elasticsearch_storage=LOCAL)
        assert (outcome.code, outcome.changed) == (0, {}), outcome.output


def test_data_on_a_volume_survives_a_task_and_a_host(
    platform: Platform, lab: Lab, documents: Documents
) -> None:
    survives_a_task_and_a_host(platform, lab, documents, ("volume", "es-w1", "local"))
