"""The versions of the volume plugin in the lab's registry."""

from __future__ import annotations

from lab.plugins import configs


def test_two_versions_and_a_broken_one() -> None:
    by_tag = configs("elk-lab/volume-plugin:abc")
    assert list(by_tag) == ["1", "2", "broken"]
    capabilities = [set(one["linux"]["capabilities"]) for one in by_tag.values()]
    assert capabilities[1] - capabilities[0] == {"CAP_CHOWN"}
    assert capabilities[2] == capabilities[0]
    options = [{option["name"] for option in one["env"]} for one in by_tag.values()]
    assert options[1] - options[0] == {"CACHE"}
    assert by_tag["broken"]["entrypoint"] == [*by_tag["1"]["entrypoint"], "--broken"]


def test_other_files_give_another_documentation_field() -> None:
    def texts(image: str) -> list[str]:
        return [one["documentation"] for one in configs(image).values()]

    assert texts("elk-lab/volume-plugin:abc") == texts("elk-lab/volume-plugin:abc")
    assert len({*texts("elk-lab/volume-plugin:abc"), *texts("elk-lab/volume-plugin:def")}) == 6
