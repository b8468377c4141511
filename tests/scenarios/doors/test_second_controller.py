"""A controller with lost or other secrets is refused; it can fetch those that hosts have."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness.fixtures import lab
from tests.harness.lab import HOST_STATE
from tests.harness.playbook import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.lab import Lab

__all__ = ["lab"]

PASSWORDS = ("elastic_password", "logstash_password", "kibana_token")
KEYS = ("kibana_encryption_key", "kibana_saved_objects_key", "kibana_reporting_key")
SECRETS = (*PASSWORDS, *KEYS, "secret_hash_key")
FETCH = "playbooks/fetch_secrets.yml"


@dataclass
class Controller:
    """A folder that runs on the lab use as elk_local_dir."""

    lab: Lab
    folder: Path

    def take(self, *patterns: str) -> None:
        """Copy from the folder of the platform's own controller."""
        for pattern in patterns:
            for path in self.lab.directory.glob(pattern):
                there = self.folder / path.relative_to(self.lab.directory)
                there.parent.mkdir(exist_ok=True, mode=0o700)
                shutil.copy2(path, there)

    def take_all(self) -> None:
        self.take("ca.*", "transport-ca.*", "certs/*", *SECRETS)

    def forget(self, *patterns: str) -> None:
        for pattern in patterns:
            for path in self.folder.glob(pattern):
                path.unlink()

    def run(self, playbook: str, *options: str) -> Outcome:
        run = self.lab.run(f"--extra-vars=elk_local_dir={self.folder}", *options, playbook)
        code = run.finish()
        # The values of options may be secrets.
        self.lab.report(run, " ".join([playbook, *(word.partition("=")[0] for word in options)]))
        return Outcome(code, run.text)

    def state(self) -> dict[str, str]:
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
        }

    def everything(self) -> tuple[dict[str, str], dict[str, str]]:
        hosts = {host: self.lab.read(host, HOST_STATE) for host in self.lab.names}
        return self.state(), hosts

    def refused(self, playbook: str, *options: str) -> Outcome:
        """Run a playbook, which must fail and change nothing, here and on the hosts."""
        before = self.everything()
        outcome = self.run(playbook, *options)
        assert outcome.code != 0, outcome.output
        assert self.everything() == before
        assert outcome.changed == {}
        return outcome


@pytest.fixture(scope="session")
def known(lab: Lab) -> Lab:
    """The platform, with the controller that set it up."""
    run = lab.run("site.yml")
    assert run.finish() == 0, run.text
    lab.report(run, "site.yml")
    return lab


@pytest.fixture
def controller(known: Lab, tmp_path: Path) -> Controller:
    folder = tmp_path / "secure"
    folder.mkdir(mode=0o700)
    return Controller(known, folder)


def empty(_controller: Controller) -> None:
    """Copy nothing."""


def without_authority(controller: Controller) -> None:
    controller.take_all()
    controller.forget("ca.*")


def without_password(controller: Controller) -> None:
    controller.take_all()
    controller.forget("elastic_password")


def of_another_platform(controller: Controller) -> None:
    """Secrets as a first run of another platform makes them."""
    for name in SECRETS:
        (controller.folder / name).write_text("fromAnotherPlatform0123456789abcd\n")
    script = (
        f"cd {controller.folder} && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
        "-nodes -keyout ca.key -out ca.crt -days 900 -subj '/CN=elk CA' 2>&1"
    )
    assert controller.lab.shell("controller", script).returncode == 0


WRONG: list[tuple[Callable[[Controller], None], tuple[str, ...]]] = [
    (empty, ("ca.crt", *SECRETS)),
    (without_authority, ("ca.crt",)),
    (without_password, ("elastic_password",)),
    (of_another_platform, ("ca.crt", *PASSWORDS, *KEYS)),
]


@pytest.mark.parametrize(("spoil", "named"), WRONG, ids=[case[0].__name__ for case in WRONG])
def test_a_wrong_controller_is_refused_before_anything_is_changed(
    controller: Controller, spoil: Callable[[Controller], None], named: tuple[str, ...]
) -> None:
    spoil(controller)
    outcome = controller.refused("site.yml")
    for name in named:
        assert f"{controller.folder}/{name}: " in outcome.text
    assert f"ansible-playbook {FETCH}" in outcome.text
    assert "m1" in outcome.text


