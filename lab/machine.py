"""The machine that runs the lab: its packages, and the Docker daemon for the hosts."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.progress import LabError, Progress, succeeds, wait_for
from lab.state import LABEL, ROOT, Lab

if TYPE_CHECKING:
    from collections.abc import Sequence

# command -> the Debian package that contains it
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
    """Install missing packages with apt and print their names."""
    if os.geteuid() != 0:
        raise LabError("The lab installs packages and starts Docker: run it as root.")
    missing = sorted({pkg for cmd, pkg in PACKAGES.items() if shutil.which(cmd) is None})
    if not succeeds(python(), "-c", "import ensurepip, venv"):
        missing.append("python3-venv")
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise LabError(f"No apt-get on this machine. Install these packages: {', '.join(missing)}.")
    with progress.step(f"apt installed {', '.join(missing)}"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        # This may fail for a third-party repository; Debian's own lists are still good.
        succeeds("apt-get", "update", "-q")
        progress.run(
            *["apt-get", "install", "-q", "-y", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0"],
            *missing,
            env=quiet,
            hint="Run `apt-get update` and read its output.",
        )


def python() -> str:
    """The Python for .venv; ELK_PYTHON names another one."""
    return os.environ.get("ELK_PYTHON", "python3")


def make_venv(progress: Progress) -> None:
    """Create .venv and install the pinned requirements unless they are there already."""
    desired = (ROOT / "lab" / "requirements.txt").read_text()
    stamp = ROOT / ".venv" / "lab-requirements.txt"
    if stamp.exists() and stamp.read_text() == desired:
        return
    with progress.step("Python environment .venv with Ansible"):
        progress.run(python(), "-m", "venv", str(ROOT / ".venv"))
        progress.run(
            *(str(ROOT / ".venv/bin/pip"), "install", "-q", "--no-compile"),
            *("-r", str(ROOT / "lab/requirements.txt")),
        )
        # Not the collections: they are three quarters of the files, and few are ever imported.
        # Files for another Python fail to compile, so the result does not matter.
        succeeds(
            *(str(ROOT / ".venv/bin/python"), "-m", "compileall", "-q", "-j", "0"),
            *("-x", "ansible_collections", str(ROOT / ".venv/lib")),
        )
        # Some modules run on the controller: it caches their compiled code like the hosts.
        (packages,) = (ROOT / ".venv").glob("lib/python3.*/site-packages")
        for file in (ROOT / "lab/images/host").glob("archived_code.*"):
            shutil.copy(file, packages)
        stamp.write_text(desired)


def start_daemon(lab: Lab, progress: Progress) -> None:
    """Use the machine's Docker daemon; if none succeeds, start one in the lab's directory."""
    if succeeds("docker", "info"):
        return
    home = lab.directory / "docker"
    home.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(progress)
    if succeeds("update-alternatives", "--query", "iptables"):
        # iptables-nft needs kernel modules that small virtual machines do not have.
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
            return succeeds("docker", "info") or daemon.poll() is not None

        wait_for(ready_or_dead, 60, "The start of the Docker daemon")
        if daemon.poll() is not None:
            raise LabError(f"dockerd exited with {daemon.returncode}. Read its log: {log.name}")


def _remove_leftovers(progress: Progress) -> None:
    """Remove the networks of a daemon that was killed together with its containers.

    Their network namespaces remain and still answer for addresses that new containers get, so that
    some connections to these containers are refused.
    """
    if succeeds("pgrep", "-f", "containerd-shim"):
        # Running containers belong to another daemon.
        return
    links = leftovers(json.loads(progress.run("ip", "-json", "link", "show")))
    if not links:
        return
    with progress.step(f"Removed networks of a killed Docker daemon: {', '.join(links)}"):
        for link in links:
            progress.run("ip", "link", "delete", link)
        for namespace in NAMESPACES.glob("*"):
            # A daemon that died while it created a namespace leaves a file without a mount.
            succeeds("umount", str(namespace))
            namespace.unlink()


def _open_other_tables(progress: Progress) -> None:
    """Let packets through the nft tables of a daemon that ran before.

    A packet must pass both the nft and the legacy tables, and the earlier daemon's tables do not
    allow the lab's networks.
    """
    if not succeeds("iptables-nft", "-S", "DOCKER-USER"):
        return
    if "-P FORWARD DROP" in progress.run("iptables-nft", "-S", "FORWARD").splitlines():
        progress.run("iptables-nft", "-P", "FORWARD", "ACCEPT")
        progress.report("Set iptables-nft FORWARD to ACCEPT; an earlier Docker daemon had set DROP")


def leftovers(links: Sequence[dict[str, Any]]) -> list[str]:
    """The network links that a Docker daemon that no longer runs has left on the machine.

    :param links: the output of ``ip -json link show``; ``master`` is set for a port of a bridge.
    """
    bridges = [str(link["ifname"]) for link in links if LAB_BRIDGE.fullmatch(link["ifname"])]
    ports = [
        str(link["ifname"])
        for link in links
        if link.get("master") in {"docker0", *bridges} and link["ifname"].startswith("veth")
    ]
    return [*ports, *bridges]


def stop_daemon(lab: Lab, progress: Progress) -> None:
    """Stop the daemon that this lab started, unless other containers run in it."""
    pid_file = _pid_file(lab)
    if not pid_file.exists():
        return
    pid = int(pid_file.read_text())
    if not _is_our_daemon(pid, lab):
        pid_file.unlink()
        return
    if progress.run("docker", "ps", "-q").strip():
        progress.report("The lab's Docker daemon keeps running: it has other containers.")
        return
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not _is_our_daemon(pid, lab), 30, "The stop of the Docker daemon")
    progress.report("Docker daemon stopped")


def _pid_file(lab: Lab) -> Path:
    return lab.directory / "dockerd.pid"


def _is_our_daemon(pid: int, lab: Lab) -> bool:
    """Whether this process is the lab's dockerd: the kernel reuses process ids."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except FileNotFoundError:
        return False
    return "dockerd" in command[0] and str(lab.directory / "docker") in command


def labels(lab: Lab) -> list[str]:
    """Docker options that label an object as created by this lab."""
    return ["--label", f"{LABEL}={lab.directory}"]
