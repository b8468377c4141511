# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What preflight compares and restore_secrets writes in a folder of the controller."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.platform.secrets import fingerprint
from tests.certificates import issue

if TYPE_CHECKING:
    from collections.abc import Callable

CA_TEXT = issue("elk CA").pem
PASSWORD = "not-to-be-seen-anywhere"
SALT = "this run"
SURVEY = {
    "files": {"/etc/elk/elasticsearch/cluster_uuid": "uuid", "/etc/elk/pki/ca.crt": CA_TEXT},
    "platform": {
        "services": ["kibana"],
        "objects": [],
        "fingerprints": {"elastic_password": fingerprint(PASSWORD, SALT)},
    },
}


@pytest.fixture
def compare(call: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    def run(**options: Any) -> Any:
        before = sorted(tmp_path.rglob("*"))
        given: dict[str, Any] = {
            "groups": {"swarm_managers": ["m1"]},
            "surveys": {"m1": SURVEY},
            "only": "controller",
            "controller": {"directory": str(tmp_path), "salt": SALT},
        }
        result = call("preflight", {**given, **options})
        assert PASSWORD not in result.output
        assert sorted(tmp_path.rglob("*")) == before, "a comparison writes nothing"
        return result

    return run


def keep(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_the_folder_of_the_platform(compare: Callable[..., Any], tmp_path: Path) -> None:
    keep(tmp_path, elastic_password=f"{PASSWORD}\n", ca__crt=CA_TEXT, ca__key="x")
    result = compare()
    assert not result.failed
    assert not result.changed
    assert "elastic_password" in result["checks"]
    assert "memory" not in result["checks"]


def test_an_empty_folder(compare: Callable[..., Any], tmp_path: Path) -> None:
    result = compare(accept=["elastic_password", "authority"])
    assert result.failed
    assert [found["check"] for found in result["problems"]] == ["authority", "elastic_password"]
    assert f"{tmp_path}/ca.crt: is not there" in result["msg"]


def test_an_old_password(compare: Callable[..., Any], tmp_path: Path) -> None:
    keep(tmp_path, elastic_password="old\n", ca__crt=CA_TEXT, ca__key="x")
    assert "another password than m1" in compare()["msg"]
    keep(tmp_path, elastic_password__former=f"{PASSWORD}\n")
    assert not compare().failed


def test_an_empty_file_is_an_error(compare: Callable[..., Any], tmp_path: Path) -> None:
    keep(tmp_path, elastic_password="")
    assert f"{tmp_path}/elastic_password is empty" in compare()["msg"]


@pytest.mark.parametrize("path", ["~/secure", "secure"])
def test_a_folder_without_an_absolute_path(compare: Callable[..., Any], path: str) -> None:
    result = compare(controller={"directory": path, "salt": SALT})
    assert f"elk_local_dir: {path} is no absolute path" in result["msg"]


def test_a_folder_that_an_inventory_reads(compare: Callable[..., Any], tmp_path: Path) -> None:
    keep(tmp_path, elastic_password=f"{PASSWORD}\n", ca__crt=CA_TEXT, ca__key="x")
    controller = {
        "directory": str(tmp_path),
        "salt": SALT,
        "reader": "/inv/ha",
        "better_directory": "/inv/ha-credentials",
    }
    message = compare(controller=controller, accept=["local_dir"])["msg"]
    assert f"Move it: mv {tmp_path} /inv/ha-credentials." in message
    message = compare(controller={**controller, "directory_given": True})["msg"]
    assert "and set elk_local_dir: /inv/ha-credentials" in message


# restore_secrets


@pytest.fixture
def restore(call: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    def run(found: dict[str, dict[str, str]], check: bool = False) -> Any:
        result = call("restore_secrets", {"directory": str(tmp_path), "found": found}, check=check)
        assert PASSWORD not in result.output
        return result

    return run


KEY = "what only m1 has"
FOUND = {"m1": {"elastic_password": f"{PASSWORD}\n", "ca.crt": CA_TEXT, "certs/m1.key": KEY}}


def test_missing_files_are_written_once(restore: Callable[..., Any], tmp_path: Path) -> None:
    assert restore(FOUND, check=True).changed
    assert list(tmp_path.iterdir()) == []
    first = restore(FOUND)
    assert first.changed
    assert first["written"] == {"elastic_password": "m1", "ca.crt": "m1", "certs/m1.key": "m1"}
    assert (tmp_path / "elastic_password").read_text() == f"{PASSWORD}\n"
    modes = {
        str(path.relative_to(tmp_path)): stat.S_IMODE(path.stat().st_mode)
        for path in tmp_path.rglob("*")
    }
    assert modes == {
        "elastic_password": 0o600,
        "ca.crt": 0o644,
        "certs": 0o700,
        "certs/m1.key": 0o600,
    }
    again = restore(FOUND)
    assert not again.changed
    assert "ca.key" in again["lost"]


def test_another_value_stops_everything(restore: Callable[..., Any], tmp_path: Path) -> None:
    keep(tmp_path, elastic_password="other\n")
    result = restore(FOUND)
    assert result.failed
    assert "elastic_password holds another value than m1" in result["msg"]
    assert [path.name for path in tmp_path.iterdir()] == ["elastic_password"]
    assert (tmp_path / "elastic_password").read_text() == "other\n"


@pytest.mark.parametrize(
    "name", ["../escaped", "certs/../../escaped", "/etc/escaped", "ca.key.next"]
)
def test_a_host_cannot_choose_another_folder(
    restore: Callable[..., Any], tmp_path: Path, name: str
) -> None:
    result = restore({"m1": {name: PASSWORD}})
    assert result.failed
    assert "which it must not provide" in result["msg"]
    assert list(tmp_path.parent.glob("*escaped*")) == []
