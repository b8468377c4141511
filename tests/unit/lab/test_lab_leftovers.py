"""Which network links a killed Docker daemon has left: never one of somebody else."""

from __future__ import annotations

from typing import Any

from lab.machine import leftovers


def link(name: str, master: str = "") -> dict[str, Any]:
    return {"ifname": name, **({"master": master} if master else {})}


def test_the_pairs_of_containers_go_before_the_bridges_of_labs() -> None:
    links = [
        link("lo"),
        link("docker0"),
        link("brlab1"),
        link("veth6c3c502", "docker0"),
        link("veth975a044", "brlab1"),
    ]
    assert leftovers(links) == ["veth6c3c502", "veth975a044", "brlab1"]


def test_links_of_others_stay() -> None:
    links = [
        link("eth0", "br0"),
        link("br0"),
        link("brlab"),
        link("brlab1x"),
        link("veth1", "br0"),
        link("veth2"),
        link("tap0", "docker0"),
        link("docker0"),
    ]
    assert leftovers(links) == []
