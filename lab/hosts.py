"""Hosts: containers that run systemd and sshd, a network for them, and a way in by ssh."""

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
from lab.progress import LabError, Progress, answers, in_parallel, wait_for
from lab.state import LABEL, SSH_USER, Host, Lab

if TYPE_CHECKING:
    from lab.images import Images

SERVICES = "elk-lab-services"

# Enough to be a machine, without CAP_SYS_RESOURCE, which a virtual machine may not have to give.
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
    """Start the registry and package cache if need be; gives the registry's port on 127.0.0.1."""
    if not answers("docker", "container", "inspect", SERVICES):
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
        lambda: answers("curl", "-fsS", "-o", "/dev/null", f"http://127.0.0.1:{port}/v2/"),
        30,
        "An answer of the lab's registry",
    )
    return port


def claim_network(lab: Lab, progress: Progress) -> None:
    """Give the lab its number: that of its network, else the first whose /24 nobody uses.

    The network is made at once, because another lab may be looking for a number just now.
    """
    own = _own_network(lab, progress)
    if own:
        lab.number = int(own.rpartition("-")[2])
        return
    routes = subprocess.run(["ip", "-4", "route"], capture_output=True, text=True).stdout
    refused = ""
    for number in range(100):
        if f"10.60.{number}.0/24" in routes:
            continue
        lab.number = number
        create = ["docker", "network", "create", "--subnet", str(lab.subnet)]
        create += ["--gateway", lab.gateway, "-o", f"com.docker.network.bridge.name=brlab{number}"]
        # Docker refuses a network whose name or subnet is taken.
        made = subprocess.run([*create, *labels(lab), lab.name], capture_output=True, text=True)
        if made.returncode == 0:
            return
        refused = made.stderr.strip()
    raise LabError(f"None of 10.60.0.0 to 10.60.99.0 can be used on this machine. {refused}")


def _label(lab: Lab) -> str:
    """Docker's filter for what `labels` has marked."""
    return f"label={LABEL}={lab.directory}"


def _own_network(lab: Lab, progress: Progress) -> str:
    mine = ("--filter", _label(lab), "--format", "{{.Name}}")
    listed = progress.run("docker", "network", "ls", *mine)
    return next(iter(listed.split()), "")


def attach_services(lab: Lab, progress: Progress) -> None:
    """Let the lab's hosts reach the services, at a fixed address in its network."""
    attached = json.loads(progress.run("docker", "inspect", SERVICES))[0]["NetworkSettings"]
    if lab.name not in attached["Networks"]:
        progress.run(
            "docker", "network", "connect", "--ip", lab.services_address, lab.name, SERVICES
        )


def start_hosts(lab: Lab, images: Images, progress: Progress) -> None:
    """Start what is missing, let ssh in with the lab's key, and write down the hosts' own keys."""
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
    authority = _start_login_registry(lab, images, progress) if lab.registry_login else ""
    missing = [h for h in lab.hosts if not answers("docker", "inspect", lab.container(h))]
    kind = "prepared" if lab.prepared else "bare"
    if missing:
        with progress.step(f"{len(missing)} {kind} hosts started"):
            in_parallel([partial(_start, lab, host, images, progress) for host in missing], 8)
    in_parallel([partial(_let_in, lab, host, progress, authority) for host in lab.hosts], 8)
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
    """Serve package repositories in the lab's network; each build of them has a key of its own."""
    container = f"{lab.name}-repositories"
    if not answers("docker", "inspect", container):
        progress.run(
            *("docker", "run", "-d", "--name", container, "--network", lab.name),
            *("--ip", lab.repositories_address, *labels(lab), images.repositories),
        )
    about = progress.run("docker", "exec", container, "cat", "/srv/about.json")
    lab.repository_key = json.loads(about)["fingerprint"]
    lab.save()


def _start_nfs(lab: Lab, images: Images, progress: Progress) -> None:
    """Export a directory over NFS. The hosts have it as well, for the stand-in of their client."""
    container = f"{lab.name}-nfs"
    if answers("docker", "inspect", container):
        return
    lab.shared_disk.mkdir(exist_ok=True)
    progress.run(
        *("docker", "run", "-d", "--name", container, "--network", lab.name, "--ip"),
        *(lab.nfs_address, *labels(lab), *MACHINE, "-v", f"{lab.shared_disk}:/export", images.nfs),
    )


def _start_login_registry(lab: Lab, images: Images, progress: Progress) -> str:
    """Serve the images to those who log in; gives the certificate that hosts have to trust."""
    container = f"{lab.name}-registry"
    if not answers("docker", "inspect", container):
        progress.run(
            *("docker", "run", "-d", "--name", container, "--network", lab.name),
            *("--ip", lab.login_registry_address, *labels(lab)),
            *("-v", "elk-lab-registry:/var/lib/registry", images.services),
            *("registry-with-login", lab.login_registry_address),
        )
    in_container = ("docker", "exec", container)
    # Made last by the container, and only then does it listen.
    wait_for(lambda: answers(*in_container, "test", "-e", "/srv/login/registry.yml"), 30, container)
    lab.registry_password.touch(mode=0o600)
    lab.registry_password.write_text(progress.run(*in_container, "cat", "/srv/login/password"))
    return progress.run(*in_container, "cat", "/srv/login/registry.crt")


