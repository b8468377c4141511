"""Where the last words of a run stand in its output."""

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


def test_they_are_the_last_also_where_output_and_errors_share_a_file(tmp_path: Path) -> None:
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
    said = (tmp_path / "output").read_text()
    assert run.returncode == 2, said
    assert said.count("PLAY RECAP") == 1
    assert said.split("PLAY RECAP")[1].rstrip().endswith("and it goes on from there."), said
