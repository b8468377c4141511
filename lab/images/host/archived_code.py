"""Keep the compiled code of what Python imports from archives, as it does for files in folders.

Ansible sends each module as an archive with all that it imports, which Python compiles anew for
each task: half of the processor's time that a module takes. What is kept goes by a hash of its
source, so that a module which has changed is compiled. Without a place to keep it, code is
compiled each time.
"""

from __future__ import annotations

import os
import sys
import zipimport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

# On a host where nobody minds what comes and goes, else beside the packages of the environment.
ALONE = sys.prefix == sys.base_prefix
FOLDER = os.path.join("/var/cache" if ALONE else sys.prefix, "archived-code")
# The stubs know only what Python documents, and this is not; the lab's own Python has it.
compile_source = zipimport._compile_source  # type: ignore[attr-defined]


def kept(path: str, source: bytes) -> CodeType:
    """The code of a source in an archive: from ``FOLDER``, or compiled and put there."""
    # Not above, because every start of Python reads this file. Both are part of Python itself.
    import _imp
    import marshal

    digest = int.from_bytes(_imp.source_hash(0, source), "little")
    name = os.path.join(FOLDER, f"{digest:016x}-{len(source)}-{os.path.basename(path)}")
    try:
        with open(name, "rb") as file:
            found: CodeType = marshal.loads(file.read())
        return found
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


# As above: there is no documented way between an archive and its code.
zipimport._compile_source = kept  # type: ignore[attr-defined]
