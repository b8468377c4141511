# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The authorities on the controller, and the servers as a client sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.contract.conftest import make_authority
from tests.contract.fake_elasticsearch import FakeCluster, free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MODULE = "status_controller"


def authority(folder: Path, name: str, **changes: Any) -> dict[str, Any]:
    return {
        "file": name,
        "certificate": str(folder / "node.crt"),
        "key": str(folder / "node.key"),
        **changes,
    }


def test_authorities_and_servers(call: Callable[..., Any], tmp_path: Path) -> None:
    ours = make_authority(tmp_path / "ours")
    theirs = make_authority(tmp_path / "theirs")
    with FakeCluster(["m1", "m2"], tls=ours.context()) as cluster:
        ports = {node.name: node.port for node in cluster.nodes}
        servers = [
            {"service": name, "addresses": {name: "127.0.0.1"}, "port": port}
            for name, port in {**ports, "w1": free_port()}.items()
        ]
        arguments = {
            "authorities": [
                authority(ours.folder, "ca.crt"),
                authority(ours.folder, "transport-ca.crt", key=str(theirs.folder / "node.key")),
                authority(tmp_path, "none.crt", optional=True),
                authority(tmp_path, "lost.crt"),
            ],
            "servers": servers,
        }
        found = call(MODULE, {"ca_path": ours.ca, **arguments})["controller"]
        strange = call(MODULE, {"ca_path": theirs.ca, **arguments})["controller"]
    keys = {one["file"]: one["key"] for one in found["authorities"]}
    assert keys == {"ca.crt": "fits", "transport-ca.crt": "other", "lost.crt": "missing"}
    assert [one["kind"] for one in found["servers"]] == ["ok", "ok", "refused"]
    assert [one["kind"] for one in strange["servers"]] == ["untrusted", "untrusted", "refused"]
    assert "PRIVATE KEY" not in str(found)


def test_without_the_authority_no_server_is_checked(
    call: Callable[..., Any], tmp_path: Path
) -> None:
    servers = [{"service": "kibana", "addresses": {"m1": "127.0.0.1"}, "port": free_port()}]
    found = call(MODULE, {"ca_path": str(tmp_path / "ca.crt"), "servers": servers})
    assert not found.failed
    assert found["controller"]["servers"] == []
