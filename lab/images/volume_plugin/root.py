"""Copies the plugin, Python, the modules that it imports and the shared libraries.

Tests pull the plugin many times, and Docker waits half a second for its start, then three seconds
more: so the root file system is small, and its modules are compiled.
"""

from __future__ import annotations

import compileall
import re
import shutil
import subprocess
import sys
from pathlib import Path

PLUGIN = "/volume_plugin.py"
INTERPRETER = "/usr/bin/python3"
# Without the optional modules that need OpenSSL, which is larger than everything else together.
IMPORTED = """
import sys
sys.path.insert(0, "/")
sys.modules.update(ssl=None, _hashlib=None)
import volume_plugin
for name in {name.partition(".")[0] for name in sys.modules}:
    print(getattr(sys.modules.get(name), "__file__", None) or "")
"""


def main(root: Path) -> None:
    files = {Path(INTERPRETER), Path(PLUGIN)}
    listed = subprocess.run([INTERPRETER, "-c", IMPORTED], stdout=subprocess.PIPE, check=True)
    for module in map(Path, listed.stdout.decode().split()):
        files |= set(module.parent.rglob("*.py")) if module.name == "__init__.py" else {module}
    programs = [str(one) for one in files if one.suffix != ".py"]
    linked = subprocess.run(["ldd", *programs], stdout=subprocess.PIPE, check=True)
    files |= {Path(one) for one in re.findall(r"\s(/lib(?:64)?/\S+)", linked.stdout.decode())}
    for file in files:
        target = root / str(file).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    compileall.compile_dir(root, quiet=1, stripdir=str(root))
    for folder in ("mnt/volumes", "host", "run", "tmp"):
        (root / folder).mkdir(parents=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
