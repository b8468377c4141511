# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths are opened step by step, and no code of the collection opens one in another way."""

from __future__ import annotations

import ast
import os
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from ansible_collections.elk.swarm.plugins.module_utils.common import safe_path
from ansible_collections.elk.swarm.plugins.module_utils.common.safe_path import (
    LinkError,
    UnsafePathError,
)
from repo import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator


class TestLinks:
    """A link is followed only if no user except root and the user of the test can change it."""

    def test_a_link_in_a_folder_of_this_user_is_followed(self, tmp_path: Path) -> None:
        (tmp_path / "disk" / "data").mkdir(parents=True)
        (tmp_path / "disk" / "data" / "file").write_text("here")
        (tmp_path / "relative").symlink_to("disk/../disk/data")
        (tmp_path / "absolute").symlink_to(tmp_path / "relative")
        assert safe_path.read_text(tmp_path / "absolute" / "file") == "here"
        with safe_path.open_folder(tmp_path / "absolute") as folder:
            assert folder.path == str(tmp_path / "disk" / "data")

    @pytest.mark.parametrize("mode", [0o777, 0o1777, 0o775])
    def test_a_link_in_a_shared_folder_is_refused(self, tmp_path: Path, mode: int) -> None:
        (tmp_path / "target").mkdir()
        (tmp_path / "target" / "file").write_text("theirs")
        shared = tmp_path / "shared"
        shared.mkdir()
        (shared / "link").symlink_to(tmp_path / "target")
        os.chown(shared, -1, 4711)
        shared.chmod(mode)
        with pytest.raises(LinkError) as caught:
            safe_path.read_text(shared / "link" / "file")
        text = str(caught.value)
        assert f"{shared}/link is a link and is not followed" in text
        assert f"owner {os.getuid()}" in text
        assert f"rm {shared}/link" in text
        assert not caught.value.last

    def test_a_link_of_another_user_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "target").write_text("theirs")
        (tmp_path / "link").symlink_to(tmp_path / "target")
        os.chown(tmp_path / "link", 1000, 1000, follow_symlinks=False)
        with pytest.raises(LinkError, match="owner 1000") as caught:
            safe_path.read_text(tmp_path / "link")
        assert caught.value.last

    def test_a_link_below_a_folder_that_another_user_can_replace_is_refused(
        self, tmp_path: Path
    ) -> None:
        theirs = tmp_path / "theirs"
        (theirs / "root").mkdir(parents=True)
        (theirs / "root" / "link").symlink_to("/etc")
        os.chown(theirs, 1000, 1000)
        with pytest.raises(LinkError):
            safe_path.open_folder(theirs / "root" / "link")

    def test_entries_of_a_sticky_folder_cannot_be_replaced(self, tmp_path: Path) -> None:
        """/tmp is a sticky folder too, and these tests run in it."""
        sticky = tmp_path / "sticky"
        (sticky / "own" / "disk").mkdir(parents=True)
        sticky.chmod(0o1777)
        (sticky / "own" / "link").symlink_to("disk")
        with safe_path.open_folder(sticky / "own" / "link") as folder:
            assert folder.path == str(sticky / "own" / "disk")
        os.chown(sticky / "own", 1000, 0)
        with pytest.raises(LinkError):
            safe_path.open_folder(sticky / "own" / "link")

    def test_links_of_the_system_are_followed(self) -> None:
        assert safe_path.names("/proc/self/task")
        assert "NAME" in safe_path.read_text("/etc/os-release")

    def test_the_last_part_of_a_path_is_a_link_after_another_link(self, tmp_path: Path) -> None:
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder" / "link").symlink_to("nowhere")
        (tmp_path / "way").symlink_to("folder")
        found = safe_path.status(tmp_path / "way" / "link")
        assert found
        assert stat.S_ISLNK(found.st_mode)
        assert safe_path.status(tmp_path / "way" / "link", follow=True) is None

    def test_a_link_to_itself_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "a").symlink_to("b")
        (tmp_path / "b").symlink_to("a")
        with pytest.raises(OSError, match="symbolic links"):
            safe_path.read_text(tmp_path / "a")


