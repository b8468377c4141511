# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configs and secrets named after their content: what is created, kept and removed."""

from __future__ import annotations

import base64
import hashlib

import pytest

from ansible_collections.elk.swarm.plugins.module_utils.common.options import OptionError
from ansible_collections.elk.swarm.plugins.module_utils.swarm import configs_and_secrets
from ansible_collections.elk.swarm.plugins.module_utils.swarm.configs_and_secrets import (
    Existing,
    ObjectError,
)

CONFIG = {"config_name": "pipeline", "data": "input {}", "filename": "/p.conf", "mode": "0440"}
SECRET = {"secret_name": "token", "data": "hunter2"}


def created(kind: str, name: str, object_id: str = "", service: str = "web", **kwargs: object):
    base = name.rsplit("-", 1)[0]
    labels = configs_and_secrets.labels_for(base, service)
    return Existing(kind, object_id or f"id-{name}", name, labels, **kwargs)  # type: ignore[arg-type]


def test_config_is_named_after_its_content() -> None:
    [reference] = configs_and_secrets.references("configs", [CONFIG], None)
    assert reference.name == "pipeline-" + hashlib.sha256(b"input {}").hexdigest()[:12]
    assert (reference.filename, reference.mode) == ("/p.conf", 0o440)
    assert (reference.uid, reference.gid) == ("0", "0")


def test_same_content_same_name_other_content_other_name() -> None:
    first, second, third = (
        configs_and_secrets.hashed_name("configs", "a", data, None) for data in (b"1", b"1", b"2")
    )
    assert first == second != third


def test_secret_name_depends_on_key_and_base_and_content() -> None:
    names = {
        configs_and_secrets.hashed_name("secrets", base, data, key).rsplit("-", 1)[1]
        for base, data, key in (
            ("a", b"x", "k"),
            ("b", b"x", "k"),
            ("a", b"y", "k"),
            ("a", b"x", "l"),
        )
    }
    assert len(names) == 4
    assert hashlib.sha256(b"x").hexdigest()[:12] not in names


def test_secret_without_key_is_refused() -> None:
    with pytest.raises(ObjectError, match="secret_hash_key"):
        configs_and_secrets.references("secrets", [SECRET], None)


def test_the_secret_is_in_no_representation() -> None:
    [reference] = configs_and_secrets.references("secrets", [SECRET], "key")
    assert "hunter2" not in repr(reference)
    assert "hunter2" not in repr(configs_and_secrets.plan([reference], []))


