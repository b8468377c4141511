# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads and sets the owner and mode of a volume's root directory, for every driver.

The directory of a plain local volume is on the host and is changed there.  The driver of any other
volume mounts it only while a container uses it.  A container that is created and never started is
enough: Docker's archive API mounts its volumes for each request, and reads and writes owner and
mode.  Its image is empty and removed afterwards, so no image is pulled.
"""

from __future__ import annotations

import contextlib
import io
import os
import tarfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common import safe_path
from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    EngineError,
    NotFoundError,
    messages,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.volume_plan import (
    HELPER_LABEL,
    Owner,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ansible_collections.elk.swarm.plugins.module_utils.docker.client import Engine

_EMPTY_ARCHIVE = bytes(1024)
_TARGET = "volume"
# Enough for the first entry of an archive and its extended header.
_FIRST_ENTRY = 8192
# A helper container lives for a second. An older one was left by a killed run.
_STALE = 300
_LABELLED = {"label": [HELPER_LABEL]}


class Owners:
    """Reads and sets owners of volumes on one Engine; close() removes the helper image."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._image = ""
        self._ids_are_the_hosts: bool | None = None

    def close(self) -> None:
        if self._image:
            # The clean-up of another run may have removed it already.
            with contextlib.suppress(EngineError):
                self._engine.request("DELETE", f"/images/{self._image}")
            self._image = ""

    def read(self, volume: Mapping[str, Any]) -> Owner:
        """The owner of an existing volume."""
        if self._is_here(volume):
            with safe_path.open_folder(volume["Mountpoint"], follow=False) as folder:
                status = folder.status_of_self()
            return Owner(status.st_uid, status.st_gid, status.st_mode & 0o7777)
        with self._container(volume["Name"]) as container:
            return _owner_of(self._entry(container))

    def write(self, volume: Mapping[str, Any], desired: Owner) -> Owner:
        """Set the owner, and return the owner that the volume has afterwards."""
        if self._is_here(volume):
            with safe_path.open_folder(volume["Mountpoint"], follow=False) as folder:
                status = folder.status_of_self()
                after = desired.over(Owner(status.st_uid, status.st_gid, status.st_mode & 0o7777))
                folder.set_rights(*after.numbers())
            return after
        with self._container(volume["Name"]) as container:
            found = self._entry(container)
            after = desired.over(_owner_of(found))
            found.name = _TARGET
            found.pax_headers = {}
            found.uid, found.gid, found.mode = after.numbers()
            found.uname = found.gname = ""
            archive = io.BytesIO()
            with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as writer:
                writer.addfile(found)
            self._engine.request(
                "PUT",
                f"/containers/{container}/archive",
                query={"path": "/"},
                body=archive.getvalue(),
            )
            return _owner_of(self._entry(container))

    # -- local directories -------------------------------------------------------------------

    def _is_here(self, volume: Mapping[str, Any]) -> bool:
        """Whether the volume's directory is on this host, with the same user ids."""
        return (
            volume.get("Driver") == "local"
            and not volume.get("Options")
            and self._engine.local
            and os.geteuid() == 0
            and self._same_ids()
            and os.path.isdir(str(volume.get("Mountpoint")))
        )

    def _same_ids(self) -> bool:
        if self._ids_are_the_hosts is None:
            options = self._engine.request("GET", "/info").get("SecurityOptions") or []
            mapped = ("name=userns", "name=rootless")
            self._ids_are_the_hosts = not any(str(one).startswith(mapped) for one in options)
        return self._ids_are_the_hosts

    # -- the helper container ----------------------------------------------------------------

    @contextmanager
    def _container(self, volume: str) -> Iterator[str]:
        """Create a container that mounts the volume and never runs; remove it at the end."""
        if not self._image:
            self._sweep()
            self._image = self._empty_image()
        body = {
            "Image": self._image,
            "Cmd": ["never-run"],
            "Labels": {HELPER_LABEL: volume},
            "NetworkDisabled": True,
            "HostConfig": {
                "NetworkMode": "none",
                "Mounts": [
                    {
                        "Type": "volume",
                        "Source": volume,
                        "Target": f"/{_TARGET}",
                        "VolumeOptions": {"NoCopy": True},
                    }
                ],
            },
        }
        created = self._engine.request("POST", "/containers/create", body=body)
        try:
            yield str(created["Id"])
        finally:
            self._remove(str(created["Id"]))

    def _remove(self, container: str) -> None:
        with contextlib.suppress(NotFoundError):
            self._engine.request("DELETE", f"/containers/{container}", query={"force": 1})

    def _empty_image(self) -> str:
        answer = self._engine.request(
            "POST",
            "/images/create",
            query={"fromSrc": "-", "changes": f"LABEL {HELPER_LABEL}=helper"},
            body=_EMPTY_ARCHIVE,
        )
        lines = messages(answer)
        if not lines or "status" not in lines[-1]:
            raise EngineError(f"The Docker Engine did not create the empty image: {lines}")
        return str(lines[-1]["status"])

    def _sweep(self) -> None:
        """Remove the containers and images that killed runs left."""
        before = self._engine.now() - _STALE
        query = {"all": 1, "filters": _LABELLED}
        for container in self._engine.request("GET", "/containers/json", query=query) or []:
            if container["Created"] < before:
                self._remove(container["Id"])
        images = self._engine.request("GET", "/images/json", query={"filters": _LABELLED})
        for image in images or []:
            if image["Created"] < before:
                with contextlib.suppress(EngineError):
                    self._engine.request("DELETE", f"/images/{image['Id']}")

    def _entry(self, container: str) -> tarfile.TarInfo:
        """The volume's directory as an entry of an archive, without its content."""
        first_bytes = self._engine.first_bytes(
            f"/containers/{container}/archive", {"path": f"/{_TARGET}"}, _FIRST_ENTRY
        )
        with tarfile.open(fileobj=io.BytesIO(first_bytes), mode="r:") as reader:
            found = reader.next()
        if found is None or not found.isdir():
            raise EngineError("The Docker Engine's answer does not contain the volume's directory")
        return found


def _owner_of(entry: tarfile.TarInfo) -> Owner:
    return Owner(entry.uid, entry.gid, entry.mode & 0o7777)
