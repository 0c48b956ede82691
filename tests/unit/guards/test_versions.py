"""What is measured is what runs: the code behind a guard cannot change under one version.

When this fails, raise VERSION in the guard's file and run `python tests/unit/guards/test_versions.py` to pin it anew.
"""

from __future__ import annotations

import ast
import json
import sys
from hashlib import sha256
from importlib import import_module
from pathlib import Path

import pytest

from shipworthy.core import registry

SOURCE = Path(registry.__file__).resolve().parents[1]
PINS = Path(__file__).with_name("versions.json")
GUARDS = sorted(registry.known("guard"))
RULES = ["library/rules/injection.tsv", "library/rules/injection_languages.tsv"]
DATA = {"input_rules": RULES, "injection": RULES}  # its weights are in its description, by digest


def closure(guard: str) -> list[Path]:
    """Return the guard's file and every file of `detect` it reaches, and the data it reads."""
    seen: dict[str, None] = {}
    todo = [f"guards/{guard}.py"]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen[name] = None
        for node in ast.walk(ast.parse((SOURCE / name).read_text(encoding="utf-8"))):
            found: list[str] = []
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("shipworthy."):
                found = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for module in found:
                path = module.removeprefix("shipworthy.").replace(".", "/") + ".py"
                if path.startswith(("detect/", "guards/")) and (SOURCE / path).exists():
                    todo.append(path)
    return [SOURCE / name for name in sorted([*seen, *DATA.get(guard, [])])]


def pin(guard: str) -> dict[str, str]:
    state = sha256()
    for path in closure(guard):
        state.update(path.relative_to(SOURCE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    version = import_module(f"shipworthy.guards.{guard}").VERSION
    return {"version": version, "sha256": state.hexdigest()}


@pytest.mark.parametrize("guard", GUARDS)
def test_the_source_of_a_guard_is_the_one_of_its_version(guard: str) -> None:
    assert json.loads(PINS.read_text())[guard] == pin(guard)


def test_every_guard_that_ships_is_pinned() -> None:
    assert set(GUARDS) == set(json.loads(PINS.read_text()))


if __name__ == "__main__":
    PINS.write_text(json.dumps({guard: pin(guard) for guard in GUARDS}, indent=2) + "\n")
    sys.stdout.write(PINS.read_text())
