# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Registry login of modules. Implemented in module_utils/docker/registry_login.py.
    DOCUMENTATION = r"""
options:
  registry_login:
    description:
      - Credentials for the registry that the task pulls from. The module uses them for this
        registry only. For other registries, and without this option, it uses those in the
        C(config.json) of the user that runs the module.
    type: dict
    suboptions:
      registry_url:
        description: Registry that the credentials are for, with or without C(https://) and a path.
        type: str
        required: true
      username:
        description: User of the registry.
        type: str
        required: true
      password:
        description: Password or access token of the user.
        type: str
        required: true
"""
