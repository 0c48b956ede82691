"""CSV that a spreadsheet takes for text, whoever wrote the words in it; and CSV read back, row by row with its line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

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


class CsvError(ValueError):
    """A text is no CSV; `line`, from 1, is where that was seen."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line


def csv_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of CSV (RFC 4180) but those of empty cells, each with the line on which it begins, from 1.

    Cells are as they are written: `plain_text` undoes what `text_cell` did.

    Raises:
        CsvError: the text is none, such as by a quote that is never closed.

    >>> list(csv_rows('head,more\\n"two\\nlines",1\\n,\\nlast,2\\n'))
    [(1, ['head', 'more']), (2, ['two\\nlines', '1']), (5, ['last', '2'])]
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise CsvError(reader.line_num, str(error)) from error


def csv_records(file: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file of ours by the names in its header; a file of a user wants `csv_rows`."""
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def sheet_of(rows: Iterable[Sequence[str]]) -> str:
    """Return rows as CSV (RFC 4180), every cell quoted and none of them a formula."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    for row in rows:
        writer.writerow(map(text_cell, row))
    return file.getvalue()
