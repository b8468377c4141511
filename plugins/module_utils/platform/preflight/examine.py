# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the checks, and reports their findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight import (
    addresses,
    controller,
    daemon_options,
    disks,
    engine,
    firewall,
    groups,
    host_settings,
    memory,
    node_roles,
    paths,
    ports,
    role_values,
    service_checks,
    services,
    subnets,
    swarm_membership,
    variables,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import (
    REGISTERED,
    Check,
    Finding,
    Site,
    listed,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.values import plural

# The order of the report. Variables of the wrong type come early, because other checks cannot use
# them.
SUBJECTS = (
    groups,
    variables,
    addresses,
    subnets,
    firewall,
    services,
    service_checks,
    role_values,
    paths,
    node_roles,
    memory,
    engine,
    daemon_options,
    host_settings,
    ports,
    disks,
    swarm_membership,
    controller,
)
CHECKS = {
    name: function
    for subject in SUBJECTS
    for name, function in REGISTERED.items()
    if function.__module__ == subject.__name__
}


def checks_of(site: Site) -> dict[str, Check]:
    """All checks by their names, with those that the services describe."""
    return {
        **CHECKS,
        **service_checks.described_checks(site),
        **controller.credential_checks(site),
        # No service replaces a check of this collection.
        **CHECKS,
    }


def examine(site: Site, accepted: Sequence[str] = (), only: Sequence[str] = ()) -> list[Finding]:
    """Run every check, or only some, and give all findings in the order of the checks."""
    findings: list[Finding] = []
    checks = checks_of(site)
    for name, function in checks.items():
        if only and name not in only:
            continue
        try:
            results = list(function(site))
        except (AttributeError, TypeError, ValueError):
            # A check cannot use a value of the wrong type. If no finding names one, it is our bug.
            if not any(found.check == "kinds" for found in findings):
                raise
            continue
        for found in results:
            findings.append(
                Finding(
                    where=found.where,
                    wrong=found.wrong,
                    mend=found.mend,
                    warning=found.warning or (name in accepted and not found.final),
                    check=name,
                    final=found.final,
                )
            )
    if not only and all(found.warning for found in findings):
        # With another problem, this one may go with it.
        findings += service_checks.without_answer(site)
    findings += [
        Finding(
            "preflight_accept",
            f"{name} is no check.",
            f"Use one of: {listed(sorted(checks))}.",
            check="accept",
        )
        for name in accepted
        # Without all checks, those of services are not known.
        if name not in checks and not only
    ]
    return findings


def report(problems: Sequence[Finding]) -> str:
    """All problems as a numbered list."""
    counts = Counter(problem.check for problem in problems)
    lines = [f"{plural(len(problems), 'problem')} must be fixed first; nothing was changed:"]
    for number, problem in enumerate(problems, start=1):
        lines.append(f"  {number}. {problem.where}: {problem.wrong}")
        lines.append(f"     Fix: {problem.mend}")
    lines.append(f"Checks that failed: {listed(sorted(counts))}.")
    return "\n".join(lines)
