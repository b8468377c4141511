# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""There is one way to restart a node of Elasticsearch: docs/decisions/0017."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

import yaml

from ansible_collections.elk.swarm.plugins.module_utils.common.label_names import GENERATION
from repo import ROOT
from tests.unit.expressions import Loader, sources, texts

if TYPE_CHECKING:
    from collections.abc import Iterator

TASKS = "roles/elasticsearch/tasks"
REPLICATED = "roles/replicated_service/tasks"
# Who sets the label that places Elasticsearch, and why.
SET_THE_LABEL = {
    f"{TASKS}/turn.yml": "the restart itself begins: hold",
    f"{TASKS}/service.yml": "the first start of a node, and the end of its restart",
    "roles/membership/tasks/leave.yml": "a host that leaves the platform gets no node again",
    f"{REPLICATED}/label_hosts.yml": "the labels of the calling service, which no other one has",
    f"{REPLICATED}/unlabel_hosts.yml": "the labels of the calling service, which no other one has",
}
# Who waits for the end of a container, because it has stopped it.
STOP_CONTAINERS = {
    f"{TASKS}/turn.yml": "the restart itself",
    f"{TASKS}/remove_first_start.yml": "no cluster has formed yet, so no node holds data",
    "roles/membership/tasks/leave.yml": "a host that leaves the platform",
}
# The parts of a restart. Other roles include roll_nodes.yml, which does all of it.
PARTS = {"turn.yml", "step.yml", "roll.yml", "start.yml", "service.yml", "make_service.yml"}
# Commands that would restart tasks, or place them elsewhere.
COMMANDS = re.compile(
    r"docker (node (update|rm)|service (update|scale|rm|rollback)|kill|restart|stop|rm)\b"
)
FREE_FORM = {"command", "shell", "raw", "script"}


def tasks_of(value: Any) -> Iterator[dict[str, Any]]:
    """Every task, also those of blocks and of plays."""
    if isinstance(value, list):
        for part in value:
            yield from tasks_of(part)
    elif isinstance(value, dict):
        yield value
        for key in ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks", "handlers"):
            yield from tasks_of(value.get(key))


def module_of(task: dict[str, Any], *names: str) -> Any:
    """The options of a task's module, if it is one of these."""
    return next((task[key] for key in task if key.rpartition(".")[2] in names), None)


def sets_the_label(task: dict[str, Any]) -> bool:
    options = module_of(task, "node_labels", "swarm_nodes")
    if not isinstance(options, dict) or "labels" not in options:
        return False
    labels = options["labels"]
    # A template could give any label.
    return GENERATION in labels if isinstance(labels, dict) else True


@functools.cache
def task_files() -> dict[str, list[dict[str, Any]]]:
    return {
        name: list(tasks_of(list(yaml.load_all((ROOT / name).read_text(), Loader))))
        for name in sources("roles", "playbooks")
        if name.endswith(".yml") and re.search(r"/tasks/|/handlers/|^playbooks/", name)
    }


def test_there_is_something_to_read() -> None:
    assert len(task_files()) > 100


def test_no_other_file_sets_the_label_that_places_elasticsearch() -> None:
    found = {name for name, tasks in task_files().items() if any(map(sets_the_label, tasks))}
    assert found == set(SET_THE_LABEL), (
        "restart nodes with roll_nodes.yml of the role elasticsearch"
    )


def test_no_other_file_waits_for_the_end_of_a_container() -> None:
    found = {
        name
        for name, tasks in task_files().items()
        if any(module_of(task, "task_stopped") for task in tasks)
    }
    assert found == set(STOP_CONTAINERS)


def test_other_roles_include_the_whole_restart_and_none_of_its_parts() -> None:
    called = set()
    for name, tasks in task_files().items():
        for task in tasks:
            role = module_of(task, "include_role", "import_role") or {}
            if role.get("name") == "elk.swarm.elasticsearch" and role.get("tasks_from") in PARTS:
                called.add(f"{name}: {role['tasks_from']}")
    assert called == set()


def test_no_command_restarts_tasks_behind_the_back_of_the_roles() -> None:
    found = []
    for name, tasks in task_files().items():
        for task in tasks:
            options = module_of(task, *FREE_FORM)
            words = [text for _key, text in texts(options, "cmd")]
            line = " ".join(words)
            if options and COMMANDS.search(line):
                found.append(f"{name}: {line}")
    assert found == []


def test_a_task_that_sets_the_label_is_seen() -> None:
    labels: dict[str, Any] = {"elk.es": "{{ {elk_node_name: none} }}"}
    task = {"block": [{"name": "x", "elk.swarm.node_labels": {"labels": labels}}]}
    assert any(map(sets_the_label, tasks_of([{"hosts": "all", "tasks": [task]}])))
    assert not sets_the_label({"elk.swarm.node_labels": {"labels": {"elk.es.restarted": "x"}}})
    assert sets_the_label({"elk.swarm.node_labels": {"labels": "{{ labels }}"}})
    assert not sets_the_label({"elk.swarm.node_labels": {}})
