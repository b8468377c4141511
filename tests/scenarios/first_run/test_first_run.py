"""Mistakes of the very first run are corrected by another run. The tests build on each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.harness.platform import Platform

AGAIN = "so no cluster has formed yet"


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        ({"elasticsearch_image": "{registry}/elasticsearch:9.9.9"}, "elasticsearch:9.9.9"),
        ({"elasticsearch_settings": {"no.such.setting": True}}, "no.such.setting"),
        (
            {"elasticsearch_ulimits": [{"name": "nofile", "soft": 2**40, "hard": 2**40}]},
            "error setting rlimit",
        ),
    ],
    ids=["image", "setting", "container"],
)
def test_a_mistake_of_the_first_run_is_named(
    platform: Platform, mistake: dict[str, Any], said: str
) -> None:
    registry = platform.lab.state.images_from
    values = {
        name: value.format(registry=registry) if isinstance(value, str) else value
        for name, value in mistake.items()
    }
    outcome = platform.run("site.yml", elasticsearch_form_timeout=60, **values)
    assert outcome.code != 0
    assert said in outcome.text, outcome.text
    assert "nobody can tell" not in outcome.text


def test_a_check_of_the_corrected_run_changes_nothing(platform: Platform) -> None:
    services = "docker service ls --format '{{.ID}} {{.Name}}'"
    before = platform.lab.read("m1", services)
    outcome = platform.run("site.yml", "--check", "--diff")
    assert outcome.code == 0, outcome.output
    assert AGAIN in outcome.text
    assert platform.lab.read("m1", services) == before


def test_the_corrected_run_forms_the_cluster(platform: Platform) -> None:
    outcome = platform.run("site.yml")
    assert outcome.code == 0, outcome.output
    assert AGAIN in outcome.text
    assert platform.health() == ("green", 3)


def test_a_further_run_changes_nothing(platform: Platform) -> None:
    outcome = platform.run("site.yml")
    assert (outcome.code, outcome.changed) == (0, {}), outcome.output
    assert AGAIN not in outcome.text
