# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel, clock, swap and huge pages of a host."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import (
    Finding,
    Host,
    Site,
    check,
    listed,
    number_of,
)

# Seconds between the clocks of a host and this machine: for a notice, and for a problem.
CLOCK_NOTICE = 5
CLOCK_LIMIT = 60


@check("kernel")
def check_kernel(site: Site) -> Iterator[Finding]:
    options = site.settings.get("docker_engine_daemon_options") or {}
    driver = str(options.get("storage-driver") or "overlay2")
    needs = [
        ("vxlan", "the kernel module vxlan", "overlay networks", "Use a kernel that has it."),
        (
            "memory_cgroup",
            "the kernel's control group for memory",
            "the services' memory limits",
            "Remove cgroup_disable=memory from the kernel's command line.",
        ),
    ]
    if driver == "overlay2":
        needs.append(
            (
                "overlay",
                "the kernel's file system overlay",
                "Docker's images",
                "Use a kernel that has it, or name another storage-driver for Docker.",
            )
        )
    for feature, what, need, fix in needs:
        # None means unknown, as inside a container.
        without = [
            h.name for h in site.seen if (h.survey.get("features") or {}).get(feature) is False
        ]
        if without:
            yield Finding(listed(without), f"lacks {what}, which {need} need.", fix)


@check("clock")
def check_clock(site: Site) -> Iterator[Finding]:
    off = {host.name: seconds for host in site.seen if (seconds := _clock_off(site, host))}
    if not off:
        return
    same_way = len({seconds > 0 for seconds in off.values()}) == 1
    if same_way and 1 < len(off) == len(site.seen):
        # Hosts that agree with each other are more likely to be right than one machine.
        least = min(off.values(), key=abs)
        way = "behind" if least > 0 else "ahead of"
        yield Finding(
            "this machine",
            f"its clock is {abs(least):.0f} s or more {way} that of every host, and the "
            "certificates it makes carry its time.",
            "Let chrony or systemd-timesyncd set it here.",
            warning=abs(least) <= CLOCK_LIMIT,
        )
        return
    for name, seconds in off.items():
        way = "ahead of" if seconds > 0 else "behind"
        yield Finding(
            name,
            f"its clock is {abs(seconds):.0f} s or more {way} this machine's.",
            "Let chrony or systemd-timesyncd set it: timedatectl set-ntp true.",
            warning=abs(seconds) <= CLOCK_LIMIT,
        )


def _clock_off(site: Site, host: Host) -> float:
    """Seconds by which a host's clock is certainly wrong; 0 if it may be right.

    The host read its clock after this machine sent the request and before all responses were here.
    So a right clock shows a time between the two, however long that took.
    """
    time, sent = number_of(host.survey.get("time")), number_of(host.declared.get("sent"))
    received = number_of(site.settings.get("received"))
    if not (time and sent and received):
        return 0.0
    ahead, behind = time - received, time - sent
    off = ahead if ahead > 0 else min(behind, 0.0)
    return off if abs(off) > CLOCK_NOTICE else 0.0


@check("swap")
def check_swap(site: Site) -> Iterator[Finding]:
    """Elasticsearch waits while a swapped heap is read back from the disk."""
    swapping = []
    for host in site.seen:
        mode = site.declared(host.name, "host_tuning_swap")
        swappiness = number_of(site.declared(host.name, "host_tuning_swappiness") or 0)
        # The value that the role will set counts.
        after = swappiness if swappiness >= 0 else number_of(host.survey.get("swappiness"))
        on = mode == "check" and int(host.survey.get("swap") or 0) > 0
        if on and after > 1 and host.name in site.placed("elasticsearch"):
            swapping.append(host.name)
    if swapping:
        yield Finding(
            "host_tuning_swap",
            f"{listed(swapping)} may swap Elasticsearch's heap to a disk (swap is on, and "
            "vm.swappiness above 1).",
            "Set host_tuning_swap: disabled, or host_tuning_swappiness: 1, or host_tuning_swap: "
            "keep to leave it as it is.",
            warning=True,
        )


@check("time_sync")
def check_time_sync(site: Site) -> Iterator[Finding]:
    unset = []
    for host in site.seen:
        clock = host.survey.get("clock") or {}
        mode = site.declared(host.name, "host_tuning_time_sync")
        family = (host.survey.get("distribution") or {}).get("family")
        if mode == "timesyncd" and family == "redhat":
            yield Finding(
                host.name,
                "host_tuning_time_sync is timesyncd, which RHEL-like distributions do not carry.",
                "Set host_tuning_time_sync: chrony for it.",
            )
        if mode == "check" and clock.get("is_set") is False and not clock.get("container"):
            unset.append(host.name)
    if unset:
        yield Finding(
            "host_tuning_time_sync",
            f"nothing sets the clock of {listed(unset)}, or not yet: lines and certificates get "
            "their time from it.",
            "Set host_tuning_time_sync: chrony, or keep if a hypervisor sets it.",
            warning=True,
        )


@check("huge_pages")
def check_huge_pages(site: Site) -> Iterator[Finding]:
    always = [
        host.name
        for host in site.seen
        if site.declared(host.name, "host_tuning_transparent_huge_pages") == "check"
        and host.survey.get("transparent_huge_pages") == "always"
    ]
    if always:
        yield Finding(
            "host_tuning_transparent_huge_pages",
            f"{listed(always)} {'gives' if len(always) == 1 else 'give'} every process huge pages, "
            "asked for or not, so that containers use more memory than they need, up to their "
            "limit.",
            "Set it to madvise, or to keep to leave it as it is.",
            warning=True,
        )
