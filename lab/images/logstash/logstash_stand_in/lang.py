# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pipeline language: parses text into a tree of plugins and branches.

Like Logstash it does not process escapes in strings: a backslash stays a backslash, also in ``\\"``
inside a double-quoted string (``config.support_escapes`` is off by default).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from .errors import ConfigurationError

_SPACE = re.compile(r"(?:[ \t\r\n]+|#[^\r\n]*(?:\r?\n|\Z))*")
_WHITE = re.compile(r"[ \t\r\n]+")
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_BAREWORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]+")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]*)?")
_DOUBLE = re.compile(r'"((?:\\"|[^"])*)"')
_SINGLE = re.compile(r"'((?:\\'|[^'])*)'")
_REGEX = re.compile(r"/((?:\\/|[^/])*)/")
_SELECTOR = re.compile(r"(?:\[[^\]\[,]+\])+")
_COMPARE = re.compile(r"==|!=|<=|>=|<|>")
_SECTION = re.compile(r"input|filter|output")


@dataclass
class Plugin:
    name: str
    options: list[tuple[str, Any]]
    line: int
    kind: str = ""


@dataclass
class Branch:
    """``if`` / ``else if`` / ``else``: conditions with their nodes; the condition None is else."""

    arms: list[tuple[Condition | None, list[Node]]]


@dataclass
class Selector:
    reference: str


@dataclass
class Regex:
    pattern: str


@dataclass
class Condition:
    """An operator with its operands: and, or, not, truthy, in, or a comparison."""

    operator: str
    operands: list[Any] = field(default_factory=list)


Node = Plugin | Branch


@dataclass
class Config:
    inputs: list[Node]
    filters: list[Node]
    outputs: list[Node]


