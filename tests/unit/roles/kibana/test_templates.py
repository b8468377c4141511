# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kibana.yml of the role, rendered by Ansible, must be one that Kibana accepts."""

from __future__ import annotations

import ssl
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from repo import ROOT
from tests.harness.role_checks import complaint_template
from tests.unit.roles.evaluation import Case, evaluate

sys.path.insert(0, str(ROOT / "lab" / "images" / "kibana"))

from kibana_stand_in.settings import ConfigError, check, read

INVENTORY = {
    "swarm_managers": {
        "hosts": {
            "m1": {"ansible_host": "10.60.0.11"},
            "m2": {"ansible_host": "10.60.0.12", "elk_address": "m2.example.org"},
        }
    },
    "swarm_workers": {"hosts": {"w1": {}}},
}
VARIANTS = {
    "plain": {},
    "public": {"kibana_public_base_url": "https://logs.example.org"},
    "path": {"kibana_public_base_url": "https://example.org:8443/logs/kibana"},
    "more": {
        "kibana_settings": {
            "server.shutdownTimeout": "20s",
            "logging.root.level": "debug",
            "xpack.security.session.idleTimeout": "8h",
        }
    },
    "older": {"kibana_settings": {"server.ssl.cipherSuites": ["ECDHE-ECDSA-AES128-SHA256"]}},
    "wrong": {"kibana_settings": {"server.prot": 1}},
    "short": {"kibana_reporting_key": "too-short"},
}


# What the role's checks say about variables; None if nothing.
PUBLIC = "is no address of a page"
PATHS = "does not start with two paths"
CHECKS = {
    "name": ({"kibana_public_base_url": "https://logs.example.org"}, None),
    "path": ({"kibana_public_base_url": "https://example.org/logs"}, None),
    "no scheme": ({"kibana_public_base_url": "logs.example.org"}, PUBLIC),
    "slash": ({"kibana_public_base_url": "https://logs.example.org/"}, PUBLIC),
    "slash after a path": ({"kibana_public_base_url": "https://example.org/logs/"}, PUBLIC),
    "user": ({"kibana_public_base_url": "https://me@example.org"}, PUBLIC),
    "query": ({"kibana_public_base_url": "https://example.org/logs?a=b"}, PUBLIC),
    "same path": (
        {
            "kibana_public_base_url": "https://example.org/logs",
            "kibana_settings": {"server.basePath": "/logs"},
        },
        None,
    ),
    "other path": (
        {
            "kibana_public_base_url": "https://example.org/logs",
            "kibana_settings": {"server.basePath": "/kibana"},
        },
        PATHS,
    ),
    "path of no address": ({"kibana_settings": {"server.basePath": "/kibana"}}, None),
    "rewriting": ({"kibana_settings": {"server.rewriteBasePath": "true"}}, "rewriteBasePath"),
}


@dataclass(frozen=True)
class Rendered:
    texts: dict[str, str]
    complaints: dict[str, str]
    credentials: Path


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    tmp = tmp_path_factory.mktemp("kibana")
    token = tmp / "credentials" / "kibana_token"
    token.parent.mkdir()
    token.write_text("AAEAAWVsYXN0aWMva2liYW5h\n")
    elk, role = ROOT / "roles" / "elk", ROOT / "roles" / "kibana"
    template = f"lookup('ansible.builtin.template', '{role}/templates/kibana.yml.j2')"
    values = evaluate(
        tmp,
        [
            *(Case(f"file of {name}", template, own) for name, own in VARIANTS.items()),
            *(Case(f"check {name}", "complaint", own) for name, (own, _text) in CHECKS.items()),
        ],
        groups=INVENTORY,
        local_dir=token.parent,
        vars_files=[of / kind / "main.yml" for of in (elk, role) for kind in ("defaults", "vars")],
        variables={"complaint": complaint_template(role)},
    )["m1"]
    return Rendered(
        texts={name: values[f"file of {name}"] for name in VARIANTS},
        complaints={name: values[f"check {name}"] for name in CHECKS},
        credentials=token.parent,
    )


@pytest.fixture
def load(rendered, tmp_path):
    """Load a variant as the container would, with its files where the role mounts them."""

    def in_container(name):
        text = rendered.texts[name]
        for mounted in ("ca.crt", "kibana.crt", "kibana.key"):
            (tmp_path / mounted).touch()
        path = tmp_path / "kibana.yml"
        path.write_text(text.replace("/usr/share/kibana/config/certs/", f"{tmp_path}/"))
        return read([path], {}, {})

    return in_container


def test_plain(load):
    flat = load("plain")
    settings = check(flat)
    assert settings.elasticsearch == (
        "https://10.60.0.11:9200",
        "https://m2.example.org:9200",
        "https://w1:9200",
    )
    assert settings.token == "AAEAAWVsYXN0aWMva2liYW5h"
    assert settings.verification == "full"
    assert settings.tls
    assert (settings.host, settings.port) == ("0.0.0.0", 5601)
    assert "server.publicBaseUrl" not in flat


def test_no_suite_is_cbc(load):
    settings = check(load("plain"))
    assert settings.protocols == ("TLSv1.3", "TLSv1.2")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(":".join(name for name in settings.ciphers if not name.startswith("TLS_")))
    offered = context.get_ciphers()
    assert {cipher["name"] for cipher in offered} == set(settings.ciphers)
    assert all(cipher["aead"] for cipher in offered)
    # An older client needs an explicit setting.
    assert check(load("older")).ciphers == ("ECDHE-ECDSA-AES128-SHA256",)


def test_the_file_is_the_same_for_all_replicas(load):
    assert not {"server.name", "server.uuid", "path.data"} & set(load("plain"))


def test_keys_are_kept_and_differ(rendered, load):
    flat, again = load("plain"), load("public")
    names = [name for name in flat if name.endswith("encryptionKey")]
    assert len({flat[name] for name in names}) == 3
    assert [flat[name] for name in names] == [again[name] for name in names]
    for path in rendered.credentials.iterdir():
        if path.name != "kibana_token":
            assert path.stat().st_mode & 0o777 == 0o600


def test_public_address(load):
    public = load("public")
    assert public["server.publicBaseUrl"] == "https://logs.example.org"
    assert "server.basePath" not in public
    check(public)


def test_a_path_of_the_public_address_is_the_base_path(load):
    flat = load("path")
    assert flat["server.publicBaseUrl"] == "https://example.org:8443/logs/kibana"
    assert check(flat).base_path == "/logs/kibana"
    # Health checks ask without the path.
    assert "server.rewriteBasePath" not in flat


@pytest.mark.parametrize("name", CHECKS)
def test_checks_of_the_public_address(rendered, name):
    expected, complaint = CHECKS[name][1], rendered.complaints[name]
    found = [text for text in (PUBLIC, PATHS, "rewriteBasePath") if text in complaint]
    assert found == ([expected] if expected else [])


def test_settings_of_the_user_take_precedence(load):
    settings = check(load("more"))
    assert settings.shutdown_timeout == 20
    assert settings.debug


@pytest.mark.parametrize(("name", "setting"), [("wrong", "server.prot"), ("short", "reporting")])
def test_what_kibana_refuses(load, name, setting):
    with pytest.raises(ConfigError, match=setting):
        check(load(name))