def test_base64_content() -> None:
    item = {"config_name": "a", "data": base64.b64encode(b"\x00\xff").decode(), "data_is_b64": True}
    [reference] = configs_and_secrets.references("configs", [item], None)
    assert reference.data == b"\x00\xff"
    with pytest.raises(ObjectError, match="not base64"):
        configs_and_secrets.references("configs", [{**item, "data": "%%%"}], None)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"config_name": "a b", "data": "x"}, "config_name"),
        ({"config_name": "a" * 52, "data": "x"}, "1 to 51"),
        ({"config_name": "-a"}, "start and end"),
        ({"config_name": "a", "data": "x", "mode": "rw-"}, "file mode"),
        ({"config_name": "a", "data": "x", "mode": "0999"}, "file mode"),
        ({"config_name": "a", "data": "x", "mode": True}, "file mode"),
        ({"config_name": "a", "data": "x" * 1_024_001}, "bytes"),
    ],
)
def test_values_that_swarm_would_refuse_are_refused_first(item: dict, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        configs_and_secrets.references("configs", [item], None)


def test_empty_secret_is_refused() -> None:
    with pytest.raises(ObjectError, match="empty"):
        configs_and_secrets.references("secrets", [{"secret_name": "a", "data": ""}], "k")


def test_two_files_of_one_name_are_refused() -> None:
    items = [{"config_name": "a", "filename": "/x"}, {"config_name": "b", "filename": "x"}]
    with pytest.raises(ObjectError, match="filename /x"):
        configs_and_secrets.references("configs", items, None)


def test_name_without_data_refers_to_what_exists() -> None:
    [reference] = configs_and_secrets.references("secrets", [{"secret_name": "given"}], None)
    assert reference.name == "given"
    assert not reference.managed
    plan = configs_and_secrets.plan([reference], [])
    assert plan.missing == (reference,)
    assert plan.create == ()
    plan = configs_and_secrets.plan([reference], [Existing("secrets", "7", "given", {})])
    assert plan.ids == {("secrets", "given"): "7"}


def test_plan_creates_only_what_is_missing() -> None:
    [reference] = configs_and_secrets.references("configs", [CONFIG], None)
    assert configs_and_secrets.plan([reference], []).create == (reference,)
    existing = created("configs", reference.name, data=b"input {}")
    plan = configs_and_secrets.plan([reference], [existing])
    assert plan.create == ()
    assert plan.ids == {("configs", reference.name): existing.id}
    # A secret of the same name is another thing.
    assert configs_and_secrets.plan([reference], [created("secrets", reference.name)]).create == (
        reference,
    )


def test_one_object_mounted_twice_is_created_once() -> None:
    twice = [CONFIG, {**CONFIG, "filename": "/q.conf"}]
    assert (
        len(
            configs_and_secrets.plan(
                configs_and_secrets.references("configs", twice, None), []
            ).create
        )
        == 1
    )


def test_other_content_under_the_hashed_name_is_an_error() -> None:
    [reference] = configs_and_secrets.references("configs", [CONFIG], None)
    with pytest.raises(ObjectError, match="other content"):
        configs_and_secrets.plan([reference], [created("configs", reference.name, data=b"other")])


def test_only_old_versions_are_removed() -> None:
    desired = configs_and_secrets.references("configs", [CONFIG], None)
    now = desired[0].name
    old = created("configs", "pipeline-000000000000", service="another")
    dropped = created("configs", "dropped-000000000000")
    former = created("configs", "former-000000000000", service="another")
    present = [
        created("configs", now),
        old,
        dropped,
        former,
        created("configs", "stranger-000000000000", service="another"),
        created("secrets", "pipeline-000000000000", service="another"),
        Existing("configs", "x", "pipeline-111111111111", {}),
        Existing(
            "configs", "y", "pipeline-by-hand", configs_and_secrets.labels_for("pipeline", "web")
        ),
    ]
    found = configs_and_secrets.removable("web", desired, {("configs", former.id)}, present)
    assert found == sorted([old, dropped, former], key=lambda item: item.name)


def test_objects_in_use_are_kept() -> None:
    old = created("configs", "pipeline-000000000000")
    desired = configs_and_secrets.references("configs", [CONFIG], None)
    assert configs_and_secrets.removable("web", desired, (), [old]) == [old]
    assert configs_and_secrets.removable("web", desired, (), [old], {("configs", old.id)}) == []


def test_references_of_a_service() -> None:
    spec = {
        "TaskTemplate": {
            "ContainerSpec": {"Configs": [{"ConfigID": "c"}], "Secrets": [{"SecretID": "s"}]}
        }
    }
    assert configs_and_secrets.referred_by(spec) == {("configs", "c"), ("secrets", "s")}
    assert configs_and_secrets.referred_by({}) == set()


def test_existing_from_the_engine() -> None:
    raw = {
        "ID": "1",
        "Spec": {
            "Name": "pipeline-0123456789ab",
            "Labels": configs_and_secrets.labels_for("pipeline", "web"),
            "Data": base64.b64encode(b"x").decode(),
        },
    }
    item = configs_and_secrets.existing("configs", raw)
    assert item.managed
    assert item.data == b"x"
    assert not configs_and_secrets.existing("secrets", {"ID": "2", "Spec": {"Name": "a"}}).managed
