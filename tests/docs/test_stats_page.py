"""The examples of the statistics page run, assertions and all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "stats.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)


@pytest.mark.parametrize("block", BLOCKS)
def test_example_runs(block):
    exec(compile(block, str(PAGE), "exec"), {})


def test_every_public_name_is_on_the_page():
    import shipworthy.stats

    page = PAGE.read_text(encoding="utf-8")
    assert [n for n in shipworthy.stats.__all__ if n.islower() and f"`{n}(" not in page] == []
