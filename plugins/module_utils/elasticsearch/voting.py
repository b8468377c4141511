# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose votes count when a master is elected: nodes that are left out, and their return."""

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
# What Elasticsearch writes for the name or the id of a node that it has never seen.
ABSENT = "_absent_"
# Seconds of one request. Waiting is cut into such pieces, so that a node that goes away while it
# waits takes no more than one with it.
PIECE = 10.0
# What an answer may take beyond that.
GRACE = 10.0
PAUSE = 0.5


def exclusions_of(answer: Mapping[str, Any]) -> list[dict[str, str]]:
    """Id and name of the nodes that are left out, from a cluster state.

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
    """What to call a node that is left out: by its id where the name is not known.

    >>> label({"id": "x1", "name": "m1"}), label({"id": "x1", "name": "_absent_"})
    ('m1', 'x1')
    """
    return one["id"] if one["name"] in ("", ABSENT) else one["name"]


def lacking(
    present: Sequence[Mapping[str, str]], names: Sequence[str], ids: Sequence[str]
) -> list[str]:
    """Those of the names and ids that are not left out yet.

    >>> lacking([{"id": "x1", "name": "m1"}], ["m1", "m2"], [])
    ['m2']
    >>> lacking([{"id": "x1", "name": "_absent_"}], [], ["x1"])
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
    """Have nodes left out, and wait until a master is elected without them.

    Asked for again it is a mere wait: what is left out already stays so.
    """
    who = {"node_names": ",".join(names)} if names else {"node_ids": ",".join(ids)}
    _patiently(client, "POST", who, "timeout", **limits)


def clear(client: Client, *, wait_for_removal: bool, **limits: Any) -> None:
    """Have every vote count again; `wait_for_removal` first waits until those nodes are gone."""
    wait = {"wait_for_removal": "true" if wait_for_removal else "false"}
    _patiently(client, "DELETE", wait, "master_timeout", **limits)


def _patiently(
    client: Client,
    method: str,
    query: Mapping[str, str],
    limit: str,
    *,
    wait_timeout: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Ask the node that answered last, and again while it says that it takes longer.

    That comes as "too busy" (429). A node that has gone meanwhile is replaced by one that answers.
    """
    end = clock() + wait_timeout
    while True:
        piece = max(1.0, min(PIECE, end - clock()))
        asked = f"{PATH}?{urlencode({**query, limit: f'{piece:g}s'})}"
        once = client.derive(urls=[client.answering], rounds=1, timeout=piece + GRACE)
        problem: ElasticsearchError
        try:
            reply = once.request(method, asked, accept=(BUSY,))
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
        # Finds another that answers.
        exclusions(client)
