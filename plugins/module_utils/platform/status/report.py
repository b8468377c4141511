# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of the platform: turns the collected facts into tables, findings and text.

Facts are missing where something did not answer. The report says so, and nothing here may fail
because of it. page.py makes the HTML page.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.elk.swarm.plugins.module_utils.common.tables import Table, table_text
from ansible_collections.elk.swarm.plugins.module_utils.platform.services import CLUSTER
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.certificates import (
    certificates_section,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.cluster import (
    cluster_section,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.faults import (
    BAD,
    Finding,
    Thresholds,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.findings import find_faults
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.hosts import hosts_section
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.indices import (
    indices_section,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.labels import labels_section
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.services import (
    services_section,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.status.view import (
    RANK,
    Card,
    View,
    worst,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# Each section adds a table, its findings and often a card. One with a name is there only if a
# service asks for it.
SECTIONS: tuple[tuple[str, Callable[[View], None]], ...] = (
    ("", hosts_section),
    ("", services_section),
    ("", labels_section),
    (CLUSTER, cluster_section),
    (CLUSTER, indices_section),
    ("", certificates_section),
)


@dataclass(frozen=True)
class Report:
    stack: str
    taken: str
    cards: Sequence[Card]
    findings: Sequence[Finding]
    tables: Sequence[Table]

    @property
    def level(self) -> str:
        return worst(finding.level for finding in self.findings)

    @property
    def faults(self) -> str:
        """All faults in one line, for the message of a run that failed."""
        return "; ".join(
            f"{one.text}. Next command: {one.next}" if one.next else one.text
            for one in self.findings
            if one.level == BAD
        )

    @property
    def headline(self) -> str:
        bad = sum(1 for finding in self.findings if finding.level == BAD)
        warn = len(self.findings) - bad
        if not self.findings:
            return "All checks passed"
        parts = []
        if bad:
            parts.append(f"{bad} {'fault' if bad == 1 else 'faults'}")
        if warn:
            parts.append(f"{warn} {'thing' if warn == 1 else 'things'} to look at")
        return ", ".join(parts)


def build(
    data: Mapping[str, Any],
    now: datetime.datetime,
    limits: Thresholds | None = None,
) -> Report:
    """Build the report from the collected facts."""
    view = View(data, limits or Thresholds(), now)
    for name, section in SECTIONS:
        if not name or view.asking(name):
            section(view)
    find_faults(view)
    ordered = sorted(view.findings, key=lambda finding: -RANK[finding.level])
    taken = now.strftime("%Y-%m-%d %H:%M:%S UTC")
    return Report(str(data.get("stack") or ""), taken, view.cards, ordered, view.tables)


def report_text(report: Report, longest: int = 0) -> str:
    """The report as a terminal shows it."""
    lines = [f"{report.stack} at {report.taken}: {report.headline}"]
    width = max((len(finding.level) for finding in report.findings), default=0)
    for finding in report.findings:
        lines.append(f"  {finding.level.upper().ljust(width)}  {finding.text}")
        if finding.next:
            lines.append(f"  {' ' * width}  Next: {finding.next}")
    for table in report.tables:
        lines += ["", *table_text(table, longest)]
    return "\n".join(lines)
