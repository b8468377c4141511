# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare the documents in Elasticsearch with the desired ones, whatever form they have.

Elasticsearch normalises: it returns settings nested, under `index`, with numbers as text; it
returns objects wrapped under their name, with defaults added. So the desired document must be
*contained* in the actual one, after both were converted to one form. Containment alone would miss
what was removed from a document (a delete phase, a mapped field). So in dictionaries whose keys all
come from the user, an extra key is a difference too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import (
    ConfigurationError,
    reason_of,
    refusal,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.settings import (
    flatten,
    scalar,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import (
        Client,
        Reply,
    )

# Keys that the server adds to a document.
SERVER_KEYS = frozenset(
    {"modified_date", "modified_date_millis", "created_date", "created_date_millis", "in_use_by"}
)
# Only for these keys an empty value equals a missing one. An empty `data_stream`, or an alias
# without properties, has a meaning.
EMPTY_IS_ABSENT = frozenset(
    {
        "_meta",
        "aliases",
        "mappings",
        "metadata",
        "properties",
        "settings",
        "template",
        "transient_metadata",
    }
)
# Lists whose order does not matter.
UNORDERED = frozenset(
    {"cluster", "index_patterns", "names", "privileges", "resources", "roles", "run_as"}
)


@dataclass(frozen=True)
class Kind:
    """How one kind of resource is wrapped, and where all keys come from the user."""

    name: str
    list_key: str | None = None
    item_key: str | None = None
    inner: str | None = None
    by_name: bool = False
    strip: frozenset[str] = frozenset()
    # Paths of dictionaries in which an extra key is a difference; "*" matches any key.
    exact: tuple[tuple[str, ...], ...] = ()
    # Whether an extra key there is ignored if its value is empty or false.
    empty_extra_is_none: bool = False


TEMPLATE_EXACT = (
    ("template", "settings"),
    ("template", "aliases"),
    ("template", "mappings", "properties"),
)
INDEX_TEMPLATE = Kind(
    "index template",
    list_key="index_templates",
    item_key="index_template",
    exact=TEMPLATE_EXACT,
)
COMPONENT_TEMPLATE = Kind(
    "component template",
    list_key="component_templates",
    item_key="component_template",
    exact=TEMPLATE_EXACT,
)
ILM_POLICY = Kind(
    "ILM policy",
    by_name=True,
    strip=frozenset({"version"}),
    exact=(("policy", "phases"), ("policy", "phases", "*", "actions")),
)
SLM_POLICY = Kind("SLM policy", by_name=True, inner="policy")
# A privilege that is not desired is a difference, anywhere in the role.
ROLE = Kind(
    "role",
    by_name=True,
    strip=frozenset({"transient_metadata"}),
    exact=((), ("indices",), ("remote_indices",), ("remote_cluster",), ("applications",)),
    empty_extra_is_none=True,
)
LEGACY_TEMPLATE = Kind(
    "legacy template", by_name=True, exact=(("settings",), ("aliases",), ("mappings", "properties"))
)
CLUSTER_SETTINGS = Kind("cluster settings")
INDEX_SETTINGS = Kind("index settings", inner="settings")
INDEX_MAPPING = Kind("index mapping", inner="mappings")
STORED_SCRIPT = Kind("stored script", inner="script")
INDEX = Kind("index")
NAMED = Kind("resource", by_name=True)
PLAIN = Kind("resource")

PREFIXES: tuple[tuple[tuple[str, ...], Kind], ...] = (
    (("_index_template",), INDEX_TEMPLATE),
    (("_component_template",), COMPONENT_TEMPLATE),
    (("_ilm", "policy"), ILM_POLICY),
    (("_slm", "policy"), SLM_POLICY),
    (("_security", "role"), ROLE),
    (("_security", "role_mapping"), NAMED),
    (("_ingest", "pipeline"), NAMED),
    (("_logstash", "pipeline"), NAMED),
    (("_snapshot",), NAMED),
    (("_template",), LEGACY_TEMPLATE),
    (("_scripts",), STORED_SCRIPT),
    (("_cluster", "settings"), CLUSTER_SETTINGS),
)


@dataclass(frozen=True)
class Target:
    """The parts of a path. `path` keeps its query, `read_path` is the path for a GET."""

    path: str
    read_path: str
    kind: Kind
    name: str


@dataclass(frozen=True)
class Difference:
    path: str
    desired: Any
    actual: Any


def parse_path(path: str) -> Target:
    if not path.startswith("/") or path.rstrip("/") == "":
        raise ConfigurationError(
            f"path: {path!r} must begin with a slash and name a resource, for example "
            "/_index_template/syslog-msg"
        )
    if any(char.isspace() or ord(char) < 33 for char in path):
        raise ConfigurationError(f"path: {path!r} contains white space; encode it as %20")
    bare = path.split("?", 1)[0].rstrip("/")
    segments = tuple(unquote(segment) for segment in bare.strip("/").split("/"))
    name = segments[-1]
    for prefix, kind in PREFIXES:
        if segments[: len(prefix)] == prefix:
            read = bare + "?flat_settings=true" if kind is CLUSTER_SETTINGS else bare
            return Target(path, read, kind, name)
    if name == "_settings":
        return Target(path, bare + "?flat_settings=true", INDEX_SETTINGS, name)
    if name in ("_mapping", "_mappings"):
        return Target(path, bare, INDEX_MAPPING, name)
    if len(segments) == 1 and not name.startswith("_"):
        return Target(path, bare, INDEX, name)
    return Target(path, bare, PLAIN, name)


def unwrap(target: Target, body: Any) -> list[Any]:
    """The documents inside an answer: one, or one per index; none if it does not exist."""
    kind = target.kind
    if not isinstance(body, dict):
        return []
    if kind.list_key is not None:
        found = [
            item.get(kind.item_key)
            for item in body.get(kind.list_key) or []
            if isinstance(item, dict) and item.get("name") == target.name
        ]
        return [document for document in found if document is not None]
    if kind in (INDEX_SETTINGS, INDEX_MAPPING):
        return [value.get(kind.inner) or {} for value in body.values() if isinstance(value, dict)]
    if kind.by_name:
        document = body.get(target.name)
        if document is None:
            return []
        if kind.inner is not None:
            document = document.get(kind.inner)
        return [] if document is None else [document]
    if kind.inner is not None:
        return [body[kind.inner]] if kind.inner in body else []
    return [body]


def flatten_index(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Index settings, all below `index.`, as the server stores them."""
    return {
        key if key.startswith("index.") else f"index.{key}": value
        for key, value in flatten(settings).items()
        if value is not None
    }


def canonical(kind: Kind, document: Any) -> Any:
    """Convert a document to the form in which desired and actual ones are compared."""
    if not isinstance(document, dict):
        return document
    document = {
        key: value
        for key, value in document.items()
        if key not in SERVER_KEYS and key not in kind.strip
    }
    if kind is CLUSTER_SETTINGS:
        return {scope: flatten(document.get(scope) or {}) for scope in ("persistent", "transient")}
    if kind is INDEX_SETTINGS:
        # Keep None here: it means the default.
        return {
            key if key.startswith("index.") else f"index.{key}": value
            for key, value in flatten(document).items()
        }
    if kind in (INDEX_TEMPLATE, COMPONENT_TEMPLATE):
        template = dict(document.get("template") or {})
        template["settings"] = flatten_index(template.get("settings") or {})
        return {**document, "template": template}
    if kind is LEGACY_TEMPLATE:
        return {**document, "settings": flatten_index(document.get("settings") or {})}
    return document


def differences(kind: Kind, desired: Any, actual: Any) -> list[Difference]:
    """All changes that are necessary so that `actual` contains `desired`."""
    found: list[Difference] = []
    _compare(canonical(kind, desired), canonical(kind, actual), (), kind, found)
    return found


def _matches(path: Sequence[str], pattern: Sequence[str]) -> bool:
    return len(path) == len(pattern) and all(
        expected in ("*", part) for part, expected in zip(path, pattern)
    )


def _is_exact(path: Sequence[str], kind: Kind) -> bool:
    return any(_matches(path, pattern) for pattern in kind.exact)


def _is_empty(value: Any, key: str) -> bool:
    if value is None or value == []:
        return True
    return value == {} and key in EMPTY_IS_ABSENT


def _compare(
    desired: Any, actual: Any, path: tuple[str, ...], kind: Kind, found: list[Difference]
) -> None:
    if isinstance(desired, dict):
        if actual is None and path and _is_empty(desired, path[-1]):
            return
        if isinstance(actual, dict):
            _compare_objects(desired, actual, path, kind, found)
            return
    elif isinstance(desired, (list, tuple)) and isinstance(actual, (list, tuple)):
        if not _same_list(list(desired), list(actual), path, kind):
            found.append(Difference(".".join(path), desired, actual))
        return
    elif desired is None or actual is None or isinstance(actual, dict):
        if desired is None and actual is None:
            return
        if desired == [] and actual is None:
            return
    elif isinstance(desired, (list, tuple)) or isinstance(actual, (list, tuple)):
        # In some places Elasticsearch returns a list of one value as that value.
        if _as_list(desired) == _as_list(actual):
            return
    elif scalar(desired) == scalar(actual):
        return
    found.append(Difference(".".join(path), desired, actual))


def _compare_objects(
    desired: Mapping[str, Any],
    actual: Mapping[str, Any],
    path: tuple[str, ...],
    kind: Kind,
    found: list[Difference],
) -> None:
    for key, value in desired.items():
        _compare(value, actual.get(key), (*path, str(key)), kind, found)
    exact = _is_exact(path, kind)
    for key, value in actual.items():
        if key in desired:
            continue
        below = (*path, str(key))
        if exact:
            if not kind.empty_extra_is_none or value not in (None, False, [], {}):
                found.append(Difference(".".join(below), None, value))
        elif isinstance(value, dict) and any(
            _matches(below, pattern[: len(below)]) for pattern in kind.exact
        ):
            # The desired document lacks the whole group, but each key of it is a difference.
            _compare_objects({}, value, below, kind, found)


def _as_list(value: Any) -> list[str]:
    if isinstance(value, (list, tuple)):
        return [scalar(item) for item in value]
    return [scalar(value)]


def _same_list(desired: list[Any], actual: list[Any], path: Sequence[str], kind: Kind) -> bool:
    if len(desired) != len(actual):
        return False
    if path and path[-1] in UNORDERED and not any(isinstance(item, dict) for item in desired):
        return sorted(map(scalar, desired)) == sorted(map(scalar, actual))
    for desired_item, actual_item in zip(desired, actual):
        inner: list[Difference] = []
        _compare(desired_item, actual_item, tuple(path), kind, inner)
        if inner:
            return False
    return True


@dataclass(frozen=True)
class Desired:
    target: Target
    body: Mapping[str, Any] | None = None
    present: bool = True
    compare: str = "contains"
    exists_path: str | None = None


@dataclass(frozen=True)
class Outcome:
    changed: bool
    existed: bool
    differences: list[Difference] = field(default_factory=list)
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    answer: Any = None
    acknowledged: bool = True


def make_desired(
    path: str,
    body: Mapping[str, Any] | None,
    *,
    present: bool = True,
    compare: str | None = None,
    exists_path: str | None = None,
) -> Desired:
    """Check that the options are consistent, before the first request."""
    target = parse_path(path)
    if exists_path is not None:
        parse_path(exists_path)
        if compare == "contains":
            raise ConfigurationError("exists_path is valid with compare: existence only")
        compare = "existence"
    if target.kind is INDEX and present:
        if compare == "contains":
            raise ConfigurationError(
                f"path: the index {target.name} cannot be compared as a whole. Use compare: "
                f"existence to create it, or {path}/_settings and {path}/_mapping for its parts"
            )
        compare = "existence"
    compare = compare or "contains"
    if present and body is None and compare == "contains":
        raise ConfigurationError(f"body: {path} with state: present needs a body")
    if target.kind is CLUSTER_SETTINGS:
        unknown = set(body or {}) - {"persistent", "transient"}
        if unknown or not body:
            raise ConfigurationError(
                "body: cluster settings go below the key persistent; found "
                + (", ".join(sorted(map(str, unknown))) or "nothing")
            )
    return Desired(target, body, present, compare, exists_path)


def ensure(client: Client, desired: Desired, *, check_mode: bool = False) -> Outcome:
    target = desired.target
    if target.kind is CLUSTER_SETTINGS and not desired.present:
        # Settings cannot be deleted; each one is reset to its default.
        cleared = {
            scope: dict.fromkeys(flatten(values or {}))
            for scope, values in (desired.body or {}).items()
        }
        desired = Desired(target, cleared)
    if not desired.present:
        return _ensure_absent(client, desired, check_mode)
    if desired.compare == "existence":
        return _ensure_exists(client, desired, check_mode)
    return _ensure_contains(client, desired, check_mode)


def _exists(client: Client, path: str) -> bool:
    reply = client.request("HEAD", path, accept=(400, 404, 405))
    if reply.status in (400, 405):
        # Not every path supports HEAD, and its answer has no body with a reason, so try GET.
        reply = client.get(path, accept=(404,))
    return reply.ok


def _ensure_absent(client: Client, desired: Desired, check_mode: bool) -> Outcome:
    target = desired.target
    path = target.path.split("?", 1)[0]
    if not _exists(client, path):
        return Outcome(False, False)
    if not check_mode:
        client.request("DELETE", target.path, accept=(404,))
    return Outcome(True, True, before={"path": path, "state": "present"}, after={})


def _ensure_exists(client: Client, desired: Desired, check_mode: bool) -> Outcome:
    target = desired.target
    path = desired.exists_path or target.path.split("?", 1)[0]
    if _exists(client, path):
        return Outcome(False, True)
    after = {"path": target.path, "body": desired.body}
    if check_mode:
        return Outcome(True, False, after=after)
    reply = client.request("PUT", target.path, desired.body, accept=(400,))
    if reply.status == 400 and "resource_already_exists" not in reason_of(reply):
        raise refusal(reply, client.login, client.feature_switch)
    # It exists by now: another client created it, or an earlier attempt whose answer was lost.
    return Outcome(True, False, after=after, answer=reply.body, acknowledged=_acknowledged(reply))


def _ensure_contains(client: Client, desired: Desired, check_mode: bool) -> Outcome:
    target = desired.target
    reply = client.get(target.read_path, accept=(404,))
    documents = unwrap(target, reply.body) if reply.ok else []
    found: list[Difference] = []
    for document in documents:
        found += [
            item for item in differences(target.kind, desired.body, document) if item not in found
        ]
    if documents and not found:
        return Outcome(False, True)
    if documents:
        before = {item.path: item.actual for item in found}
        after = {item.path: item.desired for item in found}
    else:
        before, after = {}, dict(desired.body or {})
    if check_mode:
        return Outcome(True, bool(documents), found, before, after)
    answer = client.request("PUT", target.path, desired.body)
    return Outcome(True, bool(documents), found, before, after, answer.body, _acknowledged(answer))


def _acknowledged(reply: Reply) -> bool:
    return not (isinstance(reply.body, dict) and reply.body.get("acknowledged") is False)