class TestReading:
    def test_only_regular_files(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "fifo")
        with socket.socket(socket.AF_UNIX) as place:
            place.bind(str(tmp_path / "socket"))
            for name, kind in (("fifo", "FIFO"), ("socket", "socket")):
                with pytest.raises(UnsafePathError, match=f"is a {kind}, not a regular file"):
                    safe_path.read_bytes(tmp_path / name)
        with pytest.raises(UnsafePathError, match="character device"):
            safe_path.read_bytes("/dev/zero")
        with pytest.raises(IsADirectoryError):
            safe_path.read_bytes(tmp_path)

    def test_only_up_to_the_limit(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"x" * 11)
        assert safe_path.read_bytes(tmp_path / "file", 11) == b"x" * 11
        with pytest.raises(UnsafePathError, match="more than 10 bytes"):
            safe_path.read_bytes(tmp_path / "file", 10)
        with (tmp_path / "file").open("wb") as file:
            file.truncate(2**40)
        with pytest.raises(UnsafePathError, match="more than"):
            safe_path.read_bytes(tmp_path / "file")

    def test_a_folder_with_too_many_entries(self, tmp_path: Path) -> None:
        for name in "abc":
            (tmp_path / name).touch()
        with safe_path.open_folder(tmp_path) as folder:
            assert folder.names(3) == ["a", "b", "c"]
            with pytest.raises(UnsafePathError, match="more than 2 entries"):
                folder.names(2)

    def test_a_kernel_file(self) -> None:
        # The kernel refuses a large read.
        assert int(safe_path.read_text("/proc/sys/vm/max_map_count")) > 0

    def test_a_missing_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(FileNotFoundError):
            safe_path.read_bytes(tmp_path / "no" / "file")
        with pytest.raises(NotADirectoryError):
            safe_path.read_bytes(tmp_path / "file" / "file")
        assert not safe_path.exists(tmp_path / "no")


