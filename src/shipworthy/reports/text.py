"""Plain text: for a terminal and for logs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from shipworthy.core.document import (
    Block,
    Callout,
    Code,
    Document,
    Facts,
    Interval,
    Intervals,
    Paragraph,
    Section,
    Table,
    Transcript,
)
from shipworthy.core.records import Decision
from shipworthy.core.registry import report
from shipworthy.reports._words import (
    CRITERIA,
    SIGNS,
    VERDICTS,
    denominator,
    has_section,
    interval,
    needed,
    one_line,
    ordered,
    percent,
    tally,
    visible,
)

WIDTH = 100
SCALE = 40
"""Columns of an interval's picture."""


class TextReport:
    """The verdict, why, every criterion with its interval, then the document. 100 columns, no colour, no escapes."""

    media_type = "text/plain"
    suffix = ".txt"

    def render(self, decision: Decision, document: Document) -> str:
        """Return the report, lines ended by line feeds."""
        word, sign, _ = VERDICTS[decision.verdict]
        lines = [f"{sign} {word}: {one_line(decision.reason)}", ""]
        lines += [f"{one_line(document.title)}{f' - {one_line(document.subtitle)}' if document.subtitle else ''}"]
        about = f"{decision.system}, gate {decision.gate}, {decision.id}, {decision.created}"
        lines += [one_line(about), f"Criteria: {tally(decision)}", ""]
        if not has_section(document.children, CRITERIA):
            lines += _criteria(decision)
        for block in document.children:
            lines += _block(block, 1)
        return "\n".join(line.rstrip() for line in lines).strip("\n") + "\n"


def _criteria(decision: Decision) -> Iterator[str]:
    for result in ordered(decision):
        word, sign, _ = VERDICTS[result.verdict]
        yield one_line(f"{sign} {word:<12} {result.id}  {result.suite}, {result.metric}: {result.must}")
        yield f"    {interval(result)}; {denominator(result)}"
        if result.verdict != "ship":
            yield from textwrap.wrap(
                one_line(result.reason), WIDTH - 4, initial_indent="    ", subsequent_indent="    "
            )
        if said := needed(result):
            yield f"    {said}"
    yield ""


def _block(block: Block, depth: int) -> Iterator[str]:
    match block:
        case Section(title, children):
            yield from (one_line(title), ("=" if depth == 1 else "-") * min(WIDTH, len(one_line(title))), "")
            for child in children:
                yield from _block(child, depth + 1)
        case Paragraph(text):
            yield from (*_wrapped(text), "")
        case Callout(text, tone, title):
            yield from (*_wrapped(f"{SIGNS[tone]} {f'{title}: ' if title else ''}{text}"), "")
        case Facts(rows):
            width = max((len(one_line(name)) for name, _ in rows), default=0)
            for name, value in rows:
                yield from _hanging(f"{one_line(name):<{width}}  ", one_line(value))
            yield ""
        case Table():
            yield from (*_table(block), "")
        case Intervals(rows, caption, better):
            yield from (*_picture(rows, caption, better), "")
        case Transcript(title, turns, note, tone):
            yield f"{SIGNS[tone]} {one_line(title)}{f' ({one_line(note)})' if note else ''}"
            for turn in turns:
                yield from (f"    {line}" for line in _hanging(f"{one_line(turn.role)}: ", visible(turn.text)))
            yield ""
        case Code(text):
            yield from (*(f"    {line}" for line in visible(text).splitlines()), "")


def _wrapped(text: str) -> Iterator[str]:
    for paragraph in visible(text).split("\n"):
        yield from textwrap.wrap(paragraph, WIDTH, break_on_hyphens=False) or [""]


def _hanging(head: str, text: str) -> Iterator[str]:
    indent = " " * len(head)
    first = True
    for paragraph in text.split("\n"):
        for line in textwrap.wrap(paragraph, max(30, WIDTH - len(head)), break_on_hyphens=False) or [""]:
            yield (head if first else indent) + line
            first = False


def _table(table: Table) -> Iterator[str]:
    if table.caption:
        yield from _wrapped(table.caption)
    rows = [tuple(one_line(cell) for cell in row) for row in (table.columns, *table.rows)]
    widths = _widths([max(len(row[i]) if i < len(row) else 0 for row in rows) for i in range(len(table.columns))])
    tones = [None, *table.tones] if table.tones else [None] * len(rows)
    for number, row in enumerate(rows):
        tone = tones[number] if number < len(tones) else None
        lead = (f"{SIGNS[tone]} " if tone else "  ") if table.tones else ""
        cells = [textwrap.wrap(c, w) or [""] for c, w in zip(row, widths, strict=False)]
        for line in range(max((len(c) for c in cells), default=0)):
            parts = [
                f"{c[line] if line < len(c) else '':{'>' if i in table.numeric else '<'}{w}}"
                for i, (c, w) in enumerate(zip(cells, widths, strict=True))
            ]
            yield (lead if line == 0 else " " * len(lead)) + "  ".join(parts)
        if number == 0:
            yield " " * len(lead) + "  ".join("-" * w for w in widths)


def _widths(natural: Sequence[int]) -> list[int]:
    """Return column widths that fit: the widest column gives way first, none below ten columns."""
    widths = list(natural)
    while sum(widths) + 2 * len(widths) > WIDTH and max(widths) > 10:
        widths[widths.index(max(widths))] -= 1
    return [max(1, w) for w in widths]


def _picture(rows: Sequence[Interval], caption: str, better: str) -> Iterator[str]:
    if caption:
        yield from _wrapped(caption)
    low = min(0.0, *(r.low for r in rows), *(r.limit for r in rows if r.limit is not None)) if rows else 0.0
    high = max(0.05, *(r.high for r in rows), *(r.limit for r in rows if r.limit is not None)) if rows else 1.0

    def place(value: float) -> int:
        return min(SCALE - 1, max(0, round((value - low) / (high - low) * (SCALE - 1))))

    width = min(34, max((len(one_line(r.label)) for r in rows), default=0))
    for row in rows:
        line = [" "] * SCALE
        for i in range(place(row.low), place(row.high) + 1):
            line[i] = "-"
        if row.limit is not None:
            line[place(row.limit)] = "|"
        line[place(row.rate)] = "o"
        label = one_line(row.label)
        label = label if len(label) <= width else label[: width - 3] + "..."
        numbers = f"{percent(row.rate)} [{percent(row.low)}, {percent(row.high)}]"
        yield f"{SIGNS[row.tone]} {label:<{width}} [{''.join(line)}] {numbers}"
    yield f"  {'':<{width}}  {percent(low)}{percent(high):>{SCALE - len(percent(low))}}"
    yield f"  o rate, --- interval, | limit ({better} is better)"


@report
def text() -> TextReport:
    """Build the text report."""
    return TextReport()
