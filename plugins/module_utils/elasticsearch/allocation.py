# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restrict the allocation of shards while a node restarts, and move all shards off a node.

Each setting is stored together with a mark, see module_utils/elasticsearch/leftovers.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import (
    ElasticsearchError,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.resource import (
    Desired,
    make_desired,
)
from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.settings import (
    ENABLE,
    EXCLUDE_NAME,
    LEAVE,
    MARK,
    MOVE,
    PRIMARIES,
    flatten,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import Client


PATH = "/_cluster/settings"
# Why all shards leave a node, and the setting that stores it.
REASONS = {"removal": LEAVE, "move": MOVE}


def held(mark: str) -> Desired:
    """The settings that restrict allocation to primaries, with a mark.

    >>> held("elk").body["persistent"]["cluster.routing.allocation.enable"]
    'primaries'
    """
    return _persistent({ENABLE: PRIMARIES, MARK: mark})


def free(answer: Mapping[str, Any]) -> Desired:
    """The same settings removed. Another restriction than ours stays, because a person has set it.

    Args:
        answer: The answer of `PATH`.

    >>> free({"persistent": {ENABLE: "none"}}).body
    {'persistent': {'cluster.metadata.elk_roll': None}}
    """
    found = flatten(answer.get("persistent") or {}).get(ENABLE, PRIMARIES)
    return _persistent({MARK: None} | ({ENABLE: None} if found == PRIMARIES else {}))


def excluded(node: str, reason: str) -> Desired:
    """The settings that move all shards off a node, with the reason.

    >>> excluded("w1", "move").body["persistent"]["cluster.metadata.elk_move"]
    'w1'
    """
    return _persistent({EXCLUDE_NAME: node, REASONS[reason]: node})


def included(answer: Mapping[str, Any], node: str, reason: str) -> Desired:
    """The same settings removed. Other nodes stay excluded, because a person has excluded them.

    >>> included({"persistent": {EXCLUDE_NAME: "w1,w2"}}, "w1", "move").body["persistent"]
    {'cluster.metadata.elk_move': None, 'cluster.routing.allocation.exclude._name': 'w2'}
    """
    names = str(flatten(answer.get("persistent") or {}).get(EXCLUDE_NAME) or node).split(",")
    left = ",".join(name for name in names if name != node)
    return _persistent(
        {REASONS[reason]: None} | ({EXCLUDE_NAME: left or None} if node in names else {})
    )


def _persistent(settings: Mapping[str, Any]) -> Desired:
    return make_desired(PATH, {"persistent": settings}, present=True)


def flush(client: Client, timeout: float) -> str:
    """Flush all indices to disk. Return why that failed, or an empty text.

    Sent only once: a flush that takes longer than `timeout` seconds continues on the server.
    """
    once = client.derive(urls=[client.answering], rounds=1, timeout=timeout)
    try:
        shards = once.request("POST", "/_flush").object().get("_shards") or {}
    except ElasticsearchError as error:
        return str(error)
    finally:
        once.close()
    failed = int(shards.get("failed", 0))
    return f"{failed} of {shards.get('total')} shards could not be flushed" if failed else ""
