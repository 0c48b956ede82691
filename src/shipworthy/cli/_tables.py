"""Tables as plain text: the same on a terminal, in a log file and in a pull request."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Collection[int] = ()) -> str:
    """Return an aligned table; its last column may run on.

    Args:
        right: indices of columns to align right.

    >>> print(table(("suite", "n"), [("leak", "7"), ("pii", "12")], right=(1,)))
    suite   n
    -----  --
    leak    7
    pii    12
    """
    lines = [tuple(columns), *(tuple(_shown(cell) for cell in row) for row in rows)]
    widths = [max(_width(line[i]) for line in lines) for i in range(len(columns))]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        "  ".join(_padded(cell, widths[i], i in right) for i, cell in enumerate(line)).rstrip() for line in lines
    )


def shorten(text: str, width: int) -> str:
    """Return the text on one line, cut to a number of characters (>= 1), with an ellipsis where it was cut.

    >>> shorten("one\\ntwo  three", 9)
    'one two …'
    """
    line = _shown(" ".join(text.split()))
    return line if len(line) <= width else line[: width - 1] + "…"


def _shown(cell: str) -> str:
    if cell.isascii() and cell.isprintable():
        return cell  # Nearly every cell; asking of each character takes a tenth of a second for 500 runs.
    # A target's answer is not ours: control characters in it must not reach the terminal.
    return "".join(c if unicodedata.category(c) not in ("Cc", "Cf", "Cs") else "\ufffd" for c in cell)


def _width(cell: str) -> int:
    if cell.isascii():
        return len(cell)
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else not unicodedata.combining(c) for c in cell)


def _padded(cell: str, width: int, right: bool) -> str:
    space = " " * (width - _width(cell))
    return space + cell if right else cell + space
