# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Connection options of the modules that use the Docker Engine.
    DOCUMENTATION = r"""
options:
  docker_host:
    description:
      - Address of the Docker Engine, V(unix:///path), V(tcp://host:port), V(https://host:port) or
        V(ssh://user@host:port).
      - For an SSH address, the module uses the ssh client of the host that runs the task, with the
        keys, the agent and C(~/.ssh/config) of the user that runs the module. The client cannot
        prompt, so C(known_hosts) must contain the key of the other host. The remote user must be
        allowed to run C(docker).
      - Taken from the environment variable E(DOCKER_HOST) when the option is left out.
    type: str
    default: unix:///var/run/docker.sock
    aliases: [docker_url]
  api_version:
    description:
      - Version of the Engine API to use. V(auto) selects the newest one that both sides support.
      - Taken from the environment variable E(DOCKER_API_VERSION) when the option is left out.
    type: str
    default: auto
    aliases: [docker_api_version]
  timeout:
    description:
      - Seconds to wait for one response of the Engine.
      - Taken from the environment variable E(DOCKER_TIMEOUT) when the option is left out.
    type: int
    default: 60
  tls:
    description:
      - Use TLS with a V(tcp://) address. V(https://) addresses always use it.
      - Only O(validate_certs) decides whether the certificate is verified.
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
      - File with the CA certificates to verify the certificate of the Engine.
      - When left out and TLS is used, C(ca.pem) in the directory E(DOCKER_CERT_PATH), otherwise
        the certificates of the system.
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
      - Unlike in community.docker, this option does not enable TLS, and only the task itself can
        disable it.
    type: bool
    default: true
    aliases: [tls_verify]
  use_ssh_client:
    description:
      - Has no effect. Accepted for tasks that were written for community.docker. An SSH address
        always uses the ssh client.
    type: bool
    default: true
  debug:
    description:
      - Has no effect. Accepted for tasks that were written for community.docker.
    type: bool
    default: false
requirements:
  - Docker Engine 20.10 or newer (API 1.41)
  - Python 3.9 or newer on the host that runs the module; no Python package is needed
notes:
  - Modules for services, nodes and networks run against a manager of the swarm.
  - To set the connection options once for all tasks of a play, use
    C(module_defaults) under C(group/elk.swarm.swarm).
"""
