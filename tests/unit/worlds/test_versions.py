"""What is measured is what runs: a world's code cannot change under one version, which a scene's digest rests on.

When this fails, raise `version` in the world's class, run `python tests/unit/agents/make_suites.py`, and pin it anew:
`python tests/unit/worlds/test_versions.py`.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from shipworthy.core import registry

SOURCE = Path(registry.__file__).resolve().parents[1] / "worlds"
PINS = Path(__file__).with_name("versions.json")
SHARED = sorted(SOURCE.glob("_[a-z]*.py"))


def pin(name: str) -> dict[str, object]:
    state = sha256()
    for path in (SOURCE / f"{name}.py", *SHARED):
        state.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return {"version": registry.factory("world", name).version, "sha256": state.hexdigest()}


@pytest.mark.parametrize("name", registry.built_in("world"))
def test_the_source_of_a_world_is_the_one_of_its_version(name: str) -> None:
    assert json.loads(PINS.read_text("utf-8"))[name] == pin(name)


def test_every_world_that_ships_is_pinned() -> None:
    assert set(json.loads(PINS.read_text("utf-8"))) == set(registry.built_in("world"))


if __name__ == "__main__":
    found = {name: pin(name) for name in registry.built_in("world")}
    PINS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
