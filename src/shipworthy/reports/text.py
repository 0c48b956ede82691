"""Plain text: what was decided and why, on one screen, for a terminal and for logs."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

from shipworthy.core.document import DocumentTree, Interval, Table
from shipworthy.core.errors import UsageError
from shipworthy.core.metric import ESTIMAND
from shipworthy.core.records import CriterionResult, Decision
from shipworthy.core.registry import report
from shipworthy.core.terminal import visible
from shipworthy.reports._criterion import against, assumed, by_attack, drawn, interval_name, mind, needed
from shipworthy.reports._words import (
    NOT_MEASURED,
    SIGNS,
    VERDICTS,
    NumberWords,
    briefed,
    compared_words,
    counted,
    denominator,
    interval,
    ledger_words,
    never_possible,
    one_line,
    ordered,
    reading,
    readings,
    replies_words,
    subject_words,
    tally,
    unscored,
)

WIDTH = 100
NARROWEST = 40
SCALE = 40
"""Columns of an interval's picture; at least half of them, or there is none."""
_COMMAND = re.compile(r"`shipworthy [^`\n]*`")


class TextReport:
    """A summary: verdict, a line a criterion, the intervals, what changed. No colour, no escapes.

    Sections of the document stand in it with their `brief` only; the whole document is in HTML.
    """

    media_type = "text/plain"
    suffix = ".txt"

    def __init__(self, width: int = WIDTH) -> None:
        if width < NARROWEST:
            raise UsageError(f"a text report needs at least {NARROWEST} columns, not {width}")
        self._width = width

    def render(self, decision: Decision, document: DocumentTree) -> str:
        """Return the report, lines ended by line feeds."""
        word, sign, _ = VERDICTS[decision.verdict]
        width = self._width
        lines = [*_alerts(document, width), *_wrapped(f"{sign} {word}: {one_line(decision.reason)}", width, "  "), ""]
        about = f"{document.title or decision.system}, gate {decision.gate}, {decision.created}"
        lines += _wrapped(one_line(about), width)
        about = f" ({subject_words(decision.subject)})" if decision.subject else ""
        lines += _wrapped(one_line(f"{', '.join(decision.runs)}{about}"), width)
        if decision.baseline_runs:
            lines += _wrapped(f"compared with {compared_words(decision)}", width, "  ")
        if decision.ledger:
            lines += _wrapped(f"ledger: {one_line(ledger_words(decision.ledger))}", width, "  ")
        if decision.replies:
            lines += _wrapped(f"cache: {one_line(replies_words(decision))}", width, "  ")
        if decision.selftest:
            lines += _wrapped(f"self-test: {one_line(decision.selftest.sentence)}", width, "  ")
        pictures = list(_pictures(decision, width))
        criteria = _criteria(decision, width, pictured=bool(pictures))
        lines += [f"Criteria: {tally(decision)}", "", *criteria, *pictures]
        lines += [*_wrapped(f"Rates, means and bounds are of {ESTIMAND}.", width), ""]
        for section in briefed(document.children):
            lines += [one_line(section.title)]
            for block in section.brief:
                lines += [*(_table(block, width) if isinstance(block, Table) else _wrapped(block.text, width)), ""]
        if document.children:
            # A command is never wrapped: it is there to be copied.
            lines += ["Every number, the worst samples, the limits:"]
            lines += [f"  shipworthy report {decision.id} --format html --output report.html"]
        return "\n".join(line.rstrip() for line in lines).strip("\n") + "\n"


