#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall_info
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Find out which firewall is active on a host
description:
  - Looks for ufw, firewalld, nftables and for iptables rules that allow only named traffic in.
  - Changes nothing. None of them needs to be installed.
attributes:
  check_mode:
    description: The module only reads, so it does the same in check mode.
    support: full
  diff_mode:
    description: Nothing is changed, so there is no difference to show.
    support: none
  idempotent:
    description: Never changes anything.
    support: full
seealso:
  - module: elk.swarm.firewall_rules
"""

EXAMPLES = r"""
- name: Find out which firewall is active
  elk.swarm.firewall_info:
  register: firewall

- name: Show it
  ansible.builtin.debug:
    msg: "{{ firewall.active | join(', ') | default('none', true) }}"
"""

RETURN = r"""
active:
  description:
    - The firewalls that are active.
    - C(nftables) means its service, or a table that no other firewall owns and that allows only
      named traffic in. C(iptables) means such rules of an unknown origin.
  returned: always
  type: list
  elements: str
  sample: [ufw]
installed:
  description: Whether the host has the command nft, which M(elk.swarm.firewall_rules) needs.
  returned: always
  type: bool
  sample: true
guarded:
  description: Whether the rules of M(elk.swarm.firewall_rules) are on this host.
  returned: always
  type: bool
  sample: false
controller:
  description: Source address of the ssh connection of this run. Empty without ssh.
  returned: always
  type: str
  sample: 10.20.0.5
outgoing:
  description: Tables of nftables that allow only named traffic out. No module changes them.
  returned: always
  type: list
  elements: str
  sample: []
"""

import json
import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.common import safe_path
from ansible_collections.elk.swarm.plugins.module_utils.host import firewall
from ansible_collections.elk.swarm.plugins.module_utils.host.survey import systemd_units

SBIN = ["/usr/sbin", "/sbin", "/usr/local/sbin"]


def read(path: str) -> bytes:
    try:
        return safe_path.read_bytes(path)
    except OSError:
        return b""


def controller() -> str:
    """Source of the ssh session; sudo hides it from us, but not from our parent processes."""
    process = os.getpid()
    while process > 1:
        found = firewall.ssh_client(read(f"/proc/{process}/environ"))
        if found:
            return found
        status = read(f"/proc/{process}/stat").rpartition(b")")[2].split()
        process = int(status[1]) if len(status) > 1 else 0
    return ""


def units(module: AnsibleModule) -> dict[str, dict[str, Any]]:
    systemctl = module.get_bin_path("systemctl")
    if not systemctl:
        return {}
    properties = "Id,LoadState,ActiveState,UnitFileState"
    names = ["firewalld.service", "nftables.service"]
    _rc, out, _err = module.run_command([systemctl, "show", "-p", properties, "--", *names])
    return systemd_units(out)


def chains(module: AnsibleModule, nft: str | None) -> list[firewall.BaseChain]:
    if not nft:
        return []
    rc, out, _err = module.run_command([nft, "-j", "list", "ruleset"])
    return firewall.base_chains(json.loads(out)) if rc == 0 and out.strip() else []


def iptables_closed(module: AnsibleModule) -> bool:
    iptables = module.get_bin_path("iptables", opt_dirs=SBIN)
    if not iptables:
        return False
    rc, out, _err = module.run_command([iptables, firewall.XTABLES_WAIT, "-S", "INPUT"])
    return rc == 0 and firewall.iptables_closed(out)


def main() -> None:
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    nft = module.get_bin_path("nft", opt_dirs=SBIN)
    states = units(module)
    found = chains(module, nft)
    active = []
    if firewall.ufw_enabled(read("/etc/ufw/ufw.conf").decode(errors="replace")):
        active.append("ufw")
    if states.get("firewalld.service", {}).get("active"):
        active.append("firewalld")
    service = states.get("nftables.service", {})
    if service.get("active") or service.get("enabled") or firewall.chains_to_open(found):
        active.append("nftables")
    if not {"ufw", "firewalld"} & set(active) and iptables_closed(module):
        active.append("iptables")
    module.exit_json(
        changed=False,
        active=active,
        installed=nft is not None,
        guarded=os.path.exists(firewall.GUARD_FILE),
        controller=controller(),
        outgoing=[f"{c.place} {c.name}" for c in found if c.hook == "output" and c.restrictive],
    )


if __name__ == "__main__":
    main()
