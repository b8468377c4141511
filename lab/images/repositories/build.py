"""Build the repositories: ``build.py DEBS TARGET``; the Dockerfile runs this.

The packages have the names and dependencies of Docker's and of a RHEL-like distribution's packages
and the files of Debian's packages. The second version of the Engine is the first one with another
version number: an upgrade to it replaces packages and programs, but no code changes.

    TARGET/linux/...            Docker's repository, for docker_engine_repository_url
    TARGET/tampered/linux/...   the same, with a part that Docker's key has not signed
    TARGET/strange/linux/...    the same, signed with another key
    TARGET/rocky                a distribution's repository with an Engine in it
    TARGET/about.json           fingerprint of Docker's stand-in key, versions
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

WORK = Path("/work")
KEYS = ("docker", "rocky", "stranger")
# Directories of Debian's packages that Docker's packages do not have.
DROPPED = ("usr/share/doc", "usr/share/man", "usr/share/lintian", "usr/share/bug", "etc/init.d")
CODENAME = "trixie"


def run(*command: str, cwd: Path | None = None, stdin: str | None = None) -> str:
    done = subprocess.run(
        command, cwd=cwd, input=stdin, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


@dataclass(frozen=True)
class Package:
    """A package, independent of its format."""

    name: str
    version: str
    # Directory with the files of the package; its DEBIAN/ can hold scripts.
    tree: Path
    about: str
    requires: tuple[str, ...] = ()
    # Units that an upgrade restarts.
    units: tuple[str, ...] = ()
    epoch: int = 0


def unpack(debs: Path) -> dict[str, Path]:
    """Unpack Debian's packages; return the directories by package name."""
    trees = {}
    for deb in debs.glob("*.deb"):
        tree = WORK / "debian" / deb.name.split("_")[0]
        tree.parent.mkdir(exist_ok=True)
        run("dpkg-deb", "-R", str(deb), str(tree))
        trees[tree.name] = tree
    return trees


def control(tree: Path, field: str) -> str:
    text = (tree / "DEBIAN" / "control").read_text()
    found = re.search(rf"^{field}: (.*)$", text, re.MULTILINE)
    return found.group(1) if found else ""


def merge(name: str, *trees: Path) -> Path:
    """Put the files of several packages into one directory."""
    target = WORK / "merged" / name
    for tree in trees:
        shutil.copytree(tree, target, symlinks=True, dirs_exist_ok=True)
    return target


def renumber(tree: Path, present: str, other: str) -> Path:
    """Copy a tree and change the version number in its programs; both have the same length."""
    target = tree.with_name(f"{tree.name}-{other}")
    shutil.copytree(tree, target, symlinks=True)
    changed = 0
    for file in target.rglob("*"):
        if file.is_symlink() or not file.is_file() or "DEBIAN" in file.parts:
            continue
        data = file.read_bytes()
        if data.startswith(b"\x7fELF") and present.encode() in data:
            file.write_bytes(data.replace(present.encode(), other.encode()))
            changed += 1
    assert changed, f"no program in {tree} contains {present}"
    return target


def next_version(version: str) -> str:
    """The next version number of the same length."""
    head, last = version[:-1], int(version[-1])
    assert last < 9, f"{version} has no next version of the same length"
    return f"{head}{last + 1}"


# -- keys ------------------------------------------------------------------------------------


def make_keys() -> dict[str, str]:
    """Create keys for this build; return their fingerprints."""
    os.environ["GNUPGHOME"] = str(WORK / "gnupg")
    Path(os.environ["GNUPGHOME"]).mkdir(mode=0o700)
    for name in KEYS:
        run(
            *("gpg", "--batch", "--passphrase", "", "--quick-generate-key"),
            *(address(name), "rsa3072", "sign", "never"),
        )
    listed = run("gpg", "--batch", "--with-colons", "--list-keys").splitlines()
    prints = [line.split(":")[9] for line in listed if line.startswith("fpr")]
    return dict(zip(KEYS, prints, strict=True))


def address(name: str) -> str:
    return f"Lab key {name} <{name}@lab.invalid>"


