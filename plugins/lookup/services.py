# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: services
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: What the platform knows about its services
description:
  - Reads C(meta/service.yml) of each role, and returns the services that these files describe.
    C(docs/services.md) explains the fields.
  - Evaluates the values with the variables of the host. Below them are the defaults of the role and
    of the roles in its dependencies, as if the role ran. The play need not import the role.
  - Evaluates only the defaults that a description uses.
  - A description that has an unknown field or a wrong value is an error.
options:
  _terms:
    description:
      - Names of roles. A role of a collection has its full name, like V(elk.swarm.kibana).
      - Any other role is in the folder C(roles) beside the playbook, beside the role that runs, or
        in a folder of Ansible's setting C(DEFAULT_ROLES_PATH).
    type: list
    elements: str
    required: true
  fields:
    description:
      - Fields to return. Others are not evaluated. RV(ignore:name), RV(ignore:role),
        RV(ignore:title), RV(ignore:kind) and RV(ignore:group) are always there.
      - Left out, all fields.
    type: list
    elements: str
    choices: [service, hosts, replicas, labels, ports, data, certificates, status]
  secrets:
    description:
      - Whether to return the values that can contain credentials, RV(ignore:data[].storage).
      - Without it, the list can be shown, and a task can loop over it.
    type: bool
    default: false
seealso:
  - plugin: elk.swarm.published_ports
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show the port of Kibana
  ansible.builtin.debug:
    msg: "{{ lookup('elk.swarm.services', 'elk.swarm.kibana').ports[0].port }}"

- name: Show the hosts of each service
  ansible.builtin.debug:
    msg: "{{ item.title }} runs on {{ item.hosts | join(', ') }}"
  loop: "{{ query('elk.swarm.services', 'elk.swarm.elasticsearch', 'elk.swarm.logstash') }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
_raw:
  description: The services, in the order of the roles.
  type: list
  elements: dict
  contains:
    name:
      description: Name of the service in its file.
      type: str
      sample: logstash
    role:
      description: Name of its role.
      type: str
      sample: elk.swarm.logstash
    title:
      description: Name in messages.
      type: str
      sample: Logstash
    kind:
      description: V(replicated), V(global), V(per_host) or V(host).
      type: str
      sample: replicated
    group:
      description: The group of the inventory with its hosts.
      type: str
      sample: logstash
    service:
      description: Its name in the swarm.
      type: str
      sample: logshipper
    hosts:
      description: The hosts that may run it.
      type: list
      elements: str
      sample: [m1, w1]
    replicas:
      description: Number of its tasks. V(0) for a kind other than V(replicated).
      type: int
      sample: 2
    labels:
      description: The node labels that place its tasks.
      type: list
      elements: str
      sample: [elk.logstash]
    ports:
      description: The ports that it publishes.
      type: list
      elements: dict
      sample:
        - name: syslog
          port: 514
          protocols: [tcp, udp]
          publish: ingress
          tls: false
          networks: [10.0.0.0/8]
    data:
      description: The data that it keeps on its hosts.
      type: list
      elements: dict
      sample:
        - {name: logstash}
    certificates:
      description: The certificates that all of its tasks share.
      type: list
      elements: dict
      sample:
        - {name: kibana, names: [kibana, logs.example.org]}
    status:
      description: The sections of the status that are about this service only.
      type: list
      elements: str
      sample: [logstash_queue]
