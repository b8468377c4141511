# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Voting exclusions: nodes without a vote in the election of the master."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import (
    AWAY_STATUSES,
    BUSY,
    ElasticsearchError,
    Refused,
    Unreachable,
    refusal,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ansible_collections.elk.swarm.plugins.module_utils.elasticsearch.client import Client

PATH = "/_cluster/voting_config_exclusions"
STATE = (
    "/_cluster/state/metadata?filter_path=metadata.cluster_coordination.voting_config_exclusions"
)
# Elasticsearch uses this as the name or the id of a node that it has never seen.
ABSENT = "_absent_"
# Seconds of one request. A long wait is split into several requests, so that little time is lost if
# the queried node stops.
PIECE = 10.0
# Seconds that an answer may take beyond that.
GRACE = 10.0
PAUSE = 0.5


def exclusions_of(answer: Mapping[str, Any]) -> list[dict[str, str]]:
    """Id and name of the excluded nodes, from a cluster state.

    >>> one = {"node_id": "x1", "node_name": "m1"}
    >>> exclusions_of({"metadata": {"cluster_coordination": {"voting_config_exclusions": [one]}}})
    [{'id': 'x1', 'name': 'm1'}]
    >>> exclusions_of({})
    []
    """
    coordination = (answer.get("metadata") or {}).get("cluster_coordination") or {}
    return [
        {"id": str(one.get("node_id") or ""), "name": str(one.get("node_name") or "")}
        for one in coordination.get("voting_config_exclusions") or ()
    ]


def label(one: Mapping[str, str]) -> str:
    """The name of an excluded node, or its id if the name is unknown.

    >>> label({"id": "x1", "name": "m1"}), label({"id": "x1", "name": "_absent_"})
    ('m1', 'x1')
    """
    return one["id"] if one["name"] in ("", ABSENT) else one["name"]


def not_excluded(
    present: Sequence[Mapping[str, str]], names: Sequence[str], ids: Sequence[str]
) -> list[str]:
    """Those of the names and ids that are not excluded yet.

    >>> not_excluded([{"id": "x1", "name": "m1"}], ["m1", "m2"], [])
    ['m2']
    >>> not_excluded([{"id": "x1", "name": "_absent_"}], [], ["x1"])
    []
    """
    known_names = {one["name"] for one in present}
    known_ids = {one["id"] for one in present}
    return [
        *(name for name in names if name not in known_names),
        *(one for one in ids if one not in known_ids),
    ]


def exclusions(client: Client) -> list[dict[str, str]]:
    return exclusions_of(client.get(STATE).object())


def exclude(client: Client, names: Sequence[str], ids: Sequence[str], **limits: Any) -> None:
    """Exclude nodes from voting, and wait until they have left the voting configuration.

    A repeated request only waits, because the exclusions stay.
    """
    query = {"node_names": ",".join(names)} if names else {"node_ids": ",".join(ids)}
    _repeat_while_busy(client, "POST", query, "timeout", **limits)


def clear(client: Client, *, wait_for_removal: bool, **limits: Any) -> None:
    """Remove all exclusions; `wait_for_removal` first waits until those nodes are gone."""
    query = {"wait_for_removal": "true" if wait_for_removal else "false"}
    _repeat_while_busy(client, "DELETE", query, "master_timeout", **limits)


def _repeat_while_busy(
    client: Client,
    method: str,
    query: Mapping[str, str],
    limit: str,
    *,
    wait_timeout: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Send to the node that answered last; repeat while it needs more time, which is status 429.

    If the node goes away in the meantime, another one that answers takes its place.
    """
    end = clock() + wait_timeout
    while True:
        piece = max(1.0, min(PIECE, end - clock()))
        path = f"{PATH}?{urlencode({**query, limit: f'{piece:g}s'})}"
        once = client.derive(urls=[client.answering], rounds=1, timeout=piece + GRACE)
        problem: ElasticsearchError
        try:
            reply = once.request(method, path, accept=(BUSY,))
            if reply.ok:
                return
            problem = refusal(reply, client.login)
        except Unreachable as error:
            problem = error
        except Refused as error:
            if error.status not in AWAY_STATUSES:
                raise
            problem = error
        finally:
            once.close()
        if clock() >= end:
            raise problem
        sleep(PAUSE)
        # The client finds another node that answers.
        exclusions(client)