@pytest.mark.parametrize(
    "command",
    [
        "site.yml --check",
        "playbooks/cluster.yml",
        "playbooks/stack.yml",
        "playbooks/upgrade.yml",
        "playbooks/restart.yml",
        "playbooks/scale.yml",
        "playbooks/move_storage.yml",
        "playbooks/rollback.yml",
        "playbooks/rotate.yml -e rotate=passwords,ca",
        "playbooks/add_host.yml",
        "playbooks/remove_host.yml -e remove_host=m1",
        "playbooks/replace_host.yml -e replace_dead=x9",
        "playbooks/reset.yml -e reset_confirm=elk",
    ],
)
def test_no_playbook_works_with_an_empty_folder(controller: Controller, command: str) -> None:
    playbook, *options = command.split()
    outcome = controller.refused(playbook, *options)
    assert f"{controller.folder}/elastic_password: is not there" in outcome.text
    if "reset" in playbook:
        assert "-e reset_lost_secrets=true" in outcome.text


def test_a_reset_is_possible_without_any_secret(controller: Controller) -> None:
    outcome = controller.run(
        "playbooks/reset.yml", "--check", "-e", "reset_confirm=elk", "-e", "reset_lost_secrets=true"
    )
    assert outcome.code == 0, outcome.output
    assert controller.state() == {}


def test_status_makes_no_secret(controller: Controller) -> None:
    controller.run("playbooks/status.yml")
    assert set(controller.state()) <= {"status.html"}


def test_secrets_of_hosts_are_fetched_and_the_next_run_changes_nothing(
    controller: Controller,
) -> None:
    controller.take("ca.key", "transport-ca.key", "secret_hash_key")
    checked = controller.run(FETCH, "--check")
    assert checked.code == 0, checked.output
    assert "elastic_password" not in controller.state()
    fetched = controller.run(FETCH)
    assert fetched.code == 0, fetched.output
    assert "Lost for good: nothing." in fetched.text
    for name in (*PASSWORDS, *KEYS):
        assert (controller.folder / name).read_text().strip() == controller.lab.secret(name)
        assert controller.lab.secret(name) not in fetched.output
    again = controller.run(FETCH)
    assert (again.code, again.changed) == (0, {})
    outcome = controller.run("site.yml")
    assert (outcome.code, outcome.changed) == (0, {}), outcome.output


def test_files_of_another_platform_are_not_overwritten(controller: Controller) -> None:
    of_another_platform(controller)
    outcome = controller.refused(FETCH)
    assert "elastic_password holds another value than m1" in outcome.text


def test_a_given_password_is_not_compared_with_files(controller: Controller) -> None:
    """And the run does not make its file."""
    controller.take_all()
    controller.forget("elastic_password")
    given = f"elk_elastic_password={controller.lab.secret('elastic_password')}"
    outcome = controller.run("site.yml", "--tags=preflight", "-e", given)
    assert outcome.code == 0, outcome.output
    wrong = controller.refused("site.yml", "-e", "elk_elastic_password=not-the-present-one")
    assert "elk_elastic_password: is refused by Elasticsearch" in wrong.text


def test_an_authority_whose_key_is_lost_is_replaced(controller: Controller) -> None:
    """The last test: it leaves the platform's own controller with outdated secrets."""
    fetched = controller.run(FETCH)
    assert fetched.code == 0, fetched.output
    assert "ca.key" in fetched.text.split("Lost for good: ")[1]
    accept = '{"preflight_accept": ["secret_hash_key"]}'
    command = ("playbooks/rotate.yml", "-e", "rotate=ca,transport_ca", "-e", accept)
    refused = controller.refused(*command)
    assert "-e rotate_lost_ca_key=true" in refused.text
    rotated = controller.run(*command, "-e", "rotate_lost_ca_key=true")
    assert rotated.code == 0, rotated.output
    outcome = controller.run("site.yml")
    assert (outcome.code, outcome.changed) == (0, {}), outcome.output
    old = Controller(controller.lab, controller.lab.directory).run("site.yml", "--check")
    assert old.code != 0
    assert f"{controller.lab.directory}/ca.crt: is not an authority that" in old.text
    # Give the platform's own controller the current files again.
    for name in controller.state():
        shutil.copy2(controller.folder / name, controller.lab.directory / name)
