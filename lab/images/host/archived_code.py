"""Keep the compiled code of what Python imports from archives, as it does for files in folders.

Ansible sends each module as an archive with all that it imports, which Python compiles anew for
each task: half of the processor's time that a module takes. What is kept goes by a hash of its
source, so that a module which has changed is compiled. Without a place to keep it, code is
compiled each time.
"""

import os
import zipimport

FOLDER = os.path.join(os.path.dirname(__file__), "archived-code")
compile_source = zipimport._compile_source


def kept(path, source):
    """The code of a source in an archive: from ``FOLDER``, or compiled and put there."""
    # Not above, because every start of Python reads this file. Both are part of Python itself.
    import _imp
    import marshal

    digest = int.from_bytes(_imp.source_hash(0, source), "little")
    name = os.path.join(FOLDER, f"{digest:016x}-{len(source)}-{os.path.basename(path)}")
    try:
        with open(name, "rb") as file:
            return marshal.loads(file.read())
    except OSError:
        pass
    code = compile_source(path, source)
    try:
        os.makedirs(FOLDER, exist_ok=True)
        with open(f"{name}.{os.getpid()}", "wb") as file:
            file.write(marshal.dumps(code))
        os.replace(file.name, name)
    except OSError:
        pass
    return code


zipimport._compile_source = kept
