"""The how-to on bias: its code runs and says what the page says, and its targets can be built."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import yaml

from shipworthy.core import registry
from shipworthy.core.hardening import BLOCKS

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "lower-bias.md"


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    return found


def test_the_code_says_what_the_page_says() -> None:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(block("python"), str(PAGE), "exec"), {})
    assert said.getvalue() == block("text")


def test_the_targets_are_ones() -> None:
    targets = yaml.safe_load(block("yaml"))["targets"]
    for spec in targets.values():
        assert spec["use"] in registry.known("target")
        assert set(spec.get("harden", [])) <= BLOCKS.keys()
    inner = type("Inner", (), {"describe": lambda self: {}, "send": lambda self, request: None})()
    params = {key: value for key, value in targets["twice"].items() if key not in ("use", "model")}
    assert registry.create("target", "counterfactual", {"model": inner, **params}).describe()["swaps"]