def _criteria(decision: Decision, width: int, *, pictured: bool) -> Iterator[str]:
    """Yield a line a criterion, without what it must be where that does not fit, else two; then why it did not pass."""
    results = ordered(decision)
    heads = ("criterion", "must", f"rate [{interval_name(results)}]", "bound", "hits/of", "samples", "unscored")
    rows = [_cells(result) for result in results]
    widths = [max(len(row[i]) for row in (heads, *rows)) for i in range(len(heads))]
    # On 80 columns the picture alone says the limit.
    choices = [[0, 1, 2, 3, 4, 5, 6], *([[0, 2, 3, 4, 5, 6]] if pictured else [])]
    shown = next((c for c in choices if 2 + sum(widths[i] + 2 for i in c) - 2 <= width), None)

    def row(cells: Sequence[str], columns: Sequence[int]) -> str:
        return "  ".join(f"{cells[i]:{'>' if i > 2 else '<'}{widths[i]}}" for i in columns)

    if shown:
        yield f"  {row(heads, shown)}"
    for result, cells in zip(results, rows, strict=True):
        _, sign, _ = VERDICTS[result.verdict]
        if shown:
            yield f"{sign} {row(cells, shown)}"
        else:
            bound = f", bound {cells[3]}" if result.rate is not None else ""
            yield from _wrapped(f"{sign} {cells[0]}: {cells[1]}", width, "    ")
            yield from _wrapped(f"    {interval(result)}{bound}; {denominator(result)}", width, "    ")
        if result.verdict != "ship":
            said = "; ".join(filter(None, (one_line(result.reason), needed(result))))
            yield from _wrapped(f"    {said}", width, "    ")
        elif lacking := unscored(result):
            yield from _wrapped(f"    {lacking}", width, "    ")
        if out := never_possible(result):
            yield from _wrapped(f"    {out}", width, "      ")
        if each := by_attack(result):
            yield from _wrapped(f"    {each}", width, "      ")
        for beside in decision.beside(result):
            yield from _wrapped(f"    {one_line(beside)}", width, "      ")
        if weak := mind(result):
            yield from _wrapped(f"    {one_line(weak)}", width, "      ")
        if of_scorer := assumed(result):
            yield from _wrapped(f"    {of_scorer}", width, "      ")
    yield ""


def _cells(result: CriterionResult) -> tuple[str, ...]:
    how = reading(result)
    rate, bound = NOT_MEASURED, "-"
    if result.rate is not None:
        rate = one_line(f"{how.show(result.rate).replace('points', 'pt')} {how.span(result.low, result.high)}")
        # Of a change, as in the criterion, an amount of worsening: without a sign.
        bound = one_line(how.worsening(result.bound, result.limit).replace("points", "pt"))
    return (
        one_line(result.id),
        one_line(result.must),
        rate,
        bound,
        counted(result),
        f"{result.clusters:,}",
        f"{result.left_out:,}",
    )


def _pictures(decision: Decision, width: int) -> Iterator[str]:
    """Draw the intervals, rates and changes each on their own scale."""
    results = ordered(decision)
    names = max((len(one_line(r.id)) for r in results), default=0)
    sizes = []
    for how in readings(results):
        rows = [drawn(r) for r in results if reading(r) == how]
        sizes.append((rows, how, max(len(one_line(against(r, how))) for r in rows)))
    # One width for all, so that they stand under one another.
    room = min(SCALE, width - names - max((size for *_, size in sizes), default=0) - 6)
    if room < SCALE // 2 or not any(r.rate is not None for rows, *_ in sizes for r in rows):
        return
    for rows, how, _ in sizes:
        yield from _picture(rows, names, room, how)
    yield from _wrapped(
        "  o estimate, === up to the one-sided bound, which decides, --- two-sided interval, | limit", width, "  "
    )
    yield ""