def _registry_authority(lab: Lab, authority: str) -> str:
    """Shell lines: Docker trusts the registry's certificate."""
    return f"""
install -d -m 0755 /etc/docker /etc/docker/certs.d /etc/docker/certs.d/{lab.login_registry}
cat > /etc/docker/certs.d/{lab.login_registry}/ca.crt <<'END'
{authority.strip()}
END"""


def _cgroups() -> list[str]:
    """systemd needs its control groups: the machine's own tree under v1, a private one under v2."""
    if Path("/sys/fs/cgroup/cgroup.controllers").exists():
        return ["--cgroupns=private", "-v", "/sys/fs/cgroup:/sys/fs/cgroup:rw"]
    return [
        *("--cgroupns=host", "-v", "/sys/fs/cgroup:/sys/fs/cgroup:rw"),
        *("--device-cgroup-rule", "a *:* rwm"),
    ]


def _let_in(lab: Lab, host: Host, progress: Progress, authority: str) -> None:
    """What a provider's first-boot script does: the user's key, the package proxy, the limits."""
    container = lab.container(host)
    if not answers("docker", "exec", container, "true"):
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
{_registry_authority(lab, authority) if authority else ""}
{_limits()}""",
    )
    _wait_for_boot(container)


def _package_sources(lab: Lab, host: Host) -> str:
    """Shell lines: the cache for Debian's packages, or a distribution's repository for dnf."""
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
    """Shell lines: what stands in for mount.nfs."""
    return f"""
echo {lab.nfs_address} > /etc/lab-nfs-server
cat > /sbin/mount.nfs <<'END'
{(CONTEXTS / "nfs" / "mount.nfs").read_text()}END
chmod 0755 /sbin/mount.nfs
ln -sf mount.nfs /sbin/mount.nfs4"""


def _wait_for_boot(container: str) -> None:
    wait_for(
        lambda: answers("docker", "exec", container, "systemctl", "is-active", "-q", "ssh"),
        60,
        f"The boot of {container}",
    )


def _limits() -> str:
    """Shell lines: systemd cannot raise a limit above the machine's own, so "infinity" fails."""
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
    """Pull the stack once into a Docker directory that prepared hosts then start from."""
    home = lab.directory / "prepared"
    stamp = home / "images.txt"
    names = [f"{lab.images_from}/{name}" for name in images.stack]
    wanted = "\n".join([images.prepared, *names, *images.stack.values()])
    images.build_prepared()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    container = f"{lab.name}-prepare"
    if answers("docker", "inspect", container):
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
        wait_for(lambda: answers(*in_container, "docker", "info"), 60, "Docker in a prepared host")
        for name in names:
            progress.run(*in_container, "docker", "pull", "-q", name)
        progress.run(*in_container, "systemctl", "stop", "docker.socket", "docker", "containerd")
        progress.run("docker", "rm", "-f", "-v", container)
        # Each engine must make its own identity.
        (home / "docker" / "engine-id").unlink(missing_ok=True)
        shutil.rmtree(home / "docker" / "swarm", ignore_errors=True)
    stamp.write_text(wanted)


def _clone_docker_directory(lab: Lab, name: str, progress: Progress) -> None:
    """Layers are never written to, so hard links do; everything else is copied."""
    source, target = lab.directory / "prepared" / "docker", lab.directory / "hosts" / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for entry in source.iterdir():
        option = "-al" if entry.name == "overlay2" else "-a"
        progress.run("cp", option, str(entry), str(target))


def remove(lab: Lab, progress: Progress) -> None:
    """Remove this lab's hosts, network and, when no other lab uses them, the services."""
    mine = progress.run("docker", "ps", "-aq", "--filter", _label(lab)).split()
    if mine:
        with progress.step(f"{len(mine)} hosts removed"):
            in_parallel([partial(progress.run, "docker", "rm", "-f", "-v", c) for c in mine], 8)
    shutil.rmtree(lab.directory / "hosts", ignore_errors=True)
    if lab.shared_disk.exists():
        shutil.rmtree(lab.shared_disk)
    own = _own_network(lab, progress)
    if own:
        if progress.run("docker", "ps", "-aq", "--filter", f"network={own}").split():
            progress.run("docker", "network", "disconnect", "-f", own, SERVICES)
        progress.run("docker", "network", "rm", own)
    others = progress.run(*["docker", "network", "ls", "-q", "--filter", "label=elk.lab"]).split()
    if not others and answers("docker", "container", "inspect", SERVICES):
        progress.run("docker", "rm", "-f", SERVICES)


def ssh_command(lab: Lab, host: Host) -> list[str]:
    """The ssh command line that a person would type."""
    return [
        *("ssh", "-i", str(lab.ssh_key), "-o", f"UserKnownHostsFile={lab.known_hosts}"),
        *("-o", "IdentitiesOnly=yes", f"{SSH_USER}@{host.address}"),
    ]


def become_ssh(lab: Lab, host: Host, command: list[str]) -> None:
    """Replace this process by ssh."""
    words = [*ssh_command(lab, host), *command]
    os.execvp(words[0], words)
