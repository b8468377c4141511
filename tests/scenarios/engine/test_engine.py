# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Four hosts, and Docker on them from the first package to an upgrade under the running platform.

The tests are one story and run in the order of this file:

    m1  Debian 13   the distribution's package
    m2  Debian 13   Docker's repository, apt
    w1  "Rocky 9"   a distribution's package, dnf
    w2  "Rocky 9"   Docker's repository, dnf
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.engine.conftest import Watch

if TYPE_CHECKING:
    from tests.harness.playbook import Outcome
    from tests.scenarios.engine.conftest import Lab

OWN = ("m2", "w2")
ELASTICSEARCH = "elk_elasticsearch-"
# The task that ends the restart of a host.
TURN_OVER = "Note that this host has had its turn"


def docker_traces(lab: Lab, host: str) -> str:
    """Files and packages of Docker on a host."""
    paths = "/etc/docker /etc/apt/keyrings/docker-ce.asc /etc/pki/rpm-gpg/RPM-GPG-KEY-docker-ce"
    paths += " /etc/apt/sources.list.d/docker-ce.sources /etc/yum.repos.d/docker-ce.repo"
    script = f"""
for path in {paths}; do [ -e $path ] && echo $path; done
find / -xdev -name 'dockerd*' -type f 2>/dev/null
true"""
    return lab.on(host, "sh", "-c", script)


def engine_of(lab: Lab, host: str) -> str:
    """The installed package that dockerd is from, and its version."""
    name = {"m1": "docker.io", "w1": "moby-engine"}.get(host, "docker-ce")
    if host.startswith("m"):
        return lab.on(host, "dpkg-query", "-W", "-f", "${Package} ${Version}", name)
    return lab.on(host, "rpm", "-q", "--qf", "%{NAME} %{VERSION}", name)


def running_versions(lab: Lab) -> dict[str, str]:
    """The versions that the daemons report."""
    command = ("docker", "version", "--format", "{{.Server.Version}}")
    return {host: lab.on(host, *command).split("+")[0] for host in lab.hosts}


def test_a_key_with_another_fingerprint_is_refused_before_anything_is_written(lab: Lab) -> None:
    outcome = lab.run(
        "--limit=localhost,m2,w2", docker_engine_repository_url=f"{lab.repositories}/strange/linux"
    )
    assert outcome.code != 0
    assert "which was not expected. Nothing was written" in outcome.text
    assert {host: docker_traces(lab, host) for host in OWN} == {"m2": "", "w2": ""}


def test_packages_that_the_key_did_not_sign_are_refused_by_the_package_manager(lab: Lab) -> None:
    # One run for each host, because a run ends with the first host that fails.
    def run(host: str) -> Outcome:
        folder = lab.repositories + "/tampered/linux"
        return lab.run(f"--limit=localhost,{host}", docker_engine_repository_url=folder)

    with ThreadPoolExecutor(max_workers=2) as pool:
        apt, dnf = pool.map(run, OWN)
    assert apt.code != 0
    assert "Failed to update apt cache" in apt.text
    assert "BADSIG" in apt.text or "signature" in apt.text
    assert dnf.code != 0
    assert "GPG" in dnf.text or "signature" in dnf.text
    assert "docker-ce-cli" in dnf.text
    for host in OWN:
        assert "dockerd" not in docker_traces(lab, host)


def test_the_whole_platform_comes_up_on_all_four_hosts(lab: Lab) -> None:
    older, _newer = lab.versions
    outcome = lab.run(playbook="site.yml", version=older)
    assert outcome.code == 0, outcome.output
    assert engine_of(lab, "m1").startswith("docker.io ")
    assert engine_of(lab, "m2").startswith(f"docker-ce 5:{older}-1~debian.13")
    assert engine_of(lab, "w1") == f"moby-engine {older}"
    assert engine_of(lab, "w2") == f"docker-ce {older}"


def test_a_second_run_changes_nothing(lab: Lab) -> None:
    outcome = lab.run(playbook="site.yml", version=lab.versions[0])
    assert outcome.code == 0, outcome.output
    assert outcome.changed == {}


def test_an_upgrade_of_the_system_leaves_docker_alone(lab: Lab) -> None:
    newer = lab.versions[1]
    assert newer in lab.on("m2", "apt-cache", "madison", "docker-ce")
    upgrade = lab.on("m2", "apt-get", "--simulate", "dist-upgrade")
    assert "Inst docker-ce" not in upgrade
    offered = lab.on("w2", "dnf", "-q", "list", "--available", "docker-ce", codes=(0, 1))
    assert newer not in offered
    everything = ("list", "--available", "--disableexcludes=all", "docker-ce")
    assert newer in lab.on("w2", "dnf", "-q", *everything)


