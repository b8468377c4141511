#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: signing_key
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Fetch the key of a package repository and check its fingerprint
description:
  - Fetches an armoured OpenPGP key and stores it only if every primary key in it has an expected
    fingerprint.
  - Needs no C(gpg) on the host, because minimal hosts have none.
  - A file that is already there and has expected fingerprints is not fetched again.
options:
  url:
    description: URL of the key.
    type: str
    required: true
  fingerprints:
    description: Fingerprints that are expected. Spaces and case do not matter.
    type: list
    elements: str
    required: true
  path:
    description: File in which to store the key.
    type: path
    required: true
  timeout:
    description: Seconds to wait for the answer.
    type: int
    default: 20
attributes:
  check_mode:
    description: Returns whether the file would be written, without fetching the key.
    support: full
  diff_mode:
    description: Shows nothing, because a key is not readable text.
    support: none
  idempotent:
    description: A file with expected fingerprints is left alone.
    support: full
"""

EXAMPLES = r"""
- name: Store the key of Docker's repository
  elk.swarm.signing_key:
    url: https://download.docker.com/linux/debian/gpg
    fingerprints: [9DC858229FC7DD38854AE2D88D81803C0EBFCD88]
    path: /etc/apt/keyrings/docker.asc
"""

RETURN = r"""
fingerprints:
  description: Fingerprints of the keys in the file. Empty if check mode would fetch the key.
  returned: success
  type: list
  elements: str
  sample: [9DC858229FC7DD38854AE2D88D81803C0EBFCD88]
path:
  description: The file.
  returned: success
  type: str
  sample: /etc/apt/keyrings/docker.asc
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url

from ansible_collections.elk.swarm.plugins.module_utils.common import safe_path
from ansible_collections.elk.swarm.plugins.module_utils.host import atomic_file, openpgp

# The keys of Docker and of distributions have a few thousand bytes.
LONGEST_KEY = 1024 * 1024


def is_expected(text: str, expected: list[str]) -> bool:
    try:
        return not openpgp.unexpected_keys(text, expected)
    except openpgp.OpenPGPError:
        return False


def fetch(module: AnsibleModule) -> str:
    url = module.params["url"]
    try:
        answer = open_url(url, timeout=module.params["timeout"])
        raw = answer.read(LONGEST_KEY + 1)
        if len(raw) > LONGEST_KEY:
            module.fail_json(
                msg=f"{url} is longer than {LONGEST_KEY} bytes and cannot be a key. Correct the "
                f"url: curl --head {url} shows what is there."
            )
        text = str(raw, "utf-8", "replace")
        unknown = openpgp.unexpected_keys(text, module.params["fingerprints"])
    except OSError as error:
        module.fail_json(msg=f"The key {url} cannot be fetched: {error}.")
    except openpgp.OpenPGPError as error:
        module.fail_json(msg=f"{url} cannot be used as a key: {error}.")
    if unknown:
        module.fail_json(
            msg=f"The key {url} has the fingerprint {', '.join(unknown)}, which was not expected. "
            "Nothing was written. Compare it with what the owner of the repository publishes, and "
            "only then add it to the expected fingerprints.",
        )
    return text


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "required": True},
            "fingerprints": {"type": "list", "elements": "str", "required": True},
            "path": {"type": "path", "required": True},
            "timeout": {"type": "int", "default": 20},
        },
        supports_check_mode=True,
    )
    path = Path(module.params["path"])
    text = safe_path.read_text(path, errors="replace") if safe_path.exists(path) else ""
    changed = not is_expected(text, module.params["fingerprints"])
    if changed and module.check_mode:
        module.exit_json(changed=True, fingerprints=[], path=str(path))
    if changed:
        text = fetch(module)
        atomic_file.write(path, text)
    changed = atomic_file.make_readable_by_all(module, path, changed)
    module.exit_json(changed=changed, fingerprints=openpgp.fingerprints(text), path=str(path))


if __name__ == "__main__":
    main()
