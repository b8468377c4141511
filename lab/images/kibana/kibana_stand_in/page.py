# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only page: a search in the log index."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .elasticsearch import Elasticsearch, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_INDEX = "syslog-msg*"
_SHOWN = 50
_INDEX = re.compile(r"^[a-z0-9.*][a-z0-9.*_,:<>-]{0,254}$")

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --mark: #b45309; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: 1.5rem; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline; }
h1 { font-size: 1.4rem; margin: 0; }
.badge { background: var(--mark); color: #fff; border-radius: 1rem; padding: .1rem .7rem;
  font-size: .85rem; }
.soft { opacity: .75; }
dl { display: flex; flex-wrap: wrap; gap: .5rem; margin: 1rem 0; }
dl div { background: var(--soft); border: 1px solid var(--line); border-radius: .5rem;
  padding: .4rem .9rem; }
dt { font-size: .8rem; opacity: .75; }
dd { margin: 0; font-weight: 600; }
.green { color: #15803d; } .yellow { color: #b45309; } .red { color: #dc2626; }
form { display: flex; flex-wrap: wrap; gap: .5rem; margin: 1rem 0; }
input, button { font: inherit; padding: .4rem .7rem; border: 1px solid var(--line);
  border-radius: .4rem; }
input[name=q] { flex: 1 1 20rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem;
  border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
td:first-child, td:nth-child(2) { white-space: nowrap; }
td:last-child { font-family: ui-monospace, monospace; font-size: .9em; }
.error { border-left: .3rem solid #dc2626; padding-left: .8rem; }
"""
STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


@dataclass(frozen=True)
class SearchForm:
    """The values of the search form."""

    text: str
    index: str


def read_form(query: Mapping[str, list[str]]) -> SearchForm:
    """Read the form; replace an invalid index name with the default."""
    index = query.get("index", [""])[0].strip() or DEFAULT_INDEX
    text = query.get("q", [""])[0].strip()
    return SearchForm(text, index if _INDEX.match(index) else DEFAULT_INDEX)


def search_body(text: str) -> dict[str, Any]:
    """The search for the latest events: all, or those that match the text."""
    query: dict[str, Any] = {"match_all": {}}
    if text:
        query = {"query_string": {"query": text, "default_operator": "AND", "lenient": True}}
    return {
        "size": _SHOWN,
        "track_total_hits": True,
        "query": query,
        "sort": [{"@timestamp": {"order": "desc", "unmapped_type": "date"}}],
    }


def document(title: str, content: str) -> str:
    """Put content into the frame of all pages."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} - stand-in for Kibana</title><style>{_STYLE}</style></head><body>"
        '<header><h1>Logs</h1><span class="badge">stand-in for Kibana</span>'
        '<span class="soft">This is not Kibana. It is a small page that the lab uses '
        "instead.</span></header>"
        f"{content}</body></html>"
    )


def notice(title: str, text: str) -> str:
    """Make a page with one message."""
    return document(title, f'<p class="error">{escape(text)}</p>')


def home(
    client: Elasticsearch, authorization: str, user: str, form: SearchForm, base_path: str
) -> str:
    """Make the page with the rights of this user."""
    return document(
        "Search",
        _health(client, authorization, user)
        + _form(form, base_path)
        + _results(client, authorization, form),
    )


def _health(client: Elasticsearch, authorization: str, user: str) -> str:
    facts = [("user", user, "")]
    try:
        answer = client.request("GET", "/_cluster/health", authorization)
    except UnreachableError as error:
        return f'<p class="error">Elasticsearch does not answer: {escape(str(error))}</p>'
    if answer.status == 200:
        health = answer.body
        status = str(health.get("status"))
        colour = status if status in ("green", "yellow", "red") else ""
        facts = [
            ("cluster", health.get("cluster_name"), ""),
            ("status", status, colour),
            ("nodes", health.get("number_of_nodes"), ""),
            ("active shards", health.get("active_shards"), ""),
            ("unassigned shards", health.get("unassigned_shards"), ""),
            *facts,
        ]
    else:
        facts.append(("cluster health", answer.reason, ""))
    cells = "".join(
        f'<div><dt>{escape(name)}</dt><dd class="{colour}">{escape(str(value))}</dd></div>'
        for name, value, colour in facts
    )
    return f"<dl>{cells}</dl>"


def _form(form: SearchForm, base_path: str) -> str:
    return (
        f'<form action="{escape(base_path)}/app/home" method="get">'
        f'<input name="q" value="{escape(form.text)}" aria-label="Search" autofocus '
        'placeholder="Words, or field:value, for example message:error">'
        f'<input name="index" value="{escape(form.index)}" aria-label="Index">'
        "<button>Search</button></form>"
    )


def _results(client: Elasticsearch, authorization: str, form: SearchForm) -> str:
    path = f"/{quote(form.index, safe='*,.:-_')}/_search?ignore_unavailable=true"
    try:
        answer = client.request("POST", path, authorization, search_body(form.text))
    except UnreachableError as error:
        return f'<p class="error">The search failed: {escape(str(error))}</p>'
    if answer.status != 200:
        return f'<p class="error">The search failed: {escape(answer.reason)}</p>'
    result = answer.body.get("hits", {})
    total = result.get("total", {})
    count = total.get("value", 0) if isinstance(total, dict) else total
    hits = result.get("hits", [])
    rows = "".join(_row(hit.get("_source", {})) for hit in hits)
    text = f"{count} found, the latest {len(hits)} are shown." if hits else "Nothing found."
    head = "<tr><th>time</th><th>host</th><th>message</th></tr>"
    table = f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>" if hits else ""
    return f'<p class="soft">{escape(text)}</p>{table}'


def _row(source: Mapping[str, Any]) -> str:
    host = _first(source, "host.hostname", "host.name", "hostname", "host.ip", "host", "logsource")
    message = _first(source, "message", "event.original")
    cells = (source.get("@timestamp", ""), host, message)
    return "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>"


def _first(source: Mapping[str, Any], *names: str) -> Any:
    """The first of these fields that has a value; the name can be a key or a path."""
    for name in names:
        value: Any = source.get(name)
        if value is None and "." in name:
            value = source
            for part in name.split("."):
                value = value.get(part) if isinstance(value, dict) else None
        if value is not None and not isinstance(value, dict):
            return value
    return ""