def test_options_that_docker_reloads_restart_nothing(lab: Lab) -> None:
    options = {
        "docker_engine_registry_mirrors": ["https://mirror.example.org"],
        "version": lab.versions[0],
    }
    containers, daemons = lab.containers(), lab.daemons()
    checked = lab.run("--check", **options)
    assert (checked.code, checked.changed) == (0, dict.fromkeys(lab.hosts, 2)), checked.output
    assert "https://mirror.example.org/" not in lab.on("m1", "docker", "info")

    done = lab.run(**options)
    assert (done.code, done.changed) == (0, checked.changed), done.output
    for host in lab.hosts:
        assert "https://mirror.example.org/" in lab.on(host, "docker", "info")
    assert lab.run(**options).changed == {}
    assert (lab.containers(), lab.daemons()) == (containers, daemons)


@pytest.fixture(scope="module")
def changes(lab: Lab) -> dict[str, object]:
    """Another version for two hosts, and for all hosts an option that needs a restart."""
    return {
        "docker_engine_registry_mirrors": ["https://mirror.example.org"],
        "docker_engine_log_max_size": "30m",
        "version": lab.versions[1],
    }


def test_check_mode_predicts_every_restart_and_does_none(
    lab: Lab, changes: dict[str, object]
) -> None:
    before = lab.containers(), lab.daemons()
    checked = lab.run("--check", **changes)
    assert checked.code == 0, checked.output
    assert set(checked.changed) == set(lab.hosts)
    assert (lab.containers(), lab.daemons()) == before


def test_an_upgrade_takes_one_host_at_a_time_and_continues_after_a_kill(
    lab: Lab, changes: dict[str, object]
) -> None:
    older, newer = lab.versions
    before = lab.daemons()
    with Watch(lab) as watch:
        whole = watch.services(time.time())
        killed = lab.run_until(TURN_OVER, **changes)
        first = [host for host, pid in lab.daemons().items() if pid != before[host]]
        resumed = lab.run(**changes)
    assert resumed.code == 0, resumed.output
    assert first == ["w1"], killed
    # The host that was restarted before the kill is not restarted again.
    assert set(resumed.changed) == set(lab.hosts) - set(first)

    outages = {host: watch.outages(host, ELASTICSEARCH) for host in lab.hosts}
    assert {host: len(found) for host, found in outages.items()} == dict.fromkeys(lab.hosts, 1), (
        outages
    )
    order = sorted(lab.hosts, key=lambda host: outages[host][0][0])
    assert set(order[:2]) == {"w1", "w2"}, "workers first"
    for host, following in pairwise(order):
        begins = outages[following][0][0]
        assert outages[host][0][1] < begins, f"{following} stopped while {host} was down: {outages}"
        assert watch.services(begins - 0.1) == whole, (
            f"not every task ran before {following} stopped"
        )

    assert running_versions(lab) == {"m1": older, "m2": newer, "w1": older, "w2": newer}
    for host in lab.hosts:
        written = json.loads(lab.on(host, "cat", "/etc/docker/daemon.json"))
        assert written["log-opts"]["max-size"] == "30m"


def test_a_run_after_the_upgrade_changes_nothing(lab: Lab, changes: dict[str, object]) -> None:
    for options in (("--check",), ()):
        outcome = lab.run(*options, **changes)
        assert (outcome.code, outcome.changed) == (0, {}), outcome.output


def test_an_older_version_is_refused(lab: Lab, changes: dict[str, object]) -> None:
    daemons = lab.daemons()
    outcome = lab.run(**{**changes, "version": lab.versions[0]})
    assert outcome.code != 0
    assert "docker_engine_allow_downgrade" in outcome.text
    assert outcome.changed == {}
    assert lab.daemons() == daemons


def test_no_host_is_touched_while_another_one_is_down(lab: Lab, changes: dict[str, object]) -> None:
    # The last test, because nothing starts this host's Docker again.
    lab.on("w1", "systemctl", "stop", "docker.socket", "docker.service")
    # The managers report a node as ready until it has missed its heartbeats. Before that, the
    # refusal would come from Elasticsearch.
    lab.until_node_is_down("w1")
    daemons = {host: lab.on(host, "cat", "/run/docker.pid") for host in lab.hosts if host != "w1"}
    outcome = lab.run(
        "--limit=localhost,w2",
        **{
            **changes,
            "docker_engine_log_max_size": "40m",
            # Seconds that the role waits. Preflight would report this private variable as unknown.
            "__docker_engine_patience": 5,
            "preflight_own_variables": ["__docker_engine_patience"],
        },
    )
    assert outcome.code != 0
    assert "No node may go away now, so none was touched" in outcome.text
    assert "w1" in outcome.text.partition("none was touched")[2]
    assert outcome.changed == {}
    for host, pid in daemons.items():
        assert lab.on(host, "cat", "/run/docker.pid") == pid
    assert "30m" in lab.on("w2", "cat", "/etc/docker/daemon.json")
