# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are replaced as a whole, with Ansible's own module helper."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args

from ansible_collections.elk.swarm.plugins.module_utils.host import atomic_file


@pytest.fixture
def drafts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the drafts."""
    folder = tmp_path / "drafts"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def module() -> AnsibleModule:
    with patch_module_args():
        return AnsibleModule({})


def test_folders_are_created_and_a_file_keeps_its_mode(
    module: AnsibleModule, drafts: Path, tmp_path: Path
) -> None:
    path = tmp_path / "a" / "b" / "file"
    atomic_file.write(path, "one\n")
    assert path.read_text() == "one\n"
    assert path.parent.stat().st_mode & 0o777 == 0o755
    path.chmod(0o604)
    atomic_file.write(path, "twö")
    assert path.read_bytes() == "twö".encode()
    assert path.stat().st_mode & 0o777 == 0o604
    assert list(drafts.iterdir()) == []


def test_a_draft_is_removed_with_the_module(module: AnsibleModule, drafts: Path) -> None:
    path = Path(atomic_file.draft(module, "x"))
    assert path.parent == drafts
    assert path.read_text() == "x"
    assert path.stat().st_mode & 0o777 == 0o600
    module.do_cleanup_files()
    assert list(drafts.iterdir()) == []
