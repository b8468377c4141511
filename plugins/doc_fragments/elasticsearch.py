# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Connection and login options of the modules that use Elasticsearch."""

    DOCUMENTATION = r"""
options:
  urls:
    description:
      - The addresses of the cluster's nodes, with scheme and port. The module tries one after the
        other, so the task does not fail when one node is down.
      - V(http://) is accepted for loopback addresses only.
    type: list
    elements: str
    required: true
  ca_path:
    description:
      - File with the certificate authority that signed the nodes' certificates, on the host where
        the module runs. The default is the system's certificate authorities.
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
      - Where the login is kept, such as the name of a variable or a file. The error for a refused
        login contains this text.
    type: str
  timeout:
    description:
      - The seconds to wait for one response before the module tries the next of O(urls).
    type: float
    default: 30
  doubt_timeout:
    description:
      - The seconds for which the module retries a refused login. While a new cluster creates its
        security index, and while that index recovers, Elasticsearch refuses valid logins.
    type: float
    default: 20
requirements:
  - Python 3.9 or newer; no Python package is needed
notes:
  - The module retries a request up to three times on each of O(urls) after status 429, 502, 503 or
    504, a broken connection or an incomplete response. If all of them are overloaded (429), it
    repeats this for O(doubt_timeout) seconds.
"""
