"""Services that are nothing but a folder, from the first check to the reset. One story."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tests.scenarios.service_folder.conftest import HELLO_PORT, SERVICES

if TYPE_CHECKING:
    from tests.harness.playbook import Outcome
    from tests.scenarios.service_folder.conftest import Extended

SITE, VERIFY, STATUS = "site.yml", "playbooks/verify.yml", "playbooks/status.yml"
SCALE, ROTATE = "playbooks/scale.yml", "playbooks/rotate.yml"
REMOVE, RESET = "playbooks/remove_host.yml", "playbooks/reset.yml"
COUNTER = "/srv/elk/hello/count"
LISTEN = (
    f"systemd-run --unit=taken python3 -m http.server {HELLO_PORT} && "
    f"until ss -ltn 'sport = :{HELLO_PORT}' | grep -q LISTEN; do sleep 0.2; done"
)
LABELLED = "docker node ls -q --filter node.label=elk.hello | xargs -r docker node inspect"
UNITS = "ls /etc/systemd/system | grep ticker"
RULES = "nft list table inet elk_swarm"


def succeeds(platform: Extended, playbook: str, *options: str, **variables: object) -> Outcome:
    outcome = platform.run(playbook, *options, **variables)
    assert outcome.code == 0, outcome.output
    return outcome


def labelled(platform: Extended) -> list[str]:
    return sorted(platform.lab.read("m1", f"{LABELLED} -f '{{{{.Description.Hostname}}}}'").split())


def started(platform: Extended, service: str) -> str:
    """When the one container of a service was started."""
    [(host, container)] = platform.tasks(service).items()
    return platform.lab.read(host, f"docker inspect -f '{{{{.State.StartedAt}}}}' {container}")


def services(platform: Extended) -> list[str]:
    return platform.lab.read("m1", "docker service ls --format '{{.Name}}'").split()


# -- before anything is there --------------------------------------------------------------------


def test_outside_of_its_folder_a_service_is_a_group_and_a_few_lines() -> None:
    text = SERVICES.read_text().splitlines()
    lines = [line for line in text if not line.startswith(("---", "#"))]
    groups = [line for line in lines if re.match(r"(hello|broker|ticker):", line)]
    assert (len(groups), len(lines) - len(groups)) == (3, 5)


def test_a_port_that_is_taken_is_refused(platform: Extended) -> None:
    platform.lab.read("w1", LISTEN)
    outcome = platform.run(SITE)
    assert outcome.code != 0
    assert "must be fixed first; nothing was changed:" in outcome.text, outcome.output
    assert f"w1: port {HELLO_PORT}/tcp (hello_port) is taken by python3." in outcome.text
    assert "or choose another hello_port." in outcome.text
    assert not platform.lab.kept("hello_password").exists()
    platform.lab.read("w1", "systemctl stop taken && ! ls /etc/elk /srv/elk")


# -- the services are deployed -------------------------------------------------------------------


def test_the_platform_comes_up_with_them(platform: Extended) -> None:
    install = "apt-get update -q && apt-get install -qy --no-install-recommends nftables"
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda host: platform.lab.read(host, install), platform.hosts))
    succeeds(platform, SITE)


def test_hello_runs_on_the_first_of_its_hosts(platform: Extended) -> None:
    assert list(platform.tasks("hello")) == labelled(platform) == ["w1"]


def test_broker_runs_on_each_of_its_hosts(platform: Extended) -> None:
    services = platform.lab.read(
        "m1", "docker service ls --filter name=broker --format '{{.Name}} {{.Replicas}}' | sort"
    )
    assert services.splitlines() == ["broker-m1 1/1", "broker-w1 1/1"]
    for host in ("m1", "w1"):
        assert list(platform.tasks(f"broker-{host}")) == [host]
        assert platform.broker(host) == f"broker {host} 1"


def test_ticker_runs_on_each_of_its_hosts(platform: Extended) -> None:
    assert [host for host in platform.hosts if platform.ticker(host) != "0"] == ["m1", "w1"]


def test_hello_has_a_certificate_and_a_password(platform: Extended) -> None:
    """The client verifies the certificate for the name hello."""
    assert platform.lab.kept("hello_password").stat().st_mode & 0o777 == 0o600
    # The run itself has counted once.
    assert platform.count("w1") == (200, "2")
    assert platform.count("w1", "not the password") == (401, "wrong user or password")


def test_each_host_has_the_directories_of_its_services(platform: Extended) -> None:
    services = {"m1": ["broker", "hello", "ticker"], "m2": ["hello"]}
    for host in platform.hosts:
        names = services.get(host, services["m1"])
        read = "cd /srv/elk && stat -c '%n %F %u %g %a' broker hello ticker 2>/dev/null; true"
        found = platform.lab.read(host, read).splitlines()
        assert found == [f"{name} directory 1000 0 770" for name in names]


def test_each_host_has_the_firewall_rules_of_its_services(platform: Extended) -> None:
    for host in platform.hosts:
        rules = platform.lab.read(host, RULES)
        assert f"dport {HELLO_PORT} ip saddr @hello4 accept" in rules
        assert ("dport 9393 ip saddr @broker4 accept" in rules) == (host != "m2")


def test_a_second_run_changes_nothing(platform: Extended) -> None:
    assert succeeds(platform, SITE).changed == {}


# -- they are operated ---------------------------------------------------------------------------


def test_check_mode_predicts_scaling(platform: Extended) -> None:
    platform.replicas = 2
    outcome = succeeds(platform, SCALE, "--check")
    assert list(outcome.changed) == ["m1"]
    assert list(platform.tasks("hello")) == labelled(platform) == ["w1"]


def test_hello_is_scaled(platform: Extended) -> None:
    before = platform.tasks("hello")
    outcome = succeeds(platform, SCALE)
    assert "Hello runs 2 task(s), on m1, w1." in outcome.text
    after = platform.tasks("hello")
    assert sorted(after) == labelled(platform) == ["m1", "w1"]
    assert after["w1"] == before["w1"]
    # The check after scaling has counted on both.
    assert platform.count("m1") == (200, "2")


def test_verify_fails_where_hello_does_not_count(platform: Extended) -> None:
    platform.lab.read("w1", f"echo broken > {COUNTER}")
    outcome = platform.run(VERIFY)
    assert outcome.code != 0
    wrong = f"Hello does not count. {platform.lab.address('w1')}: /data/count holds no number"
    assert wrong in outcome.text, outcome.output


def test_verify_counts_on_every_host(platform: Extended) -> None:
    platform.lab.read("w1", f"echo 40 > {COUNTER}")
    succeeds(platform, VERIFY)
    assert platform.count("w1") == (200, "42")


def test_status_shows_them(platform: Extended) -> None:
    outcome = succeeds(platform, STATUS, status_fail=True)
    image = r"kibana-stand-in:\S+"
    for name, row in {
        "hello": rf"hello {image} 2 2 m1, w1 -",
        "broker": rf"broker-m1 {image} 1 1 m1 - broker-w1 {image} 1 1 w1 -",
        "ticker": r"ticker - 2 2 m1, w1 -",
    }.items():
        assert re.search(row, outcome.text), f"{name}: {outcome.output}"


def test_status_reports_what_does_not_run(platform: Extended) -> None:
    platform.lab.read("m1", "docker service rm broker-w1")
    platform.lab.read("w1", "systemctl stop ticker")
    outcome = platform.run(STATUS, status_fail=True)
    assert outcome.code != 0
    assert "The service broker-w1 does not exist" in outcome.text, outcome.output
    assert "w1: ticker.service is inactive" in outcome.text


def test_the_next_run_brings_them_back(platform: Extended) -> None:
    broker, ticker = platform.tasks("broker-m1"), platform.ticker("m1")
    outcome = succeeds(platform, SITE)
    assert sorted(outcome.changed) == ["m1", "w1"]
    # Its data was there.
    assert platform.broker("w1") == "broker w1 2"
    assert platform.ticker("w1") != "0"
    assert (platform.tasks("broker-m1"), platform.ticker("m1")) == (broker, ticker)


def test_broker_restarts_on_one_host_after_the_other(platform: Extended) -> None:
    outcome = succeeds(platform, "playbooks/stack.yml", broker_greeting="still broker")
    assert outcome.changed == {"m1": 2}
    assert platform.broker("m1") == "still broker m1 2"
    assert platform.broker("w1") == "still broker w1 3"
    first, second = (started(platform, f"broker-{host}") for host in ("m1", "w1"))
    assert first < second
    succeeds(platform, "playbooks/stack.yml")


# -- its password is renewed ---------------------------------------------------------------------


def test_a_new_password_takes_the_place_of_the_former(platform: Extended) -> None:
    former = platform.password
    nodes, hello = platform.containers(), platform.tasks("hello")
    brokers = [platform.tasks(f"broker-{host}") for host in ("m1", "w1")]
    tickers = [platform.ticker(host) for host in ("m1", "w1")]
    outcome = succeeds(platform, ROTATE, rotate="passwords")
    assert "hello_password is renewed." in outcome.text
    assert platform.password != former
    for host in ("m1", "w1"):
        assert platform.count(host)[0] == 200
        assert platform.count(host, former) == (401, "wrong user or password")
    # Logstash and Kibana have new passwords, too. Nothing else was restarted.
    after = platform.tasks("hello")
    assert sorted(after) == sorted(hello)
    assert not set(after.values()) & set(hello.values())
    assert platform.containers() == nodes
    assert brokers == [platform.tasks(f"broker-{host}") for host in ("m1", "w1")]
    assert tickers == [platform.ticker(host) for host in ("m1", "w1")]
    files = [path.name for path in platform.lab.directory.iterdir()]
    assert not [name for name in files if name.endswith((".next", ".former"))]


def test_after_the_renewal_a_run_changes_nothing(platform: Extended) -> None:
    assert succeeds(platform, SITE).changed == {}


# -- they leave a host, and the platform ---------------------------------------------------------


def test_they_leave_a_host_that_is_removed(platform: Extended) -> None:
    hello, broker = platform.tasks("hello"), platform.tasks("broker-m1")
    outcome = succeeds(platform, REMOVE, remove_host="w1")
    assert "w1 has left the platform" in outcome.text
    assert platform.lab.read("w1", f"docker ps -q; {UNITS}; true") == ""
    assert platform.ticker("w1") == "0"
    # Data stays where it is.
    assert platform.lab.read("w1", f"cat {COUNTER}").isdigit()
    platform.without = {"w1"}
    after = platform.tasks("hello")
    assert sorted(after) == labelled(platform) == ["m1", "m2"]
    assert after["m1"] == hello["m1"]
    assert platform.tasks("broker-m1") == broker
    assert [name for name in services(platform) if "broker" in name] == ["broker-m1"]
    assert platform.count("m2")[0] == 200


def test_after_the_removal_a_run_changes_nothing(platform: Extended) -> None:
    assert succeeds(platform, SITE).changed == {}


def test_a_reset_leaves_nothing_of_them(platform: Extended) -> None:
    sure = {"reset_confirm": "elk", "reset_data": True, "reset_data_confirm": "elk"}
    succeeds(platform, RESET, **sure)
    for host in platform.hosts:
        left = "docker ps -aq; docker info -f '{{.Swarm.LocalNodeState}}'; ls -d /srv/elk"
        assert platform.lab.read(host, f"{left} /etc/elk 2>/dev/null; true") == "inactive"
        assert platform.lab.read(host, f"{UNITS}; {RULES} 2>/dev/null; true") == ""
        assert platform.ticker(host) == "0"
    assert succeeds(platform, RESET, **sure).changed == {}