"""

import os
from collections import ChainMap
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ansible_collections.elk.swarm.plugins.module_utils.platform.services import (
    ALL,
    Service,
    ServiceError,
    check_names,
    parse,
    reduced,
)

FILE = os.path.join("meta", "service.yml")
# The content of files, which the run does not change. A process of Ansible evaluates the lookup
# often.
_CONTENT: dict[str, Any] = {}
_DEFAULTS: dict[str, list[dict[str, Any]]] = {}


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        self.set_options(var_options=variables, direct=kwargs)
        asked, secrets = self.get_option("fields"), bool(self.get_option("secrets"))
        fields = ALL if asked is None else frozenset(asked)
        try:
            found = [
                service
                for role in terms
                for service in self._services(str(role), variables or {}, fields, secrets)
            ]
            check_names(found)
        except ServiceError as error:
            raise AnsibleError(str(error)) from error
        return [service.as_dict(fields, secrets=secrets) for service in found]

    def _services(
        self, role: str, variables: Any, fields: frozenset[str], secrets: bool
    ) -> list[Service]:
        search = search_path(variables)
        folder = find(role, search)
        file = os.path.join(folder, FILE)
        if not os.path.isfile(file):
            raise ServiceError(f"Role {role} has no file {file}, which describes its service.")
        raw = reduced(self._read(file), fields, secrets=secrets)
        defaults = self._defaults(role, folder, search)
        templar = self._templar.copy_with_new_env(
            available_variables=ChainMap(variables, *defaults)
        )
        try:
            value = templar.template(raw)
        except AnsibleError as error:
            raise AnsibleError(f"Role {role}: {file} cannot be evaluated.") from error
        return parse(value, role, file, fields)

    def _defaults(self, role: str, folder: str, search: list[str]) -> list[dict[str, Any]]:
        """The defaults of a role, and then those of the roles that it depends on."""
        if folder not in _DEFAULTS:
            # A role that depends on itself finds this.
            found = _DEFAULTS[folder] = [self._files(folder, "defaults")]
            for name in dependencies(self._files(folder, "meta")):
                if "." not in name and "." in role:
                    name = f"{role.rpartition('.')[0]}.{name}"
                found += self._defaults(name, find(name, search), search)
        return _DEFAULTS[folder]

    def _files(self, folder: str, kind: str) -> dict[str, Any]:
        """The content of main.yml in a folder of a role, or of all files in its folder main."""
        files = self._loader.find_vars_files(os.path.join(folder, kind), "main")
        return {name: one for file in files for name, one in (self._read(file) or {}).items()}

    def _read(self, file: str) -> Any:
        if file not in _CONTENT:
            _CONTENT[file] = self._loader.load_from_file(
                file, cache="none", unsafe=True, trusted_as_template=True
            )
        return _CONTENT[file]


def search_path(variables: Mapping[str, Any]) -> list[str]:
    """Where Ansible looks for a role that is not part of a collection."""
    playbook, running = variables.get("playbook_dir"), variables.get("role_path")
    return [
        *([os.path.join(playbook, "roles")] if playbook else []),
        *map(os.path.expanduser, constants.DEFAULT_ROLES_PATH or ()),
        *([os.path.dirname(running)] if running else []),
        *([playbook] if playbook else []),
    ]


def find(role: str, search: Iterable[str]) -> str:
    """The folder of a role."""
    candidates = list(of_collection(role)) or [os.path.join(path, role) for path in search]
    folder = next((path for path in candidates if os.path.isdir(path)), "")
    if not folder:
        raise ServiceError(f"Role {role} was not found. Tried were {', '.join(candidates)}.")
    return folder


def dependencies(meta: Mapping[str, Any]) -> list[str]:
    """The names of the roles that a role depends on."""
    found = (
        one.get("role") or one.get("name") if isinstance(one, Mapping) else one
        for one in meta.get("dependencies") or ()
    )
    return [str(name) for name in found if name]


def of_collection(role: str) -> Iterable[str]:
    """The folder of a role with the name of its collection."""
    namespace, _dot, rest = role.partition(".")
    collection, _dot, name = rest.partition(".")
    if not name:
        return
    try:
        package = import_module(f"ansible_collections.{namespace}.{collection}")
    except ImportError:
        raise ServiceError(
            f"Role {role} was not found: collection {namespace}.{collection} is not installed."
        ) from None
    for path in package.__path__:
        yield os.path.join(path, "roles", *name.split("."))
