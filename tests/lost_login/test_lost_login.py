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

from playbook_run import ROOT, Outcome, playbook_command, playbook_environment

LOST = "not-the-password"
WAY_BACK = re.compile(
    r"If it is lost, run `([^`]+)` as root on (\S+), write the password that it prints into (\S+), "
)


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


def test_a_renewal_is_refused_and_what_it_says_leads_back(platform: Any, manager: Any) -> None:
    before = {path.name for path in platform.directory.iterdir()}
    kept = platform.directory / "elastic_password"
    kept.write_text(f"{LOST}\n")
    refused = play("playbooks/rotate.yml", "-e", "rotate=passwords")
    assert refused.code != 0
    # A next password beside the lost one would look like a renewal that was broken off.
    assert {path.name for path in platform.directory.iterdir()} == before
    assert "Its renewal was broken off" not in refused.text
    found = WAY_BACK.search(refused.text)
    assert found, refused.output
    command, host, path = found.groups()
    assert (host, path) == (platform.managers[0], str(kept))
    printed = manager.check_output(command)
    new = re.search(r"(?m)^New value: (\S+)\r?$", printed)
    assert new, printed
    kept.write_text(f"{new[1]}\n")
    done = play("site.yml")
    assert done.code == 0, done.output
    on_host = manager.check_output("cat /etc/elk/elasticsearch/secrets/elastic_password")
    assert on_host.strip() == new[1]
