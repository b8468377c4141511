#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plugin
short_description: Install, configure, upgrade, enable, disable and remove a Docker plugin
version_added: 0.1.0
author: The elk.swarm authors (@elk-swarm)
extends_documentation_fragment:
  - elk.swarm.docker
  - elk.swarm.registry_login
description:
  - Accepts the options of M(community.docker.docker_plugin) and needs no Python package. The notes
    list the differences.
  - To set options of an enabled plugin, the module disables it for a moment. It fails, and names
    the volumes and containers, while a container has a volume of the plugin mounted.
  - With O(alias) another tag or digest in O(plugin_name) upgrades the plugin in place; its volumes
    and options stay.
  - A plugin gets only the privileges that the task names.
  - If a plugin does not start, the module restores its version, options and state, and the error
    holds the lines that the plugin wrote.
attributes:
  check_mode:
    support: full
    description:
      - Asks the registry for the privileges as a run does, and refuses what a run would refuse.
      - It cannot predict what only the plugin knows, such as whether it starts.
  diff_mode:
    support: full
    description: Shows state, reference and options, with the values that O(show_options) permits.
  idempotent:
    support: full
    description: A plugin that matches the options is left alone.
options:
  plugin_name:
    description:
      - Reference of the plugin in its registry, with tag or digest. V(latest) without either.
      - Without O(alias) it is installed under this name, so that another tag is another plugin.
    type: str
    required: true
  state:
    description:
      - V(present) installs the plugin if it is missing, and leaves it enabled or disabled as it is.
        A plugin that was just installed is disabled.
      - V(enable) installs it if it is missing, and enables it.
      - V(disable) disables it, and fails if it is missing.
      - V(absent) removes it. One that is enabled needs O(force_remove).
      - All but V(absent) also set O(plugin_options) and the version that the task names.
    type: str
    choices: [absent, present, enable, disable]
    default: present
  alias:
    description: Name under which the plugin is installed, and which volumes name as their driver.
    type: str
  plugin_options:
    description:
      - Options of the plugin to set. Options that are left out stay as they are.
      - Besides the plugin's own options, V(NAME.source) of a mount and V(NAME.path) of a device, if
        the plugin declares them settable.
      - Numbers become text, true and false become V(true) and V(false), null becomes an empty text.
      - Values are never shown or logged, except as O(show_options) says.
    type: dict
    default: {}
  show_options:
    description:
      - Names of options whose values may appear in the diff and in the return values.
      - Empty values and the plugin's default values are always shown. For all others the module
        only shows whether they change.
    type: list
    elements: str
    default: []
  privileges:
    description:
      - The privileges to grant to the plugin when it is installed or upgraded, in the form of
        RV(lacking_privileges). A privilege that the plugin does not ask for is not granted.
      - The module warns if an installed plugin has more than these.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the privilege, for instance V(network), V(mount) or V(capabilities).
        type: str
        required: true
      value:
        description: Values of the privilege to grant.
        type: list
        elements: str
        required: true
  grant_all:
    description: Grant everything that the plugin asks for.
    type: bool
    default: false
  force:
    description:
      - Continue although volumes of the plugin are in use. Containers keep their mounts; no
        container gets a volume of the plugin while it is disabled.
      - With O(state=absent), remove the plugin although it has volumes. Their data is lost unless
        the plugin stores it elsewhere.
    type: bool
    default: false
  force_remove:
    description: Remove the plugin although it is enabled.
    type: bool
    default: false
  enable_timeout:
    description: How long Docker waits for the plugin's first answer, in seconds. 0 is no limit.
    type: int
    default: 0
