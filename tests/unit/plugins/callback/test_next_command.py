"""Where the summary of a failed run is in its output."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.harness.playbook import playbook_command, playbook_environment

if TYPE_CHECKING:
    from pathlib import Path

PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Do it
      ansible.builtin.fail:
        msg: It cannot be done
"""


def test_the_summary_is_last_even_if_stdout_and_stderr_share_a_file(tmp_path: Path) -> None:
    (tmp_path / "play.yml").write_text(PLAY)
    with (tmp_path / "output").open("w") as output:
        run = subprocess.run(
            playbook_command("-i", "m1,", "play.yml"),
            cwd=tmp_path,
            env=playbook_environment(ANSIBLE_HOME=str(tmp_path / "home")),
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    text = (tmp_path / "output").read_text()
    assert run.returncode == 2, text
    assert text.count("PLAY RECAP") == 1
    assert text.split("PLAY RECAP")[1].rstrip().endswith("and continues from there."), text
