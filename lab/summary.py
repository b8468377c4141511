"""The status of a lab: hosts, services, health, and commands to try next."""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from lab.hosts import ssh_command

if TYPE_CHECKING:
    from lab.state import Lab


def print_status(lab: Lab) -> None:
    """Print tables of hosts and services, and the health of Elasticsearch if it answers."""
    manager = lab.hosts[0]
    print(f"\nLab {lab.name} in {lab.directory}\n")
    _table(
        ["HOST", "ADDRESS", "ROLE"],
        [[h.name, h.address, "manager" if h.manager else "worker"] for h in lab.hosts],
    )
    services = _run_on_manager(
        lab, "sudo docker service ls --format '{{.Name}}\\t{{.Mode}}\\t{{.Replicas}}\\t{{.Image}}'"
    )
    if services:
        print()
        _table(["SERVICE", "MODE", "RUNNING", "IMAGE"], [line.split("\t") for line in services])
    health = _elasticsearch(lab, "/_cluster/health")
    root = _elasticsearch(lab, "/")
    if not health or not root:
        print("\nElasticsearch does not answer (yet).\n")
        return
    print(
        f"\nElasticsearch {root['version']['number']}: {health['status']}, "
        f"{health['number_of_nodes']} nodes, {health['active_shards']} shards"
    )
    certificate, password = lab.directory / "ca.crt", lab.directory / "elastic_password"
    logstash = _hosts_of(lab, "logshipper") or [manager.address]
    kibana = _hosts_of(lab, "kibana") or [manager.address]
    print(f"""
Try next
  logger --server {logstash[0]} --port 514 --tcp "hello from outside"
  curl --cacert {certificate} -u elastic:$(cat {password}) 'https://{manager.address}:9200/syslog-msg/_search?q=hello&pretty'
  https://kibana:5601   (stand-in for Kibana; needs "{kibana[0]} kibana" in your /etc/hosts)
                        (user elastic, password in {password})
  make ssh HOST={manager.name}        make status        make down
""")


def _run_on_manager(lab: Lab, command: str) -> list[str]:
    """The lines that a command prints on the first manager."""
    done = subprocess.run(
        [*ssh_command(lab, lab.hosts[0]), "-o", "ConnectTimeout=5", command],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.splitlines()


def _hosts_of(lab: Lab, service: str) -> list[str]:
    """Addresses of the hosts that run tasks of a service."""
    names = _run_on_manager(
        lab, f"sudo docker service ps -f desired-state=running --format '{{{{.Node}}}}' {service}"
    )
    return [h.address for h in lab.hosts if h.name in names]


def _elasticsearch(lab: Lab, path: str) -> Any:
    """The response of the first node that answers, verified with the lab's CA, or None."""
    try:
        password = (lab.directory / "elastic_password").read_text().strip()
        context = ssl.create_default_context(cafile=str(lab.directory / "ca.crt"))
    except FileNotFoundError:
        return None
    login = base64.b64encode(f"elastic:{password}".encode()).decode()
    for host in lab.hosts:
        request = urllib.request.Request(
            f"https://{host.address}:9200{path}", headers={"Authorization": f"Basic {login}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=5, context=context) as answer:
                return json.load(answer)
        except (urllib.error.URLError, OSError, ValueError):
            continue
    return None


def _table(titles: list[str], rows: list[list[str]]) -> None:
    widths = [max(len(row[i]) for row in [titles, *rows]) for i in range(len(titles))]
    for row in [titles, *rows]:
        print(
            "  "
            + "  ".join(
                cell.ljust(width) for cell, width in zip(row, widths, strict=False)
            ).rstrip()
        )