notes:
  - >-
    Unlike M(community.docker.docker_plugin), this module needs named privileges, or O(grant_all),
    which C(module_defaults) can set for all tasks of a play.
  - >-
    Unlike that module, it removes a plugin that has volumes only with O(force), and sets options
    that differ also with V(enable) and V(disable).
  - >-
    Unlike in that module, another tag under an O(alias) is an upgrade and not ignored, an empty
    option that is already empty is no change, and a boolean becomes V(true) instead of V(True).
  - >-
    Unlike that module, it fails also in check mode if Docker would refuse to remove or disable the
    plugin.
  - >-
    The module reads the lines that a plugin wrote from the journal of the host on which it runs.
    If O(docker_host) is not a socket, the error says where they are.
  - >-
    Docker does not know whether a tag was pushed again since the plugin was installed. Use digests,
    or tags that never move.
seealso:
  - module: elk.swarm.plugin_info
  - module: community.docker.docker_plugin
"""

EXAMPLES = r"""
- name: Install a plugin with exactly these privileges, and enable it
  elk.swarm.plugin:
    plugin_name: registry.example.org/volume-plugin:1
    alias: disk
    state: enable
    plugin_options:
      PASSWORD: "{{ disk_password }}"
      RETRIES: 5
    show_options: [RETRIES]
    privileges:
      - name: network
        value: [host]
      - name: mount
        value: [/srv]
      - name: capabilities
        value: [CAP_SYS_ADMIN, CAP_DAC_OVERRIDE]

- name: Set an option of the enabled plugin
  elk.swarm.plugin:
    plugin_name: registry.example.org/volume-plugin:1
    alias: disk
    plugin_options:
      RETRIES: 7

- name: Upgrade it in place, and grant everything that the new version asks for
  elk.swarm.plugin:
    plugin_name: registry.example.org/volume-plugin:2
    alias: disk
    grant_all: true

- name: Disable it
  elk.swarm.plugin:
    plugin_name: registry.example.org/volume-plugin:2
    alias: disk
    state: disable

- name: Remove it
  elk.swarm.plugin:
    plugin_name: registry.example.org/volume-plugin:2
    alias: disk
    state: absent
    force_remove: true
"""

RETURN = r"""
plugin:
  description:
    - The plugin as Docker has it, with the values of options hidden unless O(show_options) names
      them. In check mode as it is before the change. Empty when there is none.
  returned: success
  type: dict
  sample:
    Enabled: true
    Id: 798332d0e7f2a6a790dbe1228ceec8721fa20f5ea20e10cd6f7bdf6bdf88f3ce
    Name: disk:latest
    PluginReference: registry.example.org/volume-plugin:1
    Settings:
      Args: []
      Devices: []
      Env: [SCOPE=local, RETRIES=5, "PASSWORD=********", FORMAT=json]
      Mounts:
        - Description: directory of the host that holds the volumes
          Destination: /host
          Name: disk
          Options: [rbind, rw]
          Settable: [source]
          Source: /srv
          Type: bind
actions:
  description: What was done, or would be done in check mode.
  returned: success
  type: list
  elements: str
  sample:
    - disabled disk:latest
    - "upgraded disk:latest from registry.example.org/volume-plugin:1
       to registry.example.org/volume-plugin:2"
    - enabled disk:latest
privileges:
  description: Privileges that the plugin has, or asks for in check mode.
  returned: success
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
lacking_privileges:
  description: Privileges that the plugin needs and the task lacks. Copy them to O(privileges).
  returned: when the module failed because of them
  type: list
  elements: dict
  sample:
    - name: network
      value: [host]
    - name: mount
      value: [/srv]
    - name: capabilities
      value: [CAP_SYS_ADMIN, CAP_DAC_OVERRIDE]
volumes:
  description: The volumes that prevent the change, and the containers that use them.
  returned: when the module failed because of them
  type: list
  elements: dict
  sample:
    - name: v1
      containers:
        - name: c1
          state: running
logs:
  description: The lines that a plugin wrote when it did not start, with hidden values masked.
  returned: when a step failed
  type: list
  elements: str
  sample: ["volume plugin: cannot log in to the disk with '********'"]
