#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kernel_parameters
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Set kernel parameters now and at every boot
description:
  - Writes a file under C(/etc/sysctl.d) and the live values, for all parameters in one call.
  - A parameter can be a minimum. Then a higher value from the distribution or another program is
    kept.
options:
  parameters:
    description: The desired values. The file holds these and nothing else.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the parameter, with dots.
        type: str
        required: true
      value:
        description: Desired value.
        type: str
        required: true
      minimum:
        description: >-
          Whether a higher live value is kept, and a higher value in another sysctl file is used
          instead of O(parameters[].value).
        type: bool
        default: false
  path:
    description: Path of the file.
    type: path
    required: true
  conflicting_lines:
    description:
      - What to do about lines of other sysctl files that are read later, so that their values win
        at the next boot, and whose values are not enough.
      - V(warn) names them. V(take_out) turns them into comments, in files under C(/etc) only. Files
        elsewhere belong to packages, and are named.
    type: str
    choices: [warn, take_out]
    default: warn
attributes:
  check_mode:
    description: Reports what would change, and changes nothing.
    support: full
  diff_mode:
    description: Shows every file and the live values before and after.
    support: full
  idempotent:
    description: Writes only what differs.
    support: full
"""

EXAMPLES = r"""
- name: Allow enough memory maps for Elasticsearch
  elk.swarm.kernel_parameters:
    path: /etc/sysctl.d/90-elk-swarm.conf
    parameters:
      - name: vm.max_map_count
        value: "262144"
        minimum: true
"""

RETURN = r"""
live:
  description: Live values after the run.
  returned: always
  type: dict
  sample: {vm.max_map_count: "262144"}
written:
  description: Live values that were changed.
  returned: always
  type: dict
  sample: {}
corrected:
  description: Other files from which lines were taken out.
  returned: always
  type: list
  elements: str
  sample: []
overridden:
  description: Files that win over this one at the next boot with a value that is not enough.
  returned: always
  type: list
  elements: str
  sample: []
path:
  description: Path of the file.
  returned: always
  type: str
  sample: /etc/sysctl.d/90-elk-swarm.conf
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.common import safe_path
from ansible_collections.elk.swarm.plugins.module_utils.host import atomic_file
from ansible_collections.elk.swarm.plugins.module_utils.host import kernel_parameters as plan

FOLDERS = (
    "/etc/sysctl.d",
    "/run/sysctl.d",
    "/usr/local/lib/sysctl.d",
    "/usr/lib/sysctl.d",
    "/lib/sysctl.d",
)
# Files elsewhere belong to packages.
EDITABLE = "/etc/"


def other_files(own: Path) -> dict[str, dict[str, str]]:
    """Assignments of all other sysctl files, by path; one in /etc overrides its namesake."""
    found: dict[str, Path] = {}
    for folder in FOLDERS:
        for path in sorted(Path(folder).glob("*.conf")):
            found.setdefault(path.name, path)
    found.setdefault("sysctl.conf", Path("/etc/sysctl.conf"))
    # By name: a file of the same name overrides ours or is overridden by it.
    found.pop(own.name, None)
    return {str(path): plan.parse(read(path)) for path in found.values()}


def read(path: Path) -> str:
    try:
        return safe_path.read_text(path, errors="replace")
    except OSError:
        return ""


def live_path(name: str) -> Path:
    return Path("/proc/sys", *name.split("."))


def show(content: str, live: dict[str, str]) -> str:
    return content + "".join(f"live {name} = {value}\n" for name, value in sorted(live.items()))


@dataclass(frozen=True)
class Correction:
    """A file from which lines are taken out, and its names: links lead to it."""

    path: str
    names: tuple[str, ...]
    before: str
    after: str

    def difference(self) -> dict[str, str]:
        return difference(self.path, printable(self.before), printable(self.after))


def find_corrections(
    others: Iterable[str], own: Path, content: str, minimums: list[str]
) -> list[Correction]:
    """Later files under /etc with values that are not enough, each file once."""
    names: dict[str, list[str]] = {}
    for name in others:
        if plan.is_later(name, str(own)):
            names.setdefault(os.path.realpath(name), []).append(name)
    found = []
    for path, same in names.items():
        if not path.startswith(EDITABLE) or not os.path.isfile(path):
            continue
        # Bytes that are no UTF-8 stay as they are.
        before = safe_path.read_text(path, errors="surrogateescape")
        after = plan.without_conflicts(before, content, minimums)
        if before != after:
            found.append(Correction(path, tuple(same), before, after))
    return found


def printable(text: str) -> str:
    return text.encode(errors="surrogateescape").decode(errors="replace")


def difference(path: str, before: str, after: str) -> dict[str, str]:
    return {"before": before, "after": after, "before_header": path, "after_header": path}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "parameters": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "value": {"type": "str", "required": True},
                    "minimum": {"type": "bool", "default": False},
                },
            },
            "path": {"type": "path", "required": True},
            "conflicting_lines": {
                "type": "str",
                "choices": ["warn", "take_out"],
                "default": "warn",
            },
        },
        supports_check_mode=True,
    )
    path = Path(module.params["path"])
    parameters = [plan.Parameter(**entry) for entry in module.params["parameters"]]
    unknown = [p.name for p in parameters if not live_path(p.name).exists()]
    if unknown:
        module.fail_json(
            msg=f"The kernel has no parameter {', '.join(unknown)}. Correct the name, or load the "
            "kernel module that provides it.",
        )
    live = {p.name: " ".join(read(live_path(p.name)).split()) for p in parameters}
    before = read(path)
    others = other_files(path)
    todo = plan.make_plan(parameters, others.values(), live)
    minimums = [p.name for p in parameters if p.minimum]
    corrections: list[Correction] = []
    if module.params["conflicting_lines"] == "take_out":
        corrections = find_corrections(others, path, todo.content, minimums)
        for one in corrections:
            others.update({name: plan.parse(one.after) for name in one.names})
    overridden = plan.overriding(todo.content, minimums, str(path), others)
    for found in overridden:
        module.warn(
            f"{found}. The first file is read after the second, so its value counts after the next "
            "boot. Remove that line there, or set host_tuning_conflicting_lines: take_out."
        )
    changed = before != todo.content or bool(todo.live) or bool(corrections)
    if not module.check_mode:
        # The file first: if the run is killed here, the next run still sees a wrong live value.
        if before != todo.content:
            atomic_file.write(path, todo.content)
        for one in corrections:
            safe_path.write(one.path, one.after.encode(errors="surrogateescape"))
        for name, value in todo.live.items():
            try:
                safe_path.write_in_place(live_path(name), value)
            except OSError as error:
                module.fail_json(
                    msg=f"{name} cannot be set to {value}: {error.strerror}. Inside a container "
                    "it may belong to the machine that runs the container: set it there.",
                )
    if path.exists():
        changed = atomic_file.make_readable_by_all(module, path, changed)
    after = {**live, **todo.live}
    module.exit_json(
        changed=changed,
        live=after,
        written=dict(todo.live),
        corrected=[one.path for one in corrections],
        overridden=overridden,
        path=str(path),
        diff=[
            difference(str(path), show(before, live), show(todo.content, after)),
            *(
                difference(one.path, printable(one.before), printable(one.after))
                for one in corrections
            ),
        ],
    )


if __name__ == "__main__":
    main()
