"""The state of one lab: its number, addresses, hosts and files."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LABEL = "elk.lab"
ELASTIC_VERSION = "9.2.4"
OLDER_ELASTIC_VERSION = "9.1.0"
SSH_USER = "deploy"
# Files that playbooks create on the controller (elk_local_dir of inventories/lab).
PLATFORM_FILES = (
    "ca.*",
    "transport-ca.*",
    "certs/*",
    # Also the next and the former ones, which a rotation leaves that was killed.
    "*_password*",
    "kibana_*",
    "secret_hash_key*",
    "status.html",
)


@dataclass(frozen=True)
class Host:
    """One container that behaves like a machine."""

    name: str
    address: str
    manager: bool


@dataclass
class Lab:
    """One lab. Several can exist side by side: each has its own number and its own /24."""

    directory: Path
    number: int = 0
    managers: int = 2
    workers: int = 3
    prepared: bool = False
    # Hosts that report Rocky Linux. With any of them the lab also has package repositories.
    rocky: list[str] = field(default_factory=list)
    # The lab has a server that exports a shared disk over NFS.
    nfs: bool = False
    # The registry of the platform's images uses TLS and asks for a login.
    registry_login: bool = False
    # Fingerprint of the key of the stand-in for Docker's repository.
    repository_key: str = ""
    daemon_is_ours: bool = field(default=False)

    @property
    def name(self) -> str:
        return f"elk-lab-{self.number}"

    @property
    def subnet(self) -> ipaddress.IPv4Network:
        return ipaddress.IPv4Network(f"10.60.{self.number}.0/24")

    def address(self, last: int) -> str:
        return str(self.subnet[last])

    @property
    def gateway(self) -> str:
        return self.address(1)

    @property
    def services_address(self) -> str:
        """Registry (port 5000) and package cache (port 3142)."""
        return self.address(2)

    @property
    def repositories_address(self) -> str:
        """Stand-ins for Docker's and a distribution's package repositories (port 80)."""
        return self.address(3)

    @property
    def nfs_address(self) -> str:
        """The server of the shared disk, which exports /export (NFS 4, port 2049)."""
        return self.address(4)

    @property
    def login_registry_address(self) -> str:
        """The registry that asks for a login (port 5443)."""
        return self.address(5)

    @property
    def login_registry(self) -> str:
        return f"{self.login_registry_address}:5443"

    @property
    def registry_password(self) -> Path:
        """The file with the password of the user lab."""
        return self.directory / "registry_password"

    @property
    def shared_disk(self) -> Path:
        """The directory that the NFS server exports."""
        return self.directory / "nfs"

    @property
    def registry(self) -> str:
        return f"{self.services_address}:5000"

    @property
    def images_from(self) -> str:
        """The path of this lab's images in the registry, which all labs of the machine share."""
        return f"{self.registry}/lab{self.number}"

    @property
    def hosts(self) -> list[Host]:
        return [Host(f"m{n}", self.address(10 + n), True) for n in range(1, self.managers + 1)] + [
            Host(f"w{n}", self.address(20 + n), False) for n in range(1, self.workers + 1)
        ]

    def container(self, host: Host) -> str:
        return f"{self.name}-{host.name}"

    @property
    def ssh_key(self) -> Path:
        return self.directory / "ssh" / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.directory / "ssh" / "known_hosts"

    @property
    def log(self) -> Path:
        return self.directory / "logs" / "lab.log"

    def find_host(self, name: str) -> Host | None:
        return next((host for host in self.hosts if host.name == name), None)

    def save(self) -> None:
        data = {k: v for k, v in asdict(self).items() if k != "directory"}
        (self.directory / "lab.json").write_text(json.dumps(data, indent=2) + "\n")

    def forget(self) -> None:
        """Remove the lab's state and the platform's files, which are useless without the hosts."""
        (self.directory / "lab.json").unlink(missing_ok=True)
        for pattern in PLATFORM_FILES:
            for path in self.directory.glob(pattern):
                path.unlink()

    @classmethod
    def load(cls, directory: Path) -> Lab | None:
        """The lab in a directory, or None."""
        try:
            return cls(directory, **json.loads((directory / "lab.json").read_text()))
        except FileNotFoundError:
            return None


def shape(hosts: int, managers: int | None) -> tuple[int, int]:
    """Numbers of managers and workers. The default is two managers, or one if there is one host.

    A lab without hosts is possible: it runs the daemon and the services for other labs.
    """
    if hosts == 0 and not managers:
        return 0, 0
    chosen = managers if managers is not None else min(2, hosts)
    if not 1 <= chosen <= min(hosts, 9) or hosts - chosen > 9:
        raise ValueError(f"{chosen} managers of {hosts} hosts: 1 to 9 of each kind are possible")
    return chosen, hosts - chosen
