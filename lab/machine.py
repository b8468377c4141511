"""The machine that carries the lab: its packages and the Docker daemon the hosts run in."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.progress import LabError, Progress, answers, wait_for
from lab.state import LABEL, ROOT, Lab

if TYPE_CHECKING:
    from collections.abc import Sequence

# command -> the Debian package that brings it
PACKAGES = {
    "dockerd": "docker.io",
    "docker": "docker.io",
    "mmdebstrap": "mmdebstrap",
    "mvn": "maven",
    "curl": "curl",
    "ip": "iproute2",
    "iptables": "iptables",
    "pgrep": "procps",
    "ssh": "openssh-client",
    "unzip": "unzip",
}
LAB_BRIDGE = re.compile(r"brlab\d+")
# Where Docker keeps the network namespaces of its containers.
NAMESPACES = Path("/run/docker/netns")


def install_packages(progress: Progress) -> None:
    """Install what is missing with apt and say what that was."""
    if os.geteuid() != 0:
        raise LabError("The lab starts containers that are machines: run it as root.")
    missing = sorted({pkg for cmd, pkg in PACKAGES.items() if shutil.which(cmd) is None})
    if not answers(python(), "-c", "import ensurepip, venv"):
        missing.append("python3-venv")
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise LabError(f"Please install: {', '.join(missing)}. (No apt-get on this machine.)")
    with progress.step(f"apt installed {', '.join(missing)}"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        # A machine with a broken foreign repository still has Debian's lists.
        answers("apt-get", "update", "-q")
        progress.run(
            *["apt-get", "install", "-q", "-y", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0"],
            *missing,
            env=quiet,
            mend="Run `apt-get update` by hand and look at what it says.",
        )


def python() -> str:
    """The Python for .venv: another one may be named, as .ci/run does."""
    return os.environ.get("ELK_PYTHON", "python3")


def make_venv(progress: Progress) -> None:
    """Create .venv and install the pinned requirements unless they are there already."""
    wanted = (ROOT / "lab" / "requirements.txt").read_text()
    stamp = ROOT / ".venv" / "lab-requirements.txt"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    with progress.step("Python environment .venv with Ansible"):
        progress.run(python(), "-m", "venv", str(ROOT / ".venv"))
        progress.run(
            *(str(ROOT / ".venv/bin/pip"), "install", "-q", "--no-compile"),
            *("-r", str(ROOT / "lab/requirements.txt")),
        )
        # Not the collections, which are three files in four: hardly any of them is ever read. What
        # cannot be compiled is for another Python.
        answers(
            *(str(ROOT / ".venv/bin/python"), "-m", "compileall", "-q", "-j", "0"),
            *("-x", "ansible_collections", str(ROOT / ".venv/lib")),
        )
        # Some modules run on the controller, which keeps their compiled code as the lab's hosts do.
        (packages,) = (ROOT / ".venv").glob("lib/python3.*/site-packages")
        for file in (ROOT / "lab/images/host").glob("archived_code.*"):
            shutil.copy(file, packages)
        stamp.write_text(wanted)


def start_daemon(lab: Lab, progress: Progress) -> None:
    """Use the machine's Docker daemon; where none answers, start one in the lab's directory."""
    if answers("docker", "info"):
        return
    home = lab.directory / "docker"
    home.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(progress)
    if answers("update-alternatives", "--query", "iptables"):
        # The nft flavour needs kernel modules that small virtual machines do not have.
        for tool in ("iptables", "ip6tables"):
            progress.run("update-alternatives", "--set", tool, f"/usr/sbin/{tool}-legacy")
        _open_other_tables(progress)
    with progress.step(f"Docker daemon started, data in {home}"):
        log = (lab.directory / "logs" / "dockerd.log").open("a")
        daemon = subprocess.Popen(
            ["dockerd", "--data-root", str(home), "--pidfile", str(_pid_file(lab))],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        lab.daemon_is_ours = True

        def ready_or_dead() -> bool:
            return answers("docker", "info") or daemon.poll() is not None

        wait_for(ready_or_dead, 60, "An answer of the Docker daemon")
        if daemon.poll() is not None:
            raise LabError(f"dockerd ended with {daemon.returncode}; its log is {log.name}.")


def _remove_leftovers(progress: Progress) -> None:
    """Remove the networks of a daemon that was killed together with its containers.

    Their namespaces outlive them, and still answer for addresses that new containers are given: of
    every few connections to those, one is refused.
    """
    if answers("pgrep", "-f", "containerd-shim"):
        # Containers that still run wait for their own daemon; they are not ours to end.
        return
    left = leftovers(json.loads(progress.run("ip", "-json", "link", "show")))
    if not left:
        return
    with progress.step(f"Networks of a Docker daemon that was killed removed: {', '.join(left)}"):
        for link in left:
            progress.run("ip", "link", "delete", link)
        for namespace in NAMESPACES.glob("*"):
            # A daemon that was ended between the two has left a file that is not mounted on.
            answers("umount", str(namespace))
            namespace.unlink()


def _open_other_tables(progress: Progress) -> None:
    """Let packets through the nft tables that a daemon has filled which was started before us.

    A packet has to pass both flavours, and that daemon's knows none of the networks to come.
    """
    if not answers("iptables-nft", "-S", "DOCKER-USER"):
        return
    if "-P FORWARD DROP" in progress.run("iptables-nft", "-S", "FORWARD").splitlines():
        progress.run("iptables-nft", "-P", "FORWARD", "ACCEPT")
        progress.say("iptables-nft lets packets through: an earlier Docker daemon had closed it")


def leftovers(links: Sequence[dict[str, Any]]) -> list[str]:
    """Which of the machine's network links only a daemon that runs no more can have made.

    :param links: what ``ip -json link show`` prints: ``ifname`` each, and ``master`` of a bridge's.
    """
    bridges = [str(link["ifname"]) for link in links if LAB_BRIDGE.fullmatch(link["ifname"])]
    ports = [
        str(link["ifname"])
        for link in links
        if link.get("master") in {"docker0", *bridges} and link["ifname"].startswith("veth")
    ]
    return [*ports, *bridges]


def stop_daemon(lab: Lab, progress: Progress) -> None:
    """End the daemon that this lab started, unless somebody else's containers run in it."""
    pid_file = _pid_file(lab)
    if not pid_file.exists():
        return
    pid = int(pid_file.read_text())
    if not _is_our_daemon(pid, lab):
        pid_file.unlink()
        return
    if progress.run("docker", "ps", "-q").strip():
        progress.say("Other containers run in the lab's Docker daemon: it stays.")
        return
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not _is_our_daemon(pid, lab), 30, "The end of the Docker daemon")
    progress.say("Docker daemon stopped")


def _pid_file(lab: Lab) -> Path:
    return lab.directory / "dockerd.pid"


def _is_our_daemon(pid: int, lab: Lab) -> bool:
    """Process numbers are used again: only a dockerd on our data directory is ours."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except FileNotFoundError:
        return False
    return "dockerd" in command[0] and str(lab.directory / "docker") in command


def labels(lab: Lab) -> list[str]:
    """Docker options that mark an object as made by this lab."""
    return ["--label", f"{LABEL}={lab.directory}"]
