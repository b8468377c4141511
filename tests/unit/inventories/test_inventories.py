# Copyright (c) 2026, the elk.swarm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Preflight finds no problem in the inventories of this clone, on hosts without faults.

The tests check the variables as the role preflight passes them on, with its own templates.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.vars.manager import VariableManager

from ansible_collections.elk.swarm.plugins.filter.service_settings import service_settings
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.examine import examine
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.site import Host, Site
from ansible_collections.elk.swarm.plugins.module_utils.platform.preflight.values import GIB
from ansible_collections.elk.swarm.plugins.module_utils.platform.service_settings import (
    ServiceSettings,
    as_given,
)
from ansible_collections.elk.swarm.plugins.module_utils.platform.services import (
    ALL,
    UNASKED,
    reduced,
)
from ansible_collections.elk.swarm.plugins.modules.preflight import vocabulary
from lab.state import shape
from repo import ROOT

if TYPE_CHECKING:
    from pathlib import Path

VOCABULARY = vocabulary(str(ROOT / "roles"))


def read(path: Path) -> Any:
    """A file whose templates may be rendered."""
    return DataLoader().load_from_file(str(path), trusted_as_template=True)


def task(module: str) -> dict[str, Any]:
    """The arguments of a task of the role."""
    tasks = read(ROOT / "roles/preflight/tasks/main.yml")
    found: dict[str, Any] = next(entry[module] for entry in tasks if module in entry)
    return found


def role_values() -> dict[str, Any]:
    """The defaults and the computed variables of all roles."""
    found: dict[str, Any] = {}
    for part in ("defaults", "vars"):
        for path in sorted(ROOT.glob(f"roles/*/{part}/main.yml")):
            found.update(read(path) or {})
    return found


def survey(name: str, address: str) -> dict[str, Any]:
    """A bare Debian host on which nothing is wrong."""
    folder = {"total": 100 * GIB, "free": 60 * GIB, "empty": True}
    return {
        "memory": 16 * GIB,
        "addresses": [address],
        "routes": [{"network": f"{address}/24", "device": "eth0", "gateway": ""}],
        "nodename": name,
        "distribution": {"id": "debian", "version": "13", "family": "debian", "name": "Debian 13"},
        "ipvs": True,
        "time": 1000.0,
        "features": {"overlay": True, "vxlan": None, "memory_cgroup": True},
        "disks": {"/srv/elk": folder, "/srv/elk/elasticsearch": folder},
        "files": {},
        "listeners": [],
        "docker": {"version": "", "swarm": {"state": "inactive"}},
    }


def services(templar: Templar) -> list[dict[str, Any]]:
    """The services without their checks, which use filters of the collection."""
    found = []
    for role in read(ROOT / "roles/elk/vars/main.yml")["elk_collection_service_roles"]:
        file = f"roles/{role.rpartition('.')[2]}/meta/service.yml"
        fields = ALL - UNASKED
        source = reduced(read(ROOT / file), fields, secrets=True, unchecked=True)
        found += as_given(templar.template(source), source, role, file, fields, secrets=True)
    return found


def site(source: Path) -> Site:
    """An inventory as preflight sees it."""
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[str(source)])
    manager = VariableManager(loader=loader, inventory=inventory)
    groups = {name: [str(h) for h in found] for name, found in inventory.get_groups_dict().items()}
    base = role_values()
    hosts: dict[str, Host] = {}
    variables: dict[str, list[str]] = {}
    settings: dict[str, Any] = {}
    of_site: list[ServiceSettings] = []
    for host in inventory.get_hosts():
        own = manager.get_vars(host=host, include_hostvars=False)
        variables[host.name] = [name for name in own if not name.startswith("ansible_")]
        facts = {
            "ansible_facts": {"nodename": host.name},
            "__preflight_kinds": {},
            "__preflight_texts": [],
            "inventory_hostname": host.name,
            "hostvars": {host.name: own},
            "groups": groups,
        }
        local = {"elk_local_dir": str(source)}
        templar = Templar(loader, variables={**base, **local, **own, **facts})
        found = task("elk.swarm.host_survey")["declared"]
        # Only playbooks find a collection's lookups and filters, so the test calls them itself.
        del found["services"]
        declared = templar.template(found)
        described = services(templar)
        declared["services"] = service_settings(described, host.name)
        of_site = of_site or [ServiceSettings.from_dict({"checks": [], **one}) for one in described]
        # The role runs this task once, with the variables of the first host.
        settings = settings or templar.template(task("elk.swarm.preflight")["settings"])
        declared["sent"] = settings["received"] = 1000.0
        hosts[host.name] = Host(host.name, declared, survey(host.name, declared["address"]))
    return Site(groups, hosts, settings, variables, VOCABULARY, services=of_site)


def lab_inventory(folder: Path, hosts: int) -> Path:
    """inventories/lab as it is for a lab with this number of hosts."""
    managers, workers = shape(hosts, None)
    names = {
        "swarm_managers": [f"m{n}" for n in range(1, managers + 1)],
        "swarm_workers": [f"w{n}" for n in range(1, workers + 1)],
    }
    members = [name for group in names.values() for name in group]
    values = {
        name: {
            "ansible_host": f"10.60.0.{10 + number}",
            "elk_registry": "10.60.0.2:5000",
            "elk_local_dir": str(folder),
        }
        for number, name in enumerate(members, start=1)
    }
    content = {"all": {"hosts": values}} | {
        group: {"hosts": dict.fromkeys(found)} for group, found in names.items()
    }
    (folder / "hosts.json").write_text(json.dumps(content))
    (folder / "group_vars").symlink_to(ROOT / "inventories/lab/group_vars")
    return folder


def problems(found: Site) -> list[str]:
    return [f.sentence() for f in examine(found) if not f.warning]


@pytest.mark.parametrize("name", ["example", "ha"])
def test_the_inventories_to_copy(name: str) -> None:
    found = site(ROOT / "inventories" / name)
    assert len(found.hosts) == 5
    assert {one.name: one.replicas.value for one in found.services}["logstash"] == 2
    assert problems(found) == []


@pytest.mark.parametrize("hosts", [1, 2, 3, 5, 7])
def test_labs(tmp_path: Path, hosts: int) -> None:
    found = site(lab_inventory(tmp_path, hosts))
    assert len(found.hosts) == hosts
    images = {one.name: one.image.value for one in found.services}
    assert images["logstash"] == "10.60.0.2:5000/logstash-stand-in:9.2.4"
    assert problems(found) == []


def test_a_misspelt_variable_of_an_inventory_is_found(tmp_path: Path) -> None:
    source = lab_inventory(tmp_path, 1)
    (source / "hosts.json").write_text(
        (source / "hosts.json").read_text().replace("elk_registry", "elk_registri")
    )
    assert any("Did you mean elk_registry?" in text for text in problems(site(source)))


def test_every_variable_of_the_roles_is_known_by_its_kind() -> None:
    assert {"elk_version", "logstash_replicas", "pki_valid_days"} <= VOCABULARY.options
    assert "elasticsearch_generation" in VOCABULARY.computed
    assert {"membership_plan", "elasticsearch_turn", "preflight_survey"} <= VOCABULARY.internal
    assert {"__elasticsearch_dir", "__kibana_service"} <= VOCABULARY.private
    assert not {"__swarm_plan", "__elasticsearch_before"} & VOCABULARY.private
    assert not VOCABULARY.options & VOCABULARY.computed
    defaults = {
        name for path in ROOT.glob("roles/*/defaults/main.yml") for name in read(path) or {}
    }
    assert defaults <= VOCABULARY.options
