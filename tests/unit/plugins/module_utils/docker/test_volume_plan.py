"""The plan for a volume, the users of a volume, and the entries of an audit."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.docker import volume_plan
from ansible_collections.elk.swarm.plugins.module_utils.docker.volume_plan import (
    Desired,
    Owner,
    Plan,
    Reference,
    Users,
    VolumeError,
)

DATA: dict[str, Any] = {
    "Name": "data",
    "Driver": "local",
    "Options": {"type": "nfs", "o": "addr=192.0.2.9,password=hush"},
    "Labels": {"zone": "a", "more": "yes"},
    "Mountpoint": "/var/lib/docker/volumes/data/_data",
    "CreatedAt": "2026-11-21T13:53:36Z",
    "Scope": "local",
}
NOT_READ = Owner()
ROOT = Owner(0, 0, 0o755)
ES = Owner(1000, 0, 0o770)


def desired(**options: Any) -> Desired:
    return volume_plan.desired_volumes({"volume_name": "data", "volumes": None, **options})[0]


def plan(owner: Owner = NOT_READ, /, **options: Any) -> Plan:
    return volume_plan.make_plan(desired(**options), DATA, owner)


# -- the desired volumes ---------------------------------------------------------------------


def test_an_item_inherits_the_options_that_it_omits() -> None:
    first, second = volume_plan.desired_volumes(
        {
            "volume_name": None,
            "driver": "local",
            "labels": {"a": "1"},
            "owner": 1000,
            "mode": "0770",
            "state": "present",
            "recreate": "never",
            "drift": "warn",
            "volumes": [
                {"volume_name": "one", "owner": None, "labels": None},
                {"volume_name": "two", "owner": 0, "labels": {}, "driver": "p", "drift": "fail"},
            ],
        }
    )
    assert first == Desired("one", labels={"a": "1"}, owner=Owner(1000, None, 0o770))
    assert second == Desired("two", driver="p", drift_fails=True, owner=Owner(0, None, 0o770))


def test_a_list_names_each_volume_once() -> None:
    with pytest.raises(VolumeError, match="one is listed twice"):
        volume_plan.desired_volumes({"volumes": [{"volume_name": "one"}, {"volume_name": "one"}]})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": {"a": True}}, "labels: the value of a is a boolean"),
        ({"driver_options": {"password": 1.5}}, "driver_options: the value of password is a float"),
        ({"driver_options": {"o": None}}, "the value of o is no text"),
        ({"mode": "0999"}, "mode: '0999' is not a file mode"),
        ({"owner": -1}, "owner is -1"),
        ({"volume_name": ""}, "volume_name is empty"),
    ],
)
def test_invalid_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(VolumeError) as caught:
        desired(**options)
    assert message in str(caught.value)
    assert "1.5" not in str(caught.value)


def test_numbers_become_strings() -> None:
    assert desired(driver_options={"size": 10}, labels={"n": 1}).options == {"size": "10"}


# -- the plan --------------------------------------------------------------------------------


def test_a_missing_volume_is_created() -> None:
    created = volume_plan.make_plan(desired(owner=1000), None)
    assert (created.create, created.remove, created.sets_owner) == (True, False, True)
    assert volume_plan.sides(created) == ({}, {"driver": "local", "owner": "1000"})
    assert not volume_plan.make_plan(desired(), None).sets_owner


def test_a_volume_in_the_desired_state_does_not_change() -> None:
    found = plan(labels={"zone": "a"}, driver_options={"type": "nfs"})
    assert not found.differences
    same = volume_plan.make_plan(desired(owner=1000, mode="0770"), DATA, ES)
    assert not same.changed
    assert volume_plan.sides(same) == ({}, {})


def test_a_difference_is_reported_and_not_changed() -> None:
    found = plan(labels={"zone": "b", "new": ""}, driver_options={"type": "nfs4"})
    assert not found.changed
    assert [str(one) for one in found.differences] == [
        "driver_options.type is nfs, wanted nfs4",
        "labels.new is not set, wanted ",
        "labels.zone is a, wanted b",
    ]
    assert not found.blocker
    assert (
        "Volume data stays as it is, though driver_options.type is nfs"
        in volume_plan.drift_warning(found)
    )
    assert "owner" not in volume_plan.drift_warning(found)
    failing = plan(labels={"zone": "b"}, drift="fail")
    assert "Volume data differs from the task: labels.zone is a, wanted b" in failing.blocker


def test_an_empty_value_equals_an_empty_value_but_not_a_missing_one() -> None:
    actual = {**DATA, "Options": {"o": ""}}
    assert volume_plan.differences(desired(driver_options={"o": ""}), actual) == []
    assert volume_plan.differences(desired(driver_options={"type": ""}), actual) != []


@pytest.mark.parametrize("drift", ["warn", "fail"])
def test_another_driver_is_an_error(drift: str) -> None:
    found = plan(driver="nas", drift=drift)
    assert "has the driver local, and nas is asked for" in found.blocker
    assert "docker volume rm data" in found.blocker
    permitted = plan(driver="nas", recreate="options-changed")
    assert not permitted.blocker
    assert permitted.remove
    assert permitted.create


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("nas", "nas:latest", True),
        ("registry:5000/nas", "registry:5000/nas:latest", True),
        ("nas:1", "nas:latest", False),
        ("nas:1", "nas:1", True),
        ("local", "local:latest", False),
        ("local", "local", True),
    ],
)
def test_a_plugin_may_be_named_without_its_tag(one: str, other: str, same: bool) -> None:
    assert volume_plan.same_driver(one, other) is same
    assert volume_plan.same_driver(other, one) is same


@pytest.mark.parametrize(
    ("driver", "options", "recreated"),
    [
        ("local", {"type": "nfs", "o": "addr=192.0.2.1", "device": ":/old"}, True),
        # Removing these would remove data.
        ("local", {}, False),
        ("nas", {"device": ":/old"}, False),
    ],
)
def test_only_a_volume_whose_data_is_elsewhere_is_recreated(
    driver: str, options: dict[str, str], recreated: bool
) -> None:
    wanted = desired(driver_options={"device": ":/new"}, recreate="reference-changed", drift="fail")
    found = volume_plan.make_plan(wanted, {**DATA, "Driver": driver, "Options": options})
    assert (found.remove, found.create, bool(found.blocker)) == (
        recreated,
        recreated,
        not recreated,
    )
    same = {**DATA, "Driver": "local", "Options": {"device": ":/new"}}
    assert not volume_plan.make_plan(wanted, same).changed


def test_recreated_only_when_permitted() -> None:
    assert not plan(recreate="options-changed", labels={"zone": "a"}).changed
    for found in (
        plan(recreate="options-changed", labels={"zone": "b"}),
        plan(recreate="always", labels={"zone": "a"}),
    ):
        assert found.remove
        assert found.create
        assert not found.differences
        before, after = volume_plan.sides(found)
        assert before != after
        assert before["created"] == DATA["CreatedAt"]
    assert not volume_plan.make_plan(desired(recreate="always"), None).remove


def test_absent() -> None:
    found = plan(state="absent", driver="nas", drift="fail", labels={"zone": "b"})
    assert found.remove
    assert not found.create
    assert not found.blocker
    before, after = volume_plan.sides(found)
    assert before["driver"] == "local"
    assert after == {}
    assert not volume_plan.make_plan(desired(state="absent"), None).changed


def test_an_owner_is_set_where_it_differs() -> None:
    found = plan(ROOT, owner=1000, mode="0770")
    assert found.owner_after == ES
    assert volume_plan.sides(found) == (
        {"owner": "0", "mode": "0755"},
        {"owner": "1000", "mode": "0770"},
    )


# -- the users of a volume -------------------------------------------------------------------


def container(name: str, state: str, **mount: str) -> dict[str, Any]:
    return {"Id": "abc", "Names": [f"/{name}"], "State": state, "Labels": {}, "Mounts": [mount]}


def service(name: str, source: str) -> dict[str, Any]:
    mounts = [{"Type": "bind", "Source": "/data"}, {"Type": "volume"}]
    mounts.append({"Type": "volume", "Source": source})
    return {
        "ID": f"id-{name}",
        "Spec": {"Name": name, "TaskTemplate": {"ContainerSpec": {"Mounts": mounts}}},
    }


def users_of(
    *containers: dict[str, Any], services: list[dict[str, Any]] | None = None
) -> list[str]:
    users = Users(containers, volume_plan.service_mounts(services or []), {"Node.Hostname": "m1"})
    return [str(one) for one in volume_plan.references([DATA], users)["data"]]


def test_containers_in_any_state_refer() -> None:
    assert users_of(
        container("web", "running", Type="volume", Name="data"),
        container("old", "exited", Type="volume", Name="data"),
        container("new", "created", Type="volume", Name="data-2"),
    ) == ["container web (running)", "container old (exited)"]


def test_a_bind_of_the_volumes_directory_refers() -> None:
    point = DATA["Mountpoint"]
    assert users_of(
        container("a", "exited", Type="bind", Source=point),
        container("b", "exited", Type="bind", Source=f"{point}/nodes"),
        container("c", "exited", Type="bind", Source=f"{point}2"),
    ) == ["container a (exited)", "container b (exited)"]
    # A volume without a reported directory cannot be bound by its path.
    users = Users([container("a", "exited", Type="bind", Source="/x")])
    assert volume_plan.references([{"Name": "data", "Mountpoint": ""}], users) == {"data": []}


def test_the_helper_refers_to_nothing() -> None:
    helper = container("h", "created", Type="volume", Name="data")
    helper["Labels"] = {volume_plan.HELPER_LABEL: "data"}
    assert users_of(helper) == []


@pytest.mark.parametrize(
    ("source", "refers"),
    [
        ("data", True),
        ("data-2", False),
        ("{{.Node.Hostname}}", False),
        ("da{{ .Task.Slot }}", True),
        ("{{.Task.Slot}}-data", False),
    ],
)
def test_services_refer_by_name_and_by_template(source: str, refers: bool) -> None:
    assert users_of(services=[service("app", source)]) == (["service app"] if refers else [])


def test_templates_are_filled_with_what_is_known() -> None:
    users = Users(
        (),
        volume_plan.service_mounts(
            [service("es", "es-{{.Node.Hostname}}"), service("app", "{{.Service.Name}}-x")]
        ),
        {"Node.Hostname": "m1"},
    )
    names = ["es-m1", "es-m2", "app-x", "es-x"]
    found = volume_plan.references([{"Name": name} for name in names], users)
    assert {name: len(of_volume) for name, of_volume in found.items()} == {
        "es-m1": 1,
        "es-m2": 0,
        "app-x": 1,
        "es-x": 0,
    }


# -- blocked changes -------------------------------------------------------------------------

USERS = [Reference("container", "web", "exited"), Reference("service", "app")]


@pytest.mark.parametrize(
    ("options", "what"), [({"state": "absent"}, "removed"), ({"recreate": "always"}, "recreated")]
)
def test_a_volume_in_use_is_not_removed(options: dict[str, Any], what: str) -> None:
    found = plan(**options)
    assert found.needs_references
    assert volume_plan.guard(found, []) == found
    blocker = volume_plan.guard(found, USERS).blocker
    assert f"cannot be {what}" in blocker
    assert "container web (exited), service app" in blocker
    assert "docker rm web; docker service rm app" in blocker


def test_users_are_not_read_when_nothing_is_removed() -> None:
    assert not plan(labels={"zone": "b"}).needs_references
    assert not volume_plan.make_plan(desired(owner=1000), None).needs_references


def test_the_owner_does_not_change_under_a_running_container() -> None:
    found = plan(ROOT, owner=1000)
    assert found.needs_references
    assert volume_plan.guard(found, USERS).sets_owner
    running = [Reference("container", "web", "running")]
    blocked = volume_plan.guard(found, running)
    assert not blocked.changed
    assert [str(one) for one in blocked.differences] == ["owner is 0, wanted 1000"]
    assert not blocked.blocker
    refused = volume_plan.guard(plan(ROOT, owner=1000, drift="fail"), running)
    assert "while it is mounted by container web (running)" in refused.blocker


# -- secrets ---------------------------------------------------------------------------------

SECRETS = {
    "o": "addr=192.0.2.9,username=elk,password=hush,vers=3",
    "api_key": "quiet",
    "url": "https://elk:silence@nas.example/",
    "device": "//nas/share",
}


def test_secrets_in_options_are_found_and_masked() -> None:
    assert volume_plan.secrets_of(SECRETS) == {"hush", "quiet", "silence"}
    shown = volume_plan.shown_options(SECRETS)
    assert shown == {
        "o": "addr=192.0.2.9,username=elk,password=********,vers=3",
        "api_key": "********",
        "url": "https://elk:********@nas.example/",
        "device": "//nas/share",
    }
    assert volume_plan.secrets_of(None) == set()


def test_a_changed_secret_is_reported_without_its_value() -> None:
    found = plan(driver_options={"o": "addr=192.0.2.9,password=other"})
    [difference] = found.differences
    assert difference.shown() == {
        "volume": "data",
        "option": "driver_options.o",
        "wanted": "addr=192.0.2.9,password=******** (changed)",
        "actual": "addr=192.0.2.9,password=********",
    }
    everything = volume_plan.drift_warning(found) + str(
        volume_plan.sides(plan(recreate="always", driver_options={"o": "password=other"}))
    )
    assert "hush" not in everything
    assert "other" not in everything
    assert "hush" not in str(volume_plan.shown_volume(DATA))
    # A label is not a secret, whatever its name.
    assert volume_plan.masked("labels.token", "shown") == "shown"


# -- the created volume ----------------------------------------------------------------------


def test_the_created_volume_is_compared() -> None:
    subject = desired(driver="nas", driver_options={"size": "1g"})
    good = {"Name": "data", "Driver": "nas:latest", "Options": {"size": "1g"}}
    assert volume_plan.creation_error(subject, good) == ""
    assert "does not exist" in volume_plan.creation_error(subject, None)
    wrong = {"Name": "data", "Driver": "local", "Options": None}
    error = volume_plan.creation_error(subject, wrong)
    assert "driver is local, wanted nas" in error
    assert "driver_options.size is not set" in error


# -- the audit -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("volume", "references", "known", "is_orphan", "why"),
    [
        ({}, USERS, True, False, "container web (exited), service app refer to it"),
        ({}, USERS[:1], False, False, "container web (exited) refers to it"),
        ({}, [], True, True, "no container and no service refers to it"),
        ({}, [], False, None, "no manager reported"),
        ({"ClusterVolume": {"ID": "x"}}, [], True, None, "volume of the swarm"),
        ({"Name": "ab" * 32}, [], True, True, "without a name"),
        ({"Labels": {"com.docker.volume.anonymous": ""}}, [], True, True, "without a name"),
        ({"Labels": {"com.docker.stack.namespace": "shop"}}, [], True, True, "the stack shop"),
        ({"Labels": {"com.docker.compose.project": "p"}}, [], True, True, "Compose project p"),
    ],
)
def test_orphans(
    volume: dict[str, Any],
    references: list[Reference],
    known: bool,
    is_orphan: bool | None,
    why: str,
) -> None:
    subject = {"Name": "data", "Labels": None, **volume}
    found, reason = volume_plan.orphan(subject, references, known)
    assert found is is_orphan
    assert why in reason


@pytest.mark.parametrize(
    ("created", "seconds"),
    [
        ("2026-11-21T13:53:36Z", 64),
        ("2026-11-21T14:53:36.123456789+01:00", 64),
        ("2026-11-21T13:53:36", 64),
        ("2026-11-21T13:55:00Z", 0),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
        (None, None),
        ("yesterday", None),
    ],
)
def test_age(created: str | None, seconds: int | None) -> None:
    assert volume_plan.age(created, 1795269280.0) == seconds


def test_an_entry_of_an_audit() -> None:
    found = volume_plan.entry(DATA, USERS, Users(), 1795269280.5, 7)
    assert found["containers"] == [{"name": "web", "state": "exited"}]
    assert found["services"] == ["app"]
    assert (found["age"], found["size"], found["orphan"]) == (64, 7, False)
    assert "hush" not in str(found)
