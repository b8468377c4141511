# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users of the native realm and tokens of service accounts: what differs, and how to change it.

Secrets cannot be read from Elasticsearch, so a login with the secret shows whether it is right. The
administrator's login must read the security index first: while that index is not available, every
login is refused, so a refusal proves nothing.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import (
    ConfigurationError,
    Login,
    path_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import Client

PROPERTIES = ("roles", "full_name", "email", "metadata", "enabled")
HIDDEN = "(not shown)"


@dataclass(frozen=True)
class DesiredUser:
    name: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    password: str | None = field(default=None, repr=False)
    update_password: bool = True
    builtin: bool = False
    present: bool = True


@dataclass(frozen=True)
class UserPlan:
    """The request. `body` is a whole user without password, or None if no PUT is necessary."""

    changes: list[str]
    body: dict[str, Any] | None
    before: dict[str, Any]
    after: dict[str, Any]


@dataclass(frozen=True)
class UserOutcome:
    changes: list[str]
    exists: bool
    before: dict[str, Any]
    after: dict[str, Any]


def differs(name: str, desired: Any, actual: Any) -> bool:
    if name == "roles":
        return set(desired) != set(actual or [])
    if name == "metadata":
        return bool(desired != (actual or {}))
    if name in ("full_name", "email"):
        return (desired or "") != (actual or "")
    return bool(desired != actual)


def plan_user(desired: DesiredUser, actual: Mapping[str, Any]) -> UserPlan:
    """Compare the properties. A PUT replaces the user, so it contains unchanged ones too."""
    changes = [
        name
        for name in PROPERTIES
        if name in desired.properties and differs(name, desired.properties[name], actual.get(name))
    ]
    if not changes:
        return UserPlan([], None, {}, {})
    current = {name: actual[name] for name in PROPERTIES if actual.get(name) is not None}
    return UserPlan(
        changes=changes,
        body={**current, **desired.properties},
        before={name: actual.get(name) for name in changes},
        after={name: desired.properties[name] for name in changes},
    )


def password_is_right(client: Client, name: str, password: str) -> bool:
    login = Login(username=name, password=password)
    probe = client.derive(login=login)
    try:
        reply = probe.request("GET", "/_security/_authenticate", accept=(401,))
        return reply.ok and reply.object().get("username") == name
    finally:
        probe.close()


def ensure_user(client: Client, desired: DesiredUser, *, check_mode: bool = False) -> UserOutcome:
    path = path_of("_security", "user", desired.name)
    reply = client.get(path, accept=(404,))
    actual: dict[str, Any] | None = None
    if reply.ok:
        actual = reply.object().get(desired.name)
    if not desired.present:
        return _remove_user(client, desired, path, actual, check_mode)
    reserved = bool(actual and (actual.get("metadata") or {}).get("_reserved"))
    if desired.builtin:
        if desired.properties:
            raise ConfigurationError(
                f"user {desired.name}: a built-in user allows only a new password; leave out "
                + ", ".join(desired.properties)
            )
        if actual is None:
            raise ConfigurationError(
                f"user {desired.name}: builtin is true, but Elasticsearch has no such user. Check "
                "the spelling, or set builtin: false to create it"
            )
    elif reserved:
        raise ConfigurationError(
            f"user {desired.name} is a built-in user of Elasticsearch; set builtin: true, and only "
            "user_password"
        )
    if actual is None:
        return _create_user(client, desired, path, check_mode)
    return _change_user(client, desired, path, actual, check_mode)


def _remove_user(
    client: Client,
    desired: DesiredUser,
    path: str,
    actual: Mapping[str, Any] | None,
    check_mode: bool,
) -> UserOutcome:
    if actual is None:
        return UserOutcome([], False, {}, {})
    if not check_mode:
        client.request("DELETE", path, accept=(404,))
    return UserOutcome(["removed"], False, {"name": desired.name}, {})


def _create_user(client: Client, desired: DesiredUser, path: str, check_mode: bool) -> UserOutcome:
    if desired.password is None:
        raise ConfigurationError(
            f"user {desired.name} does not exist yet; set user_password to create it"
        )
    body = {"roles": [], **desired.properties}
    if not check_mode:
        client.request("PUT", path, {**body, "password": desired.password})
    return UserOutcome(["created"], True, {}, {**body, "password": HIDDEN})


def _change_user(
    client: Client,
    desired: DesiredUser,
    path: str,
    actual: Mapping[str, Any],
    check_mode: bool,
) -> UserOutcome:
    plan = plan_user(desired, actual)
    changes, before, after = list(plan.changes), dict(plan.before), dict(plan.after)
    if plan.body is not None and not check_mode:
        client.request("PUT", path, plan.body)
    # A disabled user cannot log in, so its password cannot be tested. In check mode a user that
    # would be enabled is still disabled.
    enabled_now = actual.get("enabled", True) if check_mode else True
    enabled = desired.properties.get("enabled", actual.get("enabled", True)) and enabled_now
    if (
        desired.password is not None
        and desired.update_password
        and enabled
        and not password_is_right(client, desired.name, desired.password)
    ):
        changes.append("password")
        before["password"], after["password"] = HIDDEN, HIDDEN + ", another one"
        if not check_mode:
            client.request("PUT", path + "/_password", {"password": desired.password})
    return UserOutcome(changes, True, before, after)


@dataclass(frozen=True)
class DesiredToken:
    namespace: str
    service: str
    name: str
    stored: str | None = field(default=None, repr=False)
    present: bool = True


@dataclass(frozen=True)
class TokenOutcome:
    changed: bool
    reason: str
    before: dict[str, Any]
    after: dict[str, Any]
    token: str | None = field(default=None, repr=False)


def token_is_valid(client: Client, desired: DesiredToken) -> bool:
    """Whether a login with the stored token works and belongs to the right account."""
    if desired.stored is None:
        return False
    if not desired.stored.isascii() or any(char.isspace() for char in desired.stored):
        # A token has no such characters, and an HTTP header cannot contain them.
        return False
    probe = client.derive(login=Login(token=desired.stored))
    try:
        reply = probe.request("GET", "/_security/_authenticate", accept=(401,))
    finally:
        probe.close()
    account = f"{desired.namespace}/{desired.service}"
    return reply.ok and reply.object().get("username") == account


def token_name(token: str) -> str:
    """The name inside a token; empty if the text is not a token."""
    # Tokens use both alphabets of base64, with and without padding.
    text = token.strip().replace("-", "+").replace("_", "/")
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        account, colon, _secret = raw.decode().partition(":")
    except ValueError:
        return ""
    parts = account.split("/")
    return parts[2] if colon and len(parts) == 3 else ""


def token_names(client: Client, desired: DesiredToken) -> set[str]:
    path = path_of("_security", "service", desired.namespace, desired.service, "credential")
    reply = client.get(path, accept=(404,))
    return set(reply.object().get("tokens") or {}) if reply.ok else set()


def ensure_token(
    client: Client, desired: DesiredToken, *, check_mode: bool = False
) -> TokenOutcome:
    account = f"{desired.namespace}/{desired.service}"
    shown = {"account": account, "name": desired.name, "token": HIDDEN}
    path = path_of(
        "_security",
        "service",
        desired.namespace,
        desired.service,
        "credential",
        "token",
        desired.name,
    )
    if desired.present and token_is_valid(client, desired):
        return TokenOutcome(False, "the stored token is valid", shown, shown)
    exists = desired.name in token_names(client, desired)
    if not desired.present:
        if not exists:
            return TokenOutcome(False, "there is no token of this name", {}, {})
        if not check_mode:
            client.request("DELETE", path, accept=(404,))
        return TokenOutcome(True, "the token must be absent", shown, {})
    # Test again: the list that was just read proves that the security index is available now; the
    # first refusal may come from a node that could not read it yet.
    if desired.stored is not None and exists and token_is_valid(client, desired):
        return TokenOutcome(False, "the stored token is valid", shown, shown)
    if desired.stored is None:
        reason = "no token was stored"
    else:
        reason = "the stored token is refused"
    if exists:
        reason += f", and another token has the name {desired.name}"
    before = {**shown, "token": HIDDEN + ", not valid"} if exists else {}
    after = {**shown, "token": HIDDEN + ", new"}
    if check_mode:
        return TokenOutcome(True, reason, before, after)
    if exists:
        client.request("DELETE", path, accept=(404,))
    reply = client.request("POST", path, accept=(409,))
    if reply.status == 409:
        # An earlier attempt, whose answer was lost, created this token, so nobody has its value.
        client.request("DELETE", path, accept=(404,))
        reply = client.request("POST", path)
    value = (reply.object().get("token") or {}).get("value")
    if not value:
        raise ConfigurationError(
            f"Elasticsearch created a token for {account} but did not return it: {reply.url}"
        )
    return TokenOutcome(True, reason, before, after, token=str(value))
