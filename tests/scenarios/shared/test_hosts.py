"""Each host: engine, kernel settings, directories, certificates."""

from __future__ import annotations

import json
from typing import Any

testinfra_hosts = ["ansible://all?sudo=True"]


def test_docker_runs_and_its_package_is_held(host: Any) -> None:
    service = host.service("docker")
    assert service.is_running
    assert service.is_enabled
    assert "docker.io" in host.check_output("apt-mark showhold").split()


def test_daemon_rotates_logs_and_has_no_live_restore(host: Any) -> None:
    options = json.loads(host.file("/etc/docker/daemon.json").content_string)
    assert {"max-size", "max-file"} <= set(options["log-opts"])
    assert "live-restore" not in options
    running = json.loads(host.check_output("docker info --format '{{json .}}'"))
    assert running["LoggingDriver"] == options["log-driver"]
    assert running["LiveRestoreEnabled"] is False


def test_kernel_settings_are_in_a_separate_file(host: Any) -> None:
    assert host.sysctl("vm.max_map_count") >= 262144
    assert host.sysctl("net.ipv4.tcp_retries2") == 5
    written = host.file("/etc/sysctl.d/90-elk-swarm.conf").content_string
    assert "vm.max_map_count" in written
    assert "net.ipv4.tcp_retries2" in written


def test_data_directory_is_closed_to_others(host: Any) -> None:
    directory = host.file("/srv/elk/elasticsearch")
    assert directory.is_directory
    assert (directory.uid, directory.gid, directory.mode) == (1000, 0, 0o770)


def test_private_files_are_private(host: Any) -> None:
    # The image requires that its user owns this file.
    password = host.file("/etc/elk/elasticsearch/secrets/elastic_password")
    assert (password.uid, password.mode) == (1000, 0o400)
    for name in ("node.key", "transport.key"):
        key = host.file(f"/etc/elk/pki/{name}")
        assert (key.uid, key.gid, key.mode) == (0, 0, 0o440), name
    folder = host.file("/etc/elk/pki")
    assert (folder.uid, folder.gid, folder.mode) == (0, 0, 0o750)


def test_files_that_root_writes_are_in_folders_of_root(host: Any) -> None:
    for path in ("/etc/elk", "/etc/elk/elasticsearch", "/etc/elk/elasticsearch/secrets"):
        folder = host.file(path)
        assert (folder.uid, folder.gid, folder.mode) == (0, 0, 0o750), path
    for name in ("elasticsearch.yml", "jvm.options", "cluster_uuid"):
        file = host.file(f"/etc/elk/elasticsearch/{name}")
        assert (file.uid, file.gid, file.mode & 0o222) == (0, 0, 0), name


def test_certificate_names_the_host_and_verifies(host: Any) -> None:
    pki = "/etc/elk/pki"
    host.check_output("openssl verify -CAfile %s/ca.crt %s/node.crt", pki, pki)
    names = host.check_output("openssl x509 -noout -ext subjectAltName -in %s/node.crt", pki)
    assert f"DNS:{host.check_output('hostname')}" in names
    assert "DNS:localhost" in names


def test_each_certificate_has_the_usages_that_it_needs(host: Any) -> None:
    pki = "/etc/elk/pki"
    usages = {}
    for name in ("node", "transport"):
        shown = f"openssl x509 -noout -ext extendedKeyUsage -in {pki}/{name}.crt"
        usages[name] = host.check_output(shown).splitlines()[-1].strip()
    assert usages == {
        "node": "TLS Web Server Authentication",
        "transport": "TLS Web Server Authentication, TLS Web Client Authentication",
    }
    host.check_output("openssl verify -CAfile %s/transport-ca.crt %s/transport.crt", pki, pki)
    # Neither authority signs the other's certificates.
    for authority, certificate in (("ca", "transport"), ("transport-ca", "node")):
        done = host.run(f"openssl verify -CAfile {pki}/{authority}.crt {pki}/{certificate}.crt")
        assert done.rc != 0, (authority, certificate)


def test_the_setting_that_forms_a_cluster_is_removed(host: Any) -> None:
    config = host.file("/etc/elk/elasticsearch/elasticsearch.yml").content_string
    assert "discovery.seed_hosts" in config
    assert "cluster.initial_master_nodes" not in config


def test_optional_settings_are_not_set_by_default(host: Any) -> None:
    # No firewall is active on these hosts, so the role adds no rules.
    assert not host.package("nftables").is_installed
    assert not host.file("/etc/nftables.d").exists
    assert not host.file("/etc/tmpfiles.d/90-elk-swarm.conf").exists
    assert not host.service("swap.target").is_masked
