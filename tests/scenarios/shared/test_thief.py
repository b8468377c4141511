"""What an attacker gets with a user or a group of a host, as docs/security.md says."""

from __future__ import annotations

import time
from typing import Any

testinfra_hosts = ["ansible://all?sudo=True"]

NOBODY = "setpriv --reuid 65534 --regid 65534 --clear-groups"
# The user of the containers.
USER_1000 = "setpriv --reuid 1000 --regid 1000 --clear-groups"
PLACES = "/etc/elk /srv/elk /var/lib/docker /var/run/docker.sock"


def readable(host: Any, user: str) -> list[str]:
    """Files and folders of the platform that a user can read."""
    found = host.run(f"{user} find {PLACES} -mindepth 1 -readable ! -type l 2>/dev/null")
    return [str(line) for line in found.stdout.splitlines()]


def image_of(host: Any) -> str:
    """Any image that is on the host."""
    images = host.check_output("docker image ls -q elasticsearch; docker image ls -q").split()
    return str(images[0])


def test_an_ordinary_user_reads_nothing(host: Any) -> None:
    assert readable(host, NOBODY) == []
    # The same search finds files when root runs it.
    assert readable(host, "env")
    done = host.run(f"{NOBODY} docker ps")
    assert done.rc != 0
    assert "permission denied" in done.stderr


def test_user_1000_reads_what_elasticsearch_runs_with(host: Any) -> None:
    reads = readable(host, USER_1000)
    # The data of its own containers.
    assert any(path.startswith("/srv/elk/elasticsearch") for path in reads)
    assert not [path for path in reads if path.startswith("/etc/elk")]
    for path in ("/etc/elk/pki/transport.key", "/etc/elk/elasticsearch/secrets/elastic_password"):
        assert host.run(f"{USER_1000} cat {path}").rc != 0, path
    # The same files, through the container that mounts them.
    pids = host.check_output("pgrep -u 1000 java").split()
    keys = "root/usr/share/elasticsearch/config/certs/transport.key"
    for pid in pids:
        assert host.run(f"{USER_1000} cat /proc/{pid}/{keys}").rc != 0


def test_the_group_docker_is_root(host: Any) -> None:
    group = host.check_output("getent group docker").split(":")[2]
    member = f"setpriv --reuid 65534 --regid 65534 --groups {group}"
    assert host.run(f"{member} cat /etc/elk/pki/transport.key").rc != 0
    command = (
        f"docker run --rm --user 0 --network none -v /:/host --entrypoint cat {image_of(host)}"
    )
    shown = host.check_output(f"{member} {command} /host/etc/elk/pki/transport.key")
    assert "PRIVATE KEY" in shown


def test_a_manager_is_root_on_every_host(manager: Any, platform: Any) -> None:
    images = manager.check_output(
        "docker service ls --format '{{.Image}}' --filter name=elk_elasticsearch-"
    )
    for host in platform.hosts:
        manager.check_output(
            "docker service create --quiet --detach --name thief --restart-condition none"
            " --no-resolve-image --user 0 --mount type=bind,src=/,dst=/host,readonly"
            f" --constraint node.hostname=={host} --entrypoint cat {images.split()[0]}"
            " /host/etc/elk/pki/transport.key"
        )
        try:
            deadline = time.monotonic() + 60
            while "PRIVATE KEY" not in manager.run("docker service logs --raw thief").stdout:
                assert time.monotonic() < deadline, manager.run("docker service ps thief").stdout
                time.sleep(0.5)
        finally:
            manager.check_output("docker service rm thief")
