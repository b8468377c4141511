"""Command line of the lab: ``python3 -m lab up | down | status | ssh | clean``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from lab import hosts, machine, plugins
from lab.images import Images, remove_all
from lab.progress import LabError, Progress, fail, in_parallel, succeeds
from lab.state import ROOT, SSH_USER, Lab, shape
from lab.summary import print_status


def main() -> None:
    arguments = _parser().parse_args()
    # All paths and Docker labels contain this path: a link must not give one lab two names.
    directory = Path(arguments.state).resolve()
    try:
        COMMANDS[arguments.command](directory, arguments)
    except LabError as error:
        fail(error)
    except KeyboardInterrupt:
        fail(LabError("Interrupted. Run the same command again to continue."))


def up(directory: Path, arguments: argparse.Namespace) -> None:
    """Create the lab with the given number of hosts; keep what already exists."""
    try:
        managers, workers = shape(arguments.hosts, arguments.managers)
    except ValueError as error:
        raise LabError(str(error)) from error
    directory.mkdir(parents=True, exist_ok=True)
    # It will hold the platform's keys and passwords.
    directory.chmod(0o700)
    existing = Lab.load(directory)
    lab = existing or Lab(directory)
    options = (arguments.prepared, arguments.rocky, arguments.nfs, arguments.registry_login)
    desired = (managers, workers, *options)
    actual = (lab.managers, lab.workers, lab.prepared, lab.rocky, lab.nfs, lab.registry_login)
    if existing and actual != desired:
        raise LabError(
            f"{directory} has a lab of {lab.managers} managers and {lab.workers} workers already. "
            "Run `make down` first, or leave HOSTS out."
        )
    lab.managers, lab.workers, lab.prepared, lab.rocky, lab.nfs, lab.registry_login = desired
    unknown = [name for name in lab.rocky if lab.find_host(name) is None]
    if unknown or (lab.rocky and lab.prepared):
        why = f"there is no host {', '.join(unknown)}" if unknown else "prepared hosts are Debian"
        raise LabError(f"--rocky {','.join(lab.rocky)}: {why}.")
    progress = Progress(lab.log)
    machine.install_packages(progress)
    machine.start_daemon(lab, progress)
    hosts.claim_network(lab, progress)
    lab.save()
    images = Images(lab, progress)
    in_parallel([images.build_all, lambda: machine.make_venv(progress)])
    port = hosts.start_services(images, progress)
    hosts.attach_services(lab, progress)
    with progress.step("Images in the lab's registry"):
        images.push(port)
    plugins.push(lab, images, port, progress)
    hosts.start_hosts(lab, images, progress)
    if lab.hosts:
        names = ", ".join(host.name for host in lab.hosts)
        progress.report(f"{len(lab.hosts)} hosts answer on ssh: {names}")


def environment(directory: Path, _arguments: argparse.Namespace) -> None:
    """Create .venv as `up` does, without starting hosts."""
    machine.make_venv(Progress(directory / "logs" / "lab-environment.log"))


def down(directory: Path, _arguments: argparse.Namespace) -> None:
    """Remove hosts and network; images and package caches stay for the next time."""
    lab = Lab.load(directory)
    progress = Progress(directory / "logs" / "lab-down.log")
    if lab is None:
        progress.report(f"There is no lab in {directory}.")
        # An interrupted `up`, or a `down` while other labs ran, leaves the daemon running.
        machine.stop_daemon(Lab(directory), progress)
        Lab(directory).forget()
        return
    if succeeds("docker", "info"):
        hosts.remove(lab, progress)
        machine.stop_daemon(lab, progress)
    lab.forget()
    progress.report(
        "The lab is removed. Its images stay for the next `make up`; `make clean` removes them."
    )


def clean(directory: Path, arguments: argparse.Namespace) -> None:
    """Remove the lab and everything that any lab built on this machine."""
    down(directory, arguments)
    progress = Progress(directory / "logs" / "lab-clean.log")
    if not succeeds("docker", "info"):
        machine.start_daemon(Lab(directory), progress)
    if progress.run(*["docker", "network", "ls", "-q", "--filter", "label=elk.lab"]).split():
        raise LabError("Another lab on this machine still uses the images: remove that lab first.")
    remove_all(progress)
    for volume in ("elk-lab-registry", "elk-lab-packages"):
        if succeeds("docker", "volume", "inspect", volume):
            progress.run("docker", "volume", "rm", volume)
    machine.stop_daemon(Lab(directory), progress)


def status(directory: Path, _arguments: argparse.Namespace) -> None:
    """Show hosts, services and health."""
    print_status(_require_lab(directory))


def ssh(directory: Path, arguments: argparse.Namespace) -> None:
    """Log in to a host."""
    lab = _require_lab(directory)
    host = lab.find_host(arguments.host)
    if host is None:
        known = ", ".join(h.name for h in lab.hosts)
        raise LabError(f"There is no host {arguments.host!r}. Use one of {known}.")
    hosts.become_ssh(lab, host, arguments.words)


def inventory(directory: Path, _arguments: argparse.Namespace) -> None:
    """Print the lab as an Ansible inventory (used by inventories/lab/hosts.py).

    ELK_LAB_WITHOUT names hosts of the lab to leave out: machines that the platform does not use.
    """
    lab = _require_lab(directory)
    without = os.environ.get("ELK_LAB_WITHOUT", "").split(",")
    hosts_in = [host for host in lab.hosts if host.name not in without]
    ssh_options = f"-o UserKnownHostsFile={lab.known_hosts} -o IdentitiesOnly=yes"
    variables: dict[str, dict[str, object]] = {
        host.name: {
            "ansible_host": host.address,
            "ansible_user": SSH_USER,
            "ansible_ssh_private_key_file": str(lab.ssh_key),
            "ansible_ssh_common_args": ssh_options,
            "elk_local_dir": str(lab.directory),
            "elk_registry": lab.images_from,
        }
        for host in hosts_in
    }
    if lab.registry_login:
        for host in hosts_in:
            variables[host.name] |= {
                "elk_registry": lab.images_from.replace(lab.registry, lab.login_registry),
                "elk_registry_username": "lab",
                "elk_registry_password": lab.registry_password.read_text(),
            }
    if lab.rocky:
        for host in hosts_in:
            variables[host.name] |= {
                "docker_engine_repository_url": f"http://{lab.repositories_address}/linux",
                "docker_engine_repository_fingerprints": [lab.repository_key],
            }
        for name in lab.rocky:
            variables[name]["docker_engine_distribution_packages"] = ["moby-engine", "docker-cli"]
    json.dump(
        {
            "swarm_managers": {"hosts": [h.name for h in hosts_in if h.manager]},
            "swarm_workers": {"hosts": [h.name for h in hosts_in if not h.manager]},
            "_meta": {"hostvars": variables},
        },
        sys.stdout,
        indent=2,
    )


def _require_lab(directory: Path) -> Lab:
    lab = Lab.load(directory)
    if lab is None:
        raise LabError(f"There is no lab in {directory}. Run `make up`.")
    return lab


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m lab", description=__doc__)
    parser.add_argument(
        "--state",
        default=os.environ.get("ELK_LAB", str(ROOT / ".lab")),
        help="directory that holds the lab (default: .lab, or $ELK_LAB)",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("up", help="start hosts")
    start.add_argument("--hosts", type=int, default=5, help="how many (default 5, 0 for none)")
    start.add_argument("--managers", type=int, help="how many of them are managers (default 2)")
    start.add_argument("--prepared", action="store_true", help="hosts with Docker and all images")
    start.add_argument(
        "--rocky",
        type=lambda text: text.split(","),
        default=[],
        metavar="HOST,...",
        help="these hosts report Rocky Linux 9 and have dnf; adds signed package repositories",
    )
    start.add_argument("--nfs", action="store_true", help="add a shared disk that NFS exports")
    start.add_argument(
        "--registry-login",
        action="store_true",
        help="serve the platform's images from a registry with TLS and a login",
    )
    for name, text in (
        ("environment", "create .venv only (`up` does this too)"),
        ("down", "remove the hosts"),
        ("clean", "remove hosts, images and caches"),
        ("status", "show hosts, services and health"),
        ("inventory", "print the Ansible inventory"),
    ):
        commands.add_parser(name, help=text)
    login = commands.add_parser("ssh", help="log in to a host")
    login.add_argument("host")
    login.add_argument("words", nargs="*", help="command to run there")
    return parser


COMMANDS = {
    "up": up,
    "environment": environment,
    "down": down,
    "clean": clean,
    "status": status,
    "ssh": ssh,
    "inventory": inventory,
}

if __name__ == "__main__":
    main()
