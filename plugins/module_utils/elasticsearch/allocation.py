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
)

if TYPE_CHECKING:
    from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import Client


PATH = "/_cluster/settings"
# Why all shards leave a node, and the setting that stores it.
REASONS = {"removal": LEAVE, "move": MOVE}


def allocation(mark: str | None) -> Desired:
    """The settings that restrict the allocation, with a mark; without a mark, their absence.

    >>> allocation("elk").body["persistent"]["cluster.routing.allocation.enable"]
    'primaries'
    >>> allocation(None).present
    False
    """
    settings: dict[str, Any] = {ENABLE: "primaries", MARK: mark}
    return make_desired(PATH, {"persistent": settings}, present=mark is not None)


def exclusion(node: str, reason: str, *, present: bool) -> Desired:
    """The settings that move all shards off a node, with the reason; or their absence.

    >>> exclusion("w1", "move", present=True).body["persistent"]["cluster.metadata.elk_move"]
    'w1'
    """
    settings = {EXCLUDE_NAME: node, REASONS[reason]: node}
    return make_desired(PATH, {"persistent": settings}, present=present)


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
