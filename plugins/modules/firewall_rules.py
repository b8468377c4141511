#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall_rules
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Restrict the platform's ports to allowed networks
description:
  - Creates its own nftables table, C(inet elk_swarm), which drops packets from all other addresses.
    It checks packets before Docker rewrites their destination. So it also protects published
    ports, which the chains of ufw and firewalld never see.
  - Opens the same ports in the active firewalls, because all of them must accept a packet.
  - Each change is one transaction of the kernel, and established connections continue. No rule
    affects another port, in particular not ssh.
options:
  state:
    description: Whether the rules exist.
    type: str
    choices: [present, absent]
    default: present
  firewalls:
    description:
      - The active firewalls, as M(elk.swarm.firewall_info) returns them.
      - The module opens ports in C(ufw), C(firewalld) and C(nftables). With O(state=absent) it
        removes its rules from all three, also from those that are not in this list.
    type: list
    elements: str
    choices: [ufw, firewalld, nftables, iptables]
    default: []
  hosts:
    description: Addresses of all hosts of the platform. This host resolves names.
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
    description: Whether the hosts use IPsec between each other, for an encrypted overlay network.
    type: bool
    default: false
  published:
    description: Ports that Docker publishes on this host. O(hosts) can always reach them.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the service, in lower case letters.
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
        description: Networks or addresses that may reach the port in addition to O(hosts).
        type: list
        elements: str
        default: []
attributes:
  check_mode:
    description: Reports what would change, and changes nothing. Tests the rules in a temporary
      network namespace.
    support: full
  diff_mode:
    description: Shows files and live rules before and after.
    support: full
  idempotent:
    description: Loads only what differs from the rules in the kernel.
    support: full
seealso:
  - module: elk.swarm.firewall_info
"""

EXAMPLES = r"""
- name: Allow traffic between the hosts, and from the office to Elasticsearch
  elk.swarm.firewall_rules:
    firewalls: [nftables]
    hosts: [10.20.0.11, 10.20.0.12, 10.20.0.13]
    cluster_tcp: [2377, 7946]
    cluster_udp: [7946, 4789]
    published:
      - name: elasticsearch
        port: 9200
        networks: [10.30.0.0/16]

- name: Remove all rules of this module
  elk.swarm.firewall_rules:
    state: absent
"""

RETURN = r"""
done:
  description: What was changed, in order. In check mode, the predicted changes.
  returned: always
  type: list
  elements: str
  sample: [/etc/nftables.d/elk-swarm-1-guard.nft, table inet elk_swarm]
hosts:
  description: The IP addresses of O(hosts).
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
    """One part of the state: a file, a unit, or rules in the kernel."""

    name: str
    before: str
    after: str
    apply: Callable[[], None]


def read(path: str) -> str:
    try:
        return safe_path.read_text(path)
    except OSError:
        return ""


