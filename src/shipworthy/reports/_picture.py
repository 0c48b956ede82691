"""Intervals as a picture: inline SVG in percentages of its own width, so that it fits a phone and a page alike.

A rate is a mark and its two-sided interval a thin line with ends. The thick part of the line goes from the rate to the
one-sided bound, which decides: a row passes only where the thick line ends within the shaded side of the heavy bar, its
limit, though the thin line may reach over it. The mark's shape says what its colour says: a disc passes, a square
fails, an open diamond is undecided.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from shipworthy.core.document import Interval, Intervals, Tone
from shipworthy.core.records import CriterionResult, Decision
from shipworthy.core.svg import markup_text
from shipworthy.reports._criterion import against, assumed, better, drawn, mind, needed
from shipworthy.reports._words import (
    NOT_MEASURED,
    VERDICTS,
    NumberWords,
    denominator,
    ordered,
    percent,
    reading,
    readings,
)

HEIGHT = 30


def seal(tone: Tone) -> str:
    """Return the verdict's large sign: tick in a disc, cross in a square, question mark in a diamond."""
    shapes = {
        "good": '<circle cx="32" cy="32" r="29"/><path d="M18 33l10 10 19-21"/>',
        "bad": '<rect x="5" y="5" width="54" height="54" rx="7"/><path d="M20 20l24 24M44 20L20 44"/>',
        "unsure": '<path class="body" d="M32 2L62 32 32 62 2 32Z"/><path d="M25 26c0-9 14-9 14 0 0 6-7 6-7 12"/>'
        '<circle class="dot" cx="32" cy="46" r="2.6"/>',
        "plain": '<circle cx="32" cy="32" r="29"/>',
    }
    return f'<svg class="seal" viewBox="0 0 64 64" aria-hidden="true">{shapes[tone]}</svg>'


def sign(tone: Tone) -> str:
    """Return the small sign beside a row."""
    shapes = {
        "good": '<circle cx="8" cy="8" r="7"/><path d="M4.5 8.3l2.5 2.5 4.6-5"/>',
        "bad": '<rect x="1" y="1" width="14" height="14" rx="2"/><path d="M5 5l6 6M11 5l-6 6"/>',
        "unsure": '<path class="body" d="M8 0.5L15.5 8 8 15.5 0.5 8Z"/>'
        '<path d="M6.2 6.6c0-2.6 3.8-2.6 3.8 0 0 1.6-1.9 1.6-1.9 2.8"/>'
        '<circle class="dot" cx="8.1" cy="11.6" r="0.9"/>',
        "plain": '<circle cx="8" cy="8" r="3"/>',
    }
    return f'<svg class="sign {tone}" viewBox="0 0 16 16" aria-hidden="true">{shapes[tone]}</svg>'


class Scale:
    """From a value to a percentage of the picture's width.

    Args:
        values: everything the picture must hold; of rates zero always is.
        rates: whether they are rates or changes of rates, which end at -1 and 1.
    """

    def __init__(self, values: Sequence[float], *, rates: bool = True) -> None:
        low, high = (min(0.0, *values, 0.0), max(0.0, *values, 0.02)) if rates else (min(values), max(values))
        if low == high:
            low, high = low - (abs(low) or 1.0) / 10, high + (abs(high) or 1.0) / 10
        # A little more than the largest value, so that an end of an interval is seen to be one.
        room = (high - low) * 0.02
        step = _step((high - low) * 1.04) if rates else _round_step((high - low) * 1.04)
        if rates:
            self.low = max(-1.0, math.floor(low / step - 1e-9) * step) if low < 0 else 0.0
            self.high = min(1.0, math.ceil(high * 1.02 / step - 1e-9) * step)
        else:
            self.low, self.high = math.floor((low - room) / step) * step, math.ceil((high + room) / step) * step
        count = round((self.high - self.low) / step)
        self.ticks = [round(self.low + step * n, 6) if rates else self.low + step * n for n in range(count + 1)]

    def at(self, value: float) -> float:
        """Return the place of a value, 0 to 100, within it even where the value is not."""
        return round(100 * min(1.0, max(0.0, (value - self.low) / (self.high - self.low))), 2)


def _step(span: float) -> float:
    """Return a round distance between ticks that gives four to eight of them."""
    for step in (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5):
        if span / step <= 7:
            return step
    return 0.5


def _round_step(span: float) -> float:
    """Return a round distance between ticks, of any size, that gives three to eight of them."""
    power = 10.0 ** math.floor(math.log10(span))
    return next(step * power for step in (0.2, 0.25, 0.5, 1.0, 2.0) if span / (step * power) <= 7)


def intervals(picture: Intervals) -> str:
    """Return an `Intervals` block: the picture, and beside each row its numbers in words."""
    how = NumberWords(picture.change, picture.unit)
    scale = _scale(picture.rows, how)
    rows = "".join(
        f'<div class="row"><div class="name">{_sign(r.tone)}{markup_text(r.label)}{_note(r.note)}</div>'
        f'<div class="plot">{bar(r, scale, picture.better)}</div>'
        f'<div class="numbers">{_numbers(r, how)}</div></div>'
        for r in picture.rows
    )
    caption = f"<figcaption>{markup_text(picture.caption)}</figcaption>" if picture.caption else ""
    foot = axis(scale, how) + _legend(picture.rows)
    return f'<figure class="intervals">{caption}{rows}{foot}</figure>\n'


def criteria(decision: Decision) -> str:
    """Return the decision's criteria as pictures, rates, changes and values apart: what blocks comes first."""
    figures = []
    for how in readings(decision.criteria):
        results = [r for r in ordered(decision) if reading(r) == how]
        lines = [drawn(r) for r in results]
        scale = _scale(lines, how)
        rows = "".join(_criterion(r, line, scale, decision.beside(r)) for r, line in zip(results, lines, strict=True))
        foot = axis(scale, how) + _legend(lines)
        figures.append(f'<figure class="intervals criteria">{rows}{foot}</figure>\n')
    return "".join(figures)


