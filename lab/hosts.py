"""Hosts: containers that run systemd and sshd, with a network and access by ssh."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lab.images import CONTEXTS
from lab.machine import labels
from lab.progress import LabError, Progress, in_parallel, succeeds, wait_for
from lab.state import LABEL, SSH_USER, Host, Lab

if TYPE_CHECKING:
    from lab.images import Images

SERVICES = "elk-lab-services"

# What systemd needs, without CAP_SYS_RESOURCE: the machine itself may not have that capability.
MACHINE = [
    "--cap-add",
    "ALL",
    "--cap-drop",
    "SYS_RESOURCE",
    "--security-opt",
    "seccomp=unconfined",
    "--security-opt",
    "apparmor=unconfined",
    "--security-opt",
    "systempaths=unconfined",
    "--tmpfs",
    "/run",
    "--tmpfs",
    "/run/lock",
    "-v",
    "/dev/fuse:/dev/fuse",
]


def start_services(images: Images, progress: Progress) -> str:
    """Start the registry and package cache; return the registry's port on 127.0.0.1."""
    if not succeeds("docker", "container", "inspect", SERVICES):
        with progress.step("Registry and package cache started"):
            progress.run(
                *("docker", "run", "-d", "--name", SERVICES, "--label", "elk.lab=services"),
                *("-p", "127.0.0.1::5000", "-v", "elk-lab-registry:/var/lib/registry"),
                *("-v", "elk-lab-packages:/var/cache/apt-cacher-ng"),
                images.services,
            )
    progress.run("docker", "start", SERVICES)
    bound = progress.run("docker", "port", SERVICES, "5000/tcp").split()[0]
    port = bound.rsplit(":", 1)[1]
    wait_for(
        lambda: succeeds("curl", "-fsS", "-o", "/dev/null", f"http://127.0.0.1:{port}/v2/"),
        30,
        "The start of the lab's registry",
    )
    return port


def claim_network(lab: Lab, progress: Progress) -> None:
    """Give the lab its number: from its network, else the first number with an unused /24.

    This creates the network at once, because another lab may look for a number at this moment.
    """
    own = _own_network(lab, progress)
    if own:
        lab.number = int(own.rpartition("-")[2])
        return
    routes = subprocess.run(["ip", "-4", "route"], capture_output=True, text=True).stdout
    failure = ""
    for number in range(100):
        if f"10.60.{number}.0/24" in routes:
            continue
        lab.number = number
        create = ["docker", "network", "create", "--subnet", str(lab.subnet)]
        create += ["--gateway", lab.gateway, "-o", f"com.docker.network.bridge.name=brlab{number}"]
        # Docker refuses a network whose name or subnet is taken.
        result = subprocess.run([*create, *labels(lab), lab.name], capture_output=True, text=True)
        if result.returncode == 0:
            return
        failure = result.stderr.strip()
    raise LabError(f"None of 10.60.0.0/24 to 10.60.99.0/24 is free on this machine. {failure}")


def _label(lab: Lab) -> str:
    """Docker's filter for the objects that have the `labels` of this lab."""
    return f"label={LABEL}={lab.directory}"


def _own_network(lab: Lab, progress: Progress) -> str:
    options = ("--filter", _label(lab), "--format", "{{.Name}}")
    listed = progress.run("docker", "network", "ls", *options)
    return next(iter(listed.split()), "")


def attach_services(lab: Lab, progress: Progress) -> None:
    """Let the lab's hosts reach the services, at a fixed address in its network."""
    attached = json.loads(progress.run("docker", "inspect", SERVICES))[0]["NetworkSettings"]
    if lab.name not in attached["Networks"]:
        progress.run(
            "docker", "network", "connect", "--ip", lab.services_address, lab.name, SERVICES
        )


