"""What the role host_tuning sets only on request, on one host: check, apply, check, apply."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.playbook import Outcome
    from tests.scenarios.firewall.conftest import Place, Site

HOST = "w1"
HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
SWAPS = Path("/proc/swaps")
SWAPPINESS = Path("/proc/sys/vm/swappiness")


@pytest.fixture
def host(site: Site) -> Place:
    return site.hosts[HOST]


def tune(site: Site, *options: str, **variables: Any) -> Outcome:
    extra = f"--extra-vars={json.dumps(variables)}"
    return site.run_role(f"--limit={HOST}", extra, *options, playbook="tuning.yml")


def prove(site: Site, **variables: Any) -> str:
    """Check predicts a change, the run makes it, and neither finds another. Returns the diff."""
    checked = tune(site, "--check", "--diff", **variables)
    assert list(checked.changed) == [HOST], checked.output
    done = tune(site, **variables)
    assert list(done.changed) == [HOST], done.output
    for again in (tune(site, "--check", **variables), tune(site, **variables)):
        assert again.changed == {}, again.output
    return checked.output


def swaps() -> set[str]:
    return {line.split()[0] for line in SWAPS.read_text().splitlines()[1:]}


@pytest.fixture
def machine_as_it_was() -> Iterator[None]:
    """Restore the settings of the machine's kernel, which all hosts share."""
    huge_pages = HUGE_PAGES.read_text().partition("[")[2].partition("]")[0]
    swappiness, on = SWAPPINESS.read_text(), swaps()
    yield
    HUGE_PAGES.write_text(huge_pages)
    SWAPPINESS.write_text(swappiness)
    for path in on - swaps():
        subprocess.run(["swapon", path], check=True)


def test_nothing_is_changed_by_default(site: Site) -> None:
    assert tune(site, "--check", "--diff").changed == {}


@pytest.mark.usefixtures("machine_as_it_was")
def test_huge_pages(site: Site, host: Place) -> None:
    mode = "never" if "[madvise]" in HUGE_PAGES.read_text() else "madvise"
    # In a container the kernel's settings are read-only.
    host.run("mount", "-o", "remount,rw", "/sys")
    try:
        diff = prove(site, host_tuning_transparent_huge_pages=mode)
    finally:
        host.run("mount", "-o", "remount,ro", "/sys")
    assert f"+live {HUGE_PAGES} = {mode}" in diff
    assert f"[{mode}]" in HUGE_PAGES.read_text()
    line = host.run("cat", "/etc/tmpfiles.d/90-elk-swarm.conf")
    assert line == f"w {HUGE_PAGES} - - - - {mode}\n"


@pytest.mark.usefixtures("machine_as_it_was")
def test_systemd_sets_huge_pages_at_boot(host: Place) -> None:
    HUGE_PAGES.write_text("always")
    mode = host.run("cat", "/etc/tmpfiles.d/90-elk-swarm.conf").split()[-1]
    host.run("mount", "-o", "remount,rw", "/sys")
    try:
        host.run("systemd-tmpfiles", "--create", "/etc/tmpfiles.d/90-elk-swarm.conf")
    finally:
        host.run("mount", "-o", "remount,ro", "/sys")
    assert f"[{mode}]" in HUGE_PAGES.read_text()


@pytest.mark.usefixtures("machine_as_it_was")
def test_swappiness(site: Site, host: Place) -> None:
    SWAPPINESS.write_text("60")
    assert "+live vm.swappiness = 1" in prove(site, host_tuning_swappiness=1)
    assert SWAPPINESS.read_text() == "1\n"
    assert "vm.swappiness = 1\n" in host.run("cat", "/etc/sysctl.d/90-elk-swarm.conf")


@pytest.mark.usefixtures("machine_as_it_was")
def test_swap(site: Site, host: Place) -> None:
    # On the file system of Docker's data, because the host's root cannot hold a swap file.
    file = "/var/lib/docker/swap"
    host.run("sh", "-c", f"fallocate -l 16m {file} && chmod 600 {file} && mkswap -q {file}")
    host.run("swapon", file)
    try:
        diff = prove(site, host_tuning_swap="disabled")
        assert "+swap.target is masked" in diff
        assert swaps() == set()
    finally:
        host.run("sh", "-c", f"swapoff {file} 2>/dev/null; rm {file}")
    assert "masked" in host.run("sh", "-c", "systemctl is-enabled swap.target || true")
    host.run("systemctl", "unmask", "swap.target")


def test_time_sync(site: Site, host: Place) -> None:
    # The host shares the machine's clock, so chronyd runs with -x and does not set it.
    folder = "/etc/systemd/system/chrony.service.d"
    override = r"[Service]\nExecStart=\nExecStart=!/usr/sbin/chronyd -x\n"
    host.run("sh", "-c", f"mkdir -p {folder} && printf '{override}' > {folder}/lab.conf")
    prove(site, host_tuning_time_sync="chrony")
    assert host.run("systemctl", "is-active", "chrony.service") == "active\n"
    assert host.run("systemctl", "is-enabled", "chrony.service") == "enabled\n"
