"""What the role elasticsearch renders, and what changes its two hashes."""

from __future__ import annotations

import json
import ssl
import sys
from typing import Any

import pytest
import yaml

from repo import ROOT
from tests.unit.roles.evaluation import Case, evaluate

sys.path.insert(0, str(ROOT / "lab" / "images" / "logstash"))

from logstash_stand_in.tls import openssl_name

ROLE = ROOT / "roles" / "elasticsearch"

INVENTORY: dict[str, Any] = {
    "swarm_managers": {"hosts": {"m1": {"ansible_host": "10.60.0.11"}}},
    "swarm_workers": {
        "hosts": {
            "w1": {"ansible_host": "10.60.0.21", "elasticsearch_node_roles": ["data"]},
            "w2": {"ansible_host": "10.60.0.22"},
        }
    },
}
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "version": {"elk_version": "9.1.0"},
    "memory": {"elasticsearch_memory": "8g"},
    "huge": {"elasticsearch_memory": "100g"},
    "heap": {"elasticsearch_heap": "700m"},
    "settings": {"elasticsearch_settings": {"indices.recovery.max_bytes_per_sec": "80mb"}},
    "retention": {"elasticsearch_retention": "90d", "elasticsearch_index_shards": 3},
    "pids": {"elasticsearch_pids_limit": 4096},
    "privileges": {"elk_no_new_privileges": False},
    "without_ilm": {"elasticsearch_ilm_enabled": False},
    "bind": {"elasticsearch_storage": {"kind": "bind"}},
    "volume": {"elasticsearch_storage": {"kind": "volume"}},
    "plugin": {
        "elasticsearch_storage": {
            "kind": "plugin",
            "plugin": "registry.example.org/disk:1",
            "plugin_options": {"PASSWORD": "hush"},
            "options": {"size": "{{ '1g' if inventory_hostname == 'm1' else '2g' }}"},
        }
    },
}
# Rendering is what takes the time, so only what a test reads is rendered.
WITH_FILES = ["plain", "bind", "retention", "without_ilm"]
EVERYWHERE = ["plain", "plugin"]
SHOWN = {
    **{
        name: f"{{{{ elasticsearch_{name} }}}}"
        for name in ("generation", "config_hash", "node_names", "index_replicas", "data")
    },
    **{
        name: f"{{{{ __elasticsearch_{name} }}}}"
        for name in ("service_name", "java_options", "master_names")
    },
}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    tmp = tmp_path_factory.mktemp("elasticsearch")
    files = {
        "forming": "{{ lookup('ansible.builtin.template', yml, template_vars=forming) }}",
        "formed": "{{ lookup('ansible.builtin.template', yml, template_vars=formed) }}",
        "index_template": "{{ lookup('ansible.builtin.template', index) }}",
    }
    values = evaluate(
        tmp,
        [
            Case(
                name,
                "shown | combine(files)" if name in WITH_FILES else "shown",
                variables,
                () if name in EVERYWHERE else ("m1",),
            )
            for name, variables in VARIANTS.items()
        ],
        groups=INVENTORY,
        local_dir=tmp,
        hosts="all",
        variables={
            "yml": str(ROLE / "templates" / "elasticsearch.yml.j2"),
            "forming": {"__elasticsearch_forming": True},
            "formed": {"__elasticsearch_forming": False},
            "index": str(ROLE / "templates" / "index_template.yml.j2"),
            "shown": SHOWN,
            "files": files,
        },
        before=[
            {
                "name": "Set the hosts' names",
                "ansible.builtin.set_fact": {
                    "ansible_facts": {"nodename": "node-{{ inventory_hostname }}"}
                },
            },
            {
                "name": "Load the role's variables, with the inventory above its defaults",
                "ansible.builtin.import_role": {
                    "name": "elk.swarm.elasticsearch",
                    "tasks_from": "defaults.yml",
                },
            },
        ],
    )
    return {
        f"{name}-{host}": value for host, found in values.items() for name, value in found.items()
    }


def test_a_forming_cluster_names_its_masters_and_a_formed_one_does_not(
    rendered: dict[str, Any],
) -> None:
    forming = yaml.safe_load(rendered["plain-m1"]["forming"])
    formed = yaml.safe_load(rendered["plain-m1"]["formed"])
    assert forming.pop("cluster.initial_master_nodes") == ["node-m1", "node-w2"]
    assert forming == formed


def test_security_and_tls_are_on_and_nothing_is_unverified(rendered: dict[str, Any]) -> None:
    config = yaml.safe_load(rendered["plain-m1"]["formed"])
    assert config["xpack.security.enabled"] is True
    assert config["xpack.security.http.ssl.enabled"] is True
    assert config["xpack.security.transport.ssl.enabled"] is True
    assert config["xpack.security.transport.ssl.verification_mode"] == "certificate"
    assert "none" not in config.values()


