#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall_rules
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Say who may reach the ports of the platform
description:
  - Keeps a table of nftables of its own, C(inet elk_swarm), that refuses everybody else. It looks
    at packets before Docker rewrites their destination, so it also holds for published ports,
    which the chains of ufw and firewalld never see.
  - Opens the same ports in the firewall that is there, since a packet has to be accepted by all.
  - Each change is one transaction of the kernel's, and established connections go on. No rule is
    about any other port, ssh least of all.
options:
  state:
    description: Whether the rules shall be there.
    type: str
    choices: [present, absent]
    default: present
  firewalls:
    description:
      - The firewalls that are active, as M(elk.swarm.firewall_info) tells them.
      - Openings are made in C(ufw), C(firewalld) and C(nftables). With O(state=absent) all that is
        left of ours is taken away from all three, whatever this says.
    type: list
    elements: str
    choices: [ufw, firewalld, nftables, iptables]
    default: []
  hosts:
    description: Addresses of all hosts of the platform. Names are looked up on this host.
    type: list
    elements: str
    default: []
  cluster_tcp:
    description: TCP ports that only O(hosts) may reach.
    type: list
    elements: int
    default: []
  cluster_udp:
    description: UDP ports that only O(hosts) may reach.
    type: list
    elements: int
    default: []
  encrypted:
    description: Whether the hosts speak IPsec with each other, for an encrypted overlay network.
    type: bool
    default: false
  published:
    description: Ports that Docker publishes on this host. O(hosts) always reach them.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What listens there, in lower case letters.
        type: str
        required: true
      port:
        description: The port.
        type: int
        required: true
      protocols:
        description: Its protocols.
        type: list
        elements: str
        choices: [tcp, udp]
        default: [tcp]
      networks:
        description: Who besides O(hosts) may reach it, as networks or addresses.
        type: list
        elements: str
        default: []
attributes:
  check_mode:
    description: Says what would change without changing it. Rules are tried in a network namespace
      of their own that ends with the command.
    support: full
  diff_mode:
    description: Shows files and live rules before and after.
    support: full
  idempotent:
    description: Only loads what differs from what the kernel has.
    support: full
seealso:
  - module: elk.swarm.firewall_info
"""

EXAMPLES = r"""
- name: Let the hosts talk with each other, and the office with Elasticsearch
  elk.swarm.firewall_rules:
    firewalls: [nftables]
    hosts: [10.20.0.11, 10.20.0.12, 10.20.0.13]
    cluster_tcp: [2377, 7946]
    cluster_udp: [7946, 4789]
    published:
      - name: elasticsearch
        port: 9200
        networks: [10.30.0.0/16]

- name: Take every rule of ours away
  elk.swarm.firewall_rules:
    state: absent
"""

RETURN = r"""
done:
  description: What was changed, or would be in check mode, in order.
  returned: always
  type: list
  elements: str
  sample: [/etc/nftables.d/elk-swarm-1-guard.nft, table inet elk_swarm]
hosts:
  description: Addresses that O(hosts) stands for.
  returned: always
  type: list
  elements: str
  sample: [10.20.0.11, 10.20.0.12]
