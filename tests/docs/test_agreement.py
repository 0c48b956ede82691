"""A scorer's word on its agreement with people is the figure that the documentation gives, and where that came from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shipworthy.core import registry

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "scorers.md"


@pytest.mark.parametrize(
    "name", [n for n in registry.built_in("scorer") if hasattr(registry.factory("scorer", n), "agreement")]
)
def test_the_figure_stands_in_the_documentation(name):
    figures = re.findall(r"\d\.\d{3}|\d[\d,]*(?= (?:answers|XSTest))", registry.factory("scorer", name).agreement)
    assert len(figures) == 4
    part = PAGE.read_text(encoding="utf-8").split(f"\n## `{name}`\n", 1)[1].split("\n## ", 1)[0]
    assert [figure for figure in figures if figure not in part] == []


def test_some_scorer_says_one():
    assert hasattr(registry.factory("scorer", "refusal"), "agreement")
