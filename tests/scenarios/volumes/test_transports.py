# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""elk.swarm.volume over a real ssh, and with a real daemon that asks for certificates."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from tests.contract.conftest import make_authority
from tests.scenarios.volumes.conftest import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.scenarios.volumes.conftest import Host, Task

pytestmark = pytest.mark.usefixtures("clean")

USER = f"{PREFIX}ops"
FOLDER = f"/root/{PREFIX}tls"


@pytest.fixture
def ssh(host: Host) -> Iterator[str]:
    """Address of the host for a user in the group docker; root on the host has a key for it."""
    host.shell(
        f"useradd --create-home --groups docker {USER};"
        " mkdir -p -m 700 ~/.ssh; test -e ~/.ssh/id_ed25519 || "
        "ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519;"
        f" install -D -o {USER} -m 600 ~/.ssh/id_ed25519.pub ~{USER}/.ssh/authorized_keys;"
        f" chown -R {USER} ~{USER}/.ssh;"
        " ssh-keyscan -t ed25519 127.0.0.1 2>/dev/null > ~/.ssh/known_hosts"
    )
    yield f"ssh://{USER}@127.0.0.1"
    host.shell(f"userdel --remove {USER} 2>/dev/null; rm -r ~/.ssh")


def test_over_ssh(host: Host, ssh: str) -> None:
    name = f"{PREFIX}far"
    host.four_times(name=name, owner=1000, group=0, mode="0770", docker_host=ssh)
    assert host.volumes() == [name]
    assert host.owner(f"/var/lib/docker/volumes/{name}/_data") == "1000:0 770"
    (removed,) = host.run({"name": name, "state": "absent", "docker_host": ssh})
    assert removed["changed"]
    assert host.volumes() == []


def test_ssh_that_is_refused(host: Host, ssh: str) -> None:
    host.shell(f"rm ~{USER}/.ssh/authorized_keys")
    (refused,) = host.run({"name": f"{PREFIX}far", "docker_host": ssh})
    assert refused["failed"]
    assert f"The Docker Engine at {ssh} does not answer" in refused["msg"]
    assert "Permission denied" in refused["msg"]
    assert host.volumes() == []


@pytest.fixture
def daemon(host: Host, tmp_path: Path) -> Iterator[Task]:
    """A second daemon of the host that listens with TLS only, and the options that reach it."""
    authority = make_authority(tmp_path / "tls")
    host.shell(f"mkdir -p {FOLDER}; echo '{{}}' > {FOLDER}/daemon.json")
    for name in ("ca.crt", "node.crt", "node.key"):
        text = base64.b64encode((authority.folder / name).read_bytes()).decode()
        host.shell(f"echo {text} | base64 -d > {FOLDER}/{name}")
    # Without --bridge the second daemon would remove docker0, which the first one uses.
    host.shell(
        f"systemd-run --quiet --unit {PREFIX}tls dockerd --config-file {FOLDER}/daemon.json"
        f" --data-root {FOLDER}/data --exec-root {FOLDER}/run --pidfile {FOLDER}/pid"
        " --bridge docker0 --iptables=false --host tcp://127.0.0.1:2376 --tlsverify"
        f" --tlscacert {FOLDER}/ca.crt --tlscert {FOLDER}/node.crt --tlskey {FOLDER}/node.key"
    )
    host.shell(
        "for i in $(seq 100); do (echo > /dev/tcp/127.0.0.1/2376) 2>/dev/null && exit; sleep 0.2;"
        f" done; journalctl -u {PREFIX}tls; exit 1"
    )
    assert "docker0" in host.shell("ls /sys/class/net")
    yield {
        "docker_host": "tcp://127.0.0.1:2376",
        "tls": True,
        "ca_path": f"{FOLDER}/ca.crt",
        "client_cert": f"{FOLDER}/node.crt",
        "client_key": f"{FOLDER}/node.key",
    }
    host.shell(f"systemctl stop {PREFIX}tls; rm -rf {FOLDER}")
    assert "docker0" in host.shell("ls /sys/class/net")


def test_over_tls(host: Host, daemon: Task) -> None:
    name = f"{PREFIX}tls"
    host.four_times(name=name, **daemon)
    assert name in host.shell(f"ls {FOLDER}/data/volumes").split()
    # The other daemon of the host has no such volume.
    assert host.volumes() == []

    stranger = {key: value for key, value in daemon.items() if not key.startswith("client")}
    (refused,) = host.run({"name": name, "state": "absent", **stranger})
    assert refused["failed"]
    assert "tcp://127.0.0.1:2376" in refused["msg"]
    assert name in host.shell(f"ls {FOLDER}/data/volumes")
