# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as one HTML page that needs nothing else: no script, no font, no picture."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from ansible_collections.elk.swarm.plugins.module_utils.platform.status.faults import BAD, OK, WARN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible_collections.elk.swarm.plugins.module_utils.common.tables import Cell, Column, Table
    from ansible_collections.elk.swarm.plugins.module_utils.platform.status.faults import Finding
    from ansible_collections.elk.swarm.plugins.module_utils.platform.status.report import Report
    from ansible_collections.elk.swarm.plugins.module_utils.platform.status.view import Card

# Colour is never the only sign: each level also has a word.
WORDS = {OK: "good", WARN: "look", BAD: "fault"}

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f5f6f8; --sheet: #ffffff; --line: #e1e4ea; --text: #1d2330; --soft: #5b6475;
  --head: #fafbfc; --track: #e6e9ef;
  --ok: #1a7f4b; --ok-soft: #e3f4ea; --warn: #8a5a00; --warn-soft: #fdf1d6;
  --bad: #b3261e; --bad-soft: #fce8e6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12151b; --sheet: #1a1f28; --line: #2c3340; --text: #e6e9ef; --soft: #9aa4b5;
    --head: #1f2530; --track: #303847;
    --ok: #6fd29b; --ok-soft: #17352a; --warn: #f0c060; --warn-soft: #3a2f14;
    --bad: #ff9a90; --bad-soft: #421f1d;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}
