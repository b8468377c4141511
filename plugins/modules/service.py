#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: service
version_added: 0.1.0
short_description: Deploy a Swarm service and wait until it runs, or remove it
description:
  - Creates, updates and removes a Docker Swarm service and waits until its tasks really run.
  - Option names and meanings are those of M(community.docker.docker_swarm_service) wherever it has
    the option. New here are O(ulimits), O(no_new_privileges), O(limits.pids), configs and secrets
    created from O(configs[].data) and O(secrets[].data), and the wait.
  - The task defines the whole service. An option that is left out returns to the Engine's default,
    except for O(replicas), or stays as it is with O(keep_unnamed). Parts of a service for which
    this module has no option stay as they are.
  - An update is sent only if an option differs, and only the differing parts are replaced, so
    tasks are restarted only by a change that needs it.
  - The wait counts tasks by their actual state and fails as soon as waiting longer is useless. The
    error names the node, the error and the fix for each failing task. The module rolls nothing
    back.
author: The elk.swarm authors (@elk-swarm)
extends_documentation_fragment:
  - elk.swarm.docker
  - elk.swarm.registry_login
attributes:
  check_mode:
    description: Can predict what would change without changing it.
    support: full
    details:
      - Where Docker or the swarm does not exist yet, the service counts as absent.
  diff_mode:
    description: Shows what has changed or would change.
    support: full
    details:
      - Configs and secrets are shown by name. Environment values whose name looks like a secret's
        are masked.
  idempotent:
    description: A second run in the same state changes nothing.
    support: partial
    details:
      - Not with O(force_update=true).
