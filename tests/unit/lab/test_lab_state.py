"""Shape, names and addresses of a lab, and its saved state."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.images import fingerprint
from lab.state import Lab, shape


@pytest.mark.parametrize(
    ("hosts", "managers", "expected"),
    [(0, None, (0, 0)), (1, None, (1, 0)), (3, None, (2, 1)), (5, None, (2, 3)), (7, 3, (3, 4))],
)
def test_shape(hosts: int, managers: int | None, expected: tuple[int, int]) -> None:
    assert shape(hosts, managers) == expected


@pytest.mark.parametrize(("hosts", "managers"), [(0, 1), (2, 3), (5, 0), (20, None)])
def test_impossible_shapes_are_refused(hosts: int, managers: int | None) -> None:
    with pytest.raises(ValueError, match="are possible"):
        shape(hosts, managers)


def test_two_labs_share_no_name_and_no_address(tmp_path: Path) -> None:
    first, second = Lab(tmp_path, number=0), Lab(tmp_path, number=1)
    assert not {h.address for h in first.hosts} & {h.address for h in second.hosts}
    assert first.container(first.hosts[0]) != second.container(second.hosts[0])
    assert first.registry == "10.60.0.2:5000"
    assert first.images_from == "10.60.0.2:5000/lab0"
    assert second.images_from.rsplit("/", 1)[1] != "lab0", "one registry serves both"
    assert first.login_registry == "10.60.0.5:5443"
    taken = (first.gateway, first.services_address, first.repositories_address, first.nfs_address)
    assert first.login_registry_address not in taken


def test_save_load_and_forget(tmp_path: Path) -> None:
    assert Lab.load(tmp_path) is None
    lab = Lab(tmp_path, number=4, managers=3, workers=1, prepared=True)
    lab.save()
    assert Lab.load(tmp_path) == lab
    lab.registry_password.write_text("x")
    lab.forget()
    assert Lab.load(tmp_path) is None
    assert not lab.registry_password.exists()


def test_the_fingerprint_changes_with_the_sources(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    before = fingerprint(tmp_path, "base")
    assert fingerprint(tmp_path, "base") == before
    assert fingerprint(tmp_path, "another base") != before
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "x.pyc").write_text("x")
    assert fingerprint(tmp_path, "base") == before
    (tmp_path / "Dockerfile").write_text("FROM other\n")
    assert fingerprint(tmp_path, "base") != before