main { max-width: 1180px; margin: 0 auto; padding: 2rem 1.5rem 3rem; }
header {
  display: flex; flex-wrap: wrap; align-items: center; gap: .4rem 1rem; margin-bottom: 1.5rem;
}
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0; font-weight: 650; letter-spacing: -.01em; }
header .taken { margin: 0 0 0 auto; color: var(--soft); }
.badge {
  display: inline-block; padding: .1rem .6rem; border-radius: 999px; font-weight: 600;
  white-space: nowrap;
}
.ok { color: var(--ok); } .warn { color: var(--warn); } .bad { color: var(--bad); }
.badge.ok { background: var(--ok-soft); } .badge.warn { background: var(--warn-soft); }
.badge.bad { background: var(--bad-soft); }
.cards {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .9rem;
  margin: 0 0 1.5rem; padding: 0;
}
.cards div {
  background: var(--sheet); border: 1px solid var(--line); border-top: 3px solid currentColor;
  border-radius: 8px; padding: .8rem 1rem .9rem;
}
.cards dt { color: var(--soft); font-size: .85rem; }
.cards dd { margin: 0; }
.cards .value { font-size: 1.45rem; font-weight: 650; line-height: 1.3; }
.cards .detail { color: var(--soft); font-size: .85rem; }
section, .findings {
  background: var(--sheet); border: 1px solid var(--line); border-radius: 8px;
  margin: 0 0 1.2rem; overflow: hidden;
}
h2 { font-size: 1.02rem; margin: 0; padding: .75rem 1rem; font-weight: 650; }
.findings ul { list-style: none; margin: 0; padding: 0 1rem .8rem; }
.findings li { display: flex; gap: .8rem; padding: .3rem 0; align-items: baseline; }
.findings .badge { font-size: .8rem; min-width: 3.6rem; text-align: center; }
.scroll { overflow-x: auto; }
.scroll:focus-visible { outline: 2px solid var(--soft); outline-offset: -2px; }
table { border-collapse: collapse; width: 100%; }
th, td {
  text-align: left; padding: .42rem 1rem; border-top: 1px solid var(--line); vertical-align: top;
}
thead th {
  background: var(--head); color: var(--soft); font-size: .82rem; font-weight: 600;
  white-space: nowrap;
}
tbody th { font-weight: 600; white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.ok, td.warn, td.bad { font-weight: 600; }
.bar {
  display: inline-block; width: 5.5rem; height: .5rem; margin-right: .6rem; border-radius: 4px;
  background: var(--track); overflow: hidden;
}
.bar i { display: block; height: 100%; background: currentColor; border-radius: 4px; }
.note {
  margin: 0; padding: .6rem 1rem .75rem; color: var(--soft); border-top: 1px solid var(--line);
}
footer { color: var(--soft); font-size: .85rem; }
@media (max-width: 640px) { main { padding: 1rem .7rem 2rem; } header .taken { margin-left: 0; } }
@media print { body { background: none; } section, .cards div { break-inside: avoid; } }
"""


def _badge(level: str, text: str) -> str:
    return f'<span class="badge {escape(level)}">{escape(text)}</span>'


def _cell(cell: Cell, column: Column, first: bool) -> str:
    classes = " ".join(
        one for one in ("number" if column.numeric else "", cell.level if not first else "") if one
    )
    attribute = f' class="{escape(classes)}"' if classes else ""
    if first:
        return f'<th scope="row"{attribute}>{escape(cell.text)}</th>'
    drawn = ""
    if cell.percent is not None:
        width = min(max(cell.percent, 0), 100)
        drawn = f'<span class="bar" aria-hidden="true"><i style="width:{width:.0f}%"></i></span>'
    return f"<td{attribute}>{drawn}{escape(cell.text)}</td>"


def _table(table: Table, number: int) -> str:
    parts = [
        f'<section aria-labelledby="t{number}">',
        f'<h2 id="t{number}">{escape(table.title)}</h2>',
    ]
    if table.rows:
        head = "".join(
            f'<th scope="col"{" class=" + chr(34) + "number" + chr(34) if column.numeric else ""}>'
            f"{escape(column.title)}</th>"
            for column in table.columns
        )
        # The keyboard can scroll a table that is wider than the page, too.
        parts.append(f'<div class="scroll" role="region" aria-labelledby="t{number}" tabindex="0">')
        parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>")
        for row in table.rows:
            cells = (
                _cell(cell, column, at == 0)
                for at, (cell, column) in enumerate(zip(row, table.columns))
            )
            parts.append(f"<tr>{''.join(cells)}</tr>")
        parts.append("</tbody></table></div>")
    if table.note:
        parts.append(f'<p class="note">{escape(table.note)}</p>')
    parts.append("</section>")
    return "\n".join(parts)


def _cards(cards: Iterable[Card]) -> str:
    shown = "\n".join(
        f'<div class="{escape(card.level)}"><dt>{escape(card.title)}</dt>'
        f'<dd class="value">{escape(card.value)}</dd>'
        f'<dd class="detail">{escape(card.detail)}</dd></div>'
        for card in cards
    )
    return f'<dl class="cards">\n{shown}\n</dl>'


def _next(finding: Finding) -> str:
    return f"<br>Next: <code>{escape(finding.next)}</code>" if finding.next else ""


def _findings(findings: Iterable[Finding]) -> str:
    shown = "\n".join(
        f"<li>{_badge(finding.level, WORDS[finding.level])}<span>{escape(finding.text)}"
        f"{_next(finding)}</span></li>"
        for finding in findings
    )
    if not shown:
        return ""
    return (
        '<div class="findings" role="region" aria-labelledby="f0">'
        f'<h2 id="f0">What to look at</h2>\n<ul>\n{shown}\n</ul></div>'
    )


def page(report: Report) -> str:
    """The whole page. Everything that comes from outside is escaped."""
    title = f"{report.stack}: {report.headline}"
    tables = "\n".join(_table(table, number) for number, table in enumerate(report.tables, start=1))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="elk.swarm">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<header>
<h1>{escape(report.stack)}</h1>
{_badge(report.level, report.headline)}
<p class="taken">as it was at {escape(report.taken)}</p>
</header>
{_cards(report.cards)}
{_findings(report.findings)}
{tables}
<footer>Made by <code>playbooks/status.yml</code> of elk.swarm, which changes nothing on the hosts.
Run it again for a new report.</footer>
</main>
</body>
</html>
"""
