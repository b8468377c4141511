# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The actual overlay network, compared with the desired one."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.swarm.overlay_network import (
    ENCRYPTED,
    MTU,
    VXLAN_IDS,
    Desired,
    allocated,
    blocker,
    create_body,
    differences,
    normalise_subnet,
    not_allocated,
    pick,
    subnets_of,
)

DESIRED = Desired("elknet", "192.168.8.0/21")


def network(**other: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "Id": "abc",
        "Name": "elknet",
        "Driver": "overlay",
        "Scope": "swarm",
        "Attachable": True,
        "Internal": False,
        "Ingress": False,
        "IPAM": {"Config": [{"Subnet": "192.168.8.0/21", "Gateway": "192.168.8.1"}]},
        "Options": {VXLAN_IDS: "4097"},
    }
    return {**values, **other}


class TestSubnet:
    def test_kept(self) -> None:
        assert normalise_subnet("192.168.8.0/21") == ("192.168.8.0/21", "")

    def test_host_bits(self) -> None:
        normal, message = normalise_subnet("192.168.8.0/20")
        assert normal == "192.168.0.0/20"
        assert message.startswith("subnet 192.168.8.0/20")
        assert message.endswith("192.168.0.0/20.")

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("elknet", "is no subnet"),
            ("192.168.8.0/40", "is no subnet"),
            ("fd00::/64", "need an IPv4 subnet"),
            ("192.168.8.0/30", "room for 2 addresses"),
            ("192.168.8.1", "room for"),
        ],
    )
    def test_refused(self, text: str, words: str) -> None:
        with pytest.raises(ValueError, match=words):
            normalise_subnet(text)


class TestDifferences:
    def test_none(self) -> None:
        assert differences(DESIRED, network()) == []
        assert blocker(DESIRED, network()) == ""

    def test_empty_value_switches_encryption_on(self) -> None:
        actual = network(Options={VXLAN_IDS: "4097", ENCRYPTED: ""})
        assert differences(Desired("elknet", "192.168.8.0/21", encrypted=True), actual) == []

    @pytest.mark.parametrize(
        ("other", "text"),
        [
            ({"Driver": "bridge"}, "driver is bridge, wanted overlay"),
            ({"Scope": "local"}, "scope is local, wanted swarm"),
            (
                {"IPAM": {"Config": [{"Subnet": "10.0.1.0/24"}]}},
                "subnet is 10.0.1.0/24, wanted 192.168.8.0/21",
            ),
            ({"IPAM": {"Config": None}}, "subnet is none, wanted 192.168.8.0/21"),
            ({"Options": {ENCRYPTED: ""}}, "encryption is on, wanted off"),
            ({"Attachable": False}, "attachable is off, wanted on"),
            ({"Internal": True}, "internal is on, wanted off"),
            ({"Ingress": True}, "ingress is on, wanted off"),
            ({"Options": {MTU: "1400"}}, "mtu is 1400, wanted Docker's default"),
        ],
    )
    def test_each(self, other: dict[str, Any], text: str) -> None:
        assert [str(one) for one in differences(DESIRED, network(**other))] == [text]

    def test_the_blocker_lists_all_differences_and_the_remedies(self) -> None:
        text = blocker(DESIRED, network(Attachable=False, Driver="macvlan"), ["kibana", "kibana"])
        assert "driver is macvlan, wanted overlay; attachable is off, wanted on" in text
        assert "Services on it: kibana." in text
        assert "docker network rm elknet" in text
        assert "set subnet, encrypted, attachable and mtu" in text
        assert "network_" not in text
        assert "elk_" not in text


class TestCreation:
    def test_plain(self) -> None:
        body = create_body(DESIRED)
        assert (body["Name"], body["Driver"], body["Attachable"]) == ("elknet", "overlay", True)
        assert body["IPAM"]["Config"] == [{"Subnet": "192.168.8.0/21"}]
        assert body["Options"] == {}

    def test_options(self) -> None:
        body = create_body(Desired("n", "10.1.0.0/24", attachable=False, encrypted=True, mtu=1400))
        assert body["Options"] == {ENCRYPTED: "", MTU: "1400"}
        assert body["Attachable"] is False

    def test_the_created_network_is_the_desired_one(self) -> None:
        desired = Desired("elknet", "10.1.0.0/24", encrypted=True, mtu=1400)
        body = create_body(desired)
        assert differences(desired, {**body, "Scope": "swarm"}) == []

    def test_allocated(self) -> None:
        assert allocated(network())
        assert not allocated(network(Options=None))

    def test_an_overlap_is_named(self) -> None:
        others = [
            network(),
            network(Name="ingress", IPAM={"Config": [{"Subnet": "10.0.0.0/24"}]}),
            network(Name="shop", IPAM={"Config": [{"Subnet": "192.168.9.0/24"}]}),
            network(Name="bridge", Scope="local", IPAM={"Config": [{"Subnet": "192.168.8.0/24"}]}),
        ]
        text = not_allocated(DESIRED, others)
        assert "its subnet 192.168.8.0/21 overlaps with shop (192.168.9.0/24)." in text
        assert "ingress" not in text
        assert "bridge" not in text

    def test_no_visible_overlap(self) -> None:
        assert "perhaps 192.168.8.0/21 is in use" in not_allocated(DESIRED, [network()])


def test_only_the_exact_name() -> None:
    assert pick("elknet", [network(Name="elknet-old"), network()]) == [network()]


def test_subnets_of_a_network() -> None:
    both = [{"Subnet": "10.1.0.0/24"}, {"Subnet": "10.0.0.0/24"}]
    assert subnets_of({"IPAM": {"Config": both}}) == "10.0.0.0/24, 10.1.0.0/24"
    assert subnets_of({"IPAM": {"Config": None}}) == subnets_of({}) == ""


def test_without_a_subnet_docker_chooses() -> None:
    anywhere = Desired("elknet")
    assert create_body(anywhere)["IPAM"]["Config"] == []
    assert differences(anywhere, network()) == []
    text = not_allocated(anywhere, [network(Name="other")])
    assert "Set subnet to a free range" in text
    assert [one.what for one in differences(anywhere, network(Internal=True))] == ["internal"]
