#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_files
version_added: 0.1.0
short_description: Remove the platform's files from a host
description:
  - Removes what was rendered for the services, and on request what they have stored.
  - While data stays, the note stays with it that says which cluster the host belongs to. With it
    the next start looks for that cluster instead of forming a second one.
  - A directory that is a mount point is emptied and stays. So is O(config_dir), and a directory in
    O(data_dir), that is a link of root's in a folder that only root can write.
  - Any other link is removed, and what it leads to stays as it is.
author: The elk.swarm authors (@elk-swarm)
attributes:
  check_mode:
    description: Can run in check mode, and says what would be removed.
    support: full
  diff_mode:
    description: Shows the paths that are removed.
    support: full
  idempotent:
    description: Where nothing is left to remove nothing is changed.
    support: full
options:
  config_dir:
    description: Directory of the rendered files. It must not be one of the system's own.
    type: path
    required: true
  data_dir:
    description:
      - Directory under which the services keep their data. Of it only C(elasticsearch) and
        C(logstash) are touched, and itself when it is empty then.
    type: path
    required: true
  remove_data:
    description: Whether data is removed, too. This cannot be taken back.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Remove the rendered files and keep the data
  elk.swarm.platform_files:
    config_dir: /etc/elk
    data_dir: /srv/elk
"""

RETURN = r"""
removed:
  description: What was removed or emptied, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [/etc/elk/elasticsearch/elasticsearch.yml, /etc/elk/pki]
kept:
  description: The note of the cluster, when it stays.
  returned: success
  type: str
  sample: /etc/elk/elasticsearch/cluster_uuid
"""

import os
import stat

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.common import safe_path
from ansible_collections.elk.swarm.plugins.module_utils.platform.reset_plan import (
    plan_files,
    unsafe,
)


def children(path: str) -> list[str]:
    """What is in a directory; nothing where there is none."""
    try:
        return [os.path.join(path, name) for name in safe_path.names(path)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except safe_path.LinkError as error:
        if not error.last:
            raise
        return []


def is_real_directory(path: str) -> bool:
    found = safe_path.status(path)
    return found is not None and stat.S_ISDIR(found.st_mode)


def present(directory: str) -> list[str]:
    """The directory, what is in it, and what is in that."""
    if safe_path.status(directory) is None:
        return []
    found = [directory]
    for path in children(directory):
        found.append(path)
        if is_real_directory(path):
            found += children(path)
    return found


def holds_data(data_dir: str) -> bool:
    return bool(
        set(map(os.path.basename, children(os.path.join(data_dir, "elasticsearch"))))
        - {"lost+found"}
    )


def is_mount(path: str) -> bool:
    with safe_path.parent_of(path) as (folder, name):
        inner = folder.enter(name)
        with inner:
            return safe_path.mount_id(folder.fd) != safe_path.mount_id(inner.fd)


def remove(path: str, followed: bool) -> None:
    """Remove a path of the platform, or empty it where it cannot go."""
    if stays(path, followed):
        with safe_path.open_folder(path) as folder:
            folder.clear()
        return
    with safe_path.parent_of(path) as (folder, name):
        folder.remove(name)


def stays(path: str, followed: bool) -> bool:
    """Whether only the content goes: a disk is mounted there, or a link of root's leads to it.

    A link counts only in the place of a directory that the operator may have elsewhere. Any other
    goes, and what it leads to is not the platform's.
    """
    if is_real_directory(path):
        return is_mount(path)
    if not followed:
        return False
    try:
        found = safe_path.status(path, follow=True)
    except safe_path.LinkError:
        return False
    return found is not None and stat.S_ISDIR(found.st_mode)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "config_dir": {"type": "path", "required": True},
            "data_dir": {"type": "path", "required": True},
            "remove_data": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    config_dir = os.path.normpath(module.params["config_dir"])
    data_dir = os.path.normpath(module.params["data_dir"])
    remove_data: bool = module.params["remove_data"]
    for option in ("config_dir", "data_dir"):
        reason = unsafe(module.params[option])
        if reason:
            module.fail_json(msg=f"Nothing was changed: elk_{option}: {reason}.")
    removed: list[str] = []
    try:
        plan = plan_files(
            config_dir,
            data_dir,
            present(config_dir) + present(data_dir),
            remove_data,
            holds_data(data_dir),
        )
        for path in plan.remove:
            followed = path == config_dir or os.path.dirname(path) == data_dir
            if stays(path, followed) and not children(path):
                continue
            if not module.check_mode:
                remove(path, followed)
            removed.append(path)
        # Where nothing else is left the directory itself has served its time.
        if remove_data and is_real_directory(data_dir) and not is_mount(data_dir):
            gone = set(removed) if module.check_mode else set()
            if not set(children(data_dir)) - gone:
                if not module.check_mode:
                    remove(data_dir, followed=False)
                removed.append(data_dir)
    except OSError as error:
        module.fail_json(
            msg=f"{error.filename or 'A file'} cannot be removed: {error.strerror}. Run this again"
            " when that is corrected.",
            removed=removed,
        )
    module.exit_json(
        changed=bool(removed),
        removed=removed,
        kept=plan.kept,
        diff={"before": "".join(f"{path}\n" for path in removed), "after": ""},
    )


if __name__ == "__main__":
    main()