"""

import json
import os
import shlex
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.common import safe_path
from ansible_collections.elk.swarm.plugins.module_utils.host import atomic_file
from ansible_collections.elk.swarm.plugins.module_utils.host import firewall as plan

SBIN = ["/usr/sbin", "/sbin", "/usr/local/sbin"]
NFT = "/usr/sbin/nft"


@dataclass(frozen=True)
class Piece:
    """One thing that is there in some form: a file, or rules in the kernel."""

    name: str
    before: str
    after: str
    put_right: Callable[[], None]


def read(path: str) -> str:
    try:
        return safe_path.read_text(path)
    except OSError:
        return ""


class Host:
    """What the module does on the host, piece by piece."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.done: list[str] = []
        self.before: list[str] = []
        self.after: list[str] = []
        self.nft = module.get_bin_path("nft", opt_dirs=SBIN)

    # Commands

    def tool(self, name: str) -> str | None:
        found: str | None = self.module.get_bin_path(name, opt_dirs=SBIN)
        return found

    def run(self, command: list[str], what: str, stdin: str = "") -> str:
        rc, out, err = self.module.run_command(command, data=stdin or None)
        if rc != 0:
            said = (err or out).strip()
            self.module.fail_json(msg=f"{what} failed ({shlex.join(command)}): {said}")
        return str(out)

    def ask(self, command: list[str]) -> str:
        """What a command says, nothing if it fails because the thing is not there."""
        rc, out, _err = self.module.run_command(command)
        return str(out) if rc == 0 else ""

    def rehearse(self, load: str, show: str, stdin: str) -> str:
        """How the kernel lists rules, from a network namespace that ends with this command.

        The same tool and kernel write down what is wanted and what is there, so the two texts can
        be compared whatever their version. It also proves that the rules can be loaded.
        """
        command = ["unshare", "--net", "sh", "-c", f"{load} && {show}"]
        return self.run(command, "Trying the rules", stdin)

    # Pieces

    def consider(self, piece: Piece) -> None:
        if piece.before == piece.after:
            return
        self.done.append(piece.name)
        for side, text in ((self.before, piece.before), (self.after, piece.after)):
            if text:
                side.append(f"{piece.name}:\n{text.rstrip()}\n")
        if not self.module.check_mode:
            piece.put_right()

    def file(self, path: str, wanted: str | None) -> None:
        present = read(path) if os.path.exists(path) else None

        def put_right() -> None:
            if wanted is None:
                safe_path.unlink(path)
                return
            atomic_file.write(path, wanted)

        if present != wanted:
            name = path if wanted or not present else f"{path} (removed)"
            # A file that is missing and one that is empty look alike in a diff.
            before = present if present is not None else ""
            after = wanted if wanted is not None else ""
            if before == after:
                after = "(empty)" if wanted is not None else ""
                before = "(empty)" if present is not None else ""
            self.consider(Piece(name, before, after, put_right))

    def load(self, commands: str, what: str) -> None:
        self.run([str(self.nft), "-f", "-"], what, commands)

    def guard(self, wanted: plan.Wanted | None) -> None:
        text = plan.guard(wanted) if wanted else None
        show = f"nft -s list table inet {plan.TABLE}"
        if not self.nft:
            # Only check mode gets here: the package is not there yet, so nothing can be compared.
            self.file(plan.GUARD_FILE, text)
            return
        after = self.rehearse("nft -f -", show, text) if text else ""
        self.file(plan.GUARD_FILE, text)
        before = self.ask([*shlex.split(show.replace("nft", self.nft, 1))])
        take_away = f"delete table inet {plan.TABLE}\n"
        self.consider(
            Piece(
                f"table inet {plan.TABLE}",
                before,
                after,
                lambda: self.load(text or take_away, "Loading the rules"),
            )
        )

    def unit(self, wanted: bool) -> None:
        systemctl = self.tool("systemctl")
        if not systemctl:
            return
        before = len(self.done)
        if wanted:
            self.file(plan.UNIT_FILE, plan.unit(self.nft or NFT))
        shown = self.ask([systemctl, "show", "-p", "ActiveState,UnitFileState", "--", plan.UNIT])
        runs = "ActiveState=active" in shown and "UnitFileState=enabled" in shown
        anew = len(self.done) > before

        def put_right() -> None:
            if wanted:
                self.run([systemctl, "daemon-reload"], "Reading the units")
                self.run([systemctl, "enable", "--now", plan.UNIT], "Starting the unit")
            else:
                self.run([systemctl, "disable", "--now", plan.UNIT], "Stopping the unit")

        if wanted:
            state = "enabled and active, as read from its file"
            self.consider(Piece(plan.UNIT, "" if anew or not runs else state, state, put_right))
        elif os.path.exists(plan.UNIT_FILE):
            self.consider(Piece(plan.UNIT, "present", "", put_right))
            self.file(plan.UNIT_FILE, None)
            if not self.module.check_mode:
                self.run([systemctl, "daemon-reload"], "Reading the units")

    def chains(self) -> list[plan.BaseChain]:
        if not self.nft:
            return []
        out = self.run([self.nft, "-j", "list", "ruleset"], "Listing the rules of nftables")
        return plan.to_open(plan.base_chains(json.loads(out))) if out.strip() else []

    def nftables(self, wanted: plan.Wanted | None) -> None:
        """Openings in tables that a person keeps, now and whenever these are loaded again."""
        chains = self.chains()
        config = self.nftables_config()
        if not wanted:
            # First what loads the files, then the files.
            self.nftables_include(config, None)
            self.file(plan.OPENINGS_FILE, None)
        else:
            self.file(plan.OPENINGS_FILE, plan.openings_file(wanted, chains))
            self.nftables_include(config, wanted)
        for chain in chains:
            self.opening(chain, wanted)

    def opening(self, chain: plan.BaseChain, wanted: plan.Wanted | None) -> None:
        show = ["-s", "list", "chain", *chain.place.split(), chain.ours]
        leads = f"{chain.name} leads there\n"
        before = self.ask([str(self.nft), *show]) + leads * len(chain.jumps)
        if wanted:
            rules = plan.opening_rules(wanted, chain.hook, chain.family)
            alone = [f"add table {chain.place}", *plan.fill_chain(chain.place, chain.ours, rules)]
            listed = self.rehearse("nft -f -", f"nft {shlex.join(show)}", "\n".join(alone) + "\n")
            after = listed + leads
            commands = plan.opening_commands(wanted, chain)
        else:
            after = ""
            commands = plan.closing_commands(chain) if chain.jumps else []
            before = before if chain.jumps else ""
        self.consider(
            Piece(
                f"chain {chain.place} {chain.ours}",
                before,
                after,
                lambda: self.load("\n".join(commands) + "\n", f"Opening {chain.place}"),
            )
        )

    def nftables_config(self) -> str:
        """The file that nftables.service loads, empty where nothing is loaded at boot."""
        systemctl = self.tool("systemctl")
        if not systemctl:
            return ""
        shown = self.ask(
            [systemctl, "show", "-p", "ExecStart,UnitFileState", "--", "nftables.service"]
        )
        path = plan.config_of_unit(shown)
        return path if os.path.exists(path) else ""

    def nftables_include(self, path: str, wanted: plan.Wanted | None) -> None:
        if not path:
            if wanted:
                self.module.warn(
                    "nftables has rules here that no nftables.service loads, so who loads them "
                    f"at boot has to load {plan.OPENINGS_FILE} as well."
                )
            return
        present = read(path)
        text = plan.with_include(present) if wanted else plan.without_block(present)
        if text != present and self.nft and not self.module.check_mode:
            # A configuration that cannot be loaded would leave the host without any firewall.
            self.run([self.nft, "-c", "-f", "-"], f"Checking what {path} would be", text)
        if text != present:
            self.file(path, text)

    def ufw(self, wanted: plan.Wanted | None) -> None:
        for version, restore, iptables in (
            (4, "iptables-restore", "iptables"),
            (6, "ip6tables-restore", "ip6tables"),
        ):
            path, parent = plan.UFW_FILES[version], plan.UFW_PARENTS[version]
            if not os.path.exists(path):
                continue
            rules = plan.ufw_rules(wanted, version) if wanted else []
            lines = plan.ufw_chain(rules, parent) if wanted else []
            try:
                text = plan.ufw_file(read(path), lines)
            except plan.FirewallError as error:
                self.module.fail_json(msg=f"{path} {error} Mend it, then run again.")
            self.file(path, text)
            tool = self.tool(iptables)
            if not tool or not self.ask([tool, plan.XTABLES_WAIT, "-S", parent]):
                # ufw leaves one IP version alone, or has not started yet.
                continue
            self.ufw_live(tool, restore, parent, rules, bool(wanted))

    def ufw_live(
        self, tool: str, restore: str, parent: str, rules: list[str], wanted: bool
    ) -> None:
        link = f"-A {parent} -j {plan.UFW_CHAIN}\n"
        listing, restoring = [tool, plan.XTABLES_WAIT, "-S"], [restore, plan.XTABLES_WAIT, "-n"]
        linked = link.strip() in self.ask([*listing, parent]).splitlines()
        before = self.ask([*listing, plan.UFW_CHAIN]) + (link if linked else "")

        def table(lines: list[str]) -> str:
            return "\n".join(["*filter", *lines, "COMMIT"]) + "\n"

        if wanted:
            alone = table(plan.ufw_chain(rules))
            show = shlex.join([*listing, plan.UFW_CHAIN])
            after = self.rehearse(shlex.join(restoring), show, alone) + link
            change = table(plan.ufw_chain(rules, "" if linked else parent))
        else:
            after = ""
            unlink = [f"-D {parent} -j {plan.UFW_CHAIN}"] if linked else []
            change = table([*unlink, f"-F {plan.UFW_CHAIN}", f"-X {plan.UFW_CHAIN}"])
        self.consider(
            Piece(
                f"{Path(tool).name} {plan.UFW_CHAIN}",
                before,
                after,
                lambda: self.run_in(restoring, f"Opening {parent}", change),
            )
        )

    def run_in(self, command: list[str], what: str, stdin: str) -> None:
        self.run([self.tool(command[0]) or command[0], *command[1:]], what, stdin)

    def firewalld(self, wanted: plan.Wanted | None, running: bool) -> None:
        everything = [plan.POLICY_FILE, *plan.IPSET_FILES.values()]
        files = plan.firewalld_files(wanted) if wanted else dict.fromkeys(everything)
        before = {path: read(path) for path in files if os.path.exists(path)}
        for path, text in files.items():
            self.file(path, text)
        changed = before != {path: text for path, text in files.items() if text is not None}
        client = self.tool("firewall-cmd")
        if not client or not running:
            return
        if changed and not self.module.check_mode:
            self.check_firewalld(client, before, files)
        told = ["--info-policy", plan.POLICY]
        sets = [["--info-ipset", plan.IPSETS[v]] for v in (4, 6) if files[plan.IPSET_FILES[v]]]
        live = "".join(self.ask([client, *words]) for words in (told, *sets))
        live = live.replace(" (active)", "")
        if changed:
            # The daemon takes a while to notice files that somebody else has written.
            kept = "(as in the files)\n" if wanted else "(nothing)\n"
        else:
            kept = "".join(self.ask([client, "--permanent", *words]) for words in (told, *sets))
        self.consider(
            Piece(
                "firewalld (reload)",
                live,
                kept,
                lambda: self.run_in([client, "--reload"], "Reloading firewalld", ""),
            )
        )

    def check_firewalld(
        self, client: str, before: dict[str, str], files: dict[str, str | None]
    ) -> None:
        rc, out, err = self.module.run_command([client, "--check-config"])
        if rc == 0:
            return
        for path in files:
            if path in before:
                safe_path.write(path, before[path].encode("utf-8"))
            elif os.path.exists(path):
                safe_path.unlink(path)
        self.module.fail_json(
            msg=f"firewalld refuses its configuration, and was left as it was: "
            f"{(err or out).strip()} See firewall-cmd --check-config.",
        )


