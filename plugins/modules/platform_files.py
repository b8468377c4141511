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
  - Removes the files that were rendered for the services, and on request the services' data.
  - As long as data stays, the note with the id of the host's cluster stays, too. With it the next
    start looks for that cluster instead of forming a second one.
  - A mount point is emptied and stays. The same holds for O(config_dir), and for a directory in
    O(data_dir), if it is a link that belongs to root in a folder that only root can write.
  - Any other link is removed, and its target stays as it is.
author: The elk.swarm authors (@elk-swarm)
attributes:
  check_mode:
    description: Can run in check mode, and returns what would be removed.
    support: full
  diff_mode:
    description: Shows the paths that are removed.
    support: full
  idempotent:
    description: Changes nothing when nothing is left to remove.
    support: full
options:
  config_dir:
    description: Directory of the rendered files. It must not be a directory of the system.
    type: path
    required: true
  data_dir:
    description:
      - Directory under which the services keep their data. Only the directories in it that O(data)
        names are removed, and the directory itself if it is empty then.
    type: path
    required: true
  data:
    description: Names of the directories in O(data_dir) with data of the services.
    type: list
    elements: str
    default: []
  remove_data:
    description: Whether data is removed, too. This cannot be undone.
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
  description: Path of the note with the id of the cluster, if it stays.
  returned: success
  type: str
  sample: /etc/elk/elasticsearch/cluster_uuid
"""

import os
import stat

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.common import safe_path
from ansible_collections.elk.swarm.plugins.module_utils.platform.reset_plan import (
    foreign_names,
    plan_files,
    unsafe,
)


def children(path: str) -> list[str]:
    """The paths in a directory; none if it does not exist."""
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
    """The directory, its entries, and the entries of its directories."""
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


def remove(path: str, may_be_link: bool) -> None:
    """Remove a path of the platform, or only its content where the path itself stays."""
    if only_emptied(path, may_be_link):
        with safe_path.open_folder(path) as folder:
            folder.clear()
        return
    with safe_path.parent_of(path) as (folder, name):
        folder.remove(name)


def only_emptied(path: str, may_be_link: bool) -> bool:
    """Whether only the content is removed: it is a mount point, or a link of root to a directory.

    A link counts only in place of a directory that the operator may keep elsewhere. Any other link
    is removed, and its target does not belong to the platform.
    """
    if is_real_directory(path):
        return is_mount(path)
    if not may_be_link:
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
            "data": {"type": "list", "elements": "str", "default": []},
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
    if foreign_names(module.params["data"]):
        names = ", ".join(map(repr, foreign_names(module.params["data"])))
        module.fail_json(msg=f"Nothing was changed: data: {names} is no name of a directory.")
    removed: list[str] = []
    try:
        plan = plan_files(
            config_dir,
            data_dir,
            present(config_dir) + present(data_dir),
            module.params["data"],
            remove_data,
            holds_data(data_dir),
        )
        for path in plan.remove:
            may_be_link = path == config_dir or os.path.dirname(path) == data_dir
            if only_emptied(path, may_be_link) and not children(path):
                continue
            if not module.check_mode:
                remove(path, may_be_link)
            removed.append(path)
        # Remove the directory itself when nothing else is left in it.
        if remove_data and is_real_directory(data_dir) and not is_mount(data_dir):
            predicted = set(removed) if module.check_mode else set()
            if not set(children(data_dir)) - predicted:
                if not module.check_mode:
                    remove(data_dir, may_be_link=False)
                removed.append(data_dir)
    except OSError as error:
        module.fail_json(
            msg=f"{error.filename or 'A file'} cannot be removed: {error.strerror}. Run this again"
            " when that is fixed.",
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
