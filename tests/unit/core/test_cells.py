"""No cell of a CSV is a formula, and every text comes back as it was."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.cells import plain_text, sheet_of, text_cell

FORMULAS = (
    "=+-@\t\r\n\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}"
)


@given(st.text(st.sampled_from(FORMULAS + "'\"a1,")) | st.text(st.characters(exclude_categories=["Cs"])))
def test_a_text_comes_back_and_no_cell_begins_like_a_formula(text):
    written = sheet_of([("head", text)])
    ((head, cell),) = csv.reader(io.StringIO(written, newline=""), strict=True)
    assert (head, plain_text(cell)) == ("head", text)
    assert not cell or cell[0] not in FORMULAS


@pytest.mark.parametrize("text", ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''@x"])
def test_what_would_be_a_formula_is_text(text):
    assert text_cell(text) == "'" + text


def test_nothing_else_reads_or_writes_csv(repository):
    found = {
        str(file.relative_to(repository))
        for file in (repository / "src").rglob("*.py")
        if re.search(r"^\s*(import|from) csv\b", file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert found == {"src/shipworthy/core/cells.py"}
