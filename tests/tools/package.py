# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the collection from this clone, and test the archive like its users.

`package`: the archive contains everything that users need, and no files of labs and runs; it can be
installed into an empty folder, where its playbooks are found; an execution environment can use it.
`importer`: a Galaxy server would accept it. `docs`: the docs site of Ansible would accept it.

No Galaxy server is necessary. Dependencies come from PyPI's package `ansible`, and ansible-galaxy
checks them against the ranges of galaxy.yml, as with a server.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml

from repo import ROOT, source_files, tool

# What users install. Everything else in the repository is only for a clone.
SHIPPED = (
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "docs/",
    "inventories/example/",
    "inventories/ha/",
    "meta/",
    "playbooks/",
    "plugins/",
    "roles/",
)
NOT_SHIPPED = re.compile(
    r"^\.|^(lab|molecule|tests|inventories/lab)/|(^|/)([^/]*-credentials|credentials|__pycache__)/"
    r"|\.(key|pem|pyc|p12|tar\.gz)$"
)
# Files that ansible-galaxy adds.
ADDED = {"MANIFEST.json", "FILES.json"}
# Only the documentation names this collection; nothing uses it.
NAMED = ("community.docker",)
# Part of ansible-core.
BUILTIN = "ansible.builtin"
# A task's module, or a filter or lookup, of a collection.
USED = re.compile(
    r"(?m)^\s+(?:- )?([a-z_]+\.[a-z_]+)\.[a-z_]+:(?:\s|$)|(?:\||lookup\(')\s*([a-z_]+\.[a-z_]+)\.\w"
)


def content_problems(packed: set[str], sources: list[str]) -> list[str]:
    """What is missing in the build, and what must not be in it."""
    required = {
        name for name in sources if name.startswith(SHIPPED) and not NOT_SHIPPED.search(name)
    }
    found = [f"{name} is missing in the build" for name in sorted(required - packed)]
    for name in sorted(packed - ADDED):
        if NOT_SHIPPED.search(name):
            found.append(f"{name} must not be in the build: see build_ignore in galaxy.yml")
        elif name not in sources:
            found.append(f"{name} is in the build and is no file of the repository")
    return found


def dependency_problems(declared: Iterable[str], texts: Iterable[str], own: str) -> list[str]:
    """Collections that tasks use but galaxy.yml does not name, and the other way round.

    >>> dependency_problems(["a.b", "c.d"], ["  a.b.thing:\\n  w: '{{ 1 | x.y.z }}'"], "elk.swarm")
    ['x.y is used and not in galaxy.yml', 'c.d is in galaxy.yml and nothing uses it']
    """
    named = {one or other for text in texts for one, other in USED.findall(text)}
    # Names of node labels, such as elk.es.config, start like the collection.
    used = {name for name in named - {BUILTIN} if name.partition(".")[0] != own.partition(".")[0]}
    known = set(declared)
    return [
        *(f"{name} is used and not in galaxy.yml" for name in sorted(used - known)),
        *(f"{name} is in galaxy.yml and nothing uses it" for name in sorted(known - used)),
    ]


def pypi_collections() -> Path:
    """The folder with the collections of the package `ansible`."""
    spec = importlib.util.find_spec("ansible_collections")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if Path(place, "community").is_dir():
            return Path(place)
    raise SystemExit("PyPI's package ansible is not installed in this Python environment")


def manifest(folder: Path) -> dict[str, Any]:
    """The metadata of a collection."""
    found: dict[str, Any] = json.loads((folder / "MANIFEST.json").read_text())["collection_info"]
    return found


def build(target: Path) -> Path:
    """Build the collection in a folder, and return the archive."""
    command = [tool("ansible-galaxy"), "collection", "build", "--force", "--output-path"]
    problems = _run([*command, str(target)], ROOT)
    if problems:
        raise SystemExit("\n".join(problems))
    (archive,) = target.glob("elk-swarm-*.tar.gz")
    return archive


def only(folder: Path) -> dict[str, str]:
    """Settings with which Ansible finds only the collections of a folder."""
    return {
        "ANSIBLE_COLLECTIONS_PATH": str(folder),
        # Without this, Ansible also finds the collections of PyPI's package.
        "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "0",
        "ANSIBLE_HOME": str(folder / ".ansible"),
        "ANSIBLE_NOCOLOR": "1",
    }


