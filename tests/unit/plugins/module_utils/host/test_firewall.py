# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Firewall rules: the desired access becomes the input of nft, iptables and firewalld."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.host import firewall
from ansible_collections.elk.swarm.plugins.module_utils.host.firewall import (
    BaseChain,
    Desired,
    FirewallError,
    Port,
    parse_networks,
)

SEARCH = Port("elasticsearch", 9200, ("tcp",), parse_networks(["10.30.0.0/16"]))
SYSLOG = Port("syslog", 514, ("tcp", "udp"), parse_networks(["0.0.0.0/0", "fd00::/8"]))
INSIDE = Port("kibana", 5601, ("tcp",), ())


def desired(**changes: Any) -> Desired:
    return Desired(
        **{
            "hosts": parse_networks(["10.20.0.11", "10.20.0.12", "fd00::11"]),
            "cluster": {"tcp": [7946, 2377], "udp": [4789, 7946]},
            "published": (SEARCH, INSIDE, SYSLOG),
            **changes,
        }
    )


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


# Networks


def test_networks_never_overlap() -> None:
    found = parse_networks(["10.0.0.5", "10.0.0.7/8", "::1/128", "10.0.0.5"])
    assert [str(n) for n in found] == ["10.0.0.0/8", "::1/128"]
    assert firewall.of_version(found, 6) == ["::1"]


def test_an_invalid_network_is_named() -> None:
    with pytest.raises(FirewallError, match="office is not an address and not a network"):
        parse_networks(["10.0.0.0/8", "office"])


# The guard


def test_the_guard_accepts_only_the_hosts_on_the_swarms_ports() -> None:
    found = lines(firewall.guard(desired()))
    hosts = found.index("ip saddr @hosts4 accept")
    assert hosts < found.index("tcp dport { 2377, 7946 } goto refuse")
    assert hosts < found.index("udp dport { 4789, 7946 } goto refuse")
    assert "ip6 saddr @hosts6 accept" in found
    assert "elements = { 10.20.0.11, 10.20.0.12 }" in found


def test_the_guard_comes_before_docker_rewrites_destinations() -> None:
    hook = next(line for line in lines(firewall.guard(desired())) if "hook" in line)
    assert hook == "type filter hook prerouting priority -150; policy accept;"


def test_the_guard_accepts_the_named_networks_before_it_refuses() -> None:
    found = lines(firewall.guard(desired()))
    search = "meta l4proto tcp th dport 9200 "
    assert found.index(f"{search}ip saddr @elasticsearch4 accept") + 1 == found.index(
        f"{search}goto refuse"
    )
    syslog = "meta l4proto { tcp, udp } th dport 514 "
    assert f"{syslog}ip saddr @syslog4 accept" in found
    assert f"{syslog}ip6 saddr @syslog6 accept" in found
    assert "elements = { 0.0.0.0/0 }" in found


def test_a_port_for_the_hosts_only_has_no_set() -> None:
    text = firewall.guard(desired())
    assert "@kibana" not in text
    assert "meta l4proto tcp th dport 5601 goto refuse" in lines(text)


def test_the_guard_filters_no_other_port_and_replaces_itself_at_once() -> None:
    text = firewall.guard(desired())
    ports = {
        int(word.strip("{},"))
        for line in lines(text)
        if "dport" in line
        for word in line.partition("dport")[2].split()
        if word.strip("{},").isdigit()
    }
    assert ports == {514, 2377, 4789, 5601, 7946, 9200}
    assert lines(text)[1:4] == [
        "table inet elk_swarm",
        "delete table inet elk_swarm",
        "table inet elk_swarm {",
    ]
    assert "drop" not in text


# Openings


def test_ipsec_packets_are_accepted_only_with_encryption() -> None:
    esp = "ip saddr { 10.20.0.11, 10.20.0.12 } meta l4proto esp accept"
    assert esp in firewall.opening_rules(desired(encrypted=True), "input", "inet")
    assert esp not in firewall.opening_rules(desired(), "input", "inet")


def test_openings_use_only_the_family_of_their_table() -> None:
    four = "\n".join(firewall.opening_rules(desired(), "input", "ip"))
    six = "\n".join(firewall.opening_rules(desired(), "input", "ip6"))
    assert "ip saddr" in four
    assert "ip6" not in four
    assert "ip6 saddr fd00::11 tcp dport { 2377, 7946 } accept" in six
    assert "ip saddr" not in six
    both = 'iifname "docker_gwbridge" tcp dport { 514, 5601, 9200 } accept'
    assert both in four
    assert both in six


def test_packets_that_docker_forwards_are_accepted() -> None:
    assert firewall.opening_rules(desired(), "forward", "inet")[1:] == [
        'iifname { "docker0", "docker_gwbridge" } accept',
        'oifname { "docker0", "docker_gwbridge" } ct status dnat accept',
    ]


