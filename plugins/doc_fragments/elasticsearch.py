# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """How the modules of this collection reach Elasticsearch and prove who they are."""

    DOCUMENTATION = r"""
options:
  urls:
    description:
      - The addresses of the cluster's nodes, with scheme and port. They are tried in turn, so that
        one that is down does not fail the task.
      - Plain V(http://) is accepted for loopback addresses only.
    type: list
    elements: str
    required: true
  ca_path:
    description:
      - File with the certificate authority that signed the nodes' certificates, on the host where
        the module runs. Without it the system's authorities are used.
      - Certificates and host names are always verified. There is no option that turns this off.
    type: path
  username:
    description:
      - The user to log in as. Needs O(password).
    type: str
  password:
    description:
      - The password of O(username).
    type: str
  api_key:
    description:
      - An API key to log in with, as C(id:key) or in the encoded form that Elasticsearch returns.
    type: str
  token:
    description:
      - A bearer token to log in with, for example of a service account.
    type: str
  login_from:
    description:
      - Where the login is kept, such as the name of a variable or a file. An error that says that
        it is refused names it.
    type: str
  timeout:
    description:
      - The seconds that one answer may take before the next of O(urls) is tried.
    type: float
    default: 30
  doubt_timeout:
    description:
      - The seconds for which a refused login is not believed. While a new cluster creates its
        security index, and while that index recovers, Elasticsearch refuses valid logins.
    type: float
    default: 20
requirements:
  - Python 3.9 or newer, nothing beside its standard library.
notes:
  - An answer of 429, 502, 503 or 504, a broken connection and an answer that breaks off are tried
    again, on each of O(urls) up to three times. When all of them have too much to do (429), that is
    repeated for O(doubt_timeout) seconds.
"""