class TestWriting:
    def test_rights_are_kept_unless_others_are_given(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        safe_path.write(path, b"1")
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
        os.chown(path, 33, 34)
        path.chmod(0o604)
        safe_path.write(path, b"2")
        found = path.stat()
        assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (33, 34, 0o604)
        safe_path.write(path, b"3", 35, mode=0o600)
        found = path.stat()
        assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (35, 34, 0o600)
        assert path.read_bytes() == b"3"
        assert list(tmp_path.iterdir()) == [path]

    def test_an_open_descriptor_of_the_former_owner_is_useless(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_text("old")
        with path.open("r+") as still_open:
            safe_path.write(path, b"new", 0, 0, 0o444)
            still_open.write("evil")
            still_open.flush()
        assert path.read_text() == "new"

    @pytest.mark.parametrize("kind", ["link", "fifo"])
    def test_other_kinds_of_files_are_replaced(self, tmp_path: Path, kind: str) -> None:
        path, other = tmp_path / "file", tmp_path / "other"
        other.write_text("theirs")
        path.symlink_to(other) if kind == "link" else os.mkfifo(path)
        safe_path.write(path, b"ours")
        assert (path.read_text(), other.read_text()) == ("ours", "theirs")
        assert not path.is_symlink()

    def test_a_replaced_draft_is_detected(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        with safe_path.Draft(path, b"ours") as draft:
            (tmp_path / "evil").write_text("theirs")
            (tmp_path / "evil").rename(tmp_path / draft.draft)
            with pytest.raises(UnsafePathError, match="replaced while it was written"):
                draft.put()

    def test_folders(self, tmp_path: Path) -> None:
        safe_path.make_folder(tmp_path / "a" / "b" / "c", 33, 34, 0o750)
        modes = [stat.S_IMODE((tmp_path / part).stat().st_mode) for part in ("a", "a/b", "a/b/c")]
        assert modes == [0o755, 0o755, 0o750]
        assert (tmp_path / "a" / "b" / "c").stat().st_uid == 33
        assert (tmp_path / "a").stat().st_uid == os.getuid()

    def test_a_dangling_link_does_not_become_a_folder(self, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(tmp_path / "disk")
        with pytest.raises(FileNotFoundError, match="link"):
            safe_path.make_folder(tmp_path / "link" / "data", 0, 0, 0o750)
        assert not (tmp_path / "disk").exists()

    def test_access_lists_are_removed(self, tmp_path: Path) -> None:
        folder = tmp_path / "folder"
        folder.mkdir()
        # Version 2; owner, user 4711, group, mask and others, each with all rights.
        entries = ((1, 7, 2**32 - 1), (2, 7, 4711), (4, 7, 2**32 - 1), (16, 7, 2**32 - 1))
        value = (2).to_bytes(4, "little") + b"".join(
            tag.to_bytes(2, "little") + rights.to_bytes(2, "little") + number.to_bytes(4, "little")
            for tag, rights, number in (*entries, (32, 0, 2**32 - 1))
        )
        for name in safe_path.ACCESS_LISTS:
            os.setxattr(folder, name, value)
        safe_path.set_folder_rights(folder, 0, 0, 0o750)
        assert not set(os.listxattr(folder)) & set(safe_path.ACCESS_LISTS)


class TestRemoving:
    def test_a_tree_is_removed_without_the_targets_of_links(self, tmp_path: Path) -> None:
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "file").touch()
        tree = tmp_path / "tree" / "a" / "b"
        tree.mkdir(parents=True)
        (tree / "link").symlink_to(tmp_path / "other")
        os.mkfifo(tree / "fifo")
        with safe_path.parent_of(tmp_path / "tree") as (folder, name):
            folder.remove(name)
        assert list(tmp_path.iterdir()) == [tmp_path / "other"]
        assert (tmp_path / "other" / "file").exists()

    def test_a_folder_that_becomes_a_link_during_removal(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "file").touch()
        (tmp_path / "tree" / "a").mkdir(parents=True)
        enter = safe_path.Folder.enter

        def replace_by_link(folder: safe_path.Folder, name: str) -> safe_path.Folder:
            if name == "a":
                (tmp_path / "tree" / "a").rmdir()
                (tmp_path / "tree" / "a").symlink_to(tmp_path / "other")
            return enter(folder, name)

        monkeypatch.setattr(safe_path.Folder, "enter", replace_by_link)
        with (
            safe_path.parent_of(tmp_path / "tree") as (folder, name),
            pytest.raises(LinkError, match="tree/a is a link"),
        ):
            folder.remove(name)
        assert (tmp_path / "other" / "file").exists()

    def test_a_tree_that_is_too_deep(self, tmp_path: Path) -> None:
        here = os.open(tmp_path, os.O_RDONLY)
        for _level in range(safe_path.MAX_DEPTH + 5):
            os.mkdir("d", dir_fd=here)
            below = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        os.close(here)
        with (
            safe_path.open_folder(tmp_path) as folder,
            pytest.raises(UnsafePathError, match="folders deep"),
        ):
            folder.clear()


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# -- no other calls --------------------------------------------------------------------------

# Functions of os, methods of paths and methods of modules that open or change a path.
OF_OS = words("""
    open remove unlink rename replace renames mkdir makedirs rmdir removedirs listdir
    scandir walk chmod chown lchown link symlink truncate utime mkfifo mknod setxattr
    removexattr
""")
OF_A_PATH = words("""
    open read_text read_bytes write_text write_bytes touch unlink rename mkdir rmdir chmod
    lchmod symlink_to hardlink_to iterdir glob rglob
""")
OF_A_MODULE = words("""
    atomic_move set_fs_attributes_if_different set_file_attributes_if_different
    set_directory_attributes_if_different set_mode_if_different set_owner_if_different
    set_group_if_different load_file_common_arguments preserved_copy backup_local
""")
LIBRARIES = frozenset({"shutil", "tempfile"})

ON_THE_CONTROLLER = "runs only on the controller, in a folder of the user who runs it"
# By file and call, the reason why the call is allowed.
EXCEPTIONS = {
    "module_utils/platform/controller_files.py": {"read_text": ON_THE_CONTROLLER},
    "module_utils/controller/run_id.py": {
        "read_bytes": "kernel files of /proc",
        "read_text": "kernel files of /proc",
        "iterdir": "kernel files of /proc",
    },
    "module_utils/docker/transport.py": {"tempfile.TemporaryFile": "a file without a name"},
    "module_utils/controller/local_dir.py": {"os.walk": "the inventory, on the controller"},
    "module_utils/controller/role_folders.py": {"os.listdir": "the folders of roles"},
    "module_utils/controller/local_secret.py": dict.fromkeys(
        ("read_text", "mkdir", "chmod", "os.open", "os.link", "os.unlink", "tempfile.mkstemp"),
        ON_THE_CONTROLLER,
    ),
    "module_utils/logstash/probe_notes.py": dict.fromkeys(
        ("os.open", "os.rename", "os.utime", "unlink", "glob", "open"), ON_THE_CONTROLLER
    ),
    "module_utils/controller/secret_rotation.py": dict.fromkeys(
        ("replace", "unlink"), ON_THE_CONTROLLER
    ),
    "module_utils/platform/tls_trust.py": dict.fromkeys(
        ("tempfile.TemporaryDirectory", "open()"),
        "a certificate in a new private folder",
    ),
    "module_utils/docker/volume_owner.py": {"open": "not a path: an archive in memory"},
    "module_utils/host/atomic_file.py": {
        "tempfile.mkstemp": "a new file with a random name that only its user can open"
    },
    "modules/host_survey.py": {
        "iterdir": "kernel files of /proc",
        "os.listdir": "/var/lib/dpkg/updates, in folders that only root can write",
        "shutil.which": "searches for a program and opens nothing",
    },
    "modules/kernel_parameters.py": {"glob": "sysctl.d, in folders that only root can write"},
    "modules/preflight.py": dict.fromkeys(
        ("read_text", "rglob", "iterdir", "glob"), "reads the roles, on the controller"
    ),
    "modules/restore_secrets.py": {"read_text": ON_THE_CONTROLLER},
}


def opening(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Calls that open or change a path, as (line, call)."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        call = node.func
        if isinstance(call, ast.Name) and call.id == "open":
            yield node.lineno, "open()"
        if not isinstance(call, ast.Attribute):
            continue
        name = call.attr
        of = call.value.id if isinstance(call.value, ast.Name) else ""
        if of in LIBRARIES or (of == "os" and name in OF_OS):
            yield node.lineno, f"{of}.{name}"
        elif of in ("os", "safe_path"):
            continue
        elif name in OF_A_PATH or name in OF_A_MODULE:
            yield node.lineno, name
        elif name == "replace" and len(node.args) == 1 and not node.keywords:
            # str.replace() has two arguments.
            yield node.lineno, name


def sources() -> list[Path]:
    plugins = ROOT / "plugins"
    return [
        path
        for folder in ("modules", "module_utils")
        for path in sorted((plugins / folder).rglob("*.py"))
        if path.name != "safe_path.py"
    ]


def test_no_other_code_opens_a_path() -> None:
    unused = {(file, call) for file, calls in EXCEPTIONS.items() for call in calls}
    found = []
    for path in sources():
        file = str(path.relative_to(ROOT / "plugins"))
        for line, call in opening(ast.parse(path.read_text())):
            if call in EXCEPTIONS.get(file, ()):
                unused.discard((file, call))
            else:
                found.append(f"plugins/{file}:{line}: {call}")
    assert found == [], "open it with module_utils/common/safe_path.py"
    assert unused == set()


@pytest.mark.parametrize(
    "text",
    [
        "open('/x')",
        "Path('/x').read_text()",
        "path.open('rb')",
        "os.open('/x', 0)",
        "os.replace(a, b)",
        "draft.replace(path)",
        "shutil.rmtree('/x')",
        "self.module.atomic_move(a, b)",
        "module.set_fs_attributes_if_different({}, False)",
    ],
)
def test_each_other_call_is_detected(text: str) -> None:
    assert list(opening(ast.parse(text)))


def test_the_helper_opens_names_only_in_an_open_folder() -> None:
    tree = ast.parse((ROOT / "plugins" / "module_utils" / "common" / "safe_path.py").read_text())
    by_path = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if not isinstance(node.func.value, ast.Name) or node.func.value.id != "os":
            continue
        name = node.func.attr
        if name not in OF_OS - {"scandir", "setxattr", "removexattr"} | {"stat", "readlink"}:
            continue
        keywords = {keyword.arg for keyword in node.keywords}
        if not keywords & {"dir_fd", "src_dir_fd"}:
            by_path.append(ast.unparse(node))
    assert by_path == ["os.open('/', _STEP)"]


# On hosts, roles use modules that use the helper. Other modules are allowed on the controller, and
# for paths of programs in folders that only root can write.
BUILT_IN = words("""
    assemble blockinfile copy fetch file find get_url lineinfile replace slurp stat
    template unarchive
""")
ELSEWHERE = {
    "pki": "the authority's files, on the controller",
    "membership/tasks/strike_off.yml": "a file of the controller",
    "docker_engine/tasks/repository.yml": "the sources of apt and dnf, in folders of root",
}


def test_roles_use_no_other_modules_on_hosts() -> None:
    found, used = [], set()
    for path in sorted((ROOT / "roles").glob("*/tasks/*.yml")):
        file = str(path.relative_to(ROOT / "roles"))
        key = file if file in ELSEWHERE else path.parts[-3]
        for module in modules_of(yaml.safe_load(path.read_text())):
            if module.removeprefix("ansible.builtin.") not in BUILT_IN:
                continue
            if key in ELSEWHERE:
                used.add(key)
            else:
                found.append(f"roles/{file}: {module}")
    assert found == []
    assert used == set(ELSEWHERE)


def modules_of(tasks: object) -> Iterator[str]:
    for task in tasks if isinstance(tasks, list) else ():
        for key, value in task.items():
            if key in ("block", "rescue", "always"):
                yield from modules_of(value)
            elif key.startswith("ansible.builtin."):
                yield key
