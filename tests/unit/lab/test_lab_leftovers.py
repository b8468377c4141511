"""Network links that a killed Docker daemon leaves; links of other programs do not count."""

from __future__ import annotations

from typing import Any

from lab.machine import leftovers


def link(name: str, master: str = "") -> dict[str, Any]:
    return {"ifname": name, **({"master": master} if master else {})}


def test_links_of_containers_come_before_bridges_of_labs() -> None:
    links = [
        link("lo"),
        link("docker0"),
        link("brlab1"),
        link("veth6c3c502", "docker0"),
        link("veth975a044", "brlab1"),
    ]
    assert leftovers(links) == ["veth6c3c502", "veth975a044", "brlab1"]


def test_links_of_other_programs_are_not_listed() -> None:
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
