from __future__ import annotations

import asyncio

import pytest

from shipworthy.core import registry
from shipworthy.core.errors import PluginError
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.enforce.rule import Rule

BOATS = [f"When does the {kind} boat {does} the {place}?" for kind in ("red", "late", "small", "old")
         for does in ("leave", "reach") for place in ("quay", "island", "mill")]  # fmt: skip
CAKES = [f"How do I bake a {kind} cake with {what}?" for kind in ("plain", "tall", "dark", "cold")
         for what in ("apples", "rye", "plums", "salt", "nuts", "figs")]  # fmt: skip


def made(**params):
    return registry.create("guard", "topic", {"inside": BOATS, "outside": CAKES, **params})


def blocked(text: str, **params) -> bool:
    return asyncio.run(Pipeline([Rule("GD-1", made(**params))]).apply("input", text)).blocked


def test_what_the_product_is_not_for_is_blocked() -> None:
    assert blocked("Can I bake a dark cake with salt and figs?")
    assert not blocked("Which boat goes to the island?")
    between = "When does the boat with apples leave the quay?"
    chance = made().chance(between)
    assert 0 < chance < 1
    assert blocked(between, threshold=chance)
    assert not blocked(between, threshold=(chance + 1) / 2)


def test_what_cannot_be_told_is_as_set() -> None:
    assert not blocked("Yes, please")
    assert blocked("Yes, please", undecided="block")
    assert not blocked("42!", undecided="block")


def test_examples_come_from_files_too_and_are_in_the_digest(tmp_path) -> None:
    for name, texts in (("boats", BOATS), ("cakes", CAKES)):
        (tmp_path / name).write_text("\n".join(texts), encoding="utf-8")
    from_files = made(inside=str(tmp_path / "boats"), outside=str(tmp_path / "cakes"))
    assert from_files.describe() == made().describe()
    assert made(inside=BOATS[:-1]).describe()["examples"] != made().describe()["examples"]
    assert from_files.chance("Bake a cake with rye") > 0.9
    assert from_files.chance("?") == 0.0


def test_bad_settings_are_refused(tmp_path) -> None:
    for params, what in (
        ({"inside": ["a"]}, "20 or more"),
        ({"inside": str(tmp_path / "none")}, "cannot read the examples inside"),
        ({"threshold": 1}, "between 0 and 1"),
        ({"undecided": "drop"}, "allow or block"),
    ):
        with pytest.raises(PluginError, match=what):
            made(**params)
