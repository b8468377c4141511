"""The playbook status.yml on a running platform."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.harness.playbook import ROOT


def test_status_shows_everything_and_changes_nothing(platform: Any, tmp_path: Path) -> None:
    page = tmp_path / "status.html"
    shown = subprocess.run(
        [
            *(sys.executable, "-m", "ansible", "playbook", "-i", "inventories/lab"),
            *("playbooks/status.yml", "-e", f"status_file={page}", "-e", "status_fail=true"),
        ],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_FORCE_COLOR": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "changed=0" in shown.stdout
    assert "changed=1" not in shown.stdout
    html = page.read_text()
    for name in (*platform.hosts, "logshipper", "kibana", "syslog-msg-000001"):
        assert name in shown.stdout, name
        assert name in html, name
    assert "green" in html
    assert "<script" not in html
    assert "http://" not in html.replace("http://www.w3.org", "")
