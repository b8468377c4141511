# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of Elasticsearch, as clients need them."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import yaml

from repo import ROOT
from tests.harness.playbook import run_in_folder

if TYPE_CHECKING:
    from pathlib import Path


def test_an_ipv6_address_stands_in_brackets(tmp_path: Path) -> None:
    hosts = {
        "m1": {"ansible_host": "2001:db8::11"},
        "m2": {"ansible_host": "10.60.0.12"},
        "w1": {"elk_address": "w1.example.org"},
    }
    play = {
        "hosts": "m2",
        "gather_facts": False,
        "vars_files": [str(ROOT / "roles" / "elk" / "defaults" / "main.yml")],
        "tasks": [
            {
                "ansible.builtin.copy": {
                    "content": "{{ elk_elasticsearch_urls | to_json }}",
                    "dest": str(tmp_path / "urls.json"),
                    "mode": "0600",
                }
            }
        ],
    }
    common = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    (tmp_path / "hosts.yml").write_text(
        yaml.safe_dump({"all": {"vars": common}, "swarm_managers": {"hosts": hosts}})
    )
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play], sort_keys=False))
    run_in_folder(tmp_path, "hosts.yml")
    assert json.loads((tmp_path / "urls.json").read_text()) == [
        "https://[2001:db8::11]:9200",
        "https://10.60.0.12:9200",
        "https://w1.example.org:9200",
    ]
