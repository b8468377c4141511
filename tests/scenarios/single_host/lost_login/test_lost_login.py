# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller loses the password of elastic, and what the message says leads back.

It ends with a platform that works.
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


def test_a_wrong_password_comes_back_from_the_host(platform: Any) -> None:
    before = {path.name for path in platform.directory.iterdir()}
    kept = platform.directory / "elastic_password"
    kept.write_text(f"{LOST}\n")
    refused = play("playbooks/rotate.yml", "-e", "rotate=passwords")
    assert refused.code != 0
    # A next password beside the lost one would look like a renewal that was broken off.
    assert {path.name for path in platform.directory.iterdir()} == before
    assert "Its renewal was broken off" not in refused.text
    assert "fetch what the hosts still have: ansible-playbook playbooks/fetch_secrets.yml" in (
        refused.text
    )
    kept_away = play("playbooks/fetch_secrets.yml")
    assert kept_away.code != 0
    assert "move the file away and run this again" in kept_away.text
    kept.unlink()
    back = play("playbooks/fetch_secrets.yml")
    assert back.code == 0, back.output
    done = play("site.yml")
    assert (done.code, done.changed) == (0, {}), done.output


def test_a_password_that_no_host_has_either(platform: Any, manager: Any) -> None:
    kept = platform.directory / "elastic_password"
    kept.unlink()
    manager.check_output(f"rm {ON_HOST}")
    refused = play("site.yml")
    assert refused.code != 0
    assert not kept.exists()
    assert "No host has it." in refused.text
    assert "with bin/elasticsearch-reset-password -u elastic, and write it into" in refused.text
    container = manager.check_output("docker ps -q --filter name=^elk_elasticsearch-")
    printed = manager.check_output(
        f"docker exec {container} bin/elasticsearch-reset-password -u elastic --batch"
    )
    new = re.search(r"(?m)^New value: (\S+)\r?$", printed)
    assert new, printed
    kept.write_text(f"{new[1]}\n")
    kept.chmod(0o600)
    done = play("site.yml")
    assert done.code == 0, done.output
    assert manager.check_output(f"cat {ON_HOST}").strip() == new[1]