class Host:
    """The changes of the module on this host, piece by piece."""

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
            message = (err or out).strip()
            self.module.fail_json(msg=f"{what} failed ({shlex.join(command)}): {message}")
        return str(out)

    def output(self, command: list[str]) -> str:
        """Output of a command; empty if it fails because the object does not exist."""
        rc, out, _err = self.module.run_command(command)
        return str(out) if rc == 0 else ""

    def predict_listing(self, load: str, show: str, stdin: str) -> str:
        """The listing of the rules once loaded, from a temporary network namespace.

        The same tool and kernel list the desired and the actual rules, so the two texts can be
        compared whatever their version. It also proves that the rules can be loaded.
        """
        command = ["unshare", "--net", "sh", "-c", f"{load} && {show}"]
        return self.run(command, "Testing the rules", stdin)

    # Pieces

    def apply_if_different(self, piece: Piece) -> None:
        if piece.before == piece.after:
            return
        self.done.append(piece.name)
        for side, text in ((self.before, piece.before), (self.after, piece.after)):
            if text:
                side.append(f"{piece.name}:\n{text.rstrip()}\n")
        if not self.module.check_mode:
            piece.apply()

    def file(self, path: str, desired: str | None) -> None:
        present = read(path) if os.path.exists(path) else None

        def apply() -> None:
            if desired is None:
                safe_path.unlink(path)
                return
            atomic_file.write(path, desired)

        if present != desired:
            name = path if desired or not present else f"{path} (removed)"
            # A diff cannot show the difference between a missing and an empty file.
            before = present if present is not None else ""
            after = desired if desired is not None else ""
            if before == after:
                after = "(empty)" if desired is not None else ""
                before = "(empty)" if present is not None else ""
            self.apply_if_different(Piece(name, before, after, apply))

    def load(self, commands: str, what: str) -> None:
        self.run([str(self.nft), "-f", "-"], what, commands)

    def guard(self, desired: plan.Desired | None) -> None:
        text = plan.guard(desired) if desired else None
        show = f"nft -s list table inet {plan.TABLE}"
        if not self.nft:
            # Only in check mode: nft is not installed yet, so there are no rules to compare.
            self.file(plan.GUARD_FILE, text)
            return
        after = self.predict_listing("nft -f -", show, text) if text else ""
        self.file(plan.GUARD_FILE, text)
        before = self.output([*shlex.split(show.replace("nft", self.nft, 1))])
        removal = f"delete table inet {plan.TABLE}\n"
        self.apply_if_different(
            Piece(
                f"table inet {plan.TABLE}",
                before,
                after,
                lambda: self.load(text or removal, "Loading the rules"),
            )
        )

    def unit(self, desired: bool) -> None:
        systemctl = self.tool("systemctl")
        if not systemctl:
            return
        before = len(self.done)
        if desired:
            self.file(plan.UNIT_FILE, plan.unit(self.nft or NFT))
        shown = self.output([systemctl, "show", "-p", "ActiveState,UnitFileState", "--", plan.UNIT])
        runs = "ActiveState=active" in shown and "UnitFileState=enabled" in shown
        file_changed = len(self.done) > before

        def apply() -> None:
            if desired:
                self.run([systemctl, "daemon-reload"], "Reading the units")
                self.run([systemctl, "enable", "--now", plan.UNIT], "Starting the unit")
            else:
                self.run([systemctl, "disable", "--now", plan.UNIT], "Stopping the unit")

        if desired:
            state = "enabled and active, loaded from its file"
            self.apply_if_different(
                Piece(plan.UNIT, "" if file_changed or not runs else state, state, apply)
            )
        elif os.path.exists(plan.UNIT_FILE):
            self.apply_if_different(Piece(plan.UNIT, "present", "", apply))
            self.file(plan.UNIT_FILE, None)
            if not self.module.check_mode:
                self.run([systemctl, "daemon-reload"], "Reading the units")

    def chains(self) -> list[plan.BaseChain]:
        if not self.nft:
            return []
        out = self.run([self.nft, "-j", "list", "ruleset"], "Listing the rules of nftables")
        return plan.chains_to_open(plan.base_chains(json.loads(out))) if out.strip() else []

    def nftables(self, desired: plan.Desired | None) -> None:
        """Openings in tables that an administrator owns, now and after each reload of these."""
        chains = self.chains()
        config = self.nftables_config()
        if not desired:
            # First remove the include, then the file that it loads.
            self.nftables_include(config, None)
            self.file(plan.OPENINGS_FILE, None)
        else:
            self.file(plan.OPENINGS_FILE, plan.openings_file(desired, chains))
            self.nftables_include(config, desired)
        for chain in chains:
            self.opening(chain, desired)

    def opening(self, chain: plan.BaseChain, desired: plan.Desired | None) -> None:
        show = ["-s", "list", "chain", *chain.place.split(), chain.ours]
        jump_text = f"{chain.name} jumps there\n"
        before = self.output([str(self.nft), *show]) + jump_text * len(chain.jumps)
        if desired:
            rules = plan.opening_rules(desired, chain.hook, chain.family)
            chain_only = [
                f"add table {chain.place}",
                *plan.fill_chain(chain.place, chain.ours, rules),
            ]
            listed = self.predict_listing(
                "nft -f -", f"nft {shlex.join(show)}", "\n".join(chain_only) + "\n"
            )
            after = listed + jump_text
            commands = plan.opening_commands(desired, chain)
        else:
            after = ""
            commands = plan.closing_commands(chain) if chain.jumps else []
            before = before if chain.jumps else ""
        self.apply_if_different(
            Piece(
                f"chain {chain.place} {chain.ours}",
                before,
                after,
                lambda: self.load("\n".join(commands) + "\n", f"Opening {chain.place}"),
            )
        )

    def nftables_config(self) -> str:
        """The file that nftables.service loads; empty if it loads nothing at boot."""
        systemctl = self.tool("systemctl")
        if not systemctl:
            return ""
        shown = self.output(
            [systemctl, "show", "-p", "ExecStart,UnitFileState", "--", "nftables.service"]
        )
        path = plan.config_of_unit(shown)
        return path if os.path.exists(path) else ""

    def nftables_include(self, path: str, desired: plan.Desired | None) -> None:
        if not path:
            if desired:
                self.module.warn(
                    "nftables has rules here that nftables.service does not load. What loads them "
                    f"at boot must also load {plan.OPENINGS_FILE}."
                )
            return
        present = read(path)
        text = plan.with_include(present) if desired else plan.without_block(present)
        if text != present and self.nft and not self.module.check_mode:
            # With a configuration that cannot be loaded, the host would boot without a firewall.
            self.run([self.nft, "-c", "-f", "-"], f"Checking the new {path}", text)
        if text != present:
            self.file(path, text)

    def ufw(self, desired: plan.Desired | None) -> None:
        for version, restore, iptables in (
            (4, "iptables-restore", "iptables"),
            (6, "ip6tables-restore", "ip6tables"),
        ):
            path, parent = plan.UFW_FILES[version], plan.UFW_PARENTS[version]
            if not os.path.exists(path):
                continue
            rules = plan.ufw_rules(desired, version) if desired else []
            lines = plan.ufw_chain(rules, parent) if desired else []
            try:
                text = plan.ufw_file(read(path), lines)
            except plan.FirewallError as error:
                self.module.fail_json(msg=f"{path} {error} Fix it, then run again.")
            self.file(path, text)
            tool = self.tool(iptables)
            if not tool or not self.output([tool, plan.XTABLES_WAIT, "-S", parent]):
                # ufw does not manage this IP version, or has not started yet.
                continue
            self.ufw_live(tool, restore, parent, rules, bool(desired))

    def ufw_live(
        self, tool: str, restore: str, parent: str, rules: list[str], desired: bool
    ) -> None:
        link = f"-A {parent} -j {plan.UFW_CHAIN}\n"
        listing, restoring = [tool, plan.XTABLES_WAIT, "-S"], [restore, plan.XTABLES_WAIT, "-n"]
        linked = link.strip() in self.output([*listing, parent]).splitlines()
        before = self.output([*listing, plan.UFW_CHAIN]) + (link if linked else "")

        def table(lines: list[str]) -> str:
            return "\n".join(["*filter", *lines, "COMMIT"]) + "\n"

        if desired:
            chain_only = table(plan.ufw_chain(rules))
            show = shlex.join([*listing, plan.UFW_CHAIN])
            after = self.predict_listing(shlex.join(restoring), show, chain_only) + link
            change = table(plan.ufw_chain(rules, "" if linked else parent))
        else:
            after = ""
            unlink = [f"-D {parent} -j {plan.UFW_CHAIN}"] if linked else []
            change = table([*unlink, f"-F {plan.UFW_CHAIN}", f"-X {plan.UFW_CHAIN}"])
        self.apply_if_different(
            Piece(
                f"{Path(tool).name} {plan.UFW_CHAIN}",
                before,
                after,
                lambda: self.run_in(restoring, f"Opening {parent}", change),
            )
        )

    def run_in(self, command: list[str], what: str, stdin: str) -> None:
        self.run([self.tool(command[0]) or command[0], *command[1:]], what, stdin)

    def firewalld(self, desired: plan.Desired | None, running: bool) -> None:
        everything = [plan.POLICY_FILE, *plan.IPSET_FILES.values()]
        files = plan.firewalld_files(desired) if desired else dict.fromkeys(everything)
        before = {path: read(path) for path in files if os.path.exists(path)}
        for path, text in files.items():
            self.file(path, text)
        changed = before != {path: text for path, text in files.items() if text is not None}
        client = self.tool("firewall-cmd")
        if not client or not running:
            return
        if changed and not self.module.check_mode:
            self.check_firewalld(client, before, files)
        policy = ["--info-policy", plan.POLICY]
        sets = [["--info-ipset", plan.IPSETS[v]] for v in (4, 6) if files[plan.IPSET_FILES[v]]]
        live = "".join(self.output([client, *words]) for words in (policy, *sets))
        live = live.replace(" (active)", "")
        if changed:
            # firewalld notices files that it has not written itself only after some time.
            permanent = "(as in the files)\n" if desired else "(nothing)\n"
        else:
            permanent = "".join(
                self.output([client, "--permanent", *words]) for words in (policy, *sets)
            )
        self.apply_if_different(
            Piece(
                "firewalld (reload)",
                live,
                permanent,
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
            msg=f"firewalld refuses the new configuration; the old one was restored: "
            f"{(err or out).strip()} See firewall-cmd --check-config.",
        )


def resolve(module: AnsibleModule, names: list[str]) -> list[str]:
    """Resolve names now, because rules are also loaded at boot, when DNS does not work yet."""
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
                msg=f"{name} is the address of a host in the inventory, but this host cannot "
                f"resolve it: {error}. Set elk_address of that host to its IP address."
            )
        found += sorted({str(entry[4][0]).partition("%")[0] for entry in entries})
    # A host's name may mean its own loopback address, as in Debian's /etc/hosts.
    return [a for a in dict.fromkeys(found) if not a.startswith("127.") and a != "::1"]


def desired_rules(module: AnsibleModule) -> plan.Desired:
    params = module.params
    try:
        return plan.Desired(
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
        module.fail_json(msg=f"{error} Correct the variable firewall_*_networks that holds it.")
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
    desired = desired_rules(module) if present else None
    if present and not host.nft and not module.check_mode:
        module.fail_json(msg="The command nft is missing. Install the package nftables, run again.")

    if present:
        host.guard(desired)
        host.unit(True)
    # Also remove what an earlier run opened in a firewall that is no longer active.
    host.nftables(desired if "nftables" in firewalls else None)
    host.ufw(desired if "ufw" in firewalls else None)
    host.firewalld(
        desired if "firewalld" in firewalls else None,
        running=bool(host.output(["firewall-cmd", "--state"]))
        if host.tool("firewall-cmd")
        else False,
    )
    if not present:
        host.unit(False)
        host.guard(None)
    module.exit_json(
        changed=bool(host.done),
        done=host.done,
        hosts=[str(n) for n in desired.hosts] if desired else [],
        diff={"before": "".join(host.before), "after": "".join(host.after)},
    )


if __name__ == "__main__":
    main()
