# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # How the modules of this collection reach the Docker Engine.
    DOCUMENTATION = r"""
options:
  docker_host:
    description:
      - Address of the Docker Engine, V(unix:///path), V(tcp://host:port), V(https://host:port) or
        V(ssh://user@host:port).
      - An SSH address is reached with the ssh client of the host that runs the task, with the keys,
        the agent and C(~/.ssh/config) of the user that runs it there. It asks nothing, so the key
        of the other host has to be known. The user there has to be allowed to run C(docker).
      - Taken from the environment variable E(DOCKER_HOST) when the option is left out.
    type: str
    default: unix:///var/run/docker.sock
    aliases: [docker_url]
  api_version:
    description:
      - Version of the Engine API to speak. V(auto) takes the newest that both sides know.
      - Taken from the environment variable E(DOCKER_API_VERSION) when the option is left out.
    type: str
    default: auto
    aliases: [docker_api_version]
  timeout:
    description:
      - Seconds to wait for one answer of the Engine.
      - Taken from the environment variable E(DOCKER_TIMEOUT) when the option is left out.
    type: int
    default: 60
  tls:
    description:
      - Use TLS with a V(tcp://) address. V(https://) addresses always use it.
      - Whether the certificate is verified is decided by O(validate_certs) alone.
      - Taken from the environment variables E(DOCKER_TLS) or E(DOCKER_TLS_VERIFY) when the option
        is left out.
    type: bool
    default: false
  tls_hostname:
    description:
      - Name expected in the certificate of the Engine when it differs from the address.
      - Taken from the environment variable E(DOCKER_TLS_HOSTNAME) when the option is left out.
    type: str
  ca_path:
    description:
      - File with the CA certificates that the certificate of the Engine is verified with.
      - When left out and TLS is used, C(ca.pem) in the directory E(DOCKER_CERT_PATH), else the
        certificates of the system.
    type: path
    aliases: [ca_cert, tls_ca_cert, cacert_path]
  client_cert:
    description:
      - File with the client certificate.
      - When left out and TLS is used, C(cert.pem) in the directory E(DOCKER_CERT_PATH).
    type: path
    aliases: [tls_client_cert, cert_path]
  client_key:
    description:
      - File with the key of the client certificate.
      - When left out and TLS is used, C(key.pem) in the directory E(DOCKER_CERT_PATH).
    type: path
    aliases: [tls_client_key, key_path]
  validate_certs:
    description:
      - Verify the certificate of the Engine when TLS is used.
      - Other than in community.docker this does not switch TLS on, and is on unless the task
        itself switches it off.
    type: bool
    default: true
    aliases: [tls_verify]
  use_ssh_client:
    description:
      - Taken for tasks that were written for community.docker, without effect. An SSH address is
        always reached with the ssh client.
    type: bool
    default: true
  debug:
    description:
      - Taken for tasks that were written for community.docker, without effect.
    type: bool
    default: false
requirements:
  - Docker Engine 20.10 or newer (API 1.41)
  - Python 3.9 or newer on the host that runs the module; no Python package is needed
notes:
  - Modules for services, nodes and networks run against a manager of the swarm.
  - The connection options may be set once for all tasks of a play in
    C(module_defaults) under C(group/elk.swarm.swarm).
"""
