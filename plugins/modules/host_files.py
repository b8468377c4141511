#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_files
short_description: Create text files and their folders on a host in one call
version_added: 0.1.0
author: The elk.swarm authors (@elk-swarm)
description:
  - Creates folders, and files with the given text, each with its owner, group and mode.
  - One call is enough for a whole role. M(ansible.builtin.file) and M(ansible.builtin.copy) need
    one or two calls for each file, even if nothing changes.
  - Checks all folders and files first. If one of them has an error, nothing is changed.
  - Removes nothing except a link at the path of a file or folder. Does not read the content of
    folders.
  - Never follows a link that a user other than root could have created. Corrects the owner of a
    folder before it writes into that folder.
attributes:
  check_mode:
    support: full
    description: Works in check mode even if the folders do not exist yet.
  diff_mode:
    support: full
    description:
      - Shows each text that changes, and owner, group and mode where they change.
      - For a file with a secret use M(elk.swarm.private_file), which shows no text.
  idempotent:
    support: full
    description: Folders and files that are already correct are not changed.
options:
  directories:
    description:
      - The folders, in the order in which they are created.
      - Missing parent folders are created with owner C(root) and mode C(0755).
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description:
          - Absolute path. A link to a folder is followed if only root can have created it, that is,
            if it belongs to root in a folder that nobody else can write.
          - Any other link is replaced by the folder; the target of the link is not changed.
        type: path
        required: true
      owner:
        description: Numeric id of the owner.
        type: int
        default: 0
      group:
        description: Numeric id of the group.
        type: int
        default: 0
      mode:
        description: Mode as octal digits.
        type: str
        default: "0755"
  files:
    description: The files, which are created after the folders.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path. A link is replaced by the file.
        type: path
        required: true
      content:
        description: The whole text.
        type: str
        required: true
      owner:
        description: Numeric id of the owner.
        type: int
        default: 0
      group:
        description: Numeric id of the group.
        type: int
        default: 0
      mode:
        description: Mode as octal digits.
        type: str
        default: "0644"
seealso:
  - module: ansible.builtin.copy
  - module: elk.swarm.bind_directory
"""

EXAMPLES = r"""
- name: Copy the certificates to the host
  elk.swarm.host_files:
    directories:
      - path: /etc/elk/pki
    files:
      - path: /etc/elk/pki/ca.crt
        content: "{{ lookup('ansible.builtin.file', 'ca.crt', rstrip=false) }}"
      - path: /etc/elk/pki/node.crt
        content: "{{ lookup('ansible.builtin.file', inventory_hostname ~ '.crt', rstrip=false) }}"
"""

RETURN = r"""
paths:
  description: The folders and files that were created or changed.
  returned: success
  type: list
  elements: str
  sample: [/etc/elk/pki/node.crt]
errors:
  description: The errors of all folders and files.
  returned: failure
  type: list
  elements: str
  sample: ["/etc/elk/pki: is not a folder, but must be one. Move it away."]
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.common import safe_path
from ansible_collections.elk.swarm.plugins.module_utils.host.files import (
    Actual,
    content_diff,
    file_error,
    folder_error,
    inspect,
    mode_error,
)


def is_folder(path: str) -> bool:
    try:
        return inspect(path, directory=True).kind == "directory"
    except OSError:
        return False


