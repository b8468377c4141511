# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run `ansible-test sanity` on a copy of the repository, without containers.

ansible-test needs a path that ends in ansible_collections/<namespace>/<name>, and each of its tests
builds a virtual environment. Both stay in .cache/sanity, so only the first run is slow. It also
downloads its own pip from a site that a closed network does not reach; the pip that comes with
Python replaces it.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

from repo import ROOT, copy_sources, tool

WORK = ROOT / ".cache" / "sanity"

# Users do not install these; other checks test them.
NOT_SHIPPED = (
    ".",
    "inventories/lab/",
    "lab/",
    "molecule/",
    "tests/",
)

# They need programs that are not in a Python package: PowerShell and shellcheck.
SKIPPED = ("pslint", "shellcheck")

GET_PIP = '''\
"""Put pip into a virtual environment, from the copy that comes with Python."""
import subprocess
import sys

# In a separate process, because ensurepip removes pip's settings from its own process.
sys.exit(subprocess.call([sys.executable, "-m", "ensurepip"], stdout=subprocess.DEVNULL))
'''


def pip_version() -> str:
    """The version of pip that this ansible-test needs; it is part of a file name."""
    spec = importlib.util.find_spec("ansible_test")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("ansible-test is not installed in this Python environment")
    source = Path(next(iter(spec.submodule_search_locations)), "_internal/python_requirements.py")
    found = re.search(r"""pip=['"]([0-9.]+)['"]""", source.read_text())
    if found is None:
        raise SystemExit(f"{source} does not name its version of pip: fix {__file__}")
    return found[1]


def pip_settings(listed: str) -> str:
    """A pip.conf with the current settings from pip's environment and files.

    ansible-test passes no PIP_* variables on, and it uses another home directory.

    >>> pip_settings(":env:.cert='/ca.crt'\\nglobal.timeout='9'\\ninstall.pre='true'")
    '[global]\\ncert = /ca.crt\\ntimeout = 9\\n[install]\\npre = true\\n'
    """
    sections: dict[str, dict[str, str]] = {}
    for section, key, value in re.findall(r"(?m)^([^.\n]+)\.([\w-]+)='(.*)'$", listed):
        sections.setdefault("global" if section == ":env:" else section, {}).setdefault(key, value)
    lines: list[str] = []
    for section, values in sections.items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {value}" for key, value in values.items()]
    return "\n".join([*lines, ""])


def prepare_home(home: Path) -> None:
    script = home / ".ansible/test/cache" / f"get_pip_{pip_version().replace('.', '_')}.py"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(GET_PIP)
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], check=True, capture_output=True, text=True
    )
    settings = home / ".config/pip/pip.conf"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.touch(mode=0o600)
    settings.write_text(pip_settings(listed.stdout))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--test", action="append", default=[], help="run only this test")
    parser.add_argument(
        "--prime", action="store_true", help="build the virtual environments, run no test"
    )
    options = parser.parse_args()

    tree = WORK / "ansible_collections/elk/swarm"
    copy_sources(tree, without=NOT_SHIPPED)
    # Without its own repository ansible-test uses the one above, which ignores all these files.
    if not (tree / ".git").exists():
        subprocess.run(["git", "init", "-q", str(tree)], check=True)

    home = WORK / "home"
    prepare_home(home)
    command = [tool("ansible-test"), "sanity", "--color", "no"]
    command += ["--python", f"{sys.version_info[0]}.{sys.version_info[1]}"]
    for name in options.test:
        command += ["--test", name]
    if not options.test:
        for name in SKIPPED:
            command += ["--skip-test", name]
    if options.prime:
        command.append("--prime-venvs")
    environment = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}
    return subprocess.run(command, cwd=tree, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
