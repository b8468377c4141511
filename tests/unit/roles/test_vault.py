# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of ansible-vault encrypt_string reach rendered files as plain text."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from repo import ROOT
from tests.harness.playbook import run_in_folder

if TYPE_CHECKING:
    from pathlib import Path

KEYS = {
    "kibana_encryption_key": "xpack.security.encryptionKey",
    "kibana_saved_objects_key": "xpack.encryptedSavedObjects.encryptionKey",
    "kibana_reporting_key": "xpack.reporting.encryptionKey",
}
PASSWORD = b"of the vault"


def test_yaml_is_rendered_by_way_of_json() -> None:
    """to_nice_yaml writes an encrypted value as !vault; JSON only has plain values."""
    for template in sorted(ROOT.glob("roles/*/templates/*.j2")):
        for line in template.read_text().splitlines():
            if re.search(r"to_(nice_)?yaml", line):
                assert "| to_json | from_json | to_nice_yaml" in line, f"{template}: {line}"


def test_encrypted_keys_of_kibana(tmp_path: Path) -> None:
    vault = VaultLib([("default", VaultSecret(PASSWORD))])
    lines = []
    for name in KEYS:
        text = vault.encrypt(f"{name}-in-plain-text-of-32-letters", VaultSecret(PASSWORD)).decode()
        lines += [f"{name}: !vault |", *(f"  {line}" for line in text.splitlines())]
    (tmp_path / "secrets.yml").write_text("\n".join(lines) + "\n")
    (tmp_path / "password").write_bytes(PASSWORD)
    (tmp_path / "kibana_token").write_text("token\n")
    files = [
        f"{role}/{part}/main.yml" for role in ("elk", "kibana") for part in ("defaults", "vars")
    ]
    template = ROOT / "roles" / "kibana" / "templates" / "kibana.yml.j2"
    play = {
        "hosts": "m1",
        "gather_facts": False,
        "vars_files": [*(str(ROOT / "roles" / file) for file in files), "secrets.yml"],
        "tasks": [
            {
                "ansible.builtin.copy": {
                    "content": f"{{{{ lookup('ansible.builtin.template', '{template}') }}}}",
                    "dest": str(tmp_path / "kibana.yml"),
                    "mode": "0600",
                }
            }
        ],
    }
    common = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "elk_local_dir": str(tmp_path),
    }
    inventory = {"all": {"vars": common}, "swarm_managers": {"hosts": {"m1": {}}}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory))
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play], sort_keys=False))
    run_in_folder(tmp_path, "hosts.yml", ANSIBLE_VAULT_PASSWORD_FILE=str(tmp_path / "password"))
    text = (tmp_path / "kibana.yml").read_text()
    assert "vault" not in text.lower()
    found = yaml.safe_load(text)
    assert {found[setting] for setting in KEYS.values()} == {
        f"{name}-in-plain-text-of-32-letters" for name in KEYS
    }