class HostFiles:
    """Creates the folders and files of one host."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.directories: list[dict[str, Any]] = module.params["directories"]
        self.files: list[dict[str, Any]] = module.params["files"]
        self.changed: list[str] = []
        self.diff: list[Any] = []

    def run(self) -> None:
        found = self.look()
        try:
            for entry in self.directories:
                self.directory(entry, found[entry["path"]])
            for entry in self.files:
                self.file(entry, found[entry["path"]])
        except OSError as exc:
            self.module.fail_json(msg=f"{exc.filename}: {exc.strerror}.", errors=[str(exc)])
        self.module.exit_json(changed=bool(self.changed), paths=self.changed, diff=self.diff)

    def look(self) -> dict[str, Actual]:
        found: dict[str, Actual] = {}
        errors: list[str] = []
        for entries, error in ((self.directories, folder_error), (self.files, file_error)):
            for entry in entries:
                path = entry["path"]
                try:
                    found[path] = inspect(path, directory=entries is self.directories)
                except OSError as exc:
                    errors.append(f"{path}: cannot be read: {exc.strerror}.")
                    continue
                errors += [error(path, found[path]), mode_error(path, entry["mode"])]
                if not os.path.isabs(path):
                    errors.append(f"{path}: is not an absolute path.")
        errors += self.without_folder()
        errors = [text for text in errors if text]
        if errors:
            self.module.fail_json(msg="Nothing was changed. " + " ".join(errors), errors=errors)
        return found

    def without_folder(self) -> list[str]:
        """Files without a folder. In check mode an earlier task may only predict the folder."""
        created = {os.path.normpath(entry["path"]) for entry in self.directories}
        missing = [
            entry["path"]
            for entry in self.files
            if os.path.dirname(entry["path"]) not in created
            and not is_folder(os.path.dirname(entry["path"]))
        ]
        if self.module.check_mode:
            return []
        return [f"{path}: its folder does not exist. Add it to directories." for path in missing]

    def directory(self, entry: dict[str, Any], found: Actual) -> None:
        path = entry["path"]
        created = found.kind != "directory"
        if created:
            before = {"path": path, "state": found.kind}
            self.diff.append({"before": before, "after": self.shown(entry)})
        if not (self.rights_differ(entry, found, created) or created) or self.module.check_mode:
            return
        if found.kind == "link":
            safe_path.unlink(path)
        rights = (entry["owner"], entry["group"], int(entry["mode"], 8))
        if created:
            safe_path.make_folder(path, *rights)
        else:
            safe_path.set_folder_rights(path, *rights)

    def file(self, entry: dict[str, Any], found: Actual) -> None:
        path, content = entry["path"], entry["content"].encode()
        written = found.kind != "file" or found.content != content
        if written:
            self.diff.append(content_diff(path, found, entry["content"]))
        if self.rights_differ(entry, found, written, fresh=found.kind != "file") or written:
            if not self.module.check_mode:
                # A new file even if only rights differ: the old owner may have the old file open.
                safe_path.write(
                    path, content, entry["owner"], entry["group"], int(entry["mode"], 8)
                )

    def rights_differ(
        self, entry: dict[str, Any], found: Actual, changed: bool, fresh: bool | None = None
    ) -> bool:
        """Record a change of owner, group and mode, but not for a new file or folder."""
        path = entry["path"]
        fresh = changed if fresh is None else fresh
        before = found.rights()
        after = {**self.shown(entry), "mode": f"{int(entry['mode'], 8):04o}"}
        different = [key for key in before if before[key] != after[key]]
        if different and not fresh:
            self.diff.append(
                {
                    "before": {"path": path, **{key: before[key] for key in different}},
                    "after": {"path": path, **{key: after[key] for key in different}},
                }
            )
        if changed or different:
            self.changed.append(path)
        return bool(different)

    @staticmethod
    def shown(entry: dict[str, Any]) -> dict[str, Any]:
        rights = {key: entry[key] for key in ("path", "owner", "group", "mode")}
        return {**rights, "state": "directory"}


def entries(mode: str, **options: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "path", "required": True},
            "owner": {"type": "int", "default": 0},
            "group": {"type": "int", "default": 0},
            "mode": {"type": "str", "default": mode},
            **options,
        },
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "directories": entries("0755"),
            "files": entries("0644", content={"type": "str", "required": True}),
        },
        supports_check_mode=True,
    )
    HostFiles(module).run()


if __name__ == "__main__":
    main()