def _criterion(result: CriterionResult, line: Interval, scale: Scale, beside: Sequence[str]) -> str:
    word, _, tone = VERDICTS[result.verdict]
    said = [denominator(result), *([result.reason, needed(result)] if result.verdict != "ship" else [])]
    said += [*beside, mind(result), assumed(result)]
    return (
        f'<div class="row"><div class="name">{_sign(tone)}<strong>{markup_text(result.id)}</strong> '
        f'<span class="word">{escape(word.lower())}</span><br>{markup_text(f"{result.suite}: {result.metric}")} '
        f'<code>{markup_text(result.must)}</code></div><div class="plot">{bar(line, scale, better(result))}</div>'
        f'<div class="numbers">{_numbers(line, reading(result))}</div>'
        f'<p class="note">{markup_text(". ".join(s for s in said if s))}</p></div>'
    )


def bar(row: Interval, scale: Scale, better: str) -> str:
    """Return one row's drawing; its numbers stand beside it, so it is hidden from screen readers.

    A row without a measurement has its limit, and neither mark nor line: nothing is known of it.
    """
    middle = HEIGHT / 2
    parts = [f'<line class="base" x1="0" x2="100%" y1="{middle}" y2="{middle}"/>']
    if row.limit is not None:
        limit = scale.at(row.limit)
        start, width = (0.0, limit) if better == "lower" else (limit, round(100 - limit, 2))
        parts.insert(0, f'<rect class="allowed" x="{start}%" width="{width}%" y="2" height="{HEIGHT - 4}"/>')
        parts.append(f'<line class="limit" x1="{limit}%" x2="{limit}%" y1="1" y2="{HEIGHT - 1}"/>')
    if row.rate is None or row.low is None or row.high is None:
        return f'<svg class="bar {row.tone}" height="{HEIGHT}" aria-hidden="true">{"".join(parts)}</svg>'
    low, high, rate = scale.at(row.low), scale.at(row.high), scale.at(row.rate)
    parts.append(f'<line class="span" x1="{low}%" x2="{high}%" y1="{middle}" y2="{middle}"/>')
    parts += [f'<line class="end" x1="{x}%" x2="{x}%" y1="{middle - 5}" y2="{middle + 5}"/>' for x in (low, high)]
    if row.bound is not None:
        bound = scale.at(row.bound)
        parts.append(f'<line class="bound" x1="{rate}%" x2="{bound}%" y1="{middle}" y2="{middle}"/>')
    marks = {
        "good": '<circle r="5.5"/>',
        "bad": '<rect x="-5" y="-5" width="10" height="10"/>',
        "unsure": '<path d="M0-7L7 0 0 7-7 0Z"/>',
        "plain": '<circle r="4.5"/>',
    }
    mark = f'<svg x="{rate}%" y="{middle}" overflow="visible" class="mark">{marks[row.tone]}</svg>'
    return f'<svg class="bar {row.tone}" height="{HEIGHT}" aria-hidden="true">{"".join(parts)}{mark}</svg>'


def axis(scale: Scale, how: NumberWords = NumberWords()) -> str:
    """Return the ticks under the rows."""
    # A unit at every tick of a phone's width would be nothing but units.
    texts = [how.show(t) if how == NumberWords() else how.show(t).removesuffix(how.ending) for t in scale.ticks]
    ticks = "".join(
        f'<span style="left:{scale.at(t)}%">{escape(text)}</span>' for t, text in zip(scale.ticks, texts, strict=True)
    )
    unit = "<div></div>" if how == NumberWords() else f'<div class="unit">{escape(how.ending.strip())}</div>'
    return f'<div class="row axis" aria-hidden="true"><div></div><div class="plot">{ticks}</div>{unit}</div>'


def _scale(rows: Sequence[Interval], how: NumberWords) -> Scale:
    values = [v for r in rows for v in (r.low, r.high, r.rate, r.limit, r.bound) if v is not None]
    return Scale(values or [0.0, 1.0], rates=how.unit is None)


def _sign(tone: Tone) -> str:
    words = {"good": "passes: ", "bad": "fails: ", "unsure": "undecided: ", "plain": ""}
    return f'{sign(tone)}<span class="aloud">{words[tone]}</span>' if tone != "plain" else ""


def _numbers(row: Interval, how: NumberWords) -> str:
    held = f'<span class="limit">{escape(against(row, how))}</span>' if row.limit is not None else ""
    if row.rate is None:
        return f"<strong>{NOT_MEASURED}</strong>{held}"
    sides = f"[{percent(row.low)}, {percent(row.high)}]" if how == NumberWords() else how.span(row.low, row.high)
    return f"<strong>{escape(how.show(row.rate))}</strong> <span>{sides}</span>{held}"


def _note(note: str) -> str:
    return f'<span class="note">{markup_text(note)}</span>' if note else ""


def _legend(rows: Sequence[Interval]) -> str:
    marks = "Mark: estimate. Thin line: two-sided interval."
    bounds = (
        " Thick line: from the estimate to its one-sided bound, which decides: a row can pass only where the thick "
        "line ends within the shaded side of the heavy bar, its limit. The thin line may reach over it."
    )
    plain = " Heavy bar: limit; the shaded side is allowed."
    # Said also where nothing was measured: of several pictures only the last shows its legend.
    decided = any(r.bound is not None or r.rate is None for r in rows)
    return f'<p class="legend">{marks}{bounds if decided else plain}</p>'
