# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller loses the password of elastic, and the commands in the message restore it.

At the end the platform works.
"""

from __future__ import annotations

import re
import subprocess
from typing import Any

from tests.harness.playbook import ROOT, Outcome, playbook_command, playbook_environment

LOST = "not-the-password"
ON_HOST = "/etc/elk/elasticsearch/secrets/elastic_password"


def play(*words: str) -> Outcome:
    done = subprocess.run(
        playbook_command("-i", "inventories/lab", *words),
        cwd=ROOT,
        env=playbook_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Outcome(done.returncode, done.stdout)


def test_a_wrong_password_is_fetched_from_the_host(platform: Any) -> None:
    before = {path.name for path in platform.directory.iterdir()}
    password = platform.directory / "elastic_password"
    password.write_text(f"{LOST}\n")
    refused = play("playbooks/rotate.yml", "-e", "rotate=passwords")
    assert refused.code != 0
    # A file with the next password would look like an interrupted rotation.
    assert {path.name for path in platform.directory.iterdir()} == before
    assert "Its rotation was interrupted" not in refused.text
    assert "fetch what the hosts still have: ansible-playbook playbooks/fetch_secrets.yml" in (
        refused.text
    )
    conflict = play("playbooks/fetch_secrets.yml")
    assert conflict.code != 0
    assert "move the file away and run this again" in conflict.text
    password.unlink()
    back = play("playbooks/fetch_secrets.yml")
    assert back.code == 0, back.output
    done = play("site.yml")
    assert (done.code, done.changed) == (0, {}), done.output


def test_a_password_that_no_host_has_is_reset(platform: Any, manager: Any) -> None:
    password = platform.directory / "elastic_password"
    password.unlink()
    manager.check_output(f"rm {ON_HOST}")
    refused = play("site.yml")
    assert refused.code != 0
    assert not password.exists()
    assert "No host has it." in refused.text
    assert "with bin/elasticsearch-reset-password -u elastic, and write it into" in refused.text
    container = manager.check_output("docker ps -q --filter name=^elk_elasticsearch-")
    printed = manager.check_output(
        f"docker exec {container} bin/elasticsearch-reset-password -u elastic --batch"
    )
    new = re.search(r"(?m)^New value: (\S+)\r?$", printed)
    assert new, printed
    password.write_text(f"{new[1]}\n")
    password.chmod(0o600)
    done = play("site.yml")
    assert done.code == 0, done.output
    assert manager.check_output(f"cat {ON_HOST}").strip() == new[1]