def public_key(name: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    run("gpg", "--batch", "--armor", "--output", str(target), "--export", f"{name}@lab.invalid")


# -- Debian's format -------------------------------------------------------------------------


def deb(package: Package, target: Path, *, conflicts: str) -> None:
    tree = WORK / "deb" / f"{package.name}-{package.version}"
    tree.parent.mkdir(exist_ok=True)
    shutil.copytree(package.tree, tree, symlinks=True)
    replaced = {"containerd", "runc", "docker-cli", "docker.io"}
    depends = [
        one
        for one in control(tree, "Depends").split(", ")
        if one.split(" ")[0] not in replaced and one
    ]
    revision = f"{package.version}-1~debian.13~{CODENAME}"
    fields = {
        "Package": package.name,
        "Version": f"{package.epoch}:{revision}" if package.epoch else revision,
        "Architecture": control(tree, "Architecture"),
        "Maintainer": "The lab of elk.swarm <lab@lab.invalid>",
        "Depends": ", ".join([*depends, *package.requires]),
        "Conflicts": conflicts,
        "Replaces": conflicts,
        "Provides": conflicts,
        "Description": package.about,
    }
    text = "".join(f"{name}: {value}\n" for name, value in fields.items() if value)
    (tree / "DEBIAN" / "control").write_text(text)
    pool = target / "pool"
    pool.mkdir(parents=True, exist_ok=True)
    run("dpkg-deb", "--root-owner-group", "-Zzstd", "-z1", "-b", str(tree), str(pool))


def apt_repository(root: Path, key: str) -> None:
    """Write package lists and their signature. reprepro keeps only one version of each package."""
    lists = root / "dists" / CODENAME / "stable" / f"binary-{architecture()}"
    lists.mkdir(parents=True)
    (lists / "Packages").write_text(run("apt-ftparchive", "packages", "pool", cwd=root))
    options = {
        "Origin": "Docker",
        "Label": "Docker CE",
        "Suite": CODENAME,
        "Codename": CODENAME,
        "Architectures": architecture(),
        "Components": "stable",
    }
    words = [f"-oAPT::FTPArchive::Release::{name}={value}" for name, value in options.items()]
    release = root / "dists" / CODENAME / "Release"
    release.write_text(run("apt-ftparchive", *words, "release", str(release.parent)))
    sign_release(release, key)


def sign_release(release: Path, key: str) -> None:
    run(
        *("gpg", "--batch", "--yes", "--local-user", f"{key}@lab.invalid", "--clearsign"),
        *("--output", str(release.with_name("InRelease")), str(release)),
    )


def architecture() -> str:
    return run("dpkg", "--print-architecture").strip()


# -- the format of RHEL ----------------------------------------------------------------------


def rpm(package: Package, target: Path, key: str) -> None:
    spec = WORK / "rpm" / f"{package.name}.spec"
    spec.parent.mkdir(exist_ok=True)
    restart = " ".join(package.units)
    spec.write_text(
        f"""Name: {package.name}
Version: {package.version}
Release: 1.el9
{f"Epoch: {package.epoch}" if package.epoch else ""}
Summary: {package.about}
License: Apache-2.0
AutoReqProv: no
{"".join(f"Requires: {one}{chr(10)}" for one in package.requires)}
%description
{package.about}
%install
mkdir -p %{{buildroot}}
cp -a {package.tree}/. %{{buildroot}}/
rm -rf %{{buildroot}}/DEBIAN {" ".join(f"%{{buildroot}}/{one}" for one in DROPPED)}
(cd %{{buildroot}} && find . -mindepth 1 ! -type d | sed 's|^\\.|"|; s|$|"|') > %{{_topdir}}/files
%files -f %{{_topdir}}/files
"""
        + (
            f"""%pre
getent group docker >/dev/null || groupadd --system docker
%post
systemctl daemon-reload
%preun
[ $1 -ge 1 ] || systemctl disable --now {restart}
%postun
systemctl daemon-reload
[ $1 -lt 1 ] || systemctl try-restart {restart}
"""
            if restart
            else ""
        )
    )
    build_rpm(spec, target, key)


def build_rpm(spec: Path, target: Path, key: str) -> None:
    top = WORK / "rpmbuild"
    top.mkdir(exist_ok=True)
    target.mkdir(parents=True, exist_ok=True)
    defines = {
        "_topdir": str(top),
        "_rpmdir": str(target),
        "_rpmfilename": "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
        "_binary_payload": "w1.zstdio",
        "_build_id_links": "none",
        "debug_package": "%{nil}",
        "__os_install_post": "%{nil}",
        "_gpg_name": f"{key}@lab.invalid",
    }
    words = [word for name, value in defines.items() for word in ("--define", f"{name} {value}")]
    before = set(target.glob("*.rpm"))
    run("rpmbuild", "-bb", "--quiet", *words, str(spec))
    for file in set(target.glob("*.rpm")) - before:
        run("rpmsign", *words, "--addsign", str(file))


def dnf_repository(root: Path, key: str) -> None:
    run("createrepo_c", "--quiet", "--general-compress-type", "gz", str(root))
    run(
        *("gpg", "--batch", "--yes", "--local-user", f"{key}@lab.invalid", "--armor"),
        *("--detach-sign", str(root / "repodata" / "repomd.xml")),
    )


# -- their content ---------------------------------------------------------------------------


def engine(trees: dict[str, Path], version: str, runtime: str) -> list[Package]:
    """Docker's packages."""
    return [
        Package(
            *("docker-ce", version, trees["docker.io"], "Docker's Engine, from Debian's binaries"),
            requires=("docker-ce-cli", "containerd.io"),
            units=("docker.service",),
            epoch=3,
        ),
        Package(
            *("docker-ce-cli", version, trees["docker-cli"]),
            *("Docker's client, from Debian's binaries",),
            epoch=1,
        ),
        Package(
            *("containerd.io", runtime, trees["containerd.io"]),
            *("containerd and runc, from Debian's binaries",),
        ),
    ]


REPLACED = {
    "docker-ce": "docker.io",
    "docker-ce-cli": "docker-cli",
    "containerd.io": "containerd, runc",
}


def distribution(trees: dict[str, Path], version: str, runtime: str) -> list[Package]:
    """Packages that a RHEL-like distribution with an Engine would have."""
    return [
        Package(
            *("moby-engine", version, trees["docker.io"], "The Engine, from Debian's binaries"),
            requires=("docker-cli", "containerd", "runc"),
            units=("docker.service",),
        ),
        Package("docker-cli", version, trees["docker-cli"], "The client, from Debian's binaries"),
        Package("containerd", runtime, trees["containerd"], "containerd, from Debian's binaries"),
        Package("runc", "1.1", trees["runc"], "runc, from Debian's binaries"),
    ]


STUBS = """Name: rocky-release
Version: 9.6
Release: 1.el9
Summary: Makes dnf report Rocky Linux 9
License: Apache-2.0
BuildArch: noarch
Provides: system-release = 9.6
Provides: system-release(releasever) = 9
Provides: /bin/sh
%description
%{summary}
%package -n ca-certificates
Summary: Placeholder for Debian's package on the host
%description -n ca-certificates
%{summary}
%files
%files -n ca-certificates
"""


def link(source: Path, target: Path) -> None:
    """Link a file of another repository."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(os.path.relpath(source, target.parent))


def main(debs: Path, target: Path) -> None:
    WORK.mkdir()
    prints = make_keys()
    trees = unpack(debs)
    upstream = re.split(r"[-+~]", control(trees["docker.io"], "Version"))[0]
    runtime = re.split(r"[-+~]", control(trees["containerd"], "Version"))[0]
    trees["containerd.io"] = merge("containerd.io", trees["runc"], trees["containerd"])
    later = next_version(upstream)
    newer = dict(trees)
    for name in ("docker.io", "docker-cli"):
        newer[name] = renumber(trees[name], upstream, later)

    debian = target / "linux" / "debian"
    centos = target / "linux" / "centos" / "9" / os.uname().machine / "stable"
    for package in [*engine(trees, upstream, runtime), *engine(newer, later, runtime)[:2]]:
        as_deb = Package(**{**vars(package), "epoch": 5 if package.epoch else 0})
        deb(as_deb, debian, conflicts=REPLACED[package.name])
        rpm(package, centos, "docker")
    apt_repository(debian, "docker")
    dnf_repository(centos, "docker")
    public_key("docker", debian / "gpg")
    public_key("docker", target / "linux" / "centos" / "gpg")

    rocky = target / "rocky"
    for package in distribution(trees, upstream, runtime):
        rpm(package, rocky, "rocky")
    stubs = WORK / "stubs.spec"
    stubs.write_text(STUBS)
    build_rpm(stubs, rocky, "rocky")
    dnf_repository(rocky, "rocky")
    public_key("rocky", rocky / "gpg")

    make_tampered(target, debian, centos)
    make_strange(target, debian, centos)
    about = {"fingerprint": prints["docker"], "versions": [upstream, later]}
    (target / "about.json").write_text(json.dumps(about, indent=2) + "\n")


def make_tampered(target: Path, debian: Path, centos: Path) -> None:
    """Docker's key, but a changed package list and a package with another signature."""
    bad = target / "tampered" / "linux"
    for child in ("pool", "gpg"):
        link(debian / child, bad / "debian" / child)
    shutil.copytree(debian / "dists", bad / "debian" / "dists")
    signed = bad / "debian" / "dists" / CODENAME / "InRelease"
    signed.write_text(signed.read_text().replace("Label: Docker CE", "Label: Docker XX"))
    link(target / "linux" / "centos" / "gpg", bad / "centos" / "gpg")
    repository = bad / "centos" / centos.relative_to(target / "linux" / "centos")
    repository.mkdir(parents=True)
    for file in centos.glob("*.rpm"):
        if file.name.startswith("docker-ce-cli"):
            shutil.copy(file, repository)
        else:
            link(file, repository / file.name)
    for file in repository.glob("docker-ce-cli*.rpm"):
        sign = ("--define", "_gpg_name stranger@lab.invalid", "--resign", str(file))
        run("rpmsign", *sign)
    dnf_repository(repository, "stranger")


def make_strange(target: Path, debian: Path, centos: Path) -> None:
    """A valid repository that is not Docker's: only the fingerprint of its key differs."""
    bad = target / "strange" / "linux"
    link(debian / "pool", bad / "debian" / "pool")
    shutil.copytree(debian / "dists", bad / "debian" / "dists")
    sign_release(bad / "debian" / "dists" / CODENAME / "Release", "stranger")
    public_key("stranger", bad / "debian" / "gpg")
    link(centos.parents[1], bad / "centos" / "9")
    public_key("stranger", bad / "centos" / "gpg")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
