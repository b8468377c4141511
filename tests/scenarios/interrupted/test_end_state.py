"""All killed runs together leave what one undisturbed run leaves, and nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from elasticsearch import Elasticsearch

from tests.harness.platform import REQUEST_TIMEOUT
from tests.scenarios.operations.drift.standing import SECRETS

if TYPE_CHECKING:
    from tests.harness.lab import Lab

# Path, owner, group and mode of everything that was rendered on a host.
RENDERED = """\
/etc/elk 0:0 750
/etc/elk/elasticsearch 0:0 750
/etc/elk/elasticsearch/cluster_uuid 0:0 444
/etc/elk/elasticsearch/elasticsearch.yml 0:0 440
/etc/elk/elasticsearch/jvm.options 0:0 440
/etc/elk/elasticsearch/secrets 0:0 750
/etc/elk/elasticsearch/secrets/elastic_password 1000:0 400
/etc/elk/pki 0:0 750
/etc/elk/pki/ca.crt 0:0 440
/etc/elk/pki/node.crt 0:0 440
/etc/elk/pki/node.key 0:0 440
/etc/elk/pki/transport-ca.crt 0:0 440
/etc/elk/pki/transport.crt 0:0 440
/etc/elk/pki/transport.key 0:0 440
"""
# What the lab itself stores in elk_local_dir.
OF_THE_LAB = {"docker", "dockerd.pid", "hosts", "lab.json", "logs", "prepared", "ssh"}


def rows(text: str) -> list[str]:
    return sorted(text.split("\n")) if text else []


def login(lab: Lab, **credentials: Any) -> dict[str, Any]:
    """The user as which Elasticsearch accepts these credentials."""
    with Elasticsearch(
        lab.url,
        ca_certs=str(lab.kept("ca.crt")),
        request_timeout=REQUEST_TIMEOUT,
        **credentials,
    ) as client:
        return dict(client.security.authenticate())


def test_every_host_is_in_the_swarm_once(lab: Lab) -> None:
    nodes = lab.read("m1", "docker node ls --format '{{.Hostname}} {{.Status}} {{.ManagerStatus}}'")
    assert [row.replace("Leader", "Reachable").strip() for row in rows(nodes)] == [
        "m1 Ready Reachable",
        "m2 Ready Reachable",
        "w1 Ready",
    ]


def test_every_service_exists_once_with_its_tasks_once(lab: Lab) -> None:
    services = rows(lab.read("m1", "docker service ls --format '{{.Name}} {{.Replicas}}'"))
    assert [re.sub(r"-[0-9a-f]{8}\b| \(.*", "", row) for row in services] == [
        "elk_elasticsearch 3/3",
        "kibana 1/1",
        "logshipper 2/2",
    ]
    containers = [
        re.sub(r"[-.].*", "", name)
        for host in lab.names
        for name in lab.read(host, "docker ps --format '{{.Names}}'").split()
    ]
    assert sorted(containers) == [*["elk_elasticsearch"] * 3, "kibana", *["logshipper"] * 2]


def test_no_unused_config_secret_or_network_is_left(lab: Lab) -> None:
    for kind in ("Config", "Secret"):
        each = f"{{{{range .Spec.TaskTemplate.ContainerSpec.{kind}s}}}}{{{{println .{kind}Name}}}}"
        inspect = f"docker service inspect --format '{each}{{{{end}}}}' $(docker service ls -q)"
        used = {name for name in rows(lab.read("m1", inspect)) if name}
        listed = rows(lab.read("m1", f"docker {kind.lower()} ls --format '{{{{.Name}}}}'"))
        assert set(listed) == used
        assert len(listed) == len(used) >= 3
    networks = lab.read("m1", "docker network ls --filter driver=overlay --format '{{.Name}}'")
    assert rows(networks) == ["elknet", "ingress"]


def test_there_is_one_cluster_and_every_host_remembers_it(lab: Lab, client: Elasticsearch) -> None:
    health = client.cluster.health(wait_for_status="green", timeout="60s")
    assert (health["status"], health["number_of_nodes"]) == ("green", len(lab.names))
    uuid = client.info()["cluster_uuid"]
    for host in lab.names:
        assert lab.read(host, "cat /etc/elk/elasticsearch/cluster_uuid") == uuid
        configuration = lab.read(host, "cat /etc/elk/elasticsearch/elasticsearch.yml")
        assert "discovery.seed_hosts" in configuration
        assert "initial_master_nodes" not in configuration


def test_there_is_one_index_and_no_line_of_a_smoke_test(lab: Lab, client: Elasticsearch) -> None:
    assert list(client.indices.get(index="syslog-msg*")) == ["syslog-msg-000001"]
    client.indices.refresh(index="syslog-msg")
    assert client.count(index="syslog-msg")["count"] == 0


def test_passwords_and_token_on_the_controller_are_valid(lab: Lab, client: Elasticsearch) -> None:
    for user, file in (("elastic", "elastic_password"), ("logstash_writer", "logstash_password")):
        assert login(lab, basic_auth=(user, lab.secret(file)))["username"] == user
    token = login(lab, bearer_auth=lab.secret("kibana_token"))
    assert token["username"] == "elastic/kibana"
    credentials = client.security.get_service_credentials(namespace="elastic", service="kibana")
    assert list(credentials["tokens"]) == ["elk"]


def test_the_controller_has_each_file_once(lab: Lab) -> None:
    found = {path.name for path in lab.directory.iterdir()} - OF_THE_LAB
    assert found == {
        *SECRETS,
        *(f"{name}.{kind}" for name in ("ca", "transport-ca") for kind in ("crt", "key")),
        "certs",
    }
    for name in SECRETS:
        assert lab.kept(name).stat().st_mode & 0o777 == 0o600
        assert len(lab.secret(name)) >= 32
    certificates = {path.name for path in lab.kept("certs").iterdir()}
    assert certificates == {
        f"{name}.{kind}"
        for name in [*lab.names, *(f"{host}.transport" for host in lab.names), "kibana"]
        for kind in ("crt", "key")
    }


def test_every_host_has_its_files_and_no_others(lab: Lab) -> None:
    for host in lab.names:
        assert lab.read(host, "find /etc/elk -printf '%p %U:%G %m\\n' | sort") == RENDERED.strip()
        for file, original in (
            ("ca.crt", "ca.crt"),
            ("node.crt", f"certs/{host}.crt"),
            ("transport-ca.crt", "transport-ca.crt"),
            ("transport.crt", f"certs/{host}.transport.crt"),
        ):
            copy = lab.read(host, f"cat /etc/elk/pki/{file}")
            assert copy == lab.kept(original).read_text().strip()
        for authority, certificate in (("ca", "node"), ("transport-ca", "transport")):
            verify = "cd /etc/elk/pki; openssl verify -CAfile"
            lab.read(host, f"{verify} {authority}.crt {certificate}.crt")
        drafts = "-name '.ansible_tmp*' -o -name 'draft-*' -o -name '.*.new'"
        assert lab.read(host, f"find /etc /srv /tmp /root /home -xdev {drafts}") == ""


def test_the_packages_of_every_host_are_in_order(lab: Lab) -> None:
    for host in lab.names:
        assert lab.read(host, "dpkg --audit; ls /var/lib/dpkg/updates") == ""
        assert "docker.io" in lab.read(host, "apt-mark showhold").split()
        assert lab.read(host, "systemctl is-active docker; systemctl is-enabled docker") == (
            "active\nenabled"
        )


def test_no_module_of_a_killed_run_still_runs(lab: Lab) -> None:
    for host in lab.names:
        assert lab.read(host, "pgrep -fa '[A]nsiballZ|[a]nsible-tmp' || true") == ""


def test_no_secret_is_in_what_killed_runs_left_behind(lab: Lab) -> None:
    """Ansible's folders for temporary files stay after a kill; no secret is in them."""
    keys = [path.read_text() for path in lab.directory.glob("**/*.key")]
    # In a key file, the second line is the first that is unique.
    values = [lab.secret(name) for name in SECRETS] + [key.splitlines()[1] for key in keys]
    places = dict.fromkeys(lab.names, "/home /root /tmp /var/tmp")
    for place, folders in [*places.items(), ("controller", str(lab.home))]:
        patterns = "\n".join(values)
        found = lab.shell(place, f"grep -rlF -f - {folders}", stdin=patterns)
        assert (found.returncode, found.stdout) == (1, ""), place