options:
  name:
    description: Name of the service.
    type: str
    required: true
  state:
    description:
      - V(present) creates the service or updates it, and waits for it if O(wait) is set.
      - V(absent) removes it, and waits until its tasks have ended if O(wait) is set.
    type: str
    choices: [present, absent]
    default: present
  image:
    description:
      - Image with its tag or digest. Required with O(state=present).
      - If it has no digest, a digest to which another client pinned the service's image is not a
        difference.
    type: str
  resolve_image:
    description:
      - Ask the image's registry for the digest now and pin the service to it. The manager must
        be able to reach the registry.
    type: bool
    default: false
  mode:
    description:
      - Whether the service runs a number of tasks or one on each node.
      - The tasks of V(replicated-job) and V(global-job) end, and Swarm replaces only those that
        fail. The wait is for their end. Swarm runs a job again after every change of its service,
        and with O(force_update).
      - Swarm cannot change it. See O(recreate).
    type: str
    choices: [replicated, global, replicated-job, global-job]
    default: replicated
  replicas:
    description:
      - Number of tasks of a replicated service. In a V(replicated-job) the number of tasks that
        have to complete, one at a time.
      - V(-1) keeps the number of an existing service, and creates a new one with one task.
    type: int
    default: -1
  recreate:
    description:
      - Permit removing the service and creating it again when its O(mode) changes. None of its
        tasks runs in between.
    type: bool
    default: false
  keep_unnamed:
    description:
      - Leave each option that the task does not name as it is, instead of returning it to the
        Engine's default. In O(restart_config), O(update_config), O(rollback_config),
        O(healthcheck), O(logging), O(limits), O(reservations) and O(placement) this is true for
        each key.
      - An empty value, like C(labels={}), still removes what the service has. O(mode) always
        counts.
    type: bool
    default: false
  force_update:
    description: Restart every task of an existing service even if nothing differs.
    type: bool
    default: false
  command:
    description:
      - Replaces the entrypoint of the image. A list, or one line that is split like a shell does.
    type: raw
  args:
    description: Arguments of the command, or of the entrypoint of the image.
    type: list
    elements: str
  env:
    description:
      - Environment, as a dictionary or as a list of C(NAME=value).
      - Values that YAML reads as a boolean or a float must be quoted.
    type: raw
  env_files:
    description:
      - Files on the manager with lines of C(NAME=value). Empty lines and lines that begin with C(#)
        do not count. A later file wins over an earlier one, and O(env) over all of them.
    type: list
    elements: path
  hostname:
    description: Hostname of the containers. Swarm's templates, like V({{.Node.Hostname}}), work.
    type: str
  hosts:
    description: Additional lines for C(/etc/hosts), as host names with their addresses.
    type: dict
  user:
    description: User, or user and group, that the process runs as.
    type: str
  groups:
    description: Additional groups of the process.
    type: list
    elements: str
  working_dir:
    description: Working directory of the process.
    type: str
  tty:
    description: Give the containers a pseudo-TTY.
    type: bool
  read_only:
    description: Mount the root file system of the containers read-only.
    type: bool
  no_new_privileges:
    description:
      - Keep the processes from gaining privileges, by set-user-ID programs for example.
      - Docker 25 and newer (API 1.44). An older Engine leaves it out, and a warning says so. There,
        C(no-new-privileges) in the C(daemon.json) of each host does the same for all its
        containers.
    type: bool
  init:
    description: Run an init in the containers that forwards signals and reaps processes.
    type: bool
  cap_add:
    description: Capabilities to add.
    type: list
    elements: str
  cap_drop:
    description: Capabilities to drop.
    type: list
    elements: str
  sysctls:
    description: Kernel parameters of the containers' namespaces.
    type: dict
  ulimits:
    description: Resource limits of the processes.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the limit, like V(nofile) or V(memlock).
        type: str
        required: true
      soft:
        description: Soft limit. V(-1) is unlimited.
        type: int
        required: true
      hard:
        description: Hard limit. V(-1) is unlimited. As O(ulimits[].soft) when left out.
        type: int
  dns:
    description: Addresses of name servers.
    type: list
    elements: str
  dns_search:
    description: Search domains.
    type: list
    elements: str
  dns_options:
    description: Options of the resolver.
    type: list
    elements: str
  healthcheck:
    description:
      - How the Engine checks a container's health. Without it the check of the image is used.
      - Swarm counts a task as running only once the check has passed, and kills it when the check
        fails later.
    type: dict
    suboptions:
      test:
        description:
          - A string is run by the shell. A list must begin with V(NONE), V(CMD) or V(CMD-SHELL).
        type: raw
      interval:
        description: Time between two checks, like V(10s).
        type: str
      timeout:
        description: Time after which a check counts as failed.
        type: str
      retries:
        description: Failures in a row that make the container unhealthy.
        type: int
      start_period:
        description: Time after the start during which failures do not count.
        type: str
      start_interval:
        description:
          - Time between two checks from the start until the first one that passes, for
            O(healthcheck.start_period) at most. Swarm counts a task as running after that check,
            so a short interval shows it sooner.
          - Docker 25 and newer. An older Engine does not get this option, and checks every
            O(healthcheck.interval) from the start.
        type: str
  stop_grace_period:
    description: Time a container gets to stop before it is killed, like V(120s).
    type: str
  stop_signal:
    description: Signal that asks the process to stop.
    type: str
  limits:
    description: What a task may use at most.
    type: dict
    suboptions:
      cpus:
        description: CPUs. V(0) is no limit.
        type: float
      memory:
        description: Memory, like V(1g). V(0) is no limit.
        type: str
      pids:
        description: Processes and threads. V(0) is no limit.
        type: int
  reservations:
    description: What a node must have free to get a task.
    type: dict
    suboptions:
      cpus:
        description: CPUs. V(0) is none.
        type: float
      memory:
        description: Memory, like V(1g). V(0) is none.
        type: str
  logging:
    description: Log driver of the containers. Without it the Engine's own default is used.
    type: dict
    suboptions:
      driver:
        description: Name of the driver.
        type: str
      options:
        description: Options of the driver.
        type: dict
  mounts:
    description: What is mounted into the containers.
    type: list
    elements: dict
    suboptions:
      type:
        description: Kind of the mount.
        type: str
        choices: [bind, volume, tmpfs]
        default: bind
      source:
        description:
          - Path on the host or name of the volume. Swarm's templates work.
          - A path of a bind must exist on every node that gets a task.
        type: str
      target:
        description: Path in the container.
        type: str
        required: true
      readonly:
        description: Mount it read-only.
        type: bool
      propagation:
        description: Propagation of a bind.
        type: str
        choices: [shared, slave, private, rshared, rslave, rprivate]
      no_copy:
        description: Do not fill a new volume with what the image has at the target.
        type: bool
      labels:
        description: Labels of a volume that Docker creates for the mount.
        type: dict
      driver_config:
        description: Driver of a volume that Docker creates for the mount.
        type: dict
        suboptions:
          name:
            description: Name of the volume driver.
            type: str
          options:
            description: Options of the driver.
            type: dict
      tmpfs_size:
        description: Size of a tmpfs, like V(64m).
        type: str
      tmpfs_mode:
        description: File mode of a tmpfs as an octal string, like V("1777").
        type: raw
  configs:
    description: Swarm configs as files in the containers.
    type: list
    elements: dict
    suboptions:
      config_name:
        description:
          - Name of an existing config, or with O(configs[].data) the base of the name.
        type: str
        required: true
      config_id:
        description:
          - Id of an existing config, which must have the name O(configs[].config_name). Not
            together with O(configs[].data).
        type: str
      data:
        description:
          - Content. The config is created as C(<config_name>-<hash of the content>). Former configs
            that this module created under the same base name are removed once the service runs.
        type: str
      data_is_b64:
        description: The content is given in base64.
        type: bool
        default: false
      filename:
        description: Absolute path in the container. By default C(/) and O(configs[].config_name).
        type: str
      uid:
        description: Owner of the file. By default V("0").
        type: str
      gid:
        description: Group of the file. By default V("0").
        type: str
      mode:
        description: File mode as an octal string. By default V("0444").
        type: raw
  secrets:
    description: Swarm secrets as files in the containers.
    type: list
    elements: dict
    suboptions:
      secret_name:
        description:
          - Name of an existing secret, or with O(secrets[].data) the base of the name.
        type: str
        required: true
      secret_id:
        description:
          - Id of an existing secret, which must have the name O(secrets[].secret_name). Not
            together with O(secrets[].data).
        type: str
      data:
        description:
          - Content. The secret is created as C(<secret_name>-<keyed hash of the content>). Former
            secrets that this module created under the same base name are removed once the service
            runs.
          - Needs O(secret_hash_key).
        type: str
      data_is_b64:
        description: The content is given in base64.
        type: bool
        default: false
      filename:
        description:
          - Absolute path in the container, or a name in C(/run/secrets). By default the
            O(secrets[].secret_name).
        type: str
      uid:
        description: Owner of the file. By default V("0").
        type: str
      gid:
        description: Group of the file. By default V("0").
        type: str
      mode:
        description: File mode as an octal string, like V("0400"). By default V("0444").
        type: raw
  secret_hash_key:
    description:
      - Key of the hash in the names of secrets, so that nobody who sees a name can test guesses of
        the content against it. Keep it, because a new key gives every secret a new name.
    type: str
  networks:
    description:
      - Networks of the service. Names, or dictionaries with C(name) and optionally C(aliases) and
        C(options).
    type: list
    elements: raw
  endpoint_mode:
    description:
      - Whether the service's name resolves to a virtual address or to the tasks themselves. By
        default V(vip).
    type: str
    choices: [vip, dnsrr]
  publish:
    description: Published ports.
    type: list
    elements: dict
    suboptions:
      published_port:
        description: Port on the nodes. Swarm chooses one when left out.
        type: int
      target_port:
        description: Port in the containers.
        type: int
        required: true
      protocol:
        description: Protocol.
        type: str
        choices: [tcp, udp]
        default: tcp
      mode:
        description:
          - V(ingress) answers on every node, V(host) on the nodes that run a task. By default
            V(ingress).
        type: str
        choices: [ingress, host]
  placement:
    description: On which nodes tasks run.
    type: dict
    suboptions:
      constraints:
        description: Conditions, like V(node.labels.zone==a). A node must meet all of them.
        type: list
        elements: str
      preferences:
        description: How tasks are spread, a list of dictionaries with the key C(spread).
        type: list
        elements: dict
      replicas_max_per_node:
        description: Most tasks of the service on one node. V(0) is no limit.
        type: int
  restart_config:
    description:
      - Whether and how tasks that end are replaced.
      - A key that is left out gets the default of the Engine. A service of
        M(community.docker.docker_swarm_service) keeps what that has stored for such keys. The same
        is true for O(update_config) and O(rollback_config).
    type: dict
    suboptions:
      condition:
        description: When to replace. By default V(any), in a job V(on-failure).
        type: str
        choices: [none, on-failure, any]
      delay:
        description: Time before the replacement. By default V(5s).
        type: str
      max_attempts:
        description: Most replacements in the O(restart_config.window). V(0) is no limit.
        type: int
      window:
        description: Time over which replacements are counted.
        type: str
  update_config:
    description: How Swarm replaces tasks when the service changes.
    type: dict
    suboptions:
      parallelism:
        description: Tasks at a time. V(0) is all. By default V(1).
        type: int
      delay:
        description: Time between two replacements. By default V(0s).
        type: str
      failure_action:
        description:
          - What Swarm does when a new task fails. By default V(pause).
          - With V(rollback), the module waits until Swarm has finished the rollback, and then fails
            with the reason.
        type: str
        choices: [continue, pause, rollback]
      monitor:
        description: Time for which a new task is watched. By default V(5s).
        type: str
      max_failure_ratio:
        description: Share of tasks that may fail. By default V(0).
        type: float
      order:
        description: Whether the old task stops first. By default V(stop-first).
        type: str
        choices: [stop-first, start-first]
  rollback_config:
    description: How Swarm replaces tasks when it rolls back.
    type: dict
    suboptions:
      parallelism:
        description: Tasks at a time. V(0) is all. By default V(1).
        type: int
      delay:
        description: Time between two replacements. By default V(0s).
        type: str
      failure_action:
        description: What Swarm does when a task fails. By default V(pause).
        type: str
        choices: [continue, pause]
      monitor:
        description: Time for which a task is watched. By default V(5s).
        type: str
      max_failure_ratio:
        description: Share of tasks that may fail. By default V(0).
        type: float
      order:
        description: Whether the old task stops first. By default V(stop-first).
        type: str
        choices: [stop-first, start-first]
  labels:
    description: Labels of the service.
    type: dict
  container_labels:
    description: Labels of the containers.
    type: dict
  wait:
    description:
      - With O(state=present), wait until as many tasks run as the service asks for. A global
        service asks for one on each active and ready node that meets its constraints. The tasks of
        a job are waited for until they have completed.
      - A program that ends, and that Swarm starts again, never counts as running. Use
        O(mode=replicated-job) for it, or do not wait.
      - With O(state=absent), wait until the tasks have ended.
      - Without the wait, configs and secrets that are no longer used stay until a run that waits.
    type: bool
    default: true
  wait_timeout:
    description: Maximum seconds to wait.
    type: int
    default: 300
  stability_window:
    description:
      - Seconds for which a task must have run to count as up. The module does not wait for a
        service that has been running for longer.
    type: int
    default: 5
  pending_grace:
    description:
      - Seconds after which a task that fits no node, or that Swarm does not start at all, fails the
        wait. Time in which an older task of the service is still stopping does not count.
    type: int
    default: 20
  on_difference:
    description:
      - What to do with an existing service that differs from the options.
      - V(fail) is for services whose tasks Swarm must not restart, such as the members of a cluster
        that need a careful restart one by one.
      - An option that an older Engine did not know when the service was created
        (O(no_new_privileges), O(healthcheck.start_interval)) gives only a warning with V(fail).
    type: str
    choices: [update, fail]
    default: update
  min_running:
    description:
      - Number of running tasks that ends the wait, instead of all that the service asks for. V(0)
        waits for none.
    type: int
  max_crashes:
    description:
      - How often the task of one slot or node may exit without having run before the wait fails.
        V(0) is no limit, because a program may start at the second attempt.
    type: int
    default: 0
  remove_objects:
    description:
      - With O(state=absent), also remove the configs and secrets that this module created for the
        service, unless another service refers to them.
    type: bool
    default: true
seealso:
  - module: elk.swarm.service_info
  - module: community.docker.docker_swarm_service
notes:
  - Unlike in M(community.docker.docker_swarm_service), a change of O(mode) removes the service
    only with O(recreate=true), and file modes are octal strings.
  - Swarm sends the credentials of O(registry_login) to the nodes that run tasks. New credentials
    alone are not a difference; they are sent with the next change. The module calls no credential
    helpers.
  - The next run resumes an update that Swarm has paused, and reports that as a change.
"""

EXAMPLES = r"""
- name: Run a service with a config and a secret
  elk.swarm.service:
    name: web
    image: registry.example.com/web:1.4
    replicas: 3
    env:
      LOG_LEVEL: info
    configs:
      - config_name: web-settings
        data: "{{ lookup('ansible.builtin.template', 'settings.yml.j2') }}"
        filename: /etc/web/settings.yml
        mode: "0440"
    secrets:
      - secret_name: web-token
        data: "{{ web_token }}"
        uid: "1000"
        mode: "0400"
    secret_hash_key: "{{ web_secret_hash_key }}"
    ulimits:
      - name: nofile
        soft: 65535
        hard: 65535
    limits:
      memory: 1g
    update_config:
      order: stop-first
      monitor: 10s

- name: Run one task on each labelled node, reachable on the node's own port
  elk.swarm.service:
    name: agent
    image: registry.example.com/agent:2
    mode: global
    hostname: "{% raw %}{{.Node.Hostname}}{% endraw %}"
    endpoint_mode: dnsrr
    networks:
      - name: backend
        aliases: [agents]
    publish:
      - published_port: 9200
        target_port: 9200
        mode: host
    placement:
      constraints:
        - node.labels.agent==true
    mounts:
      - type: bind
        source: /srv/agent
        target: /data
    wait_timeout: 600

- name: Remove the service, its configs and its secrets
  elk.swarm.service:
    name: web
    state: absent
"""

RETURN = r"""
service:
  description: Summary of the service. Empty when it is absent.
  returned: always
  type: dict
  contains:
    id:
      description: Id of the service.
      type: str
      sample: ddh6yib9u1i1zipux6j7348gf
    name:
      description: Name of the service.
      type: str
      sample: web
    version:
      description: Index that Swarm raises with every change.
      type: int
      sample: 11
    image:
      description: Image of the service.
      type: str
      sample: registry.example.com/web:1.4
    mode:
      description: Mode of the service.
      type: str
      sample: replicated
    replicas:
      description: Number of tasks of a replicated service or job, null for a global one.
      type: int
      sample: 3
  sample:
    id: ddh6yib9u1i1zipux6j7348gf
    name: web
    version: 11
    image: registry.example.com/web:1.4
    mode: replicated
    replicas: 3
changes:
  description:
    - What was changed, or would be in check mode. Names of options, V(created), V(removed), and the
      configs and secrets that were created or removed.
  returned: always
  type: list
  elements: str
  sample:
    - "config created: web-settings-5f0e1c9a2b7d"
    - configs
    - image
    - "config removed: web-settings-0b1d27c6a94e"
rebuilt:
  description: Whether the service was removed and created again, for O(recreate).
  returned: always
  type: bool
  sample: false
swarm_service:
  description:
    - The service after the run, or in check mode as it would be, under the names that
      M(community.docker.docker_swarm_service) uses. Empty with O(state=absent).
    - Durations are in nanoseconds, sizes in bytes. Environment values whose name looks like a
      secret's are masked.
  returned: always
  type: dict
  sample:
    image: registry.example.com/web:1.4
    mode: replicated
    replicas: 3
    env: [LOG_LEVEL=info]
    limit_memory: 1073741824
    update_order: stop-first
    stop_grace_period: null
tasks:
  description: Tasks of the service at the end of the wait, newest first, including ended tasks.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: Id of the task.
      type: str
    node:
      description: Host name of the task's node.
      type: str
    slot:
      description: Slot of the task, null in a global service.
      type: int
    state:
      description: Actual state.
      type: str
    desired_state:
      description: State that Swarm wants.
      type: str
    error:
      description: Error of the task.
      type: str
    container_id:
      description: Id of the container on its node.
      type: str
  sample:
    - id: puhdflq2q2nhafw75w66wbxki
      node: w1
      slot: 1
      state: running
      desired_state: running
      error: ""
      container_id: 5f69457147465f4f7b2ce7b93fde2dcea26040b635686fec99f4f5349eba775e
running:
  description: Tasks that run the current specification. Of a job, those that have completed.
  returned: always
  type: int
  sample: 3
desired:
  description:
    - Tasks that the service asks for on the existing nodes. Of a job, those that have to complete.
  returned: always
  type: int
  sample: 3
"""

import copy
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.docker.client import Connection, Engine
from ansible_collections.elk.swarm.plugins.module_utils.docker.module import ENGINE_ARGUMENTS
from ansible_collections.elk.swarm.plugins.module_utils.docker.registry_login import (
    REGISTRY_LOGIN,
    read_docker_config,
)
from ansible_collections.elk.swarm.plugins.module_utils.swarm.service_runner import (
    ServiceError,
    ServiceRun,
)

MODES = ["replicated", "global", "replicated-job", "global-job"]
ROLLOUT: dict[str, Any] = {
    "parallelism": {"type": "int"},
    "delay": {"type": "str"},
    "failure_action": {"type": "str", "choices": ["continue", "pause"]},
    "monitor": {"type": "str"},
    "max_failure_ratio": {"type": "float"},
    "order": {"type": "str", "choices": ["stop-first", "start-first"]},
}
RESOURCES: dict[str, Any] = {"cpus": {"type": "float"}, "memory": {"type": "str"}}
FILE: dict[str, Any] = {
    "data_is_b64": {"type": "bool", "default": False},
    "filename": {"type": "str"},
    "uid": {"type": "str"},
    "gid": {"type": "str"},
    "mode": {"type": "raw"},
}


def argument_spec() -> dict[str, Any]:
    update = copy.deepcopy(ROLLOUT)
    update["failure_action"]["choices"] = ["continue", "pause", "rollback"]
    strings: dict[str, Any] = {"type": "list", "elements": "str"}
    spec: dict[str, Any] = {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "image": {"type": "str"},
        "resolve_image": {"type": "bool", "default": False},
        "registry_login": REGISTRY_LOGIN,
        "mode": {"type": "str", "choices": MODES, "default": "replicated"},
        "replicas": {"type": "int", "default": -1},
        "recreate": {"type": "bool", "default": False},
        "keep_unnamed": {"type": "bool", "default": False},
        "force_update": {"type": "bool", "default": False},
        "command": {"type": "raw"},
        "args": strings,
        "env": {"type": "raw"},
        "env_files": {"type": "list", "elements": "path"},
        "hostname": {"type": "str"},
        "hosts": {"type": "dict"},
        "user": {"type": "str"},
        "groups": strings,
        "working_dir": {"type": "str"},
        "tty": {"type": "bool"},
        "read_only": {"type": "bool"},
        "no_new_privileges": {"type": "bool"},
        "init": {"type": "bool"},
        "cap_add": strings,
        "cap_drop": strings,
        "sysctls": {"type": "dict"},
        "ulimits": {
            "type": "list",
            "elements": "dict",
            "options": {
                "name": {"type": "str", "required": True},
                "soft": {"type": "int", "required": True},
                "hard": {"type": "int"},
            },
        },
        "dns": strings,
        "dns_search": strings,
        "dns_options": strings,
        "healthcheck": {
            "type": "dict",
            "options": {
                "test": {"type": "raw"},
                "interval": {"type": "str"},
                "timeout": {"type": "str"},
                "retries": {"type": "int"},
                "start_period": {"type": "str"},
                "start_interval": {"type": "str"},
            },
        },
        "stop_grace_period": {"type": "str"},
        "stop_signal": {"type": "str"},
        "limits": {"type": "dict", "options": {**RESOURCES, "pids": {"type": "int"}}},
        "reservations": {"type": "dict", "options": RESOURCES},
        "logging": {
            "type": "dict",
            "options": {"driver": {"type": "str"}, "options": {"type": "dict"}},
        },
        "mounts": {
            "type": "list",
            "elements": "dict",
            "options": {
                "type": {
                    "type": "str",
                    "choices": ["bind", "volume", "tmpfs"],
                    "default": "bind",
                },
                "source": {"type": "str"},
                "target": {"type": "str", "required": True},
                "readonly": {"type": "bool"},
                "propagation": {
                    "type": "str",
                    "choices": ["shared", "slave", "private", "rshared", "rslave", "rprivate"],
                },
                "no_copy": {"type": "bool"},
                "labels": {"type": "dict"},
                "driver_config": {
                    "type": "dict",
                    "options": {"name": {"type": "str"}, "options": {"type": "dict"}},
                },
                "tmpfs_size": {"type": "str"},
                "tmpfs_mode": {"type": "raw"},
            },
        },
        "configs": {
            "type": "list",
            "elements": "dict",
            "options": {
                "config_name": {"type": "str", "required": True},
                "config_id": {"type": "str"},
                "data": {"type": "str"},
                **FILE,
            },
        },
        "secrets": {
            "type": "list",
            "elements": "dict",
            "no_log": False,
            "options": {
                "secret_name": {"type": "str", "required": True, "no_log": False},
                "secret_id": {"type": "str", "no_log": False},
                "data": {"type": "str", "no_log": True},
                **FILE,
            },
        },
        "secret_hash_key": {"type": "str", "no_log": True},
        "networks": {"type": "list", "elements": "raw"},
        "endpoint_mode": {"type": "str", "choices": ["vip", "dnsrr"]},
        "publish": {
            "type": "list",
            "elements": "dict",
            "options": {
                "published_port": {"type": "int"},
                "target_port": {"type": "int", "required": True},
                "protocol": {"type": "str", "choices": ["tcp", "udp"], "default": "tcp"},
                "mode": {"type": "str", "choices": ["ingress", "host"]},
            },
        },
        "placement": {
            "type": "dict",
            "options": {
                "constraints": strings,
                "preferences": {"type": "list", "elements": "dict"},
                "replicas_max_per_node": {"type": "int"},
            },
        },
        "restart_config": {
            "type": "dict",
            "options": {
                "condition": {"type": "str", "choices": ["none", "on-failure", "any"]},
                "delay": {"type": "str"},
                "max_attempts": {"type": "int"},
                "window": {"type": "str"},
            },
        },
        "update_config": {"type": "dict", "options": update},
        "rollback_config": {"type": "dict", "options": ROLLOUT},
        "labels": {"type": "dict"},
        "container_labels": {"type": "dict"},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 300},
        "stability_window": {"type": "int", "default": 5},
        "pending_grace": {"type": "int", "default": 20},
        "min_running": {"type": "int"},
        "max_crashes": {"type": "int", "default": 0},
        "on_difference": {"type": "str", "choices": ["update", "fail"], "default": "update"},
        "remove_objects": {"type": "bool", "default": True},
    }
    spec.update(ENGINE_ARGUMENTS)
    return spec


def main() -> None:
    module = AnsibleModule(
        argument_spec=argument_spec(),
        required_if=[("state", "present", ["image"])],
        supports_check_mode=True,
    )
    engine = Engine(Connection.from_options(module.params))
    run = ServiceRun(engine, module.params, module.check_mode, read_docker_config())
    try:
        outcome = run.run()
    except ServiceError as error:
        for warning in run.outcome.warnings:
            module.warn(warning)
        module.fail_json(msg=str(error), **error.result)
    finally:
        engine.close()
    for warning in outcome.warnings:
        module.warn(warning)
    result = outcome.result()
    if module._diff:
        result["diff"] = {"before": outcome.before, "after": outcome.after}
    module.exit_json(**result)


if __name__ == "__main__":
    main()
