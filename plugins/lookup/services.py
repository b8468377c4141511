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
  - A description that has an unknown field or a wrong value is an error. So is a role with a
    service of kind V(host) and without C(tasks/absent.yml).
options:
  _terms:
    description:
      - Names of roles. A role of a collection has its full name, like V(elk.swarm.kibana).
      - Any other role is in the folder C(roles) beside the playbook, beside the role that runs, or
        in a folder of Ansible's setting C(DEFAULT_ROLES_PATH). It cannot have the name of a role of
        this collection.
    type: list
    elements: str
    required: true
  fields:
    description:
      - Fields to return. Others are not evaluated. RV(ignore:name), RV(ignore:role),
        RV(ignore:title), RV(ignore:kind) and RV(ignore:group) are always there.
      - Left out, all fields but V(checks), whose conditions may need secrets.
    type: list
    elements: str
    choices:
      - hosts
      - replicas
      - service
      - purpose
      - image
      - memory
      - labels
      - ports
      - data
      - certificates
      - credentials
      - checks
      - status
      - upgrade
  secrets:
    description:
      - Whether to return the values that can contain credentials, RV(ignore:data[].storage) and
        RV(ignore:credentials[].value).
      - Without it, the list can be shown, and a task can loop over it.
    type: bool
    default: false
  values:
    description:
      - With O(secrets), the names of the credentials that have RV(ignore:credentials[].value). The
        variables of others are not evaluated.
      - Left out, all that have a variable.
    type: list
    elements: str
  unchecked:
    description:
      - Whether to return values as their variables give them, without a check of their types.
        RV(ignore:variables) then has the name of the variable that gives each of them, also in the
        entries of RV(ignore:ports), RV(ignore:data), RV(ignore:certificates) and
        RV(ignore:credentials).
      - For the role P(elk.swarm.preflight#role), which reports everything that is wrong at once.
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
    hosts:
      description: The hosts that may run it, without those that leave the platform.
      type: list
      elements: str
      sample: [m1, w1]
    replicas:
      description: Number of its tasks. V(0) for a kind other than V(replicated).
      type: int
      sample: 2
    service:
      description: What Swarm calls the service.
      type: str
      sample: logshipper
    purpose:
      description: What nothing does where it has no task.
      type: str
      sample: takes lines
    image:
      description: The image of its tasks.
      type: str
      sample: docker.elastic.co/logstash/logstash:9.2.4
    memory:
      description: The memory limit of each task.
      type: str
      sample: 1g
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
        - name: kibana
          names: [kibana, logs.example.org]
          config: kibana-certificate
          secret: kibana-key
    credentials:
      description:
        - Its passwords, keys and tokens. RV(ignore:credentials[].value), the value of its variable,
          is there only with O(secrets).
      type: list
      elements: dict
      sample:
        - name: logstash_password
          variable: elk_logstash_password
          file: ""
          user: logstash_writer
          token: false
          secret: logshipper-syslog-conf
          renewal: Logstash then gets a new password and new tasks
          rotate: passwords
    checks:
      description:
        - Conditions that its values must meet. RV(ignore:checks[].wrong) and
          RV(ignore:checks[].fix) are empty where RV(ignore:checks[].that) is V(true).
        - With O(unchecked), RV(ignore:checks[].that) is V(null) where a value is such that the
          condition cannot be evaluated.
      type: list
      elements: dict
      sample:
        - name: hello_values
          where: hello_port
          that: false
          wrong: 80 needs a capability that the container does not have.
          fix: Use a port from 1024.
    status:
      description: The sections of the status that are about this service only.
      type: list
      elements: str
      sample: [logstash_queue]
    upgrade:
      description: Its place in an upgrade; a smaller C(order) comes first.
      type: dict
      sample: {order: 30}
"""

import os
from collections import ChainMap
from collections.abc import Mapping
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ansible_collections.elk.swarm.plugins.module_utils.controller.role_folders import (
    COLLECTION,
    RoleNotFoundError,
    find,
    has_tasks,
    of_own_collection,
    search_path,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.service_settings import as_given
from ansible_collections.elk.swarm.plugins.module_utils.platform.services import (
    ALL,
    UNASKED,
    ServiceError,
    check_names,
    parse,
    reduced,
    runs_on_hosts,
    split_checks,
    staying,
)

FILE = os.path.join("meta", "service.yml")
# What removes a service from a host that Swarm does not remove.
ABSENT = "absent.yml"
# The hosts that a playbook removes, a variable of the role elk.
LEAVING = "elk_hosts_leaving"
# What is evaluated only where a check fails.
CHECK_TEXTS = ("wrong", "fix")
CANNOT_BE_CHECKED = "Correct the values that it depends on; docs/roles describes each variable."
# The content of files, which the run does not change. A process of Ansible evaluates the lookup
# often.
_CONTENT: dict[str, Any] = {}
_DEFAULTS: dict[str, list[dict[str, Any]]] = {}


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        self.set_options(var_options=variables, direct=kwargs)
        asked, secrets = self.get_option("fields"), bool(self.get_option("secrets"))
        unchecked = bool(self.get_option("unchecked"))
        fields = ALL - UNASKED if asked is None else frozenset(asked)
        try:
            described = [
                self._described(str(role), variables or {}, fields, secrets, unchecked)
                for role in terms
            ]
            if unchecked:
                return [
                    one
                    for service in described
                    for one in as_given(*service, fields, secrets=secrets)
                ]
            found = [
                one
                for value, _source, role, file in described
                for one in parse(value, role, file, fields)
            ]
            check_names(found)
        except (RoleNotFoundError, ServiceError) as error:
            raise AnsibleError(str(error)) from error
        answer = [service.as_dict(fields, secrets=secrets) for service in found]
        if "hosts" in fields and LEAVING in (variables or {}):
            leaving = self._templar.template(variables[LEAVING])
            for service in answer:
                service["hosts"] = staying(service["hosts"], leaving)
        if secrets and "credentials" in fields:
            values = self.get_option("values")
            for service in answer:
                for one in service["credentials"]:
                    if one["variable"] and (values is None or one["name"] in values):
                        one["value"] = self._value(one["variable"], service["role"], variables)
        return answer

    def _value(self, name: str, role: str, variables: Any) -> Any:
        """The value of a variable as the role sees it."""
        search = search_path(variables, constants.DEFAULT_ROLES_PATH)
        found = ChainMap(variables, *self._defaults(role, find(role, search), search))
        if name not in found:
            raise AnsibleError(f"Role {role}: the variable {name} of a credential is not set.")
        return self._templar.copy_with_new_env(available_variables=found).template(found[name])

    def _described(
        self, role: str, variables: Any, fields: frozenset[str], secrets: bool, unchecked: bool
    ) -> tuple[Any, Any, str, str]:
        """The content of the file of a role, evaluated and as it is, and what it is from."""
        if of_own_collection(role):
            raise ServiceError(
                f"Role {role} has the name of a role of the collection {COLLECTION}, which would "
                f"run instead. Give yours another name, or write {COLLECTION}.{role}."
            )
        search = search_path(variables, constants.DEFAULT_ROLES_PATH)
        folder = find(role, search)
        file = os.path.join(folder, FILE)
        if not os.path.isfile(file):
            raise ServiceError(f"Role {role} has no file {file}, which describes its service.")
        source = reduced(self._read(file), fields, secrets=secrets, unchecked=unchecked)
        defaults = self._defaults(role, folder, search)
        templar = self._templar.copy_with_new_env(
            available_variables=ChainMap(variables, *defaults)
        )
        rest, checks = split_checks(source)
        try:
            value = templar.template(rest)
            for name, entries in checks.items():
                value[name]["checks"] = [_checked(templar, one, unchecked) for one in entries]
        except AnsibleError as error:
            raise AnsibleError(f"Role {role}: {file} cannot be evaluated.") from error
        if runs_on_hosts(value) and not has_tasks(folder, ABSENT):
            raise ServiceError(
                f"Role {role} has no file {os.path.join(folder, 'tasks', ABSENT)}, which removes a "
                "service of kind host from hosts that leave and at a reset."
            )
        return value, source, role, file

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


def _checked(templar: Any, check: Any, unchecked: bool) -> Any:
    """A check with its texts evaluated, if its condition is not met."""
    if not isinstance(check, Mapping) or "that" not in check:
        return templar.template(check)
    rest = {key: value for key, value in check.items() if key not in ("that", *CHECK_TEXTS)}
    found = {**templar.template(rest), **dict.fromkeys(check.keys() & CHECK_TEXTS, "")}
    try:
        that = templar.template(check["that"])
        if not isinstance(that, bool):
            # Not the value: the condition may read a secret.
            raise AnsibleError("The condition gives neither true nor false.")
        if not that:
            found |= templar.template({key: check[key] for key in CHECK_TEXTS if key in check})
    except AnsibleError as error:
        if not unchecked:
            raise
        that = None
        found |= {"wrong": f"cannot be checked: {error}", "fix": CANNOT_BE_CHECKED}
    return {**found, "that": that}


def dependencies(meta: Mapping[str, Any]) -> list[str]:
    """The names of the roles that a role depends on."""
    found = (
        one.get("role") or one.get("name") if isinstance(one, Mapping) else one
        for one in meta.get("dependencies") or ()
    )
    return [str(name) for name in found if name]