def chain(table: str = "filter", name: str = "input", **more: Any) -> dict[str, Any]:
    return {
        "chain": {
            "family": "inet",
            "table": table,
            "name": name,
            "type": "filter",
            "hook": name.lower(),
            **more,
        }
    }


def rule(*expressions: dict[str, Any], handle: int = 5, name: str = "input") -> dict[str, Any]:
    return {
        "rule": {
            "family": "inet",
            "table": "filter",
            "chain": name,
            "handle": handle,
            "expr": list(expressions),
        }
    }


MATCH = {"match": {"op": "==", "left": {}, "right": 22}}


@pytest.mark.parametrize(
    ("entries", "opened"),
    [
        ([chain(policy="drop")], True),
        ([chain(policy="accept")], False),
        ([chain(policy="accept"), rule({"counter": {}}, {"reject": {}})], True),
        # Rejects only some packets, for example against brute force, and accepts all others.
        ([chain(policy="accept"), rule(MATCH, {"drop": None})], False),
        ([chain(policy="accept"), rule({"drop": None}, name="rest")], True),
        ([chain(policy="drop", name="output")], False),
        ([chain(policy="drop", table="elk_swarm")], False),
        ([chain(policy="drop", table="firewalld")], False),
        ([chain(policy="drop", table="docker-bridges")], False),
        ([chain(policy="drop", name="INPUT", hook="input")], False),
        ([chain(policy="drop", family="bridge")], False),
        ([chain(policy="drop", type="nat")], False),
        ([chain(policy="accept"), rule({"jump": {"target": "elk_swarm_input"}})], True),
    ],
)
def test_which_chains_need_openings(entries: list[dict[str, Any]], opened: bool) -> None:
    chains = firewall.base_chains({"nftables": [{"metainfo": {}}, *entries]})
    found = firewall.chains_to_open(chains)
    assert [c.name for c in found] == (["input"] if opened else [])


def test_a_restrictive_output_chain_is_found() -> None:
    (found,) = firewall.base_chains({"nftables": [chain(policy="drop", name="output")]})
    assert (found.hook, found.restrictive) == ("output", True)


def test_one_jump_is_added_and_others_are_removed() -> None:
    base = BaseChain("inet", "filter", "input", "input", restrictive=True)
    jump = 'insert rule inet filter input jump elk_swarm_input comment "elk.swarm"'
    first = firewall.opening_commands(desired(), base)
    assert first[:2] == [
        "add chain inet filter elk_swarm_input",
        "flush chain inet filter elk_swarm_input",
    ]
    assert first[-1] == jump
    again = firewall.opening_commands(
        desired(), BaseChain("inet", "filter", "input", "input", jumps=(7, 9))
    )
    assert jump not in again
    assert again[-1] == "delete rule inet filter input handle 9"


def test_closing_removes_the_jumps_first() -> None:
    base = BaseChain("inet", "filter", "input", "input", jumps=(7,))
    assert firewall.closing_commands(base) == [
        "delete rule inet filter input handle 7",
        "flush chain inet filter elk_swarm_input",
        "delete chain inet filter elk_swarm_input",
    ]


def test_the_file_of_openings_loads_without_the_original_chain() -> None:
    base = BaseChain("inet", "filter", "incoming", "input", restrictive=True)
    text = lines(firewall.openings_file(desired(), [base]))
    assert text[1:4] == [
        "add table inet filter",
        "add chain inet filter incoming",
        "add chain inet filter elk_swarm_input",
    ]
    assert text[-1].startswith("insert rule inet filter incoming jump elk_swarm_input")


CONFIG = "flush ruleset\ntable inet filter {\n}\n"


def test_the_configuration_of_nftables_loads_our_files_once() -> None:
    once = firewall.with_include(CONFIG)
    assert once.startswith(CONFIG)
    assert firewall.INCLUDE in lines(once)
    assert firewall.with_include(once) == once
    assert firewall.without_block(once) == CONFIG


def test_an_include_of_the_operator_is_kept() -> None:
    own = f"{CONFIG}  {firewall.INCLUDE}\n"
    assert firewall.with_include(own) == own


def test_a_file_without_a_final_newline_gets_one() -> None:
    assert firewall.with_include("flush ruleset").startswith("flush ruleset\n# BEGIN")


# ufw

BEFORE = "*nat\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n*filter\n:ufw-before-input - [0:0]\nCOMMIT\n"


def test_ufw_gets_our_lines_in_its_filter_table() -> None:
    rules = firewall.ufw_rules(desired(), 4)
    text = firewall.ufw_file(BEFORE, firewall.ufw_chain(rules, "ufw-before-input"))
    head, _filter, tail = text.partition("*filter")
    assert "elk-swarm" not in head
    assert "-A elk-swarm -s 10.20.0.11 -p tcp -m multiport --dports 2377,7946 -j ACCEPT" in tail
    assert "-A ufw-before-input -j elk-swarm\n# END elk.swarm\nCOMMIT\n" in tail
    assert firewall.ufw_file(text, firewall.ufw_chain(rules, "ufw-before-input")) == text
    assert firewall.ufw_file(text, []) == BEFORE


