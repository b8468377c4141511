# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every option of every public module with values of a wrong shape: a plain error, no traceback."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import pytest

from module_docs import PUBLIC
from tests.contract.fake_engine import FakeEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

# Connections are the same for all modules, and a wrong one only costs time.
CONNECTION = {"docker_host", "timeout", "api_version", "urls", "wait_timeout", "tls"}
# Words of Python in an error that it did not expect.
PYTHON = ("object has no attribute", "unhashable", "unpack", "Module failed", "not iter")
VALUES: dict[str, Any] = {
    "str": "a",
    "path": "/a",
    "int": 1,
    "float": 1.0,
    "bool": True,
    "raw": "a",
    "dict": {},
    "list": [],
}
# What Ansible itself does not check: the inside of free dictionaries, of raw values and of strings.
SHAPES: dict[str, tuple[Any, ...]] = {
    "dict": ({"a": [1]}, {"a": {"b": None}}, {"": None}, [1]),
    "raw": (5, [[1]], {"a": [1]}, [None], [{"name": [1]}], True),
    "str": ("", "\u00e9\0"),
    "path": ("", [1]),
    "int": (-5, 10**30, "a"),
    "float": (-1.5, "nan", "inf"),
    "bool": ("maybe",),
    "list": ("a", {"a": 1}, [None]),
}
KEYS: dict[str, tuple[str, ...]] = {
    "networks": ("aliases", "options"),
    "preferences": ("spread",),
}


class _SpecFound(Exception):
    def __init__(self, spec: dict[str, Any]) -> None:
        super().__init__()
        self.spec = spec


def argument_spec(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    module = importlib.import_module(f"ansible_collections.elk.swarm.plugins.modules.{name}")

    def stop(argument_spec: dict[str, Any], **_: Any) -> None:
        raise _SpecFound(argument_spec)

    monkeypatch.setattr(module, "AnsibleModule", stop)
    with pytest.raises(_SpecFound) as found:
        module.main()
    return found.value.spec


def fitting(about: Mapping[str, Any]) -> Any:
    """A value of the right shape, so that only the option under test is wrong."""
    if about.get("choices"):
        return about["choices"][0]
    if about.get("options"):
        inner = required(about["options"])
        return [inner] if about.get("type") == "list" else inner
    return VALUES[about.get("type", "str")]


def required(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {name: fitting(about) for name, about in spec.items() if about.get("required")}


def wrong(spec: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """(option, value): a value of a wrong shape for each option, at every depth."""
    for name, about in spec.items():
        kind = about.get("type", "str")
        if name in CONNECTION or about.get("choices"):
            continue
        # ansible-core itself fails on a list where a dictionary with suboptions belongs.
        for shape in SHAPES[kind][:-1] if about.get("options") else SHAPES[kind]:
            yield name, shape
        if about.get("options"):
            for inner, shape in wrong(about["options"]):
                value = {**required(about["options"]), inner: shape}
                yield name, [value] if kind == "list" else value
        elif kind == "list":
            for shape in SHAPES[about.get("elements", "str")]:
                yield name, [shape]
            for key in KEYS.get(name, ()):
                for shape in ([1, 2], [[1]], 5, {"a": [1]}, "a"):
                    whole = {key: shape} if key == "spread" else {"name": "n", key: shape}
                    yield name, [whole]


@pytest.mark.parametrize("module", PUBLIC)
def test_wrong_shapes(
    call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: str
) -> None:
    spec = argument_spec(module, monkeypatch)
    with FakeEngine(tmp_path) as engine:
        connection = {
            name: value
            for name, value in {
                "docker_host": engine.host,
                "urls": ["http://127.0.0.1:9"],
                "timeout": 1,
                "wait_timeout": 0,
            }.items()
            if name in spec
        }
        common = {**required(spec), **connection}
        if module == "service":
            common["image"] = "a"
        bad: list[str] = []
        for option, value in wrong(spec):
            # In check mode: nothing is changed, and nothing is waited for.
            try:
                result = call(module, {**common, option: value}, check=True)
            except (AssertionError, ValueError) as error:
                bad.append(f"{option}={value!r}: {str(error).strip().splitlines()[-1][:200]}")
                continue
            if result.failed and (not result.msg or any(word in result.msg for word in PYTHON)):
                bad.append(f"{option}={value!r}: {result.msg[:200]}")
    assert not bad, "\n".join(bad)
