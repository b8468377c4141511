#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_secrets_info
version_added: 0.1.0
short_description: Read the secrets of a platform that a host still has
description:
  - Reads certificates, keys and passwords from the rendered files of the host, and from the files
    that Swarm mounts into the stack's containers on it.
  - The result holds secrets. Set C(no_log) on the task.
author: The elk.swarm authors (@elk-swarm)
options:
  config_dir:
    description: Folder of the platform's rendered files.
    type: path
    required: true
  stack:
    description: Name of the stack, which its containers carry in a label.
    type: str
    required: true
  host:
    description: Name of the host in the inventory, which names its certificates on the controller.
    type: str
    required: true
  certificates:
    description:
      - The names of the certificates of services, by the name of the service in the swarm. It must
        have no other certificate.
    type: dict
    default: {}
  docker_socket:
    description: Socket of the Docker Engine.
    type: path
    default: /var/run/docker.sock
  timeout:
    description: Seconds to wait for an answer of the Docker Engine.
    type: int
    default: 60
attributes:
  check_mode:
    description: The module only reads, so it does the same in check mode.
    support: full
  diff_mode:
    description: Nothing is changed, so there is no difference to show.
    support: none
  idempotent:
    description: Never changes anything.
    support: full
seealso:
  - module: elk.swarm.restore_secrets
"""

EXAMPLES = r"""
- name: Read what the host still has
  elk.swarm.platform_secrets_info:
    config_dir: /etc/elk
    stack: elk
    host: "{{ inventory_hostname }}"
  register: still_there
  no_log: true
"""

RETURN = r"""
files:
  description: Content of files, by the names that they have on the controller. It holds secrets.
  returned: success
  type: dict
  sample: {elastic_password: "…", certs/m1.key: "…"}
containers:
  description: Whether the module could read the containers of the host.
  returned: success
  type: bool
  sample: true
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.docker.client import EngineError
from ansible_collections.elk.swarm.plugins.module_utils.platform.secrets_survey import (
    SecretFile,
    connect,
    controller_files,
    secret_files,
)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "config_dir": {"type": "path", "required": True},
            "stack": {"type": "str", "required": True},
            "host": {"type": "str", "required": True},
            "certificates": {"type": "dict", "default": {}},
            "docker_socket": {"type": "path", "default": "/var/run/docker.sock"},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    params = module.params
    files: list[SecretFile] = []
    containers = True
    try:
        engine = connect(params["docker_socket"], params["timeout"])
        root = str(engine.request("GET", "/info").get("DockerRootDir") or "/var/lib/docker")
        files = secret_files(engine, root, params["stack"])
    except EngineError:
        # The files of the host are useful even without the containers.
        containers = False
    module.exit_json(
        changed=False,
        containers=containers,
        files=controller_files(files, params["config_dir"], params["host"], params["certificates"]),
    )


if __name__ == "__main__":
    main()
