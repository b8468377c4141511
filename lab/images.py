"""The lab's images: built from package registries only, tagged with a hash of their sources."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import zipfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lab.progress import Progress, in_parallel, succeeds
from lab.state import ELASTIC_VERSION, LABEL, OLDER_ELASTIC_VERSION, ROOT, Lab

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CONTEXTS = ROOT / "lab" / "images"
STACK_VERSIONS = (ELASTIC_VERSION, OLDER_ELASTIC_VERSION)
# The classic builder needs no plugin, and the Dockerfiles here work with it.
BUILD_ENV = {**os.environ, "DOCKER_BUILDKIT": "0"}


def fingerprint(context: Path, *more: str) -> str:
    """A hash of twelve hex digits of a folder's files and of further inputs of an image."""
    digest = hashlib.sha256("\0".join(more).encode())
    for file in sorted(p for p in context.rglob("*") if p.is_file()):
        if "__pycache__" in file.parts:
            continue
        digest.update(str(file.relative_to(context)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


class Images:
    """Names each image and builds those that the daemon does not have yet."""

    def __init__(self, lab: Lab, progress: Progress) -> None:
        self.lab = lab
        self.progress = progress
        base = fingerprint(CONTEXTS / "trixie")
        self.trixie = f"elk-lab/trixie:{base}"
        self.services = self._name_of("services", base)
        self.host = self._name_of("host", base)
        self.prepared = self._name_of("prepared", self.host)
        self.repositories = self._name_of("repositories", base)
        self.rocky = self._name_of("rocky", self.host, self.repositories)
        self.nfs = self._name_of("nfs", base)
        self.volume_plugin = self._name_of("volume-plugin", base, context="volume_plugin")
        self.jdk = self._name_of(
            "elasticsearch-jdk", base, ELASTIC_VERSION, context="elasticsearch/jdk"
        )
        self.stack = {
            **{
                f"elasticsearch:{version}": self._name_of(
                    "elasticsearch", self.jdk, version, context="elasticsearch/node"
                )
                for version in STACK_VERSIONS
            },
            **{
                f"{name}-stand-in:{version}": self._name_of(name, base, version)
                for version in STACK_VERSIONS
                for name in ("logstash", "kibana")
            },
        }

    def _name_of(self, name: str, *made_from: str, context: str = "") -> str:
        return f"elk-lab/{name}:{fingerprint(CONTEXTS / (context or name), *made_from)}"

    def build_all(self) -> None:
        """Build missing images, two jobs at a time: a small machine gains nothing from more."""
        in_parallel([self._base, self._fetch_elasticsearch])
        in_parallel([self._build_services_and_host, self._build_elasticsearch])

    def build_prepared(self) -> None:
        """Build the host image that has Docker, for labs that do not test the installation."""
        self._build(self.prepared, "prepared", "Prepared host image", HOST=self.host)

    def build_rocky(self) -> None:
        """Build the package repositories, and the host image that reports Rocky Linux."""
        self._build(self.repositories, "repositories", "Package repositories")
        self._build(
            *(self.rocky, "rocky", "Host image with dnf"),
            HOST=self.host,
            REPOSITORIES=self.repositories,
        )

    def build_nfs(self) -> None:
        """Build the server of the shared disk."""
        self._build(self.nfs, "nfs", "NFS server")

    def _base(self) -> None:
        if self._exists(self.trixie):
            return
        packages = (CONTEXTS / "trixie" / "packages.txt").read_text().split()
        archive = self.lab.directory / "trixie.tar"
        with self.progress.step("Base image: Debian 13, minimal"):
            self.progress.run(
                "mmdebstrap",
                "--variant=minbase",
                "--mode=root",
                '--aptopt=Apt::Install-Recommends "false"',
                "--dpkgopt=path-exclude=/usr/share/man/*",
                "--dpkgopt=path-exclude=/usr/share/doc/*",
                "--dpkgopt=path-exclude=/usr/share/locale/*",
                f"--include={','.join(packages)}",
                "trixie",
                str(archive),
            )
            self.progress.run(
                "docker", "import", "-c", f"LABEL {LABEL}=image", str(archive), self.trixie
            )
            archive.unlink()

    def _build_services_and_host(self) -> None:
        self._build(self.services, "services", "Registry and package cache image")
        self._build(self.host, "host", "Host image")
        self._build(self.volume_plugin, "volume_plugin", "Volume plugin")
        for version in STACK_VERSIONS:
            for name in ("logstash", "kibana"):
                image = self.stack[f"{name}-stand-in:{version}"]
                self._build(image, name, f"{name.title()} stand-in {version}", VERSION=version)

    def _build_elasticsearch(self) -> None:
        self._build_java()
        for version in STACK_VERSIONS:
            image = self.stack[f"elasticsearch:{version}"]
            if self._exists(image):
                continue
            unpacked = self._unpack_elasticsearch(version)
            with self._copy_context("elasticsearch/node") as context:
                unpacked.rename(context / "elasticsearch")
                self._build(
                    *(image, context, f"Elasticsearch {version}"),
                    JDK=self.jdk,
                    VERSION=version,
                    BRIDGED=ELASTIC_VERSION,
                )

    def _build_java(self) -> None:
        """Build Java with the entitlement bridge of one version, which then starts faster."""
        if self._exists(self.jdk):
            return
        with self._copy_context("elasticsearch/jdk") as context:
            with zipfile.ZipFile(self._zip(ELASTIC_VERSION)) as archive:
                [bridge] = [
                    name
                    for name in archive.namelist()
                    if "/lib/entitlement-bridge/" in name and name.endswith(".jar")
                ]
                (context / "bridge.jar").write_bytes(archive.read(bridge))
            self._build(self.jdk, context, "Java for Elasticsearch")

    @contextmanager
    def _copy_context(self, context: str) -> Iterator[Path]:
        """Copy a build context, to add files that are not in the repository."""
        copy = self.lab.directory / "build" / context
        # A killed build leaves a copy.
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(CONTEXTS / context, copy)
        yield copy
        shutil.rmtree(copy)

    def _fetch_elasticsearch(self) -> None:
        missing = [v for v in STACK_VERSIONS if not self._exists(self.stack[f"elasticsearch:{v}"])]
        if not self._exists(self.jdk):
            missing.insert(0, ELASTIC_VERSION)
        for version in missing:
            if self._zip(version).exists():
                continue
            with self.progress.step(f"Elasticsearch {version} from Maven Central"):
                self.progress.run(
                    *["mvn", "-q", "-B", "dependency:get", "-Dtransitive=false"],
                    f"-Dmaven.repo.local={self.lab.directory / 'cache' / 'maven'}",
                    "-Dartifact=org.elasticsearch.distribution.integ-test-zip"
                    f":elasticsearch:{version}:zip",
                )

    def _zip(self, version: str) -> Path:
        group = "org/elasticsearch/distribution/integ-test-zip/elasticsearch"
        repository = self.lab.directory / "cache" / "maven"
        return repository / group / version / f"elasticsearch-{version}.zip"

    def _unpack_elasticsearch(self, version: str) -> Path:
        """Unzip the server and remove the libraries for other systems."""
        parent = self.lab.directory / "build"
        parent.mkdir(exist_ok=True)
        self.progress.run("unzip", "-q", "-o", str(self._zip(version)), "-d", str(parent / "zip"))
        home = parent / "zip" / f"elasticsearch-{version}"
        foreign: Iterable[Path] = [
            p
            for p in (home / "lib" / "platform").iterdir()
            if p.name.startswith(("darwin", "windows")) or not p.name.endswith(_machine())
        ]
        for folder in foreign:
            shutil.rmtree(folder)
        return home

    def _build(self, image: str, context: str | Path, title: str, **arguments: str) -> None:
        if self._exists(image):
            return
        folder = context if isinstance(context, Path) else CONTEXTS / context
        options = [
            option
            for name, value in {"BASE": self.trixie, **arguments}.items()
            for option in ("--build-arg", f"{name}={value}")
        ]
        with self.progress.step(title):
            self.progress.run(
                *("docker", "build", "-q", "--label", f"{LABEL}=image", "-t", image),
                *options,
                str(folder),
                env=BUILD_ENV,
            )

    def _exists(self, image: str) -> bool:
        return succeeds("docker", "image", "inspect", image)

    def push(self, registry_port: str) -> None:
        """Push the stack's images to the registry, from which the hosts pull them."""
        in_parallel(
            [
                # One name per lab: another clone may build a different image under the same name.
                partial(self._push, image, f"127.0.0.1:{registry_port}/lab{self.lab.number}/{name}")
                for name, image in self.stack.items()
            ]
        )

    def _push(self, image: str, target: str) -> None:
        self.progress.run("docker", "tag", image, target)
        self.progress.run("docker", "push", "-q", target)


def _machine() -> str:
    return {"x86_64": "x64", "aarch64": "aarch64"}[os.uname().machine]


def remove_all(progress: Progress) -> None:
    """Remove every image that any lab built."""
    listed = subprocess.run(
        ["docker", "images", "-q", "--filter", f"label={LABEL}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    if listed:
        # Docker lists the newest first; an image must be removed before the one it was built from.
        progress.run("docker", "rmi", "-f", *dict.fromkeys(listed))
