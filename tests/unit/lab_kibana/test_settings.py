# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from kibana_stand_in.__main__ import find_uuid, parse_arguments
from kibana_stand_in.settings import (
    EXIT_INVALID,
    EXIT_UNKNOWN,
    ConfigError,
    check,
    from_environment,
    read,
)

KEY = "k" * 32


def load(tmp_path, text, environment=None, arguments=None):
    path = tmp_path / "kibana.yml"
    path.write_text(text)
    return check(read([path], arguments or {}, environment or {}))


def refused(tmp_path, text, **more):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, **more)
    return caught.value


def test_nested_and_dotted_keys_are_the_same(tmp_path):
    nested = load(tmp_path, "server: {name: a, ssl: {enabled: false}}\nserver.port: 1234\n")
    assert (nested.name, nested.port, nested.tls) == ("a", 1234, False)


def test_unknown_settings_are_all_named(tmp_path):
    error = refused(tmp_path, "server.prot: 5601\nelasticsearch: {hots: [x]}\nserver.port: 1\n")
    assert error.code == EXIT_UNKNOWN
    assert "server.prot" in str(error)
    assert "elasticsearch.hots" in str(error)
    assert "server.port" not in str(error)


def test_settings_with_free_keys(tmp_path):
    load(
        tmp_path,
        "logging.appenders.file.type: file\nlogging.root.level: info\n"
        "xpack.security.authc.providers: {basic: {basic1: {order: 0}}}\n",
    )


@pytest.mark.parametrize(
    "name",
    [
        "xpack.security.encryptionKey",
        "xpack.encryptedSavedObjects.encryptionKey",
        "xpack.reporting.encryptionKey",
    ],
)
def test_short_keys_are_refused_and_not_printed(tmp_path, name):
    error = refused(tmp_path, f"{name}: hush-hush-hush\n")
    assert error.code == EXIT_INVALID
    assert name in str(error)
    assert "32" in str(error)
    assert "hush" not in str(error)
    load(tmp_path, f"{name}: {KEY}\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("server.port: many", "whole number"),
        ("server.port: 70000", "0 to 65535"),
        ("server.ssl.enabled: perhaps", "true or false"),
        ("server.ssl.enabled: true", "server.ssl.certificate"),
        ("server.shutdownTimeout: 5 apples", "milliseconds"),
        ("server.shutdownTimeout: 121s", "2 minutes"),
        ("server.basePath: kibana", "begin with a slash"),
        ("server.rewriteBasePath: true", "server.basePath"),
        ("server.publicBaseUrl: https://a.example/logs", "/logs !== /"),
        ("server: {publicBaseUrl: 'https://a.example/logs/', basePath: /logs}", "/logs/ !== /logs"),
        ("server.publicBaseUrl: a.example", "https://"),
        ("elasticsearch.hosts: []", "empty"),
        ("elasticsearch.hosts: ['10.0.0.1:9200']", "URLs"),
        ("elasticsearch.hosts: ['http://10.0.0.1:9200']", "no TLS"),
        ("elasticsearch.hosts: ['https://u:p@10.0.0.1:9200']", "passwords"),
        ("elasticsearch.username: elastic", "superuser"),
        ("elasticsearch: {username: a, serviceAccountToken: b}", "exclude"),
        ("elasticsearch.password: b", "elasticsearch.username"),
        ("elasticsearch.ssl.verificationMode: none", "full"),
        ("elasticsearch.ssl.verificationMode: maybe", "one of full"),
        ("elasticsearch.ssl.certificateAuthorities: /does/not/exist", "/does/not/exist"),
        ("logging.loggers: [{name: x}]", "logging.root"),
        ("server.name: ${NO_SUCH_VARIABLE}", "NO_SUCH_VARIABLE"),
        ("server.port: 1\nserver.port: 2", "twice"),
        ("- a\n- b", "must contain settings"),
        ("a: [", "not valid YAML"),
    ],
)
def test_wrong_values(tmp_path, text, message):
    error = refused(tmp_path, text + "\n")
    assert error.code == EXIT_INVALID
    assert message in str(error)


def test_broken_yaml_is_not_quoted(tmp_path):
    error = refused(tmp_path, "elasticsearch.serviceAccountToken: 'secret-token\n")
    assert "secret-token" not in str(error)


def test_a_file_that_cannot_be_read(tmp_path):
    folder = tmp_path / "key"
    folder.mkdir()
    assert "cannot read" in str(refused(tmp_path, f"server.ssl.key: {folder}\n"))
    with pytest.raises(ConfigError, match="cannot read"):
        read([tmp_path / "absent.yml"], {}, {})


def test_environment_overrides_file_and_options_override_both(tmp_path):
    text = "server.name: file\nserver.port: 1\nserver.host: file\n"
    environment = {"SERVER_NAME": "env", "SERVER_PORT": "2", "SERVER_HOST": ""}
    got = load(tmp_path, text, environment, {"server.name": "option"})
    assert (got.name, got.port, got.host) == ("option", 2, "file")


def test_environment_with_camel_case_and_lists():
    found = from_environment(
        {
            "ELASTICSEARCH_SERVICEACCOUNTTOKEN": "t",
            "ELASTICSEARCH_HOSTS": '["https://a:9200","https://b:9200"]',
            "SERVER_PROTOCOL": "http1",
            "PATH": "/bin",
        }
    )
    assert found == {
        "elasticsearch.serviceAccountToken": "t",
        "elasticsearch.hosts": ["https://a:9200", "https://b:9200"],
    }


def test_environment_with_white_space_is_refused():
    with pytest.raises(ConfigError, match="SERVER_NAME"):
        from_environment({"SERVER_NAME": "two words"})


def test_variables_in_the_file(tmp_path):
    got = load(tmp_path, "server.name: a-${SLOT}-${ZONE:here}\n", {"SLOT": "3"})
    assert got.name == "a-3-here"


def test_durations(tmp_path):
    got = load(tmp_path, "elasticsearch.requestTimeout: 1500\nserver.shutdownTimeout: 2m\n")
    assert (got.request_timeout, got.shutdown_timeout) == (1.5, 120)


def test_arguments(tmp_path):
    default = tmp_path / "kibana.yml"
    assert parse_arguments([], default) == ([default], {})
    files, options = parse_arguments(["-c", "a.yml", "--config=b.yml", "--server.port=5"], default)
    assert [str(path) for path in files] == ["a.yml", "b.yml"]
    assert options == {"server.port": 5}
    with pytest.raises(ConfigError):
        parse_arguments(["serve"], default)


def test_the_id_of_the_instance_is_stored(tmp_path):
    first = find_uuid(None, tmp_path)
    assert find_uuid(None, tmp_path) == first
    assert find_uuid("given", tmp_path) == "given"
    with pytest.raises(ConfigError):
        find_uuid(None, tmp_path / "absent")