class _Reader:
    def __init__(self, text: str, source: str) -> None:
        self.text = text
        self.source = source
        self.pos = 0

    def fail(self, expected: str) -> ConfigurationError:
        before = self.text[: self.pos]
        line = before.count("\n") + 1
        column = self.pos - (before.rfind("\n") + 1) + 1
        last = before.rstrip()[-60:]
        return ConfigurationError(
            f"Expected {expected} at line {line}, column {column} (byte {self.pos + 1}) "
            f"after {last!r} in {self.source}"
        )

    def space(self) -> bool:
        match = _SPACE.match(self.text, self.pos)
        moved = match is not None and match.end() > self.pos
        if match:
            self.pos = match.end()
        return moved

    def peek(self, literal: str) -> bool:
        return self.text.startswith(literal, self.pos)

    def take(self, literal: str) -> bool:
        if self.peek(literal):
            self.pos += len(literal)
            return True
        return False

    def need(self, literal: str) -> None:
        if not self.take(literal):
            raise self.fail(f'"{literal}"')

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.pos)
        if found:
            self.pos = found.end()
        return found

    # -- sections and plugins

    def config(self) -> Config:
        sections: dict[str, list[Node]] = {"input": [], "filter": [], "output": []}
        self.space()
        while self.pos < len(self.text):
            found = self.match(_SECTION)
            if not found:
                raise self.fail('one of [ \\t\\r\\n], "#", "input", "filter", "output"')
            self.space()
            self.need("{")
            sections[found.group(0)] += self.block(found.group(0))
            self.space()
        return Config(sections["input"], sections["filter"], sections["output"])

    def block(self, kind: str) -> list[Node]:
        """The nodes up to the closing brace."""
        nodes: list[Node] = []
        self.space()
        while not self.take("}"):
            if self.pos >= len(self.text):
                raise self.fail('one of [ \\t\\r\\n], "#", "if", [A-Za-z0-9_-], "}"')
            nodes.append(self.branch(kind) if self.keyword("if") else self.plugin(kind))
            self.space()
        return nodes

    def keyword(self, word: str) -> bool:
        """Whether this word, and not a longer one, is at this position."""
        if not self.peek(word):
            return False
        after = self.text[self.pos + len(word) : self.pos + len(word) + 1]
        return not re.match(r"[A-Za-z0-9_-]", after)

    def plugin(self, kind: str) -> Plugin:
        line = self.text[: self.pos].count("\n") + 1
        name = self.name()
        self.space()
        self.need("{")
        options: list[tuple[str, Any]] = []
        self.space()
        separated = True
        while not self.take("}"):
            if not separated:
                raise self.fail("white space between two options")
            key = self.name()
            self.space()
            self.need("=>")
            self.space()
            options.append((key, self.value()))
            separated = self.match(_WHITE) is not None
            self.space()
        return Plugin(name, options, line, kind)

    def name(self) -> str:
        found = self.match(_NAME)
        if found:
            return found.group(0)
        if self.peek('"') or self.peek("'"):
            return self.string()
        raise self.fail("a name")

    def string(self) -> str:
        found = self.match(_DOUBLE) if self.peek('"') else self.match(_SINGLE)
        if not found:
            raise self.fail("the end of a string")
        return found.group(1)

    def value(self) -> Any:
        if self.peek('"') or self.peek("'"):
            return self.string()
        if self.peek("["):
            return self.array(self.value)
        if self.peek("{"):
            return self.hash()
        number = self.match(_NUMBER)
        if number:
            return float(number.group(0)) if "." in number.group(0) else int(number.group(0))
        start = self.pos
        word = self.match(_BAREWORD)
        if word:
            after = self.pos
            self.space()
            if self.peek("{"):
                self.pos = start
                return self.plugin("codec")
            self.pos = after
            return word.group(0)
        raise self.fail("a value")

    def array(self, item: Any) -> list[Any]:
        self.need("[")
        values: list[Any] = []
        self.space()
        if self.take("]"):
            return values
        while True:
            values.append(item())
            self.space()
            if self.take("]"):
                return values
            self.need(",")
            self.space()

    def hash(self) -> dict[Any, Any]:
        self.need("{")
        result: dict[Any, Any] = {}
        self.space()
        separated = True
        while not self.take("}"):
            if not separated:
                raise self.fail("white space between two entries of a hash")
            key = self.value()
            if not isinstance(key, (str, int, float)):
                raise self.fail("a key")
            self.space()
            self.need("=>")
            self.space()
            if key in result:
                raise ConfigurationError(f"Duplicate keys found in your configuration: {key}")
            result[key] = self.value()
            separated = self.match(_WHITE) is not None
            # As in Logstash, a comment may stand before the first entry and after the last one.
            if self.space() and not self.peek("}"):
                raise self.fail('white space without a comment between two entries, or "}"')
        return result

    # -- conditions

    def branch(self, kind: str) -> Branch:
        arms: list[tuple[Condition | None, list[Node]]] = []
        self.need("if")
        arms.append((self.condition(), self.body(kind)))
        while True:
            start = self.pos
            self.space()
            if not self.keyword("else"):
                self.pos = start
                return Branch(arms)
            self.need("else")
            self.space()
            if self.keyword("if"):
                self.need("if")
                arms.append((self.condition(), self.body(kind)))
            else:
                arms.append((None, self.body(kind)))
                return Branch(arms)

    def body(self, kind: str) -> list[Node]:
        self.space()
        self.need("{")
        return self.block(kind)

    def condition(self) -> Condition:
        """Expressions joined with ``and`` and ``or``; ``and`` binds tighter."""
        self.space()
        either = [self.conjunction()]
        while self.operator("or"):
            either.append(self.conjunction())
        return either[0] if len(either) == 1 else Condition("or", either)

    def conjunction(self) -> Condition:
        both = [self.expression()]
        while self.operator("and"):
            both.append(self.expression())
        return both[0] if len(both) == 1 else Condition("and", both)

    def operator(self, word: str) -> bool:
        start = self.pos
        self.space()
        for other in ("xor", "nand"):
            if self.keyword(other):
                raise self.fail("an operator that the stand-in knows (and, or)")
        if self.keyword(word):
            self.need(word)
            self.space()
            return True
        self.pos = start
        return False

    def expression(self) -> Condition:
        if self.take("("):
            inner = self.condition()
            self.space()
            self.need(")")
            return inner
        if self.peek("!") and not self.peek("!=") and not self.peek("!~"):
            self.need("!")
            self.space()
            if self.take("("):
                inner = self.condition()
                self.space()
                self.need(")")
                return Condition("not", [inner])
            found = self.match(_SELECTOR)
            if not found:
                raise self.fail("a field or a bracket after !")
            return Condition("not", [Condition("truthy", [Selector(found.group(0))])])
        left = self.rvalue()
        start = self.pos
        self.space()
        if self.keyword("in"):
            self.need("in")
            self.space()
            return Condition("in", [left, self.rvalue()])
        if self.keyword("not"):
            self.need("not")
            self.space()
            if not self.keyword("in"):
                raise self.fail('"in"')
            self.need("in")
            self.space()
            return Condition("not", [Condition("in", [left, self.rvalue()])])
        if self.peek("=~") or self.peek("!~"):
            operator = self.text[self.pos : self.pos + 2]
            self.pos += 2
            self.space()
            right = self.rvalue()
            if isinstance(right, str):
                right = Regex(right)
            if not isinstance(right, Regex):
                raise self.fail("a regular expression")
            return Condition(operator, [left, right])
        compare = self.match(_COMPARE)
        if compare:
            self.space()
            return Condition(compare.group(0), [left, self.rvalue()])
        self.pos = start
        return Condition("truthy", [left])

    def rvalue(self) -> Any:
        if self.peek('"') or self.peek("'"):
            return self.string()
        if self.peek("/"):
            found = self.match(_REGEX)
            if not found:
                raise self.fail("the end of a regular expression")
            return Regex(found.group(1))
        selector = self.match(_SELECTOR)
        if selector:
            return Selector(selector.group(0))
        if self.peek("["):
            return self.array(self.rvalue)
        number = self.match(_NUMBER)
        if number:
            return float(number.group(0)) if "." in number.group(0) else int(number.group(0))
        raise self.fail("a value, a field or a regular expression")


def parse(text: str, source: str = "config string") -> Config:
    """Read a pipeline; raises ConfigurationError with the place of the mistake."""
    return _Reader(text, source).config()
