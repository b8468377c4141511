"""Cache the compiled code of modules in zip archives, as Python does for files in directories.

Ansible sends each module as an archive with all its imports. Python compiles them again for every
task, which takes half of the processor time of a module. The cache key is a hash of the source, so
a changed module is compiled again. If the cache is not writable, code is compiled each time.
"""

from __future__ import annotations

import os
import sys
import zipimport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

# In /var/cache on a host, in the virtual environment on the controller.
IN_ENVIRONMENT = sys.prefix != sys.base_prefix
FOLDER = os.path.join(sys.prefix if IN_ENVIRONMENT else "/var/cache", "archived-code")
# This function is not documented, so type stubs lack it; the lab's Python has it.
compile_source = zipimport._compile_source  # type: ignore[attr-defined]


def cached(path: str, source: bytes) -> CodeType:
    """The compiled code of a source in an archive, from the cache in ``FOLDER`` if possible."""
    # Imported here because every start of Python runs this file.
    import _imp
    import marshal

    digest = int.from_bytes(_imp.source_hash(0, source), "little")
    name = os.path.join(FOLDER, f"{digest:016x}-{len(source)}-{os.path.basename(path)}")
    try:
        with open(name, "rb") as file:
            stored: CodeType = marshal.loads(file.read())
        return stored
    except OSError:
        pass
    code: CodeType = compile_source(path, source)
    try:
        os.makedirs(FOLDER, exist_ok=True)
        draft = f"{name}.{os.getpid()}"
        with open(draft, "wb") as new:
            new.write(marshal.dumps(code))
        os.replace(draft, name)
    except OSError:
        pass
    return code


# There is no documented hook for code in archives.
zipimport._compile_source = cached  # type: ignore[attr-defined]
