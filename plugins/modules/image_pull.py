#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_pull
version_added: 0.1.0
short_description: Pull an image if the host does not have it
description:
  - An image that the host has is not pulled again, even if its registry has a newer one under the
    same tag.
  - Sends the credentials to the Docker Engine with the request, and never writes them to the host.
author: The elk.swarm authors (@elk-swarm)
extends_documentation_fragment:
  - elk.swarm.docker
  - elk.swarm.registry_login
attributes:
  check_mode:
    description: Reports whether the image would be pulled. Does not contact the registry.
    support: full
  diff_mode:
    description: Shows that the image was pulled.
    support: full
  idempotent:
    description: An image that exists is not pulled again.
    support: full
options:
  name:
    description: Image with its registry and its tag or digest.
    type: str
    required: true
  pull_timeout:
    description: Seconds without data from the registry after which the pull fails.
    type: int
    default: 600
seealso:
  - module: elk.swarm.service
  - module: community.docker.docker_image_pull
"""

EXAMPLES = r"""
- name: Pull the image before a service needs it
  elk.swarm.image_pull:
    name: registry.example.com/team/web:1.4
    registry_login:
      registry_url: registry.example.com
      username: deploy
      password: "{{ vault_registry_password }}"
"""

RETURN = r"""
image:
  description: Id of the image. Empty in check mode if the host does not have it.
  returned: success
  type: str
  sample: sha256:5b6446f11cda0d2ab5b8f1e9f5d0a8d5cf3f4b9b9a9f0e4f8d3f8f3c9a1b2c3d
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    Connection,
    Engine,
    EngineError,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.module import ENGINE_ARGUMENTS
from ansible_collections.elk.swarm.plugins.module_utils.docker.registry_login import (
    REGISTRY_LOGIN,
    auth_for,
    read_docker_config,
)
from ansible_collections.elk.swarm.plugins.module_utils.swarm.service_spec import full_image


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **ENGINE_ARGUMENTS,
            "name": {"type": "str", "required": True},
            "pull_timeout": {"type": "int", "default": 600},
            "registry_login": REGISTRY_LOGIN,
        },
        supports_check_mode=True,
    )
    name = module.params["name"]
    timeout = max(module.params["timeout"], module.params["pull_timeout"])
    engine = Engine(Connection.from_options({**module.params, "timeout": timeout}))
    try:
        image = engine.image(name)
        changed = image is None
        if changed and not module.check_mode:
            auth = auth_for(name, module.params["registry_login"], read_docker_config())
            engine.pull_image(full_image(name), auth)
            image = engine.image(name)
    except EngineError as error:
        module.fail_json(msg=str(error))
    finally:
        engine.close()
    result = {"changed": changed, "image": (image or {}).get("Id", "")}
    if module._diff:
        lines = f"{name}\n"
        result["diff"] = {"before": "" if changed else lines, "after": lines}
    module.exit_json(**result)


if __name__ == "__main__":
    main()