left_as_found:
  description: Whether the plugin is again as it was before the run.
  returned: when a step failed
  type: bool
  sample: true
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.common.masking import MASK, mask_secrets
from ansible_collections.elk.swarm.plugins.module_utils.docker.client import Connection, Engine
from ansible_collections.elk.swarm.plugins.module_utils.docker.module import ENGINE_ARGUMENTS
from ansible_collections.elk.swarm.plugins.module_utils.docker.plugin_plan import (
    Desired,
    PluginError,
    Visibility,
    local_name,
    option_values,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.plugin_runner import (
    START,
    PluginFailure,
    PluginRun,
)
from ansible_collections.elk.swarm.plugins.module_utils.docker.registry_login import (
    REGISTRY_LOGIN,
    read_docker_config,
)


def read_task(module: AnsibleModule, visibility: Visibility) -> Desired:
    """Return what the task asks for, and mask what Ansible shows of the task from here on."""
    params: dict[str, Any] = module.params
    given = params["plugin_options"]
    # Ansible would mask "1" and "on" everywhere, and does not mask warnings.
    module.no_log_values.clear()
    params["plugin_options"] = dict.fromkeys(given, MASK)
    try:
        options = option_values(given)
    except PluginError as error:
        module.fail_json(msg=f"{error}.")
    params["plugin_options"] = {
        name: value if visibility.is_public(name, value) else MASK
        for name, value in options.items()
    }
    return Desired(
        remote=params["plugin_name"],
        name=local_name(params["plugin_name"], params["alias"]),
        state=params["state"],
        options=options,
        privileges=params["privileges"],
        grant_all=params["grant_all"],
        force=params["force"],
        force_remove=params["force_remove"],
    )


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **ENGINE_ARGUMENTS,
            "plugin_name": {"type": "str", "required": True},
            "state": {
                "type": "str",
                "choices": ["absent", "present", "enable", "disable"],
                "default": "present",
            },
            "alias": {"type": "str"},
            "plugin_options": {"type": "dict", "default": {}, "no_log": True},
            "show_options": {"type": "list", "elements": "str", "default": []},
            "privileges": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "name": {"type": "str", "required": True},
                    "value": {"type": "list", "elements": "str", "required": True},
                },
            },
            "grant_all": {"type": "bool", "default": False},
            "force": {"type": "bool", "default": False},
            "force_remove": {"type": "bool", "default": False},
            "enable_timeout": {"type": "int", "default": 0},
            "registry_login": REGISTRY_LOGIN,
        },
        supports_check_mode=True,
    )
    params: dict[str, Any] = module.params
    visibility = Visibility(frozenset(params["show_options"]))
    login = params["registry_login"]
    if login:
        # read_task clears no_log_values, so nothing else masks the password.
        params["registry_login"] = {**login, "password": MASK}
    desired = read_task(module, visibility)

    journalctl = module.get_bin_path("journalctl")

    def journal(since: float) -> str:
        command = [journalctl, "-q", "--no-pager", "-o", "cat", "-u", "docker.service"]
        _code, output, _err = module.run_command([*command, f"--since=@{since:.6f}"])
        return str(output)

    # Docker answers only after it has waited for the plugin to start.
    timeout = max(params["timeout"], params["enable_timeout"] + START)
    engine = Engine(Connection.from_options({**params, "timeout": timeout}))
    run = PluginRun(
        engine,
        desired,
        visibility,
        module.check_mode,
        params["enable_timeout"],
        read_docker_config(),
        journal if journalctl and engine.local else None,
        login,
    )
    failure: PluginFailure | None = None
    try:
        run.run()
    except PluginFailure as error:
        failure = error
    finally:
        engine.close()
    for warning in run.outcome.warnings:
        module.warn(mask_secrets(warning, run.secrets))
    if failure:
        module.fail_json(msg=str(failure), **failure.result)
    result = run.outcome.result()
    if module._diff:
        result["diff"] = {"before": run.outcome.before, "after": run.outcome.after}
    module.exit_json(**result)


if __name__ == "__main__":
    main()