@pytest.mark.parametrize("channel", ["http", "transport"])
def test_no_suite_is_cbc(rendered: dict[str, Any], channel: str) -> None:
    config = yaml.safe_load(rendered["plain-m1"]["formed"])
    assert config[f"xpack.security.{channel}.ssl.supported_protocols"] == ["TLSv1.3", "TLSv1.2"]
    suites = config[f"xpack.security.{channel}.ssl.cipher_suites"]
    names = [suite if "_WITH_" not in suite else openssl_name(suite) for suite in suites]
    context = ssl.create_default_context()
    context.set_ciphers(":".join(name for name in names if not name.startswith("TLS_")))
    offered = context.get_ciphers()
    assert {cipher["name"] for cipher in offered} == set(names)
    assert all(cipher["aead"] for cipher in offered)


def test_the_file_has_no_alias_of_yaml(rendered: dict[str, Any]) -> None:
    """Elasticsearch does not start with a YAML alias in its file."""
    for state in ("forming", "formed"):
        text = rendered["plain-m1"][state]
        assert not [event for event in yaml.parse(text) if isinstance(event, yaml.AliasEvent)]


def test_each_host_has_its_own_address_and_roles(rendered: dict[str, Any]) -> None:
    worker = yaml.safe_load(rendered["plain-w1"]["formed"])
    assert worker["http.publish_host"] == "10.60.0.21"
    assert worker["node.roles"] == ["data"]
    manager = yaml.safe_load(rendered["plain-m1"]["formed"])
    assert "master" in manager["node.roles"]


def test_the_generation_is_the_same_in_the_next_version_of_this_collection(
    rendered: dict[str, Any],
) -> None:
    """Another generation makes the next version restart every node: never by accident."""
    assert rendered["plain-m1"]["generation"] == "c172b08a"
    assert rendered["bind-m1"] == rendered["plain-m1"]
    assert rendered["plain-m1"]["data"]["mount"] == {
        "type": "bind",
        "source": "/srv/elk/elasticsearch",
        "target": "/usr/share/elasticsearch/data",
    }


def test_hosts_with_volumes_of_other_sizes_share_one_service(rendered: dict[str, Any]) -> None:
    first, second = rendered["plugin-m1"], rendered["plugin-w1"]
    assert first["data"]["told"]["identity"]["options"] == {"size": "1g"}
    assert second["data"]["told"]["identity"]["options"] == {"size": "2g"}
    assert first["generation"] == second["generation"]
    assert first["data"]["mount"] == second["data"]["mount"]
    assert first["data"]["mount"]["source"] == "es-{{.Node.Hostname}}"
    assert second["data"]["expected"]["source"] == "es-node-w1"
    assert "hush" not in json.dumps(first)


@pytest.mark.parametrize("variant", ["version", "memory", "volume", "plugin", "pids", "privileges"])
def test_a_change_of_the_service_changes_the_generation(
    rendered: dict[str, Any], variant: str
) -> None:
    before, after = rendered["plain-m1"], rendered[f"{variant}-m1"]
    assert after["generation"] != before["generation"]
    assert after["service_name"] == f"elk_elasticsearch-{after['generation']}"


@pytest.mark.parametrize("variant", ["heap", "settings"])
def test_a_change_of_a_file_changes_only_the_config_hash(
    rendered: dict[str, Any], variant: str
) -> None:
    before, after = rendered["plain-m1"], rendered[f"{variant}-m1"]
    assert after["generation"] == before["generation"]
    assert after["config_hash"] != before["config_hash"]


@pytest.mark.parametrize("variant", ["retention", "without_ilm"])
def test_a_change_through_the_api_restarts_nothing(rendered: dict[str, Any], variant: str) -> None:
    before, after = rendered["plain-m1"], rendered[f"{variant}-m1"]
    assert after["generation"] == before["generation"]
    assert after["config_hash"] == before["config_hash"]


def test_all_hosts_agree_on_the_generation(rendered: dict[str, Any]) -> None:
    assert len({rendered[f"plain-{host}"]["generation"] for host in ("m1", "w1", "w2")}) == 1


@pytest.mark.parametrize(
    ("variant", "heap"), [("plain", "2048m"), ("heap", "700m"), ("huge", "31744m")]
)
def test_heap_is_half_of_the_limit_and_never_above_31_gib(
    rendered: dict[str, Any], variant: str, heap: str
) -> None:
    assert rendered[f"{variant}-m1"]["java_options"] == [f"-Xms{heap}", f"-Xmx{heap}"]


def test_index_template(rendered: dict[str, Any]) -> None:
    settings = yaml.safe_load(rendered["retention-m1"]["index_template"])["template"]["settings"]
    assert settings["index.number_of_shards"] == 3
    assert settings["index.number_of_replicas"] == 1
    assert settings["index.lifecycle.name"] == "syslog-msg"
    bare = yaml.safe_load(rendered["without_ilm-m1"]["index_template"])["template"]["settings"]
    assert not [name for name in bare if "lifecycle" in name]