def place(folder: Path) -> dict[str, str]:
    """An environment with only the collections of a folder, and without our settings."""
    ours = ("ANSIBLE_", "MOLECULE_", "ELK_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    # Ansible's tools call each other by name.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {**kept, **only(folder), "PATH": path}


def needed(source: Path, also: Iterable[str] = ()) -> list[str]:
    """All direct and indirect dependencies of the collection, read from source."""
    queue = [*yaml.safe_load((ROOT / "galaxy.yml").read_text())["dependencies"], *also]
    found: list[str] = []
    while queue:
        name = queue.pop()
        if name not in found:
            found.append(name)
            queue += manifest(source.joinpath(*name.split(".")))["dependencies"]
    return sorted(found)


def install(archive: Path, folder: Path, source: Path, also: Iterable[str] = ()) -> list[str]:
    """Install into an empty folder, with the dependencies from source."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in needed(source, also):
        parts = name.split(".")
        shutil.copytree(source.joinpath(*parts), folder.joinpath("ansible_collections", *parts))
    command = [tool("ansible-galaxy"), "collection", "install", "--offline", "-p", str(folder)]
    return _run([*command, str(archive)], folder, place(folder))


def _run(command: list[str], cwd: Path, environment: dict[str, str] | None = None) -> list[str]:
    """The output of a command if it fails."""
    done = subprocess.run(
        command,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env=environment or {**os.environ, "ANSIBLE_NOCOLOR": "1"},
    )
    return [] if done.returncode == 0 else [f"$ {' '.join(command)}", done.stdout.rstrip()]


def execution_environment_problems(folder: Path, work: Path) -> list[str]:
    """Why ansible-builder cannot create an execution environment with the collection."""
    root = folder / "ansible_collections/elk/swarm"
    definition = root / "docs/execution-environment/execution-environment.yml"
    context = work / "context"
    builder = tool("ansible-builder")
    found = _run(
        [builder, "create", "-f", str(definition), "-c", str(context)], work, place(folder)
    )
    # The requirements of an image with these collections must include ours.
    lists = {"pip": work / "pip.txt", "bindep": work / "bindep.txt"}
    options = [word for kind, path in lists.items() for word in (f"--write-{kind}", str(path))]
    found += _run([builder, "introspect", *options, str(folder)], work, place(folder))
    for kind, path in lists.items():
        text = path.read_text() if path.exists() else ""
        if "from collection elk.swarm" not in text:
            found.append(
                f"ansible-builder introspect: no {kind} requirement of elk.swarm in {text!r}"
            )
    return found


def check_package(work: Path) -> list[str]:
    """Contents, installation, playbooks, execution environment."""
    archive = build(work)
    with tarfile.open(archive) as packed_files:
        packed = {item.name for item in packed_files.getmembers() if not item.isdir()}
    print(f"{archive.name}: {len(packed)} files, {archive.stat().st_size // 1024} KiB")
    found = content_problems(packed, source_files())
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text())
    tasks = [*ROOT.glob("roles/*/tasks/**/*.yml"), *ROOT.glob("playbooks/**/*.yml")]
    texts = [path.read_text() for path in tasks]
    found += dependency_problems(galaxy["dependencies"], texts, "elk.swarm")

    folder = work / "installed"
    found += install(archive, folder, pypi_collections())
    inventory = folder / "ansible_collections/elk/swarm/inventories/example"
    books = [f"elk.swarm.{path.stem}" for path in sorted((ROOT / "playbooks").glob("*.yml"))]
    command = [tool("ansible-playbook"), "--syntax-check", "-i", str(inventory)]
    found += _run([*command, *books], work, place(folder))
    return found + execution_environment_problems(folder, work)


def check_importer(work: Path) -> list[str]:
    """Errors and warnings of a Galaxy server's importer about the build."""
    archive = build(work)
    # The importer finds dependencies only in PyPI's package.
    environment = {**place(work), "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "1"}
    environment["GALAXY_IMPORTER_ANSIBLE_LOCAL_TMP"] = str(work / "tmp")
    # A separate step runs ansible-lint on these files and more, with the profile production. The
    # importer would stop it after 180 s, which is too short on a busy machine.
    environment["GALAXY_IMPORTER_RUN_ANSIBLE_LINT"] = "no"
    done = subprocess.run(
        [sys.executable, "-m", "galaxy_importer.main", archive.name],
        cwd=work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env=environment,
    )
    return importer_problems(done.returncode, done.stdout)


def importer_problems(code: int, output: str) -> list[str]:
    """The lines of the importer that report something.

    >>> importer_problems(0, "INFO: Loading role a\\nINFO: Importer processing completed")
    []
    >>> importer_problems(0, "WARNING: No changelog found.\\nINFO: Importer processing completed")
    ['WARNING: No changelog found.']
    >>> importer_problems(0, "INFO: Loading role a\\n")
    ['the importer did not finish']
    """
    if code:
        return output.splitlines()
    found = [line for line in output.splitlines() if re.match(r"WARNING|ERROR|CRITICAL", line)]
    if "Importer processing completed" not in output:
        found.append("the importer did not finish")
    return found


def check_docs(work: Path) -> list[str]:
    """Errors of antsibull-docs in the documentation, and references without a target."""
    folder = work / "installed"
    found = install(build(work), folder, pypi_collections(), also=NAMED)
    command = [tool("antsibull-docs"), "lint-collection-docs", "--plugin-docs"]
    command += ["--validate-collection-refs", "all", "--disallow-unknown-collection-refs"]
    root = folder / "ansible_collections/elk/swarm"
    return found + _run([*command, str(root)], work, place(folder))


CHECKS: dict[str, Callable[[Path], list[str]]] = {
    "package": check_package,
    "importer": check_importer,
    "docs": check_docs,
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("check", nargs="?", default="package", choices=sorted(CHECKS))
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="elk-swarm-") as name:
        found = CHECKS[options.check](Path(name))
    print("\n".join(found) or f"{options.check}: no problem")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
