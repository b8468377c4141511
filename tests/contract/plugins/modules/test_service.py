# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""elk.swarm.service and service_info against an Engine that also fails."""

from __future__ import annotations

import base64
import copy
import os
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.docker.client import Connection, Engine
from ansible_collections.elk.swarm.plugins.module_utils.docker.registry_login import registry_auth
from ansible_collections.elk.swarm.plugins.module_utils.swarm.service_runner import ServiceRun
from tests.contract.fake_engine import (
    NEVER_IN_SWARM,
    NO_LEADER,
    WORKER,
    FakeEngine,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECRET = "content-that-must-not-come-out"
KEY = "key-that-must-not-come-out"
WEB: dict[str, Any] = {
    "name": "web",
    "image": "web:1",
    "replicas": 2,
    "env": {"A": "1"},
    "ulimits": [{"name": "nofile", "soft": 1024}],
    "networks": [{"name": "backend", "aliases": ["web"]}],
    "stability_window": 0,
    "wait_timeout": 5,
}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    with FakeEngine(tmp_path) as fake:
        yield fake


@pytest.fixture
def web(call: Callable[..., Any], engine: FakeEngine) -> Callable[..., Any]:
    """Run elk.swarm.service for the service web with some options changed."""

    def run(*, check: bool = False, **options: Any) -> Any:
        arguments = {**copy.deepcopy(WEB), "docker_host": engine.host, **options}
        engine.calls.clear()
        result = call("service", arguments, check=check)
        assert SECRET not in result.output
        assert KEY not in result.output
        return result

    return run


def with_content(text: str) -> dict[str, Any]:
    return {
        "configs": [{"config_name": "conf", "data": f"conf {text}"}],
        "secrets": [{"secret_name": "sec", "data": f"{SECRET} {text}", "mode": "0400"}],
        "secret_hash_key": KEY,
    }


def test_check_apply_check_apply(web: Callable[..., Any], engine: FakeEngine) -> None:
    checked = web(check=True)
    assert engine.writes() == []
    applied = web()
    assert engine.writes() == ["POST /services/create"]
    assert checked["changes"] == applied["changes"] == ["created"]
    assert checked["diff"] == applied["diff"]
    assert checked["diff"]["before"] == {}
    assert checked["diff"]["after"]["networks"][0]["name"] == "backend"
    assert applied["running"] == applied["desired"] == 2
    for check in (True, False):
        again = web(check=check)
        assert not again.changed
        assert again["diff"]["before"] == again["diff"]["after"] == {}
        assert engine.writes() == []
        assert again["running"] == 2
        # Fast: one request for each kind of fact.
        assert len(engine.calls) <= 8


def test_what_reaches_the_engine(web: Callable[..., Any], engine: FakeEngine) -> None:
    web(**with_content("one"))
    [service] = engine.services.values()
    inner = service["Spec"]["TaskTemplate"]["ContainerSpec"]
    assert inner["Ulimits"] == [{"Name": "nofile", "Soft": 1024, "Hard": 1024}]
    [config] = engine.objects["configs"].values()
    [secret] = engine.objects["secrets"].values()
    assert base64.b64decode(config["Spec"]["Data"]) == b"conf one"
    assert config["Spec"]["Labels"] == {"elk.swarm.base": "conf", "elk.swarm.service": "web"}
    assert inner["Configs"][0]["ConfigID"] == config["ID"]
    assert inner["Secrets"][0]["SecretID"] == secret["ID"]
    assert inner["Secrets"][0]["File"]["Mode"] == 0o400
    assert service["Spec"]["TaskTemplate"]["Networks"] == [{"Target": "net1", "Aliases": ["web"]}]


def test_new_content_replaces_the_objects_in_this_order(
    web: Callable[..., Any], engine: FakeEngine
) -> None:
    web(**with_content("one"))
    checked = web(check=True, **with_content("two"))
    assert engine.writes() == []
    applied = web(**with_content("two"))
    kinds = [call.split("/")[1] + " " + call.split()[0] for call in engine.writes()]
    assert kinds == [
        "configs POST",
        "secrets POST",
        "services POST",
        "configs DELETE",
        "secrets DELETE",
    ]
    assert checked["changes"] == applied["changes"]
    assert checked["diff"] == applied["diff"]
    assert len(engine.objects["configs"]) == len(engine.objects["secrets"]) == 1
    assert not web(**with_content("two")).changed


def test_the_next_run_removes_what_a_killed_run_left(
    web: Callable[..., Any], engine: FakeEngine
) -> None:
    web(**with_content("one"))
    web(**with_content("two"), wait=False)
    assert len(engine.objects["configs"]) == 2
    checked = web(check=True, **with_content("two"))
    applied = web(**with_content("two"))
    assert checked["changes"] == applied["changes"]
    assert [change.split(":")[0] for change in applied["changes"]] == [
        "config removed",
        "secret removed",
    ]
    assert len(engine.objects["configs"]) == 1
    assert not web(**with_content("two")).changed


def test_objects_of_another_service_stay(web: Callable[..., Any], engine: FakeEngine) -> None:
    web(**with_content("one"))
    web(name="other", **with_content("one"))
    checked = web(check=True, **with_content("two"))
    applied = web(**with_content("two"))
    assert not applied.failed
    assert checked["changes"] == applied["changes"]
    assert not [change for change in applied["changes"] if "removed" in change]
    assert len(engine.objects["configs"]) == 2
    assert not web(**with_content("two")).changed


def test_an_object_that_another_service_starts_to_use_is_no_error(
    web: Callable[..., Any], engine: FakeEngine
) -> None:
    web(**with_content("one"))
    in_use = "config 'conf' is in use by the following service: other"
    engine.refusals = [("DELETE /configs/.*", 400, in_use)]
    applied = web(**with_content("two"))
    assert not applied.failed
    assert [c.split(":")[0] for c in applied["changes"] if "removed" in c] == ["secret removed"]


def test_an_update_sends_only_what_differs(web: Callable[..., Any], engine: FakeEngine) -> None:
    web()
    [service] = engine.services.values()
    service["Spec"]["TaskTemplate"]["Placement"] = {"Platforms": [{"OS": "linux"}]}
    before = copy.deepcopy(service["Spec"])
    result = web(env={"A": "2"})
    assert result["changes"] == ["env"]
    assert result["diff"] == {"before": {"env": {"A": "1"}}, "after": {"env": {"A": "2"}}}
    before["TaskTemplate"]["ContainerSpec"]["Env"] = ["A=2"]
    assert service["Spec"] == before


@pytest.mark.parametrize("times", [1, 3])
def test_an_update_out_of_sequence_is_repeated(
    web: Callable[..., Any], engine: FakeEngine, times: int
) -> None:
    web()
    engine.out_of_sequence = times
    result = web(replicas=3)
    assert result["changes"] == ["replicas"]
    assert result["running"] == 3
    assert len(engine.writes()) == times + 1


def test_a_service_created_at_the_same_time_is_updated(
    web: Callable[..., Any], engine: FakeEngine
) -> None:
    web(replicas=1)
    engine.refusals = [("GET /services/web", 404, "service web not found")]
    result = web()
    assert result["changes"] == ["replicas"]


def test_quorum_lost(web: Callable[..., Any], engine: FakeEngine) -> None:
    engine.refuse_always = (503, NO_LEADER)
    result = web()
    assert result.failed
    assert not result.changed
    assert "no leader" in result.msg
    assert "docker node ls" in result.msg
    checked = web(check=True)
    assert checked.failed


def test_quorum_lost_in_the_wait_is_not_success(
    web: Callable[..., Any], engine: FakeEngine
) -> None:
    engine.refusals = [("GET /nodes", 503, NO_LEADER)] * 2
    result = web()
    assert not result.failed
    engine.refusals = [("GET /nodes", 503, NO_LEADER)] * 50
    result = web(env={"A": "3"}, wait_timeout=1)
    assert result.failed
    assert result.changed
    assert "it has been changed (env)" in result.msg
    assert "not known" in result.msg


def test_daemon_away(call: Callable[..., Any], tmp_path: Path) -> None:
    arguments = {**WEB, "docker_host": f"unix://{tmp_path}/none.sock"}
    result = call("service", arguments)
    assert result.failed
    assert "does not exist" in result.msg
    assert "systemctl status docker" in result.msg
    info = call("service_info", {"docker_host": arguments["docker_host"]})
    assert info.failed
    # A check of a play that would install Docker first.
    checked = call("service", arguments, check=True)
    assert not checked.failed
    assert checked["changes"] == ["created"]


def test_nobody_listens(web: Callable[..., Any], engine: FakeEngine) -> None:
    engine.__exit__()
    try:
        with open(engine.path, "w", encoding="ascii"):
            pass
        result = web()
        assert result.failed
        assert "does not answer" in result.msg
        assert web(check=True).failed
    finally:
        os.unlink(engine.path)
        engine.__enter__()


def test_no_answer_in_time(web: Callable[..., Any], engine: FakeEngine) -> None:
    engine.silent = True
    result = web(timeout=1)
    assert result.failed
    assert "within 1 s" in result.msg


def test_not_a_manager(web: Callable[..., Any], engine: FakeEngine) -> None:
    engine.refuse_always = (503, WORKER)
    result = web(check=True)
    assert result.failed
    assert "only managers" in result.msg


def test_never_in_a_swarm(web: Callable[..., Any], engine: FakeEngine) -> None:
    engine.refuse_always = (503, NEVER_IN_SWARM)
    result = web()
    assert result.failed
    assert "not part of a swarm" in result.msg
    checked = web(check=True, **with_content("one"))
    assert not checked.failed
    assert checked["changes"][-1] == "created"


def test_an_engine_that_is_too_old(web: Callable[..., Any], engine: FakeEngine) -> None:
    engine.api_version = "1.40"
    result = web()
    assert result.failed
    assert "20.10" in result.msg


@pytest.mark.parametrize("version", ["1.41", "1.43", "1.47", "1.52"])
def test_engines_of_all_ages(web: Callable[..., Any], engine: FakeEngine, version: str) -> None:
    engine.api_version = version
    assert web().changed
    assert not web().changed
    # The Engine's own version, or the newest that the module has been written against.
    assert engine.versions == {min(version, "1.44")}


@pytest.mark.parametrize(("version", "known"), [("1.43", False), ("1.44", True)])
def test_only_an_engine_that_knows_it_gets_the_start_interval(
    web: Callable[..., Any], engine: FakeEngine, version: str, known: bool
) -> None:
    engine.api_version = version
    check = {"test": "true", "interval": "10s", "start_interval": "2s"}
    assert ("start_interval" in web(healthcheck=check)["diff"]["after"]["healthcheck"]) is known
    assert not web(healthcheck=check).changed


@pytest.mark.parametrize(("version", "known"), [("1.43", False), ("1.44", True), ("1.45", True)])
def test_only_an_engine_that_knows_it_gets_no_new_privileges(
    web: Callable[..., Any], engine: FakeEngine, version: str, known: bool
) -> None:
    engine.api_version = version
    first = web(no_new_privileges=True)
    assert first["diff"]["after"].get("no_new_privileges", False) is known
    again = web(no_new_privileges=True)
    assert not again.changed
    for result in (first, again):
        warned = str(result.data.get("warnings", []))
        assert ("web runs without no_new_privileges" in warned) is not known
        assert ("daemon.json" in warned) is not known


def test_privileges_that_are_dropped_and_given_back(
    web: Callable[..., Any], engine: FakeEngine
) -> None:
    engine.api_version = "1.44"
    web()
    restricted = {"cap_drop": ["ALL"], "no_new_privileges": True, "limits": {"pids": 9}}
    assert web(check=True, **restricted)["changes"] == [
        "no_new_privileges",
        "cap_drop",
        "limits.pids",
    ]
    assert web(**restricted)["diff"]["after"] == {
        "no_new_privileges": True,
        "cap_drop": ["ALL"],
        "limits.pids": 9,
    }
    assert not web(**restricted).changed
    assert web()["diff"]["before"]["limits.pids"] == 9
    assert not web().changed


def test_a_service_of_an_older_engine_may_stay(web: Callable[..., Any], engine: FakeEngine) -> None:
    options = {
        "no_new_privileges": True,
        "healthcheck": {"test": "true", "start_interval": "2s"},
        "on_difference": "fail",
    }
    engine.api_version = "1.43"
    web(**options)
    engine.api_version = "1.44"
    for check in (True, False):
        result = web(check=check, **options)
        assert not result.failed, result.msg
        assert not result.changed
        assert engine.writes() == []
        assert "did not know no_new_privileges" in str(result["warnings"])
        assert "did not know healthcheck.start_interval" in str(result["warnings"])
    # A difference in what the older Engine knew still fails.
    assert web(**{**options, "env": {"A": "2"}}).failed
    assert web(**{**options, "healthcheck": {"test": "false", "start_interval": "2s"}}).failed
    # With on_difference: update the service is updated.
    assert web(**{**options, "on_difference": "update"}).changed


def test_tasks_that_cannot_start(web: Callable[..., Any], engine: FakeEngine) -> None:
    engine.task_error = "No such image: web:1"
    result = web(replicas=1, wait_timeout=60)
    assert result.failed
    assert result.changed
    assert result["changes"] == ["created"]
    for part in ("on node m1", "No such image: web:1", "docker pull", "docker service ps"):
        assert part in result.msg
    assert "it has been created" in result.msg
    assert "rolled back" in result.msg
    assert result["tasks"][0]["error"] == engine.task_error


def test_content_of_a_failed_service_stays(web: Callable[..., Any], engine: FakeEngine) -> None:
    web(replicas=1, **with_content("one"))
    engine.task_error = "No such image: web:1"
    result = web(replicas=1, **with_content("two"))
    assert result.failed
    assert len(engine.objects["configs"]) == 2
    engine.task_error = ""
    engine.schedule(next(iter(engine.services.values())))
    # The old content is removed only now, when the repaired service runs.
    assert len(web(replicas=1, **with_content("two"))["changes"]) == 2
    assert len(engine.objects["configs"]) == 1


def test_a_paused_update_is_resumed(web: Callable[..., Any], engine: FakeEngine) -> None:
    web()
    [service] = engine.services.values()
    service["UpdateStatus"] = {"State": "paused", "Message": "update paused"}
    assert not web().changed
    lost = engine.tasks.pop()
    assert lost
    checked = web(check=True)
    assert checked["changes"] == ["resume of the paused update"]
    engine.refusals = []
    service.pop("UpdateStatus")
    engine.schedule(service)
    assert not web().changed


@pytest.mark.parametrize(
    ("last_state", "sentence"),
    [
        ("rollback_completed", "Swarm has restored its previous specification"),
        ("rollback_paused", "and stopped half-way"),
        ("rollback_started", "Swarm is still restoring its previous specification"),
    ],
)
def test_an_update_that_swarm_rolls_back(
    web: Callable[..., Any], engine: FakeEngine, last_state: str, sentence: str
) -> None:
    """The former service runs in the end. The module still fails, and its content stays."""
    assert not web(**with_content("one")).failed
    engine.rolls_back = ["rollback_started", "rollback_started", last_state]
    options = {"update_config": {"failure_action": "rollback"}, **with_content("two")}
    result = web(wait_timeout=2, **options)
    assert result.failed
    assert result.changed
    assert engine.rolls_back == [last_state]
    assert "Swarm rolls the update back: it failed" in result.msg
    assert "task: non-zero exit (1)" in result.msg
    assert sentence in result.msg
    assert "2 of 2 tasks run its previous specification" in result.msg
    assert len(engine.objects["configs"]) == 2
    # The next run tries the same again, and removes the remains after it succeeds.
    engine.rolls_back = []
    again = web(**options)
    assert not again.failed, again.msg
    assert again.changed
    assert len(engine.objects["configs"]) == 1


@pytest.mark.parametrize(
    ("looks", "sentences"),
    [
        (6, ("and its tasks run it", "2 of 2 tasks run its previous specification")),
        (99, ("not all of its tasks have come up", "1 of 2 tasks run its previous specification")),
    ],
)
def test_it_waits_for_tasks_after_a_rollback(
    web: Callable[..., Any], engine: FakeEngine, looks: int, sentences: tuple[str, str]
) -> None:
    """Swarm restarted a task from the former specification before the rollback checked it."""
    assert not web(**with_content("one")).failed
    engine.rolls_back, engine.comes_back_after = ["rollback_completed"], looks
    options = {"update_config": {"failure_action": "rollback"}, **with_content("two")}
    result = web(wait_timeout=4, **options)
    assert result.failed
    for sentence in sentences:
        assert sentence in result.msg


def test_an_update_that_swarm_loses_is_sent_again(
    web: Callable[..., Any], engine: FakeEngine
) -> None:
    web()
    engine.forget_updates = 1
    engine.calls.clear()
    moments = [0.0]
    options = {**WEB, "env": {"A": "2"}, "wait": True, "wait_timeout": 60, "pending_grace": 20}
    client = Engine(Connection(engine.host))
    run = ServiceRun(
        client,
        options,
        sleep=lambda seconds: moments.append(moments[-1] + seconds),
        clock=lambda: moments[-1],
    )
    outcome = run.run()
    client.close()
    assert outcome.changes == ["env", "resume of the paused update"]
    assert outcome.running == 2
    assert len(engine.writes()) == 2
    assert 3 <= moments[-1] < 10


def test_missing_network(web: Callable[..., Any], engine: FakeEngine) -> None:
    result = web(networks=["nonet"])
    assert result.failed
    assert "no network nonet" in result.msg
    assert engine.writes() == []
    assert not web(networks=["nonet"], check=True).failed


def test_missing_named_secret(web: Callable[..., Any], engine: FakeEngine) -> None:
    result = web(secrets=[{"secret_name": "given"}])
    assert result.failed
    assert "no secret given" in result.msg
    assert engine.writes() == []


def test_a_wrong_option_changes_nothing(web: Callable[..., Any], engine: FakeEngine) -> None:
    result = web(stop_grace_period="soon", **with_content("one"))
    assert result.failed
    assert "stop_grace_period" in result.msg
    assert engine.calls == []


def test_a_new_mode_needs_recreate(web: Callable[..., Any], engine: FakeEngine) -> None:
    web()
    result = web(mode="global")
    assert result.failed
    assert "recreate: true" in result.msg
    assert engine.writes() == []
    checked = web(mode="global", recreate=True, check=True)
    applied = web(mode="global", recreate=True)
    assert checked["changes"] == applied["changes"] == ["removed", "created"]
    assert checked["rebuilt"] is applied["rebuilt"] is True
    assert checked["diff"] == applied["diff"]
    assert applied["service"]["mode"] == "global"


def test_the_digest_of_the_registry(web: Callable[..., Any], engine: FakeEngine) -> None:
    web()
    pinned = web(resolve_image=True)
    assert pinned["changes"] == ["image"]
    assert pinned["service"]["image"] == f"web:1@{engine.digest}"
    assert not web(resolve_image=True).changed
    assert not web().changed
    engine.digest = "sha256:" + "e" * 64
    assert web(resolve_image=True)["changes"] == ["image"]


def test_force(web: Callable[..., Any], engine: FakeEngine) -> None:
    web()
    before = {task["ID"] for task in engine.tasks}
    assert web(force_update=True, check=True)["changes"] == ["force_update"]
    assert web(force_update=True)["changes"] == ["force_update"]
    running = {task["ID"] for task in engine.tasks if task["DesiredState"] == "running"}
    assert not running & before


def test_absent(web: Callable[..., Any], engine: FakeEngine) -> None:
    web(**with_content("one"))
    checked = web(state="absent", check=True)
    assert engine.writes() == []
    applied = web(state="absent")
    assert checked["changes"] == applied["changes"]
    assert checked["diff"] == applied["diff"]
    assert applied["diff"]["after"] == {}
    assert applied["diff"]["before"]["name"] == "web"
    assert engine.services == {}
    assert engine.objects == {"configs": {}, "secrets": {}}
    for check in (True, False):
        assert not web(state="absent", check=check).changed


def test_absent_keeps_objects_on_request(web: Callable[..., Any], engine: FakeEngine) -> None:
    web(**with_content("one"))
    assert web(state="absent", remove_objects=False)["changes"] == ["removed"]
    assert len(engine.objects["configs"]) == 1
    # A later run finds them by their label.
    assert len(web(state="absent")["changes"]) == 2
    assert engine.objects["configs"] == {}


def test_a_name_is_not_the_start_of_an_id(web: Callable[..., Any], engine: FakeEngine) -> None:
    web()
    [ident] = engine.services
    result = web(name=ident[:4], state="absent")
    assert not result.changed
    assert engine.services


def test_info(call: Callable[..., Any], web: Callable[..., Any], engine: FakeEngine) -> None:
    arguments = {"docker_host": engine.host, "name": "web"}
    missing = call("service_info", arguments)
    assert (missing["exists"], missing["service"]) == (False, None)
    web()
    one = call("service_info", arguments)
    assert one["exists"]
    assert (one["running"], one["desired"]) == (2, 2)
    assert one["service"]["Spec"]["Name"] == "web"
    assert one["tasks"][0]["node"] == "m1"
    engine.tasks.pop()
    everything = call("service_info", {"docker_host": engine.host})
    assert [(s["name"], s["missing"]) for s in everything["services"]] == [("web", 1)]
    assert not everything.changed


@pytest.mark.parametrize(
    ("labels", "names"), [({"team": "logs"}, ["web"]), ({"team": "other"}, []), ({}, ["web"])]
)
def test_labels_give_names_only(
    call: Callable[..., Any],
    web: Callable[..., Any],
    engine: FakeEngine,
    labels: dict[str, str],
    names: list[str],
) -> None:
    web(labels={"team": "logs"}, env={"PASSWORD": "in the environment"})
    found = call("service_info", {"docker_host": engine.host, "labels": labels})
    assert found["names"] == names
    assert "in the environment" not in str(found)


def test_credentials_of_a_registry() -> None:
    pair = base64.b64encode(b"user:pass").decode()
    config = {"auths": {"registry.example.com": {"auth": pair}}}
    header = registry_auth("registry.example.com/web:1", config)
    assert header is not None
    assert b'"password": "pass"' in base64.urlsafe_b64decode(header)
    assert registry_auth("other.example.com/web:1", config) is None
    assert registry_auth("web:1", config) is None
    hub = {"auths": {"https://index.docker.io/v1/": {"auth": pair}}}
    assert registry_auth("web:1", hub) is not None


PLACEMENTS: dict[str, dict[str, Any]] = {
    "preferences": {"preferences": [{"spread": "node.labels.zone"}]},
    "replicas_max_per_node": {"replicas_max_per_node": 5},
    "constraints": {"constraints": ["node.hostname==m1"]},
}


@pytest.mark.parametrize("name", PLACEMENTS)
def test_a_change_of_placement_alone(
    web: Callable[..., Any], engine: FakeEngine, name: str
) -> None:
    """Added, changed and removed: changed, then ok, and no task restarts."""
    web()
    before = [task["ID"] for task in engine.tasks]
    other = {"preferences": [{"spread": "engine.labels.x"}], "replicas_max_per_node": 9}
    changed = {**PLACEMENTS[name], **({name: other[name]} if name in other else {})}
    for placement in (PLACEMENTS[name], changed, None):
        for check in (True, False, True, False):
            result = web(placement=placement, check=check)
            assert not result.failed, result.msg
            assert "resume of the paused update" not in result["changes"]
            assert result["running"] == 2 or check
    assert not web().changed
    assert [task["ID"] for task in engine.tasks] == before


def test_placement_and_ports_together(web: Callable[..., Any], engine: FakeEngine) -> None:
    """Swarm alone would leave the tasks on their old ports."""
    web()
    before = {task["ID"] for task in engine.tasks}
    options = {"placement": {"replicas_max_per_node": 5}, "publish": [{"target_port": 80}]}
    result = web(**options)
    assert not result.failed, result.msg
    assert result["changes"] == ["placement.replicas_max_per_node", "publish"]
    assert not {t["ID"] for t in engine.tasks if t["DesiredState"] == "running"} & before
    assert not web(**options).changed


@pytest.mark.parametrize(("kind", "word"), [("configs", "config"), ("secrets", "secret")])
def test_an_object_by_its_id(
    web: Callable[..., Any], engine: FakeEngine, kind: str, word: str
) -> None:
    engine.objects[kind]["id7"] = {"ID": "id7", "Spec": {"Name": "given"}}
    item = {f"{word}_name": "given", f"{word}_id": "id7"}
    assert web(check=True, **{kind: [item]}).changed
    assert web(**{kind: [item]}).changed
    [service] = engine.services.values()
    [reference] = service["Spec"]["TaskTemplate"]["ContainerSpec"][kind.capitalize()]
    assert reference[f"{word.capitalize()}ID"] == "id7"
    for check in (True, False):
        assert not web(check=check, **{kind: [item]}).changed
    for wrong, message in (
        ({f"{word}_id": "id8"}, "with the id id8"),
        ({f"{word}_name": "other"}, "is that of given, not of other"),
        ({"data": "x"}, "leave out one of them"),
    ):
        result = web(secret_hash_key=KEY, **{kind: [{**item, **wrong}]})
        assert result.failed
        assert message in result.msg


def test_files_of_the_environment(
    web: Callable[..., Any], engine: FakeEngine, tmp_path: Path
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("# comment\n\nA=file\nB=x=y\n")
    two.write_text("B=two\n")
    options = {"env_files": [str(one), str(two)], "env": {"A": "task"}}
    assert web(check=True, **options).changed
    assert web(**options).changed
    [service] = engine.services.values()
    environment = service["Spec"]["TaskTemplate"]["ContainerSpec"]["Env"]
    assert sorted(environment) == ["A=task", "B=two"]
    for check in (True, False):
        assert not web(check=check, **options).changed
    two.write_text("no-equals-sign-in-it\n")
    broken = web(**options)
    assert broken.failed
    assert f"line 1 of {two}" in broken.msg
    assert "no-equals-sign" not in broken.msg
    missing = web(**{**options, "env_files": [str(tmp_path / "none")]})
    assert missing.failed
    assert "cannot be read" in missing.msg


@pytest.mark.parametrize("mode", ["replicated-job", "global-job"])
def test_a_job(web: Callable[..., Any], engine: FakeEngine, mode: str) -> None:
    """Check, apply, check, apply; changed, and forced."""
    assert web(mode=mode, check=True).changed
    result = web(mode=mode)
    assert not result.failed, result.msg
    number = 2 if mode == "replicated-job" else 1
    assert (result["running"], result["desired"]) == (number, number)
    assert result["service"]["mode"] == mode
    for check in (True, False):
        assert not web(mode=mode, check=check).changed
    assert len(engine.tasks) == number
    assert web(mode=mode, force_update=True)["changes"] == ["force_update"]
    assert len(engine.tasks) == 2 * number
    engine.job_state = "running"
    slow = web(mode=mode, env={"A": "2"}, wait_timeout=1)
    assert slow.failed
    assert f"has not completed after 1 s (0 of {number} tasks have completed)" in slow.msg
    assert "is running" in slow.msg
    assert not web(mode=mode, env={"A": "2"}, wait=False).changed


def test_a_job_that_fails(web: Callable[..., Any], engine: FakeEngine) -> None:
    engine.task_error = "No such image: web:1"
    result = web(mode="replicated-job")
    assert result.failed
    assert "cannot complete (0 of 2 tasks have completed)" in result.msg
    assert "No such image: web:1" in result.msg


def test_a_job_and_a_service_are_rebuilt_from_each_other(web: Callable[..., Any]) -> None:
    web(update_config={"parallelism": 2}, labels={"a": "1"})
    refused = web(mode="replicated-job")
    assert refused.failed
    assert "recreate: true" in refused.msg
    result = web(mode="replicated-job", recreate=True, keep_unnamed=True)
    assert not result.failed, result.msg
    assert result["rebuilt"]
    assert result["swarm_service"]["labels"] == {"a": "1"}
    assert result["swarm_service"]["update_parallelism"] is None


def test_a_program_that_ends(web: Callable[..., Any], engine: FakeEngine) -> None:
    engine.programs_end = True
    result = web(wait_timeout=1)
    assert result.failed
    assert "the program has ended with exit code 0" in result.msg
    assert "mode: replicated-job, or wait: false" in result.msg
    assert not web(wait=False).failed


def test_options_that_are_left_out_may_stay(web: Callable[..., Any], engine: FakeEngine) -> None:
    web(labels={"a": "1"}, limits={"memory": "64m", "pids": 9}, **with_content("one"))
    few = {"env": None, "networks": None, "ulimits": None, "keep_unnamed": True}
    for check in (True, False):
        result = web(check=check, **few)
        assert not result.changed, result["changes"]
        assert engine.writes() == []
    assert len(engine.objects["configs"]) == len(engine.objects["secrets"]) == 1
    assert web(**few, limits={"memory": "32m"})["changes"] == ["limits.memory"]
    assert web(**few, labels={})["changes"] == ["labels"]
    assert {"env", "networks", "ulimits", "limits.memory", "limits.pids"} <= set(
        web(**{**few, "keep_unnamed": False})["changes"]
    )


def test_the_service_under_the_names_of_docker_swarm_service(
    web: Callable[..., Any], engine: FakeEngine
) -> None:
    options = {"env": {"A": "1", "API_TOKEN": "x"}, "limits": {"memory": "64m"}}
    for check in (True, False):
        found = web(check=check, **options)["swarm_service"]
        assert found["env"] == ["A=1", "API_TOKEN=********"]
        assert (found["limit_memory"], found["replicas"]) == (64 * 1024**2, 2)
        assert found["networks"] == [{"id": "net1", "aliases": ["web"]}]
    assert web(state="absent")["swarm_service"] == {}
