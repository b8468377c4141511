# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets the many runs of the tests share packed modules and compiled templates.

A run packs every module that it uses, with everything that the module imports, and deletes that at
its end. The search for imports was a quarter of the controller's work in a run of site.yml without
changes. Here that folder is a link to one that stays, whose name depends on the sources.

Ansible starts a process for every task on every host, and each process compiles all its templates
again: 2,700 in such a run on three hosts, of which 450 differ. Here their code stays, too.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import marshal
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible import constants
from ansible._internal._templating import _jinja_bits
from ansible.plugins.callback import CallbackBase
from ansible.release import __version__
from jinja2 import nodes
from jinja2.environment import TemplateExpression

if TYPE_CHECKING:
    from types import CodeType

DOCUMENTATION = """
name: kept_work
type: aggregate
short_description: Keeps packed modules and compiled templates for the next run
description: For the tests of this collection only.
requirements: [enabled in the configuration]
"""

ROOT = Path(__file__).resolve().parents[3]
# Ansible's folder for packed modules, below the temporary folder of a run.
CACHE = "ansiballz_cache"
ENVIRONMENT = _jinja_bits.AnsibleEnvironment
# The original functions of Ansible. There is no documented hook between a template and its code.
compile_template = ENVIRONMENT.compile
compile_expression = ENVIRONMENT.compile_expression


def name(root: Path) -> str:
    """A name that changes with our sources and with the versions of Ansible and Python.

    Filters count too, because the code of a template contains how to call them.
    """
    digest = hashlib.sha256(f"{__version__} {sys.version}".encode())
    sources = [*(root / "plugins").rglob("*.py"), root / "tests" / "requirements.txt"]
    for path in sorted(sources):
        digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


# Cached, because it reads every source, and the sources do not change during a run.
name_of_run = functools.cache(name)


def folder(root: Path, kind: str) -> Path:
    """The folder for one kind of work, below ELK_KEPT_WORK if that is set."""
    path = Path(os.environ.get("ELK_KEPT_WORK") or root / ".cache") / kind / name_of_run(root)
    path.mkdir(parents=True, exist_ok=True)
    return path


def keep_modules(root: Path, temporary: Path) -> Path:
    """Link Ansible's folder in ``temporary`` to the one that stays, and return that one."""
    place = folder(root, "modules")
    # If the run has already packed a module, it keeps its own folder.
    with contextlib.suppress(FileExistsError):
        (temporary / CACHE).symlink_to(place)
    return place


def keep_templates(root: Path) -> Templates:
    """Make Ansible look for stored code before it compiles a template."""
    kept = Templates(folder(root, "templates"))
    ENVIRONMENT.compile = lambda *words, **options: kept.template(*words, **options)
    ENVIRONMENT.compile_expression = lambda *words: kept.expression(*words)
    return kept


class Templates:
    """Compiled templates in a folder."""

    def __init__(self, place: Path) -> None:
        self.place = place
        # The file of the current expression. Jinja compiles it as a template without its source.
        self.current_expression: Path | None = None

    def path(self, environment: Any, kind: str, source: str) -> Path:
        """The file for the code of a source. Its name depends on the source and the options."""
        context = _jinja_bits._TemplateCompileContext.current(optional=True)
        fields = _jinja_bits._TEMPLATE_OVERRIDE_FIELD_NAMES
        depends = [kind, str(source), bool(context and context.escape_backslashes)]
        depends += [getattr(environment, field) for field in fields]
        return self.place / hashlib.sha256(repr(depends).encode()).hexdigest()

    @staticmethod
    def read(path: Path) -> CodeType | None:
        try:
            found: CodeType = marshal.loads(path.read_bytes())
        except OSError:
            return None
        return found

    @staticmethod
    def write(path: Path, code: CodeType) -> None:
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_bytes(marshal.dumps(code))
        draft.replace(path)

    def template(self, environment: Any, source: Any, *words: Any, **options: Any) -> Any:
        """Replaces ``Environment.compile``."""
        if words or options:
            # The template is a file. Its code contains the file's name, so it is not shared.
            return compile_template(environment, source, *words, **options)
        if isinstance(source, nodes.Template):
            path = self.current_expression
        else:
            path = self.path(environment, "template", source)
            kept = self.read(path)
            if kept is not None:
                return kept
        code = compile_template(environment, source)
        if path:
            self.write(path, code)
        return code

    def expression(self, environment: Any, source: str, undefined_to_none: bool = True) -> Any:
        """Replaces ``Environment.compile_expression``."""
        path = self.path(environment, "expression", source)
        kept = self.read(path)
        if kept is not None:
            names = environment.make_globals(None)
            template = environment.template_class.from_code(environment, kept, names, None)
            return TemplateExpression(template, undefined_to_none)
        self.current_expression = path
        try:
            return compile_expression(environment, source, undefined_to_none)
        finally:
            self.current_expression = None


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "kept_work"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        keep_modules(ROOT, Path(constants.DEFAULT_LOCAL_TMP))
        keep_templates(ROOT)