def start_hosts(lab: Lab, images: Images, progress: Progress) -> None:
    """Start missing hosts, authorize the lab's ssh key, and record the hosts' keys."""
    if not lab.hosts:
        return
    _make_key(lab, progress)
    if lab.prepared:
        _prepare_docker_directory(lab, images, progress)
    if lab.rocky:
        images.build_rocky()
        _start_repositories(lab, images, progress)
    if lab.nfs:
        images.build_nfs()
        _start_nfs(lab, images, progress)
    certificate = _start_login_registry(lab, images, progress) if lab.registry_login else ""
    missing = [h for h in lab.hosts if not succeeds("docker", "inspect", lab.container(h))]
    kind = "prepared" if lab.prepared else "bare"
    if missing:
        with progress.step(f"{len(missing)} {kind} hosts started"):
            in_parallel([partial(_start, lab, host, images, progress) for host in missing], 8)
    in_parallel([partial(_set_up, lab, host, progress, certificate) for host in lab.hosts], 8)
    keys = [f"{h.address} {_host_key(lab, h, progress)}" for h in lab.hosts]
    lab.known_hosts.write_text("\n".join(keys) + "\n")


def _start(lab: Lab, host: Host, images: Images, progress: Progress) -> None:
    docker_directory = (
        f"{lab.directory / 'hosts' / host.name}:/var/lib/docker"
        if lab.prepared
        else "/var/lib/docker"
    )
    if lab.prepared:
        _clone_docker_directory(lab, host.name, progress)
    progress.run(
        *("docker", "run", "-d", "--name", lab.container(host), "--hostname", host.name),
        *("--network", lab.name, "--ip", host.address, *labels(lab), *MACHINE, *_cgroups()),
        *("-v", docker_directory),
        *(("-v", f"{lab.shared_disk}:/mnt/nfs-stand-in") if lab.nfs else ()),
        _image(lab, host, images),
    )


def _image(lab: Lab, host: Host, images: Images) -> str:
    if host.name in lab.rocky:
        return images.rocky
    return images.prepared if lab.prepared else images.host


def _start_repositories(lab: Lab, images: Images, progress: Progress) -> None:
    """Serve package repositories in the lab's network; each build of them has a new key."""
    container = f"{lab.name}-repositories"
    if not succeeds("docker", "inspect", container):
        progress.run(
            *("docker", "run", "-d", "--name", container, "--network", lab.name),
            *("--ip", lab.repositories_address, *labels(lab), images.repositories),
        )
    about = progress.run("docker", "exec", container, "cat", "/srv/about.json")
    lab.repository_key = json.loads(about)["fingerprint"]
    lab.save()


def _start_nfs(lab: Lab, images: Images, progress: Progress) -> None:
    """Export a directory over NFS. The hosts also have it, for the stand-in of mount.nfs."""
    container = f"{lab.name}-nfs"
    if succeeds("docker", "inspect", container):
        return
    lab.shared_disk.mkdir(exist_ok=True)
    progress.run(
        *("docker", "run", "-d", "--name", container, "--network", lab.name, "--ip"),
        *(lab.nfs_address, *labels(lab), *MACHINE, "-v", f"{lab.shared_disk}:/export", images.nfs),
    )


def _start_login_registry(lab: Lab, images: Images, progress: Progress) -> str:
    """Serve the images after a login; return the certificate that hosts must trust."""
    container = f"{lab.name}-registry"
    if not succeeds("docker", "inspect", container):
        progress.run(
            *("docker", "run", "-d", "--name", container, "--network", lab.name),
            *("--ip", lab.login_registry_address, *labels(lab)),
            *("-v", "elk-lab-registry:/var/lib/registry", images.services),
            *("registry-with-login", lab.login_registry_address),
        )
    in_container = ("docker", "exec", container)
    # The container writes this file last, just before it listens.
    wait_for(
        lambda: succeeds(*in_container, "test", "-e", "/srv/login/registry.yml"),
        30,
        f"The start of {container}",
    )
    lab.registry_password.touch(mode=0o600)
    lab.registry_password.write_text(progress.run(*in_container, "cat", "/srv/login/password"))
    return progress.run(*in_container, "cat", "/srv/login/registry.crt")


