#!/usr/bin/python
# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: swap_off
author: The elk.swarm authors (@elk-swarm)
version_added: 0.1.0
short_description: Switch swap off, now and for every boot
description:
  - Switches off every device and file that the kernel swaps to, and masks C(swap.target), through
    which systemd switches them on at boot, no matter where they are configured.
  - Fails if the swapped data does not fit into memory.
  - Leaves C(/etc/fstab) alone. C(systemctl unmask swap.target) and a reboot bring swap back.
attributes:
  check_mode:
    description: Returns what would change without changing it.
    support: full
  diff_mode:
    description: Shows what is switched on before and after.
    support: full
  idempotent:
    description: Does nothing if swap is off and C(swap.target) is masked.
    support: full
"""

EXAMPLES = r"""
- name: Switch swap off
  elk.swarm.swap_off:
"""

RETURN = r"""
devices:
  description: The devices and files that were switched on.
  returned: always
  type: list
  elements: str
  sample: [/dev/vda2]
"""


from ansible.module_utils.basic import AnsibleModule

from ansible_collections.elk.swarm.plugins.module_utils.common import safe_path
from ansible_collections.elk.swarm.plugins.module_utils.host import swap

SBIN = ["/usr/sbin", "/sbin"]


def run(module: AnsibleModule, command: list[str], what: str) -> str:
    rc, out, err = module.run_command(command)
    if rc != 0:
        module.fail_json(msg=f"{what} failed ({' '.join(command)}): {(err or out).strip()}")
    return str(out)


def main() -> None:
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    found = swap.devices(safe_path.read_text("/proc/swaps"))
    blocker = swap.blocker(found, safe_path.read_text("/proc/meminfo"))
    if blocker:
        module.fail_json(msg=blocker)
    systemctl = module.get_bin_path("systemctl", required=True)
    command = [systemctl, "show", "-p", "LoadState", "--", "swap.target"]
    masked = "LoadState=masked" in run(module, command, "Querying systemd")
    if not module.check_mode:
        # The mask first: if a run is killed in between, swap is still on and the next run sees it.
        if not masked:
            run(module, [systemctl, "mask", "swap.target"], "Masking swap.target")
        swapoff = module.get_bin_path("swapoff", required=bool(found), opt_dirs=SBIN)
        for device in found:
            run(module, [swapoff, device.path], f"Switching off {device.path}")
    module.exit_json(
        changed=bool(found) or not masked,
        devices=[device.path for device in found],
        diff={"before": swap.show(found, masked), "after": swap.show([], True)},
    )


if __name__ == "__main__":
    main()