def resolve(module: AnsibleModule, names: list[str]) -> list[str]:
    """Addresses of names; rules need to be loaded at boot, when nothing can be looked up."""
    found: list[str] = []
    for name in names:
        try:
            plan.parse_networks([name])
            found.append(name)
            continue
        except plan.FirewallError:
            pass
        try:
            entries = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except OSError as error:
            module.fail_json(
                msg=f"{name} is the address of a host in the inventory, and this host cannot look "
                f"it up: {error}. Set elk_address of that host to its IP address."
            )
        found += sorted({str(entry[4][0]).partition("%")[0] for entry in entries})
    # A host's name may mean its own loopback address, as in Debian's /etc/hosts.
    return [a for a in dict.fromkeys(found) if not a.startswith("127.") and a != "::1"]


def wanted_rules(module: AnsibleModule) -> plan.Wanted:
    params = module.params
    try:
        return plan.Wanted(
            hosts=plan.parse_networks(resolve(module, params["hosts"])),
            cluster={"tcp": params["cluster_tcp"], "udp": params["cluster_udp"]},
            published=tuple(
                plan.Port(
                    name=entry["name"],
                    port=entry["port"],
                    protocols=tuple(entry["protocols"]),
                    networks=plan.parse_networks(entry["networks"]),
                )
                for entry in params["published"]
            ),
            encrypted=params["encrypted"],
        )
    except plan.FirewallError as error:
        module.fail_json(msg=f"{error} Correct the variable firewall_*_networks that names it.")
        raise


