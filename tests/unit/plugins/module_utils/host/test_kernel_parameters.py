# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kernel parameters in a file and live."""

from __future__ import annotations

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.host.kernel_parameters import (
    MARK,
    Parameter,
    make_plan,
    overriding,
    parse,
    without_conflicts,
)

MAPS = Parameter("vm.max_map_count", "262144", minimum=True)
RETRIES = Parameter("net.ipv4.tcp_retries2", "5")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("vm.max_map_count=1", {"vm.max_map_count": "1"}),
        ("  vm/max_map_count =  1 ", {"vm.max_map_count": "1"}),
        (
            "-net.ipv4.tcp_rmem = 4096\t131072  6291456",
            {"net.ipv4.tcp_rmem": "4096 131072 6291456"},
        ),
        ("# vm.max_map_count=1", {}),
        ("; vm.max_map_count=1", {}),
        ("nonsense", {}),
    ],
)
def test_lines(line: str, found: dict[str, str]) -> None:
    assert parse(line + "\n") == found


def test_a_new_host() -> None:
    live = {"vm.max_map_count": "65530", "net.ipv4.tcp_retries2": "15"}
    plan = make_plan([MAPS, RETRIES], [], live)
    assert plan.content == "vm.max_map_count = 262144\nnet.ipv4.tcp_retries2 = 5\n"
    assert plan.live == {"vm.max_map_count": "262144", "net.ipv4.tcp_retries2": "5"}


def test_a_correct_host() -> None:
    live = {"vm.max_map_count": "262144", "net.ipv4.tcp_retries2": "5"}
    assert make_plan([MAPS, RETRIES], [], live).live == {}


def test_a_higher_live_value_is_kept_and_not_made_permanent() -> None:
    plan = make_plan([MAPS], [], {"vm.max_map_count": "1048576"})
    assert plan.live == {}
    assert plan.content == "vm.max_map_count = 262144\n"


def test_a_higher_value_of_another_file_is_adopted() -> None:
    # The kernel loads our file after most others; a lower value would win at the next boot.
    others = [{"vm.max_map_count": "1048576"}, {"vm.max_map_count": "100"}]
    plan = make_plan([MAPS], others, {"vm.max_map_count": "65530"})
    assert plan.content == "vm.max_map_count = 1048576\n"
    assert plan.live == {"vm.max_map_count": "1048576"}


def test_a_value_that_is_no_minimum_is_set_exactly() -> None:
    plan = make_plan([RETRIES], [{RETRIES.name: "15"}], {RETRIES.name: "8"})
    assert plan.content == "net.ipv4.tcp_retries2 = 5\n"
    assert plan.live == {"net.ipv4.tcp_retries2": "5"}


OWN = "/etc/sysctl.d/90-elk-swarm.conf"
LOW = {"vm.max_map_count": "65530"}
CONTENT = "vm.max_map_count = 262144\nnet.ipv4.tcp_retries2 = 5\n"


def overrides(**files: dict[str, str]) -> list[str]:
    others = {
        f"/etc/sysctl.d/{name[1:].replace('_', '-')}.conf": values for name, values in files.items()
    }
    return overriding(CONTENT, ["vm.max_map_count"], OWN, others)


def test_a_later_file_with_a_lower_value_wins_at_the_next_boot() -> None:
    assert overrides(_99_local=LOW) == [
        f"/etc/sysctl.d/99-local.conf sets vm.max_map_count = 65530, and {OWN} needs 262144"
    ]
    assert overrides(_99_local={"net.ipv4.tcp_retries2": "15"})
    # The name counts, not the folder.
    assert overriding(CONTENT, [], OWN, {"/usr/lib/sysctl.d/99-x.conf": LOW})
    assert overriding(CONTENT, [], OWN, {"/etc/sysctl.conf": LOW})


def test_files_that_do_no_harm() -> None:
    assert overrides(_10_local=LOW) == []
    assert overrides(_99_local={"vm.max_map_count": "1048576"}) == []
    assert overrides(_99_local={"net.ipv4.tcp_retries2": "5", "vm.swappiness": "1"}) == []
    # Of two later files the last one wins.
    assert overrides(_95_local=LOW, _99_local={"vm.max_map_count": "262144"}) == []


def test_lines_that_are_not_enough_become_comments() -> None:
    text = (
        "# of another program\n"
        "vm.swappiness = 1\n"
        "vm/max_map_count=65530\n"
        "\n"
        "  -net.ipv4.tcp_retries2 = 15"
    )
    after = without_conflicts(text, CONTENT, ["vm.max_map_count"])
    assert after == (
        "# of another program\n"
        "vm.swappiness = 1\n"
        f"{MARK}vm/max_map_count=65530\n"
        "\n"
        f"{MARK}  -net.ipv4.tcp_retries2 = 15"
    )
    assert parse(after) == {"vm.swappiness": "1"}
    # A second run finds nothing, and of another program nothing is taken out.
    assert without_conflicts(after, CONTENT, ["vm.max_map_count"]) == after


@pytest.mark.parametrize(
    "text", ["", "vm.max_map_count = 1048576\n", "net.ipv4.tcp_retries2=5\n", "nonsense\n"]
)
def test_lines_that_are_enough_stay(text: str) -> None:
    assert without_conflicts(text, CONTENT, ["vm.max_map_count"]) == text