def _picture(rows: Sequence[Interval], names: int, room: int, how: NumberWords) -> Iterator[str]:
    values = [v for r in rows for v in (r.low, r.high, r.limit, r.bound) if v is not None]
    low, high = (min(0.0, *values), max(0.05, *values)) if how.unit is None else (min(values), max(values))
    width = high - low or 1.0

    def place(value: float) -> int:
        return min(room - 1, max(0, round((value - low) / width * (room - 1))))

    for row in rows:
        line = [" "] * room
        if row.rate is not None and row.low is not None and row.high is not None:
            bound = row.rate if row.bound is None else row.bound
            for i in range(place(row.low), place(row.high) + 1):
                line[i] = "-"
            for i in range(place(min(row.rate, bound)), place(max(row.rate, bound)) + 1):
                line[i] = "="
        if row.limit is not None:
            line[place(row.limit)] = "|"
        if row.rate is not None:
            line[place(row.rate)] = "o"
        said = NOT_MEASURED if row.rate is None else one_line(against(row, how))
        yield f"{SIGNS[row.tone]} {one_line(row.label):<{names}} [{''.join(line)}] {said}"
    ends = one_line(how.show(low)), one_line(how.show(high))
    yield f"  {'':<{names}}  {ends[0]}{ends[1]:>{room - len(ends[0])}}"


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """Return lines that break between words only: an id longer than the screen stays whole, and so does a command.

    >>> _wrapped("not yet: `shipworthy gate latest` decides", 16)
    ['not yet:', '`shipworthy gate latest`', 'decides']
    """
    options = {"break_long_words": False, "break_on_hyphens": False, "subsequent_indent": indent}
    # A control character holds a command together: `visible` left none in the text.
    whole = _COMMAND.sub(lambda found: found[0].replace(" ", "\0"), visible(text))
    return [
        line.replace("\0", " ")
        for paragraph in whole.split("\n")
        for line in textwrap.wrap(paragraph, width, **options) or [""]  # type: ignore[arg-type]
    ]


def _table(table: Table, width: int) -> Iterator[str]:
    """Yield the rows under one another; where they do not fit without breaking a word, each as a list."""
    if table.caption:
        yield from _wrapped(table.caption, width)
    rows = [tuple(one_line(cell) for cell in row) for row in (table.columns, *table.rows)]
    lead = 2 if table.tones else 0
    columns = range(len(table.columns))
    least = [max((len(w) for row in rows if i < len(row) for w in row[i].split()), default=1) for i in columns]
    for i in table.numeric:  # A number with its interval stays on one line; its column's name need not.
        least[i] = max([least[i], *(len(row[i]) for row in rows[1:] if i < len(row))])
    widths = [max((len(row[i]) for row in rows if i < len(row)), default=1) for i in columns]
    while (over := lead + sum(widths) + 2 * (len(widths) - 1) - width) > 0:
        room = [w - m for w, m in zip(widths, least, strict=True)]
        widest = max(columns, key=lambda i: (room[i] > 0, widths[i]), default=None)
        if widest is None or room[widest] <= 0:
            yield from _listed(table, rows, width)
            return
        widths[widest] -= min(over, room[widest], 1)
    for number, row in enumerate(rows):
        sign = SIGNS[table.tones[number - 1]] if 0 < number <= len(table.tones) else " "
        cells = [textwrap.wrap(c, w, break_long_words=False) or [""] for c, w in zip(row, widths, strict=False)]
        for line in range(max((len(c) for c in cells), default=0)):
            parts = [
                f"{c[line] if line < len(c) else '':{'>' if i in table.numeric else '<'}{w}}"
                for i, (c, w) in enumerate(zip(cells, widths, strict=False))
            ]
            yield (f"{sign if line == 0 else ' '} " if lead else "") + "  ".join(parts)


def _listed(table: Table, rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    for number, row in enumerate(rows[1:]):
        sign = f"{SIGNS[table.tones[number]]} " if number < len(table.tones) else ""
        named = (f"{name} {cell}" if name else cell for name, cell in zip(rows[0][1:], row[1:], strict=False))
        yield from _wrapped(f"{sign}{row[0] if row else ''}: {', '.join(named)}", width, "    ")


def _alerts(document: DocumentTree, width: int) -> Iterator[str]:
    if not document.alerts:
        return
    yield from _wrapped(one_line(document.alerted), width)
    for one in document.alerts:
        said = f"{SIGNS[one.tone]} {one.name}: {one.text}" + (f" ({one.note})" if one.note else "")
        yield from _wrapped(one_line(said + (f", {one.place}" if one.place else "")), width, "  ")
    yield ""


@report
def text(width: int = WIDTH) -> TextReport:
    """Build the text report.

    Args:
        width: columns that a line may take, at least 40; a log has no terminal, and gets 100.
    """
    return TextReport(width)
