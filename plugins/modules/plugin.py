#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plugin
short_description: Install, set up, upgrade, enable, disable and remove a managed plugin of Docker
version_added: 0.1.0
author: The elk.swarm authors (@elk-swarm)
extends_documentation_fragment:
  - elk.swarm.docker
  - elk.swarm.registry_login
description:
  - Takes the tasks of M(community.docker.docker_plugin) under another name and needs no Python
    package. What it does otherwise is in the notes.
  - Options of an enabled plugin are set by disabling it for a moment. That is refused, with the
    names of volumes and containers, while a container has a volume of the plugin mounted.
  - With O(alias) another tag or digest in O(plugin_name) upgrades the plugin in place; its volumes
    and options stay.
  - A plugin gets only the privileges that the task names.
  - A plugin that does not start is left as it was found, in version, options and state, and the
    error carries the lines that it wrote.
attributes:
  check_mode:
    support: full
    description:
      - Asks the registry for the privileges as a run does, and refuses what a run would refuse.
      - What only the plugin knows, such as whether it starts, shows when it runs.
  diff_mode:
    support: full
    description: Shows state, reference and options; the values of options as O(show_options) says.
  idempotent:
    support: full
    description: A plugin that is as asked for is left alone.
options:
  plugin_name:
    description:
      - The plugin as its registry has it, with tag or digest. V(latest) when it has neither.
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
      - All but V(absent) also bring O(plugin_options) and the version to what the task says.
    type: str
    choices: [absent, present, enable, disable]
    default: present
  alias:
    description: Name under which the plugin is installed, and which volumes name as their driver.
    type: str
  plugin_options:
    description:
      - What is set of the plugin. Options that are left out stay as they are.
      - Besides the plugin's own options these are V(NAME.source) of a mount and V(NAME.path) of a
        device that the plugin lets be set.
      - Numbers become text, true and false become V(true) and V(false), null becomes an empty text.
      - Values are never shown or logged, except as O(show_options) says.
    type: dict
    default: {}
  show_options:
    description:
      - Names of options whose values may be seen in the diff and in what the module returns.
      - Empty values and those that the plugin comes with are always seen. For all others it is only
        seen whether they change.
    type: list
    elements: str
    default: []
  privileges:
    description:
      - The privileges that the plugin is granted when it is installed or upgraded, as the result
        of a refusal lists them in RV(lacking_privileges). One that the plugin does not ask for is
        not granted.
      - For an installed plugin that has more than these there is a warning.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the privilege, for instance V(network), V(mount) or V(capabilities).
        type: str
        required: true
      value:
        description: What is granted of it.
        type: list
        elements: str
        required: true
  grant_all:
    description: Grant whatever the plugin asks for.
    type: bool
    default: false
  force:
    description:
      - Go on although volumes of the plugin are in use. Containers keep what they have mounted; no
        container gets a volume of the plugin while it is disabled.
      - With O(state=absent), remove the plugin although it has volumes. Unless the plugin keeps
        their data outside of itself the data is lost.
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
    Other than M(community.docker.docker_plugin): privileges have to be named, or O(grant_all) set,
    which can be done for all tasks of a play in C(module_defaults).
  - >-
    Other than there, a plugin whose volumes exist is not removed without O(force), and options that
    differ are also set with V(enable) and V(disable).
  - >-
    Other than there, another tag under an O(alias) is an upgrade and not ignored, an empty option
    that is empty already is no change, and a boolean is written V(true) instead of V(True).
  - >-
    Other than there, the check of a removal or disabling that Docker would refuse fails, as the
    run does.
  - >-
    The lines that a plugin wrote are read from the journal of the host that the module runs on.
    With another O(docker_host) than a socket the error says where they are.
  - >-
    Docker cannot tell whether a tag has been pushed anew since it was installed. Use digests, or
    tags that stay.
seealso:
  - module: elk.swarm.plugin_info
  - module: community.docker.docker_plugin
"""

EXAMPLES = r"""
- name: Install a plugin, with exactly these privileges, and enable it
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

- name: Upgrade it in place, and grant whatever the new version asks for
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
    - The plugin as Docker has it, with the values of options hidden as O(show_options) says. In
      check mode as it is before the change. Empty when there is none.
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
  description: What the plugin is granted, or asks for in check mode.
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
  description: What the plugin asks for and the task does not grant, to be copied to O(privileges).
  returned: when that is why it failed
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
  description: The volumes that stand in the way, and the containers that have them.
  returned: when they are why it failed
  type: list
  elements: dict
  sample:
    - name: v1
      containers:
        - name: c1
          state: running
logs:
  description: What the plugin wrote when it did not start, without values that are hidden.
  returned: when something could not be done
  type: list
  elements: str
  sample: ["volume plugin: cannot log in to the disk with '********'"]
left_as_found:
  description: Whether everything is again as it was before the run.
  returned: when something could not be done
  type: bool
  sample: true
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.common.masking import MASK, blot_out
from ansible_collections.elk.swarm.plugins.module_utils.docker.client import Connection, Engine
from ansible_collections.elk.swarm.plugins.module_utils.docker.module import ENGINE_ARGUMENTS
from ansible_collections.elk.swarm.plugins.module_utils.docker.plugin_plan import (
    PluginError,
    Veil,
    Wanted,
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


def read_task(module: AnsibleModule, veil: Veil) -> Wanted:
    """Give what the task asks for; what Ansible shows of the task is veiled from here on."""
    params: dict[str, Any] = module.params
    given = params["plugin_options"]
    # Ansible would blot out "1" and "on" wherever they stand, and does not look into warnings.
    module.no_log_values.clear()
    params["plugin_options"] = dict.fromkeys(given, MASK)
    try:
        options = option_values(given)
    except PluginError as error:
        module.fail_json(msg=f"{error}.")
    params["plugin_options"] = {
        name: value if veil.open(name, value) else MASK for name, value in options.items()
    }
    return Wanted(
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
    veil = Veil(frozenset(params["show_options"]))
    login = params["registry_login"]
    if login:
        # Nothing else hides it once the task was read.
        params["registry_login"] = {**login, "password": MASK}
    wanted = read_task(module, veil)

    journalctl = module.get_bin_path("journalctl")

    def journal(since: float) -> str:
        command = [journalctl, "-q", "--no-pager", "-o", "cat", "-u", "docker.service"]
        _code, told, _err = module.run_command([*command, f"--since=@{since:.6f}"])
        return str(told)

    # An answer about a plugin's start takes as long as Docker waits for it.
    patience = max(params["timeout"], params["enable_timeout"] + START)
    engine = Engine(Connection.from_options({**params, "timeout": patience}))
    run = PluginRun(
        engine,
        wanted,
        veil,
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
        module.warn(blot_out(warning, run.secrets))
    if failure:
        module.fail_json(msg=str(failure), **failure.result)
    result = run.outcome.result()
    if module._diff:
        result["diff"] = {"before": run.outcome.before, "after": run.outcome.after}
    module.exit_json(**result)


if __name__ == "__main__":
    main()