def _registry_trust(lab: Lab, certificate: str) -> str:
    """Shell lines that make Docker trust the registry's certificate."""
    return f"""
install -d -m 0755 /etc/docker /etc/docker/certs.d /etc/docker/certs.d/{lab.login_registry}
cat > /etc/docker/certs.d/{lab.login_registry}/ca.crt <<'END'
{certificate.strip()}
END"""


def _cgroups() -> list[str]:
    """systemd needs its control groups: the machine's own tree under v1, a private one under v2."""
    if Path("/sys/fs/cgroup/cgroup.controllers").exists():
        return ["--cgroupns=private", "-v", "/sys/fs/cgroup:/sys/fs/cgroup:rw"]
    return [
        *("--cgroupns=host", "-v", "/sys/fs/cgroup:/sys/fs/cgroup:rw"),
        *("--device-cgroup-rule", "a *:* rwm"),
    ]


def _set_up(lab: Lab, host: Host, progress: Progress, certificate: str) -> None:
    """Do what a provider's first-boot script does: ssh key, package sources, limits."""
    container = lab.container(host)
    if not succeeds("docker", "exec", container, "true"):
        progress.run("docker", "start", container)
    public_key = lab.ssh_key.with_suffix(".pub").read_text().strip()
    progress.run(
        *("docker", "exec", "-i", container, "sh", "-eu"),
        stdin=f"""
home=/home/{SSH_USER}
install -d -m 0700 -o {SSH_USER} -g {SSH_USER} $home/.ssh
echo '{public_key}' > $home/.ssh/authorized_keys
chown {SSH_USER}: $home/.ssh/authorized_keys
{_package_sources(lab, host)}
{_nfs_client(lab) if lab.nfs else ""}
{_registry_trust(lab, certificate) if certificate else ""}
{_limits()}""",
    )
    _wait_for_boot(container)


def _package_sources(lab: Lab, host: Host) -> str:
    """Shell lines that set the cache for Debian's packages, or the repository for dnf."""
    if host.name in lab.rocky:
        return f"""
cat > /etc/yum.repos.d/rocky.repo <<'END'
[rocky]
name=Stand-in for what Rocky Linux and EPEL carry
baseurl=http://{lab.repositories_address}/rocky
gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-rocky
END"""
    return f"""
cat > /etc/apt/apt.conf.d/01package-cache <<'END'
Acquire::http::Proxy "http://{lab.services_address}:3142";
Acquire::http::Proxy::{lab.repositories_address} "DIRECT";
END"""


def _nfs_client(lab: Lab) -> str:
    """Shell lines that install the stand-in for mount.nfs."""
    return f"""
echo {lab.nfs_address} > /etc/lab-nfs-server
cat > /sbin/mount.nfs <<'END'
{(CONTEXTS / "nfs" / "mount.nfs").read_text()}END
chmod 0755 /sbin/mount.nfs
ln -sf mount.nfs /sbin/mount.nfs4"""


def _wait_for_boot(container: str) -> None:
    wait_for(
        lambda: succeeds("docker", "exec", container, "systemctl", "is-active", "-q", "ssh"),
        60,
        f"The boot of {container}",
    )


def _limits() -> str:
    """Shell lines with a limit that the machine allows: for systemd, "infinity" would fail."""
    hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return f"""
for unit in docker containerd; do
  mkdir -p /etc/systemd/system/$unit.service.d
  printf '[Service]\\nLimitNOFILE={hard_limit}\\nOOMScoreAdjust=0\\n' \\
    > /etc/systemd/system/$unit.service.d/lab.conf
done
"""


def _host_key(lab: Lab, host: Host, progress: Progress) -> str:
    key = progress.run(
        "docker", "exec", lab.container(host), "cat", "/etc/ssh/ssh_host_ed25519_key.pub"
    )
    return " ".join(key.split()[:2])


def _make_key(lab: Lab, progress: Progress) -> None:
    if not lab.ssh_key.exists():
        lab.ssh_key.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        progress.run(
            *("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", lab.name),
            *("-f", str(lab.ssh_key)),
        )


