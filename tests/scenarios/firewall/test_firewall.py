"""Three hosts behind ufw, firewalld and nftables: the platform works, outsiders reach nothing."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.harness.wait import wait_for
from tests.scenarios.firewall.conftest import Target

if TYPE_CHECKING:
    from tests.scenarios.firewall.conftest import Place, Site

# The lab's two managers run Logstash, which publishes its port on the host.
SYSLOG_HOSTS = ("m1", "m2")
GUARDED = (
    ("tcp", 7946),
    ("udp", 7946),
    ("udp", 4789),
    ("tcp", 9200),
    ("tcp", 5601),
    ("tcp", 514),
    ("udp", 514),
)
# Ports that are open on every host.
SERVED = (("tcp", 7946), ("tcp", 9200))


def managers(site: Site) -> list[Target]:
    return [Target("tcp", site.hosts[name].address, 2377) for name in site.managers]


def guarded(site: Site) -> list[Target]:
    return managers(site) + site.everywhere(*GUARDED)


def served(site: Site) -> list[Target]:
    return managers(site) + site.everywhere(*SERVED)


def all_are(result: str, targets: list[Target]) -> dict[str, str]:
    return {str(target): result for target in targets}


@pytest.fixture(scope="session")
def elasticsearch(site: Site) -> dict[str, str]:
    """The container of Elasticsearch on each host."""
    label = "label=com.docker.swarm.service.name"
    return {
        name: host.run("sh", "-c", f"docker ps -q --filter {label} --filter publish=9200").strip()
        for name, host in site.hosts.items()
    }


def test_every_host_has_a_firewall_that_is_closed(site: Site, outsider: Place) -> None:
    states = {
        "m1": site.hosts["m1"].run("nft", "list", "chain", "inet", "filter", "input"),
        "m2": site.hosts["m2"].run("ufw", "status", "verbose"),
        "w1": site.hosts["w1"].run("firewall-cmd", "--state"),
    }
    assert "policy drop" in states["m1"]
    assert "Default: deny (incoming)" in states["m2"]
    assert "running" in states["w1"]
    # Without a firewall, a port on which nothing listens refuses the connection.
    unused = site.everywhere(("tcp", 8099))
    assert "refused" not in outsider.probe(*unused).values()


def test_outsiders_are_refused(site: Site, outsider: Place) -> None:
    assert outsider.probe(*guarded(site)) == all_are("refused", guarded(site))
    ssh = site.everywhere(("tcp", 22))
    assert outsider.probe(*ssh) == all_are("open", ssh)


def test_a_syslog_sender_reaches_port_514_and_nothing_else(site: Site, sender: Place) -> None:
    targets = [Target("tcp", site.hosts[name].address, 514) for name in SYSLOG_HOSTS]
    assert sender.probe(*targets) == all_are("open", targets)
    # A datagram that passes the firewall is not answered.
    targets = [Target("udp", site.hosts[name].address, 514) for name in SYSLOG_HOSTS]
    assert sender.probe(*targets) == all_are("silent", targets)
    rest = [target for target in guarded(site) if target.port != 514]
    assert sender.probe(*rest) == all_are("refused", rest)


@pytest.mark.parametrize("name", ["m1", "m2", "w1"])
def test_hosts_reach_each_other(site: Site, name: str) -> None:
    host = site.hosts[name]
    assert host.probe(*served(site)) == all_are("open", served(site))
    others = [t for t in site.everywhere(("udp", 4789), ("udp", 7946)) if t.address != host.address]
    assert "refused" not in host.probe(*others).values()


@pytest.mark.parametrize("name", ["m1", "m2", "w1"])
def test_containers_reach_every_host_also_their_own(
    site: Site, elasticsearch: dict[str, str], name: str
) -> None:
    for target in site.everywhere(("tcp", 9200)):
        script = f"timeout 5 bash -c '</dev/tcp/{target.address}/{target.port}'"
        site.hosts[name].run("docker", "exec", elasticsearch[name], "bash", "-c", script)


def test_another_run_changes_nothing(site: Site) -> None:
    assert site.check().changed == {}
    assert site.apply().changed == {}


def test_a_run_waits_for_the_lock_of_iptables(site: Site) -> None:
    """Docker holds the lock while it publishes a port, and all network namespaces share it."""
    m2 = site.hosts["m2"]
    m2.run("systemd-run", "--collect", "flock", "/run/xtables.lock", "sleep", "20")
    # The unit counts as started before flock has the lock.
    deadline = time.monotonic() + 10
    while m2.run("sh", "-c", "iptables -S INPUT >/dev/null 2>&1; echo $?").strip() != "4":
        assert time.monotonic() < deadline, "nobody holds the lock"
        time.sleep(0.1)
    assert site.check().changed == {}


def test_rules_survive_what_operators_do_to_their_firewalls(site: Site, outsider: Place) -> None:
    nftables, ufw, firewalld = (site.hosts[name] for name in ("m1", "m2", "w1"))
    nftables.run("nft", "-f", "/etc/nftables.conf")
    ufw.run("ufw", "allow", "8098/tcp")
    ufw.run("ufw", "reload")
    firewalld.run("firewall-cmd", "--reload")
    assert outsider.probe(*guarded(site)) == all_are("refused", guarded(site))
    for host in site.hosts.values():
        assert host.probe(*served(site)) == all_are("open", served(site))
    assert site.check().changed == {}


def test_a_new_host_is_allowed_and_a_removed_one_is_not(site: Site, outsider: Place) -> None:
    """Check mode predicts the change and changes nothing."""
    for place in (*site.hosts.values(), outsider):
        place.give_ipv6()
    everyone = sorted(site.hosts)
    addresses = [outsider.address, outsider.address6]
    # IPv6 was off when Docker started, so it publishes no port there; Swarm's own port works.
    six = [Target("tcp", host.address6, 7946) for host in site.hosts.values()]
    reached = [*served(site), *six]
    assert outsider.probe(*reached) == all_are("refused", reached)

    checked = site.check(firewall_addresses=addresses)
    assert sorted(checked.changed) == everyone
    assert outsider.address6 in checked.output
    assert outsider.probe(*reached) == all_are("refused", reached)

    assert sorted(site.apply(firewall_addresses=addresses).changed) == everyone
    assert outsider.probe(*reached) == all_are("open", reached)
    assert site.check(firewall_addresses=addresses).changed == {}

    assert sorted(site.apply().changed) == everyone
    assert outsider.probe(*reached) == all_are("refused", reached)


def test_damage_is_seen_and_repaired(site: Site, outsider: Place) -> None:
    nftables, ufw, firewalld = (site.hosts[name] for name in ("m1", "m2", "w1"))
    nftables.run("nft", "flush", "chain", "inet", "filter", "elk_swarm_input")
    ufw.run("iptables", "--wait", "-D", "elk-swarm", "1")
    firewalld.run("nft", "delete", "table", "inet", "elk_swarm")
    assert sorted(site.check().changed) == sorted(site.hosts)
    assert sorted(site.apply().changed) == sorted(site.hosts)
    nftables.run("sed", "-i", "/elk-swarm/d", "/etc/nftables.conf")
    ufw.run("rm", "/etc/systemd/system/elk-swarm-firewall.service")
    firewalld.run("firewall-cmd", "-q", "--policy=elk-swarm", "--set-priority=-90", "--permanent")
    assert sorted(site.apply().changed) == sorted(site.hosts)
    assert site.check().changed == {}
    assert outsider.probe(*guarded(site)) == all_are("refused", guarded(site))
    for host in site.hosts.values():
        assert host.probe(*served(site)) == all_are("open", served(site))


def test_rules_are_back_after_a_boot(site: Site, outsider: Place) -> None:
    containers = [site.lab.container(host) for host in site.lab.hosts]
    subprocess.run(["docker", "restart", "-t", "30", *containers], check=True, capture_output=True)

    def booted(host: Place) -> bool:
        state = subprocess.run(
            [*host.command, "systemctl", "is-system-running"], capture_output=True, text=True
        )
        return state.stdout.strip() in ("running", "degraded")

    for host in site.hosts.values():
        wait_for(lambda host=host: booted(host), 120, f"The boot of {host.name}")
    assert outsider.probe(*guarded(site)) == all_are("refused", guarded(site))
    assert site.check().changed == {}
    expected = all_are("open", served(site))
    for host in site.hosts.values():
        wait_for(lambda host=host: host.probe(*served(site)) == expected, 240, "The cluster")


def test_all_rules_can_be_removed(site: Site, outsider: Place) -> None:
    assert sorted(site.check(firewall_manage="remove").changed) == sorted(site.hosts)
    assert sorted(site.apply(firewall_manage="remove").changed) == sorted(site.hosts)
    assert site.check(firewall_manage="remove").changed == {}
    look = (
        "grep -rlE 'elk.swarm' /etc --include='*nft*' --include='before*' --include='*.xml'"
        " --include='*.service'; nft list ruleset | grep -E 'elk.swarm';"
        " iptables -w -S | grep elk; ip6tables -w -S | grep elk; true"
    )
    for host in site.hosts.values():
        assert host.run("sh", "-c", look) == ""
    # Published ports bypass the hosts' firewalls, so without our rules the outsider reaches one.
    where = Target("tcp", site.hosts["m2"].address, 9200)
    assert outsider.probe(where) == {str(where): "open"}