def main() -> None:
    protocols = {
        "type": "list",
        "elements": "str",
        "choices": ["tcp", "udp"],
        "default": ["tcp"],
    }
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "firewalls": {
                "type": "list",
                "elements": "str",
                "choices": ["ufw", "firewalld", "nftables", "iptables"],
                "default": [],
            },
            "hosts": {"type": "list", "elements": "str", "default": []},
            "cluster_tcp": {"type": "list", "elements": "int", "default": []},
            "cluster_udp": {"type": "list", "elements": "int", "default": []},
            "encrypted": {"type": "bool", "default": False},
            "published": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str", "required": True},
                    "port": {"type": "int", "required": True},
                    "protocols": protocols,
                    "networks": {"type": "list", "elements": "str", "default": []},
                },
            },
        },
        supports_check_mode=True,
    )
    present = module.params["state"] == "present"
    firewalls = module.params["firewalls"]
    host = Host(module)
    wanted = wanted_rules(module) if present else None
    if present and not host.nft and not module.check_mode:
        module.fail_json(msg="The command nft is missing. Install the package nftables, run again.")

    if present:
        host.guard(wanted)
        host.unit(True)
    # What an earlier run opened in a firewall that is not active any more is taken away as well.
    host.nftables(wanted if "nftables" in firewalls else None)
    host.ufw(wanted if "ufw" in firewalls else None)
    host.firewalld(
        wanted if "firewalld" in firewalls else None,
        running=bool(host.ask(["firewall-cmd", "--state"])) if host.tool("firewall-cmd") else False,
    )
    if not present:
        host.unit(False)
        host.guard(None)
    module.exit_json(
        changed=bool(host.done),
        done=host.done,
        hosts=[str(n) for n in wanted.hosts] if wanted else [],
        diff={"before": "".join(host.before), "after": "".join(host.after)},
    )


if __name__ == "__main__":
    main()
