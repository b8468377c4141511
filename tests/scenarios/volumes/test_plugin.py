"""elk.swarm.plugin and plugin_info on a real Docker, with the lab's volume plugin."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.scenarios.volumes.plugin_host import ALIAS, CLEAN, MARK, PluginHost, lend_host

if TYPE_CHECKING:
    from collections.abc import Iterator

# Wherever a secret shows, quoted or folded, its first word is in the text.
WORD, OLD_SECRET = "s3cretw0rd", "an-0ld-one"
SECRET = f'{WORD} isn\'t "told"'
VOLUME, CONTAINER = f"{MARK}-data", f"{MARK}-web"
PRIVILEGES = [
    {"name": "network", "value": ["host"]},
    {"name": "mount", "value": ["/srv"]},
    {"name": "capabilities", "value": ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE"]},
]

host = pytest.fixture(scope="module")(lend_host)


@pytest.fixture(autouse=True)
def _clean(host: PluginHost) -> Iterator[None]:
    yield
    host.sh(CLEAN)


def shows_no_secret(text: str) -> bool:
    return WORD not in text and OLD_SECRET not in text


def test_every_state(host: PluginHost) -> None:
    [missing] = host.refused(("asks for privileges", {"grant_all": False}))
    assert missing["lacking_privileges"] == PRIVILEGES
    named = {"grant_all": False, "privileges": PRIVILEGES}
    installed, enabled = host.prove(named, {"state": "enable", **named})
    assert not installed["plugin"]["Enabled"]
    assert enabled["plugin"] == host.inspect()
    assert enabled["plugin"]["Enabled"]
    host.refused(("force_remove: true", {"state": "absent"}))
    disabled, gone = host.prove({"state": "disable"}, {"state": "absent"})
    assert not disabled["plugin"]["Enabled"]
    assert gone["diff"]["before"]["state"] == "disabled"
    host.refused(("is not installed", {"state": "disable"}))


def test_options_of_an_enabled_and_of_a_disabled_plugin(host: PluginHost) -> None:
    host.run({"state": "enable"})
    options = {"RETRIES": 7, "COMMENT": "", "PASSWORD": SECRET, "disk.source": "/srv"}
    [applied] = host.prove({"plugin_options": options, "show_options": ["RETRIES"]})
    assert host.inspect()["Enabled"]
    assert host.settings() == {
        "SCOPE": "local",
        "RETRIES": "7",
        "PASSWORD": SECRET,
        "FORMAT": "json",
        "COMMENT": "",
    }
    assert applied["diff"]["after"]["options"]["RETRIES"] == "7"
    quoted = 'it\'s "quoted" = so'
    host.prove({"state": "disable"}, {"plugin_options": {"COMMENT": quoted, "RETRIES": "0"}})
    assert host.settings()["COMMENT"] == quoted
    host.refused(
        ("has no such option", {"plugin_options": {"RETRYS": 1}}),
        ("does not let it be set", {"plugin_options": {"FORMAT": "xml"}}),
    )


def test_in_use_and_free(host: PluginHost) -> None:
    host.run({"state": "enable"})
    host.volume(VOLUME)
    host.container(CONTAINER, VOLUME)
    host.sh(f"docker exec {CONTAINER} sh -c 'echo kept > /data/file'")
    named = f"{VOLUME} (container {CONTAINER}, running)"
    change = {"plugin_options": {"RETRIES": "5"}}
    host.refused(
        (named, change),
        (named, {"plugin_name": f"{host.remote}:2"}),
        (named, {"state": "disable"}),
        (named, {"state": "absent", "force_remove": True}),
    )
    [info] = host.results([{"elk.swarm.plugin_info": {"plugin_name": ALIAS}}])
    [found] = info["plugins"]
    assert found["volumes"] == [
        {"name": VOLUME, "containers": [{"name": CONTAINER, "state": "running"}]}
    ]
    host.prove({"force": True, **change})
    assert host.sh(f"docker exec {CONTAINER} cat /data/file") == "kept"
    host.sh(f"docker rm -f {CONTAINER}")
    # An unused volume does not prevent a change, but it prevents the removal of its driver.
    host.prove({"plugin_options": {"RETRIES": "6"}})
    host.refused((VOLUME, {"state": "absent", "force_remove": True}))


def test_upgrade_between_two_tags(host: PluginHost) -> None:
    second = f"{host.remote}:2"
    host.run({"state": "enable", "plugin_options": {"PASSWORD": SECRET}})
    host.volume(VOLUME)
    host.sh(f"echo kept > /srv/lab-volumes/{VOLUME}/file")
    lacking, _missing = host.refused(
        ("CAP_CHOWN", {"plugin_name": second, "grant_all": False, "privileges": PRIVILEGES}),
        ("manifest unknown", {"plugin_name": f"{host.remote}:none"}),
    )
    assert lacking["lacking_privileges"] == [{"name": "capabilities", "value": ["CAP_CHOWN"]}]
    [upgraded] = host.prove({"plugin_name": second, "plugin_options": {"CACHE": "on"}})
    assert upgraded["diff"]["before"]["reference"] == f"{host.remote}:1"
    assert host.inspect()["Enabled"]
    assert host.settings()["PASSWORD"] == SECRET
    assert host.settings()["CACHE"] == "on"
    # A digest is also a version.
    inspected = json.loads(
        host.sh(
            "curl -s --unix-socket /run/docker.sock"
            f" http://docker/v1.41/distribution/{host.remote}:1/json"
        )
    )
    digest = f"{host.remote}@{inspected['Descriptor']['digest']}"
    host.prove({"plugin_name": digest})
    assert host.inspect()["PluginReference"] == digest
    # Data of the plugin stays after its removal.
    host.run({"state": "absent", "force": True}, {"state": "enable"})
    host.container(CONTAINER, VOLUME)
    assert host.sh(f"docker exec {CONTAINER} cat /data/file") == "kept"


def test_an_upgrade_that_does_not_start_is_undone(host: PluginHost) -> None:
    host.run({"state": "enable", "plugin_options": {"PASSWORD": OLD_SECRET, "RETRIES": "4"}})
    before = host.inspect()
    change = {"plugin_name": f"{host.remote}:broken", "plugin_options": {"PASSWORD": SECRET}}
    # This version writes its environment into Docker's log, and the error carries its lines.
    output = host.playbook([host.task(**change)], "--diff", "-vvv")
    for part in (
        "could not be enabled",
        "cannot log in to the disk with",
        "Its previous state was restored",
    ):
        assert part in " ".join(output.split())
    assert shows_no_secret(output)
    assert host.inspect() == before
    # The plugin also works.
    host.volume(VOLUME)


def test_a_new_plugin_that_does_not_start_is_removed_again(host: PluginHost) -> None:
    wrong = {"RETRIES": "many", "COMMENT": SECRET}
    [result] = host.results([host.task(state="enable", plugin_options=wrong)])
    assert result["failed"]
    assert not result["changed"]
    assert result["left_as_found"]
    assert "It was removed again." in result["msg"]
    assert any("must be a number" in line for line in result["logs"])
    assert ALIAS not in host.sh("docker plugin ls")


def test_no_output_shows_a_secret(host: PluginHost) -> None:
    change = {"plugin_options": {"PASSWORD": SECRET}, "state": "enable"}
    begun = host.sh("date +%s")
    host.run({"plugin_options": {"PASSWORD": OLD_SECRET}})
    info = {"elk.swarm.plugin_info": {}}
    wrong = {"plugin_options": {"PASSWORD": SECRET, "NONE": SECRET}}
    tasks = [host.task(True, **change), host.task(**change), info, host.task(**wrong)]
    output = host.playbook(tasks, "--diff", "-vvv")
    assert "PASSWORD: '******** (new)'" in output
    assert "has no such option" in output
    assert shows_no_secret(output)
    # Ansible also logs the call of the module on the host.
    journal = f"journalctl -q --no-pager --since=@{begun}"
    called = host.sh(f"{journal} | grep -F ansible-elk.swarm.plugin")
    assert "plugin_options=NOT_LOGGING_PARAMETER" in called
    assert shows_no_secret(called)


def examples(host: PluginHost, module: str) -> list[dict[str, Any]]:
    """The examples of a module, with the lab's registry and a name that is cleaned up."""
    source = importlib.import_module(f"ansible_collections.elk.swarm.plugins.modules.{module}")
    text = source.EXAMPLES.replace("registry.example.org/volume-plugin", host.remote)
    tasks: list[dict[str, Any]] = yaml.safe_load(text)
    for task in tasks:
        options = task.get(f"elk.swarm.{module}") or {}
        for key in ("alias", "plugin_name"):
            if options.get(key) == "disk":
                options[key] = ALIAS
        task["vars"] = {"disk_password": SECRET}
    return tasks


def test_examples(host: PluginHost) -> None:
    install, *others = examples(host, "plugin")
    tasks = [install, *examples(host, "plugin_info"), *others]
    results = host.results(tasks)
    for task, result in zip(tasks, results, strict=True):
        assert not result.get("failed"), (task["name"], result)
        assert result["changed"] == ("elk.swarm.plugin" in task), (task["name"], result)
    assert ALIAS not in host.sh("docker plugin ls")


def test_daemon_down(host: PluginHost) -> None:
    host.sh("systemctl stop docker.socket docker; rm -f /run/docker.sock")
    try:
        tasks = [host.task(), host.task(state="absent"), {"elk.swarm.plugin_info": {}}]
        for result in host.results(tasks):
            assert result["failed"]
            assert "systemctl status docker" in result["msg"]
    finally:
        host.sh("systemctl start docker.socket docker")
