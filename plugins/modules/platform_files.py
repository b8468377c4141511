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
  - A directory that is a mount point is emptied and stays.
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

import errno
import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.reset import plan_files, unsafe


def children(path: str) -> list[str]:
    try:
        return [os.path.join(path, name) for name in os.listdir(path)]
    except OSError:
        return []


def is_real_directory(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


def present(directory: str) -> list[str]:
    """The directory, what is in it, and what is in that."""
    if not os.path.isdir(directory):
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


def remove_tree(path: str) -> None:
    """Remove what is there; a link goes and what it leads to stays."""
    if not is_real_directory(path):
        os.unlink(path)
        return
    if os.path.ismount(path):
        raise OSError(errno.EBUSY, "another file system is mounted there, unmount it first", path)
    for one in children(path):
        remove_tree(one)
    os.rmdir(path)


def remove(path: str) -> None:
    """Remove a path of the platform, or empty it where it cannot go."""
    if not stays(path):
        remove_tree(path)
        return
    for one in children(path):
        remove_tree(one)


def stays(path: str) -> bool:
    """Whether only the content goes: a disk is mounted there, or a link leads to it."""
    return os.path.isdir(path) and (os.path.ismount(path) or os.path.islink(path))


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
    plan = plan_files(
        config_dir,
        data_dir,
        present(config_dir) + present(data_dir),
        remove_data,
        holds_data(data_dir),
    )
    removed: list[str] = []
    try:
        for path in plan.remove:
            if stays(path) and not children(path):
                continue
            if not module.check_mode:
                remove(path)
            removed.append(path)
        # Where nothing else is left the directory itself has served its time.
        if remove_data and is_real_directory(data_dir) and not os.path.ismount(data_dir):
            gone = set(removed) if module.check_mode else set()
            if not set(children(data_dir)) - gone:
                if not module.check_mode:
                    os.rmdir(data_dir)
                removed.append(data_dir)
    except OSError as error:
        module.fail_json(
            msg=f"{error.filename or 'A file'} cannot be removed: {error.strerror}. Run this again"
            " when that is mended.",
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
