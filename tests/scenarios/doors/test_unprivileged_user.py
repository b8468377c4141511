# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""User 1000, as which Elasticsearch runs, tries to make root write for it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from tests.harness.fixtures import lab

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from tests.harness.lab import Lab

__all__ = ["lab"]

HOST = "m1"
RENDERED = "/etc/elk/elasticsearch"
# A directory in which only root can write, such as the files that root's login runs.
VICTIM = "/root/victim"
LOOK = f"find {VICTIM} -printf '%p %U:%G %m %l\\n' -type f -exec sha256sum {{}} + | sort"
OWNERS = "find /etc/elk -printf '%p %U:%G %m\\n' | grep -v /pki | sort"
OWNED = """\
/etc/elk 0:0 750
/etc/elk/elasticsearch 0:0 750
/etc/elk/elasticsearch/cluster_uuid 0:0 444
/etc/elk/elasticsearch/elasticsearch.yml 0:0 440
/etc/elk/elasticsearch/jvm.options 0:0 440
/etc/elk/elasticsearch/secrets 0:0 750
/etc/elk/elasticsearch/secrets/elastic_password 1000:0 400"""
CONTAINERS = "docker ps --no-trunc --format '{{.ID}}' | sort"
# The owners that earlier versions of the collection set; they let user 1000 do all this.
GIVE_AWAY = (
    f"chmod 0755 /etc/elk; cd {RENDERED} && chown -R 1000:0 . && chmod 0750 . && chmod 0500 secrets"
)
# User 1000 is refused each of these on a current platform.
REFUSED = (
    f"mv {RENDERED}/secrets {RENDERED}/away",
    f"ln -s {VICTIM} {RENDERED}/.elasticsearch.yml.new",
    f"mkfifo {RENDERED}/fifo",
    f"chmod 0777 {RENDERED}",
    f"echo evil >> {RENDERED}/jvm.options",
    f"ln -s {VICTIM} /etc/elk/pki/.node.key.new",
    "cat /etc/elk/pki/node.key",
    f"ln -s {VICTIM} /etc/elk/away",
    f"ln -s {VICTIM} /srv/elk/away",
    "mv /srv/elk/elasticsearch /srv/elk/away",
)


def as_user(lab: Lab, command: str) -> subprocess.CompletedProcess[str]:
    """Run a shell command as user 1000, in no other group than 1000."""
    user = "setpriv --reuid 1000 --regid 1000 --clear-groups"
    return lab.shell(HOST, f"{user} sh -c {shlex.quote(command)}")


@pytest.fixture
def _victim(lab: Lab) -> Iterator[None]:
    """The directory that user 1000 tries to change; it must not change."""
    lab.read(HOST, f"mkdir -m 0700 -p {VICTIM}; echo root > {VICTIM}/elastic_password")
    before = lab.read(HOST, LOOK)
    yield
    after = lab.read(HOST, LOOK)
    lab.read(HOST, f"rm -r {VICTIM}")
    assert after == before


def bring_up_to_date(lab: Lab) -> str:
    """Run site.yml, which corrects owners and restarts nothing."""
    before = lab.read(HOST, CONTAINERS)
    run = lab.run("site.yml")
    assert run.finish() == 0, run.text
    assert lab.read(HOST, CONTAINERS) == before
    assert lab.read(HOST, OWNERS) == OWNED
    return run.text


@pytest.mark.usefixtures("_victim")
@pytest.mark.parametrize("command", REFUSED)
def test_user_1000_can_change_nothing(lab: Lab, command: str) -> None:
    done = as_user(lab, command)
    assert done.returncode != 0, command
    assert "Permission denied" in done.stderr or "not permitted" in done.stderr, done.stderr
    assert lab.read(HOST, OWNERS) == OWNED


@pytest.mark.usefixtures("_victim")
def test_links_that_user_1000_made_are_not_followed(lab: Lab) -> None:
    lab.read(HOST, GIVE_AWAY)
    done = as_user(
        lab,
        f"cd {RENDERED} && mv secrets away && ln -s {VICTIM} secrets"
        f" && ln -s {VICTIM}/elastic_password .jvm.options.new && rm jvm.options"
        f" && ln -s {VICTIM}/elastic_password jvm.options",
    )
    assert done.returncode == 0, done.stderr
    before = lab.read(HOST, CONTAINERS)
    run = lab.run("site.yml")
    assert run.finish() == 0, run.text
    assert lab.read(HOST, CONTAINERS) == before
    lab.read(HOST, f"rm -r {RENDERED}/away")
    assert lab.read(HOST, OWNERS) == OWNED
    assert bring_up_to_date(lab)


@pytest.mark.usefixtures("_victim")
def test_a_fifo_where_root_reads(lab: Lab) -> None:
    path = f"{RENDERED}/cluster_uuid"
    lab.read(HOST, GIVE_AWAY)
    done = as_user(lab, f"rm {path} && mkfifo {path}")
    assert done.returncode == 0, done.stderr
    run = lab.run("site.yml")
    assert run.finish() != 0, run.text
    text = " ".join(run.text.split())
    assert f"{path}: is a FIFO, not a regular file: owner 1000" in text
    assert f"to remove it: rm {path}" in text
    # No process hangs on the FIFO.
    assert lab.read(HOST, "pgrep -fa '[A]nsiballZ' || true") == ""
    # The command in the message works.
    lab.read(HOST, f"rm {path}")
    bring_up_to_date(lab)
