"""What the lab's registry has of the volume plugin."""

from __future__ import annotations

from lab.plugins import configs


def test_two_versions_and_a_broken_one() -> None:
    made = configs("elk-lab/volume-plugin:abc")
    assert list(made) == ["1", "2", "broken"]
    asked = [set(one["linux"]["capabilities"]) for one in made.values()]
    assert asked[1] - asked[0] == {"CAP_CHOWN"}
    assert asked[2] == asked[0]
    options = [{option["name"] for option in one["env"]} for one in made.values()]
    assert options[1] - options[0] == {"CACHE"}
    assert made["broken"]["entrypoint"] == [*made["1"]["entrypoint"], "--broken"]


def test_other_files_are_another_plugin_in_the_registry() -> None:
    def told(image: str) -> list[str]:
        return [one["documentation"] for one in configs(image).values()]

    assert told("elk-lab/volume-plugin:abc") == told("elk-lab/volume-plugin:abc")
    assert len({*told("elk-lab/volume-plugin:abc"), *told("elk-lab/volume-plugin:def")}) == 6
