#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plugin_info
short_description: List the managed plugins of Docker, with their privileges and volumes
version_added: 0.1.0
author: The elk.swarm authors (@elk-swarm)
extends_documentation_fragment:
  - elk.swarm.docker
description:
  - Reads one, some or all managed plugins of a Docker Engine with their state, options, privileges,
    drivers and volumes.
  - There is no module for this in community.docker.
attributes:
  check_mode:
    support: full
    description: Can run in check mode and returns what it finds; changes nothing.
  diff_mode:
    support: none
    description: Changes nothing, so there is no difference to show.
  idempotent:
    support: full
    description: Changes nothing, however often it runs.
options:
  plugin_name:
    description:
      - Names under which plugins are installed, which are their aliases if they have any. V(latest)
        may be left out.
      - All plugins when left out.
    type: list
    elements: str
    aliases: [alias]
  show_options:
    description:
      - Names of options whose values may be shown. Empty values and the plugin's default values are
        always shown.
    type: list
    elements: str
    default: []
notes:
  - Docker does not list the volumes of a disabled plugin. The module still finds those that a
    container refers to.
seealso:
  - module: elk.swarm.plugin
"""

EXAMPLES = r"""
- name: Read a plugin
  elk.swarm.plugin_info:
    plugin_name: disk
    show_options: [RETRIES]
  register: disk

- name: Fail when it does not serve volumes
  ansible.builtin.assert:
    that:
      - disk.missing == []
      - disk.plugins[0].state == 'enabled'
      - "'docker.volumedriver/1.0' in disk.plugins[0].drivers"

- name: Read all plugins
  elk.swarm.plugin_info:
  register: found

- name: Show the plugins that have privileges
  ansible.builtin.debug:
    msg: "{{ item.name }} {{ item.privileges | map(attribute='name') | join(', ') }}"
  loop: "{{ found.plugins | selectattr('privileges') }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
plugins:
  description: The plugins that were found.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name under which it is installed. Volumes name it as their driver.
      type: str
      sample: disk:latest
    id:
      description: Id of the plugin, which is also in the lines that it writes into Docker's log.
      type: str
      sample: 798332d0e7f2a6a790dbe1228ceec8721fa20f5ea20e10cd6f7bdf6bdf88f3ce
    reference:
      description: Reference from which it was installed or last upgraded.
      type: str
      sample: registry.example.org/volume-plugin:1
    state:
      description: V(enabled) or V(disabled).
      type: str
      sample: enabled
    description:
      description: Description that the plugin gives.
      type: str
      sample: Volumes on the disk of the host
    options:
      description:
        - All options, each with its value, its default, and whether the plugin permits to set it. A
          value that was never set is null.
      type: list
      elements: dict
      sample:
        - {name: SCOPE, value: local, default: local, settable: true}
        - {name: RETRIES, value: "5", default: "3", settable: true}
        - {name: PASSWORD, value: "********", default: "", settable: true}
        - {name: COMMENT, value: null, default: null, settable: true}
        - {name: FORMAT, value: json, default: json, settable: false}
        - {name: disk.source, value: /srv, default: /srv, settable: true}
    privileges:
      description: Privileges of the plugin.
      type: list
      elements: dict
      sample:
        - name: network
          description: permissions to access a network
          value: [host]
        - name: mount
          description: host path to mount
          value: [/srv]
        - name: capabilities
          description: list of additional capabilities required
          value: [CAP_SYS_ADMIN, CAP_DAC_OVERRIDE]
    drivers:
      description: Driver types that it implements.
      type: list
      elements: str
      sample: [docker.volumedriver/1.0]
    volumes:
      description: Its volumes, and the containers that refer to them, in any state.
      type: list
      elements: dict
      sample:
        - name: v1
          containers:
            - name: c1
              state: running
missing:
  description: Names in O(plugin_name) that no plugin has.
  returned: success
  type: list
  elements: str
  sample: []
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.docker.client import (
    Connection,
    Engine,
    EngineError,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.module import ENGINE_ARGUMENTS
from ansible_collections.elk.swarm.plugins.module_utils.docker.plugin_plan import (
    Visibility,
    described,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.plugin_runner import read_volumes


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **ENGINE_ARGUMENTS,
            "plugin_name": {"type": "list", "elements": "str", "aliases": ["alias"]},
            "show_options": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    params: dict[str, Any] = module.params
    visibility = Visibility(frozenset(params["show_options"]))
    engine = Engine(Connection.from_options(params))
    names: list[str] | None = params["plugin_name"]
    missing: list[str] = []
    try:
        if names is None:
            found = engine.plugins()
        else:
            answers = {name: engine.plugin(name) for name in names}
            found = [one for one in answers.values() if one]
            missing = [name for name, one in answers.items() if not one]
        shown = [described(one, read_volumes(engine, one["Name"]), visibility) for one in found]
    except EngineError as error:
        module.fail_json(msg=f"{error}.")
    finally:
        engine.close()
    module.exit_json(changed=False, plugins=shown, missing=missing)


if __name__ == "__main__":
    main()
