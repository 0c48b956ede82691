"""CSV that a spreadsheet takes for text, whoever wrote the words in it; and such text read back as it was."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

_FORMULA = re.compile("'*[=+\\-@\t\r\n\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}]")  # fmt: skip  # noqa: E501
"""How a cell begins that a spreadsheet would take for a formula, with any quotes that were put before it."""


def text_cell(text: str) -> str:
    """Return a cell of CSV that no spreadsheet takes for a formula.

    >>> text_cell("=1+1"), text_cell("'=1+1"), text_cell("1+1")
    ("'=1+1", "''=1+1", '1+1')
    """
    # A quote before it says that it is text. One that was there already gets one, too, so that reading is the inverse.
    return f"'{text}" if _FORMULA.match(text) else text


def plain_text(cell: str) -> str:
    """Return the text of a cell that `text_cell` made."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def sheet_of(rows: Iterable[Sequence[str]]) -> str:
    """Return rows as CSV (RFC 4180), every cell quoted and none of them a formula."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    for row in rows:
        writer.writerow(map(text_cell, row))
    return file.getvalue()