def test_ufw_rules_have_one_ip_version() -> None:
    assert all("::" not in entry for entry in firewall.ufw_rules(desired(), 4))
    six = firewall.ufw_rules(desired(encrypted=True), 6)
    assert "-A elk-swarm -s fd00::11 -p esp -j ACCEPT" in six
    assert all("10.20" not in entry for entry in six)


def test_a_file_of_ufw_without_its_table_is_refused() -> None:
    with pytest.raises(FirewallError, match=r"no table \*filter"):
        firewall.ufw_file("*nat\nCOMMIT\n", ["-A x"])


@pytest.mark.parametrize(
    ("text", "enabled"),
    [("# ENABLED=yes\nENABLED=no\n", False), ("ENABLED=yes\n", True), ("", False)],
)
def test_whether_ufw_is_enabled(text: str, enabled: bool) -> None:
    assert firewall.ufw_enabled(text) is enabled


# firewalld


def policy(files: dict[str, str | None]) -> ET.Element:
    return ET.fromstring(files[firewall.POLICY_FILE] or "")


def test_firewalld_gets_a_policy_that_applies_before_its_zones() -> None:
    files = firewall.firewalld_files(desired(encrypted=True))
    found = policy(files)
    assert int(found.attrib["priority"]) < 0
    assert found.attrib["target"] == "CONTINUE"
    rules = [
        (
            next(dict(e.attrib) for e in r if e.tag == "source"),
            [(e.tag, dict(e.attrib)) for e in r if e.tag in ("port", "protocol")],
        )
        for r in found.findall("rule")
    ]
    hosts = {"ipset": "elk-swarm-4"}
    assert (hosts, [("port", {"port": "2377", "protocol": "tcp"})]) in rules
    assert (hosts, [("protocol", {"value": "esp"})]) in rules
    office = {"address": "10.30.0.0/16"}
    assert (office, [("port", {"port": "9200", "protocol": "tcp"})]) in rules
    assert [ports for source, ports in rules if source == office] == [
        [("port", {"port": "9200", "protocol": "tcp"})]
    ]
    entries = ET.fromstring(files[firewall.IPSET_FILES[6]] or "").findall("entry")
    assert [entry.text for entry in entries] == ["fd00::11"]


def test_firewalld_needs_no_set_for_a_family_without_hosts() -> None:
    files = firewall.firewalld_files(desired(hosts=parse_networks(["10.20.0.11"])))
    assert files[firewall.IPSET_FILES[6]] is None
    assert "elk-swarm-6" not in (files[firewall.POLICY_FILE] or "")


# Present state


@pytest.mark.parametrize(
    ("listed", "closed"),
    [
        ("-P INPUT ACCEPT\n-A INPUT -s 1.2.3.4/32 -j DROP\n", False),
        ("-P INPUT DROP\n-A INPUT -i lo -j ACCEPT\n", True),
        ("-P INPUT ACCEPT\n-A INPUT -j REJECT --reject-with icmp-port-unreachable\n", True),
        ("", False),
    ],
)
def test_whether_an_iptables_chain_is_closed(listed: str, closed: bool) -> None:
    assert firewall.iptables_closed(listed) is closed


def test_which_file_nftables_loads() -> None:
    shown = (
        "ExecStart={ path=/usr/sbin/nft ; argv[]=/usr/sbin/nft -f /etc/nftables.conf ; "
        "ignore_errors=no ; start_time=[n/a] }\n"
    )
    assert firewall.config_of_unit(shown) == "/etc/nftables.conf"
    redhat = "ExecStart={ path=/sbin/nft ; argv[]=/sbin/nft -f /etc/sysconfig/nftables.conf ; }"
    assert firewall.config_of_unit(redhat) == "/etc/sysconfig/nftables.conf"
    assert firewall.config_of_unit("") == ""


def test_the_client_of_an_ssh_session() -> None:
    environment = b"LANG=C\0SSH_CONNECTION=10.20.0.5 51234 10.20.0.11 22\0"
    assert firewall.ssh_client(environment) == "10.20.0.5"
    assert firewall.ssh_client(b"SSH_CONNECTION=fe80::1%eth0 5 fe80::2%eth0 22\0") == "fe80::1"
    assert firewall.ssh_client(b"LANG=C\0") == ""


def test_the_unit_comes_before_the_network() -> None:
    text = lines(firewall.unit("/usr/sbin/nft"))
    # It does not give up when the first attempt at boot fails.
    assert {"StartLimitIntervalSec=0", "Restart=on-failure", "RestartSec=5"} <= set(text)
    assert "Before=network-pre.target shutdown.target" in text
    assert f"ExecStart=/usr/sbin/nft -f {firewall.GUARD_FILE}" in text