def _prepare_docker_directory(lab: Lab, images: Images, progress: Progress) -> None:
    """Pull the stack once into a Docker directory, which prepared hosts get a copy of."""
    home = lab.directory / "prepared"
    stamp = home / "images.txt"
    names = [f"{lab.images_from}/{name}" for name in images.stack]
    desired = "\n".join([images.prepared, *names, *images.stack.values()])
    images.build_prepared()
    if stamp.exists() and stamp.read_text() == desired:
        return
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    container = f"{lab.name}-prepare"
    if succeeds("docker", "inspect", container):
        progress.run("docker", "rm", "-f", "-v", container)
    with progress.step("Docker directory with all images for prepared hosts"):
        progress.run(
            *("docker", "run", "-d", "--name", container, "--network", lab.name, *labels(lab)),
            *(*MACHINE, *_cgroups(), "-v", f"{home}/docker:/var/lib/docker"),
            images.prepared,
        )
        in_container = ("docker", "exec", container)
        _wait_for_boot(container)
        progress.run(
            *("docker", "exec", "-i", container, "sh", "-c", "cat > /etc/docker/daemon.json"),
            stdin=json.dumps({"insecure-registries": [lab.registry], "storage-driver": "overlay2"}),
        )
        progress.run(
            *("docker", "exec", "-i", container, "sh", "-eu"),
            stdin=f"{_limits()}systemctl daemon-reload\nsystemctl restart docker\n",
        )
        wait_for(lambda: succeeds(*in_container, "docker", "info"), 60, "Docker in a prepared host")
        for name in names:
            progress.run(*in_container, "docker", "pull", "-q", name)
        progress.run(*in_container, "systemctl", "stop", "docker.socket", "docker", "containerd")
        progress.run("docker", "rm", "-f", "-v", container)
        # Each Engine must create its own id.
        (home / "docker" / "engine-id").unlink(missing_ok=True)
        shutil.rmtree(home / "docker" / "swarm", ignore_errors=True)
    stamp.write_text(desired)


def _clone_docker_directory(lab: Lab, name: str, progress: Progress) -> None:
    """Copy the prepared directory; nothing writes to layers, so hard links are enough there."""
    source, target = lab.directory / "prepared" / "docker", lab.directory / "hosts" / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for entry in source.iterdir():
        option = "-al" if entry.name == "overlay2" else "-a"
        progress.run("cp", option, str(entry), str(target))


def remove(lab: Lab, progress: Progress) -> None:
    """Remove this lab's hosts, network and, when no other lab uses them, the services."""
    containers = progress.run("docker", "ps", "-aq", "--filter", _label(lab)).split()
    if containers:
        with progress.step(f"{len(containers)} hosts removed"):
            remove_one = partial(progress.run, "docker", "rm", "-f", "-v")
            in_parallel([partial(remove_one, container) for container in containers], 8)
    shutil.rmtree(lab.directory / "hosts", ignore_errors=True)
    if lab.shared_disk.exists():
        shutil.rmtree(lab.shared_disk)
    own = _own_network(lab, progress)
    if own:
        if progress.run("docker", "ps", "-aq", "--filter", f"network={own}").split():
            progress.run("docker", "network", "disconnect", "-f", own, SERVICES)
        progress.run("docker", "network", "rm", own)
    others = progress.run(*["docker", "network", "ls", "-q", "--filter", "label=elk.lab"]).split()
    if not others and succeeds("docker", "container", "inspect", SERVICES):
        progress.run("docker", "rm", "-f", SERVICES)


def ssh_command(lab: Lab, host: Host) -> list[str]:
    """The ssh command line that a person would type."""
    return [
        *("ssh", "-i", str(lab.ssh_key), "-o", f"UserKnownHostsFile={lab.known_hosts}"),
        *("-o", "IdentitiesOnly=yes", f"{SSH_USER}@{host.address}"),
    ]


def become_ssh(lab: Lab, host: Host, command: list[str]) -> None:
    """Replace this process with ssh."""
    words = [*ssh_command(lab, host), *command]
    os.execvp(words[0], words)
