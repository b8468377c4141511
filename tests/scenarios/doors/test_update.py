"""Kibana's key joins the cluster before an update under load, not after it. One story."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.harness.platform import moved

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scenarios.doors.conftest import Attacked

# Files from Kibana's container before the update.
STOLEN: dict[str, str] = {}
PENDING = "transport-ca.pending"


def test_the_key_of_kibana_joins_the_cluster_before_the_update(platform: Attacked) -> None:
    """The attack works before the update, so the later tests try the right thing."""
    outcome = platform.set_up_as_before()
    assert outcome.code == 0, outcome.output
    STOLEN.update(platform.kibana_files())
    answers = platform.handshakes("kibana", STOLEN["kibana.crt"], STOLEN["kibana.key"])
    assert answers == ["accepted"] * 3
    platform.start_rogue("rogue-before", STOLEN)
    assert platform.joins("rogue-before")
    platform.end_rogue("rogue-before")


def test_the_update_is_killed_while_the_second_node_restarts(platform: Attacked) -> None:
    platform.begin_load(*platform.hosts)
    platform.kill_in_the_second_turn("site.yml", "Wait until it is back in the cluster")
    assert platform.lab.kept(PENDING).is_file()
    # Old and updated nodes talk to each other, so each trusts both authorities.
    for host in platform.hosts:
        assert len(platform.trusted(host, "ca.crt")) == 2
        assert len(platform.trusted(host, "transport-ca.crt")) == 2


def test_no_rotation_starts_meanwhile(platform: Attacked) -> None:
    for kind in ("certificates", "transport_ca"):
        outcome = platform.run("playbooks/rotate.yml", rotate=kind)
        assert outcome.code != 0
        assert "Nothing was changed." in outcome.text
        assert "Run site.yml first" in outcome.text


def test_the_same_command_finishes_the_update(platform: Attacked) -> None:
    outcome = platform.run("site.yml")
    assert outcome.code == 0, outcome.output
    assert len(moved(outcome)) in (1, 2), outcome.output
    platform.at_rest()
    assert not platform.lab.kept(PENDING).exists()
    for host in platform.hosts:
        for name in ("ca.crt", "transport-ca.crt"):
            assert platform.trusted(host, name) == [platform.lab.kept(name).read_text()]


def test_another_run_changes_nothing(platform: Attacked) -> None:
    outcome = platform.run("site.yml")
    assert outcome.code == 0, outcome.output
    assert outcome.changed == {}


def test_nothing_is_missing(platform: Attacked) -> None:
    platform.end_load()


def test_only_nodes_are_accepted_on_port_9300(platform: Attacked) -> None:
    files = {name: platform.lab.kept(name).read_text() for name in ("certs/m1.crt", "certs/m1.key")}
    now = platform.kibana_files()
    # A node's certificate is accepted, so the others are refused for their certificates.
    node = platform.lab.kept("certs/m1.transport.crt").read_text()
    key = platform.lab.kept("certs/m1.transport.key").read_text()
    assert platform.handshakes("kibana", node, key) == ["accepted"] * 3
    refused = {
        "Kibana's before the update": (STOLEN["kibana.crt"], STOLEN["kibana.key"]),
        "Kibana's": (now["kibana.crt"], now["kibana.key"]),
        "a node's for port 9200": (files["certs/m1.crt"], files["certs/m1.key"]),
        "none": ("", ""),
    }
    for whose, (certificate, secret) in refused.items():
        for service in ("kibana", "logshipper"):
            answers = platform.handshakes(service, certificate, secret)
            assert [one.split(":")[0] for one in answers] == ["refused"] * 3, (whose, answers)


@pytest.mark.parametrize("whose", ["before", "now"])
def test_the_key_of_kibana_does_not_join_the_cluster(platform: Attacked, whose: str) -> None:
    files = STOLEN if whose == "before" else platform.kibana_files()
    platform.start_rogue(f"rogue-{whose}", files)
    assert platform.stays_outside(f"rogue-{whose}")
    platform.end_rogue(f"rogue-{whose}")
    assert platform.members() == set(platform.hosts)


def test_the_certificate_of_kibana_is_not_valid_for_a_node(
    platform: Attacked, tmp_path: Path
) -> None:
    now = platform.kibana_files()
    assert now["kibana.key"] != STOLEN["kibana.key"]
    for name, text in now.items():
        (tmp_path / name).write_text(text)

    def verified(*name: str) -> bool:
        command = ["openssl", "verify", *name, "-CAfile", "ca.crt", "kibana.crt"]
        return subprocess.run(command, cwd=tmp_path, check=False).returncode == 0

    assert verified("-verify_hostname", "kibana")
    for host in [*platform.hosts, "es-nodes"]:
        assert not verified("-verify_hostname", host)
    for host in platform.hosts:
        assert not verified("-verify_ip", platform.lab.address(host))
    assert verified("-purpose", "sslserver")
    assert not verified("-purpose", "sslclient")
