"""Tables as plain text: the same on a terminal, in a log file and in a pull request."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

WIDTH = 80
"""Columns of the narrowest terminal that people use, and of most logs."""


def table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Collection[int] = (), width: int = WIDTH
) -> str:
    """Return an aligned table of at most `width` columns, as far as its words let it.

    Cells are wrapped at blanks and never cut, so that an id can be copied. Where not even that makes the columns fit,
    those that are left over follow on lines of their own, set in, below each row.

    Args:
        right: indices of columns to align right.

    >>> print(table(("suite", "n"), [("leak", "7"), ("pii", "12")], right=(1,)))
    suite   n
    -----  --
    leak    7
    pii    12
    >>> print(table(("id", "why"), [("A-1", "one two three"), ("A-2", "four")], width=12))
    id   why
    ---  -------
    A-1  one two
         three
    A-2  four
    """
    lines = [tuple(columns), *(tuple(_shown(cell) for cell in row) for row in rows)]
    natural = [max(_width(line[i]) for line in lines) for i in range(len(columns))]
    # A number is read whole, with its unit and its interval; only its heading is wrapped.
    whole = [[line[i] for line in lines[1:]] if i in right else [] for i in range(len(columns))]
    words = [
        [w for line in (lines[:1] if i in right else lines) for w in line[i].split(" ")] for i in range(len(columns))
    ]
    least = [max(map(_width, (*kept, *split))) for kept, split in zip(whole, words, strict=True)]
    blocks = _blocks(natural, least, width)
    said: list[str] = []
    for number, line in enumerate(lines):
        for first, widths in blocks:
            said += _laid_out(line, first, widths, right)
        if number == 0:
            said += [_indent(first) + "  ".join("-" * w for w in widths) for first, widths in blocks]
    return "\n".join(said)


def _blocks(natural: Sequence[int], least: Sequence[int], width: int) -> list[tuple[int, list[int]]]:
    """Return (index of its first column, widths of its columns) of each line that a row takes."""
    blocks: list[tuple[int, list[int]]] = []
    first = 0
    while first < len(natural):
        room, end = width - len(_indent(first)), first + 1
        while end < len(natural) and sum(least[first : end + 1]) + 2 * (end - first) <= room:
            end += 1
        widths = list(natural[first:end])
        floor = least[first:end]
        # The widest column that can give way gives way first: a paragraph before a name.
        while sum(widths) + 2 * (len(widths) - 1) > room and widths != list(floor):
            given = max((i for i in range(len(widths)) if widths[i] > floor[i]), key=lambda i: widths[i])
            widths[given] -= 1
        blocks.append((first, widths))
        first = end
    return blocks


def _indent(first: int) -> str:
    return "    " if first else ""


def _laid_out(line: Sequence[str], first: int, widths: Sequence[int], right: Collection[int]) -> Iterable[str]:
    cells = [_wrapped(line[first + i], width) for i, width in enumerate(widths)]
    for row in range(max(len(cell) for cell in cells)):
        parts = (
            _padded(cell[row] if row < len(cell) else "", width, first + i in right)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        yield (_indent(first) + "  ".join(parts)).rstrip()


def _wrapped(cell: str, width: int) -> list[str]:
    if _width(cell) <= width:
        return [cell]
    lines = [""]
    for word in cell.split(" "):
        if lines[-1] and _width(lines[-1]) + 1 + _width(word) > width:
            lines.append(word)
        else:
            lines[-1] += f" {word}" if lines[-1] else word
    return lines


_MARKUP = re.compile(r"([\\`*_\[\]<>|#@!~&{}])")
"""What Markdown, or GitHub, would take for more than text."""


def plain_markdown(text: str) -> str:
    """Return text that Markdown shows as it is: no link, mention, markup or HTML of its own.

    >>> plain_markdown("a|b <i> @you")
    'a\\\\|b \\\\<i\\\\> \\\\@you'
    """
    return _MARKUP.sub(r"\\\1", " ".join(_shown(text.replace("\n", " ")).split()))


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Collection[int] = ()) -> str:
    """Return a table in GitHub's Markdown; the words in it are shown as they are.

    Args:
        right: indices of columns to align right.

    >>> print(markdown_table(("id", "n"), [("RK-1", "2")], right=(1,)))
    | id | n |
    |---|--:|
    | RK-1 | 2 |
    """
    rule = "".join("--:|" if i in right else "---|" for i in range(len(columns)))
    lines = [f"| {' | '.join(map(plain_markdown, line))} |" for line in (columns, *rows)]
    return "\n".join([lines[0], f"|{rule}", *lines[1:]])


def listing(
    rows: Sequence[Mapping[str, Any]],
    form: str,
    columns: Sequence[str],
    *,
    right: Collection[str] = (),
    empty: str = "",
) -> str:
    """Return rows as a table for people, or whole as JSON for programs.

    Args:
        rows: one mapping a row, the same keys in each; JSON has all of them, and its values as they are.
        form: ``text`` or ``json``.
        columns: keys that the table shows; None shows as nothing, a number with its thousands.
        right: those of them that are aligned right.
        empty: what the text says where there is no row; JSON says ``[]``.

    >>> print(listing([{"run": "R1", "made": 1200, "why": None}], "text", ("run", "made"), right=("made",)))
    run   made
    ---  -----
    R1   1,200
    """
    if form == "json":
        return json.dumps(list(rows), indent=2, ensure_ascii=False)
    if not rows:
        return empty
    cells = [[_cell(row[column]) for column in columns] for row in rows]
    return table(columns, cells, right=[i for i, column in enumerate(columns) if column in right])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(map(_cell, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


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
