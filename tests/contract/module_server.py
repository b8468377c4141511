# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs modules, each in a process of its own, without paying for Python's start every time.

Reads one JSON object a line, {"module": name, "arguments": {...}, "output": file}, forks, runs the
module in the child as Ansible's own wrapper does, and answers with the child's exit code.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import sys
import traceback
from pathlib import Path
from typing import Any

from ansible.module_utils import basic

PLUGINS = "ansible_collections.elk.swarm.plugins"
FOLDER = Path(__file__).resolve().parents[2] / "plugins"


def run(request: dict[str, Any]) -> int:
    """In the child: never returns to the loop, whatever the module does."""
    output = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": request["arguments"]}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    try:
        runpy.run_module(
            f"{PLUGINS}.modules.{request['module']}", run_name="__main__", alter_sys=True
        )
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def import_helpers() -> None:
    """Import every helper once, so that no child has to; what was imported is shared memory."""
    for path in sorted((FOLDER / "module_utils").rglob("*.py")):
        name = path.relative_to(FOLDER).with_suffix("").as_posix().replace("/", ".")
        importlib.import_module(f"{PLUGINS}.{name}")
    gc.collect()
    gc.freeze()


def main() -> None:
    import_helpers()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            code = run(json.loads(line))
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        _pid, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
