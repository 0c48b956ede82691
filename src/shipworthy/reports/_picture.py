"""Intervals as a picture: inline SVG in percentages of its own width, so that it fits a phone and a page alike.

A rate is a mark, its interval a line with ends, its limit a heavy bar, and the side where a pass lies is shaded. The
mark's shape says what its colour says: a disc passes, a square fails, an open diamond is undecided.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from shipworthy.core.document import Interval, Intervals, Tone
from shipworthy.core.records import CriterionResult, Decision
from shipworthy.reports._words import VERDICTS, denominator, interval, needed, ordered, percent, visible

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
        values: everything the picture must hold; zero always is.
    """

    def __init__(self, values: Sequence[float]) -> None:
        low, high = min(0.0, *values, 0.0), max(0.0, *values, 0.02)
        # A little more than the largest value, so that an end of an interval is seen to be one.
        step = _step((high - low) * 1.04)
        self.low = max(-1.0, math.floor(low / step - 1e-9) * step) if low < 0 else 0.0
        self.high = min(1.0, math.ceil(high * 1.02 / step - 1e-9) * step)
        count = round((self.high - self.low) / step)
        self.ticks = [round(self.low + step * n, 6) for n in range(count + 1)]

    def at(self, value: float) -> float:
        """Return the place of a value, 0 to 100, within it even where the value is not."""
        return round(100 * min(1.0, max(0.0, (value - self.low) / (self.high - self.low))), 2)


def _step(span: float) -> float:
    """Return a round distance between ticks that gives four to eight of them."""
    for step in (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5):
        if span / step <= 7:
            return step
    return 0.5


def intervals(picture: Intervals) -> str:
    """Return an `Intervals` block: the picture, and beside each row its numbers in words."""
    scale = _scale(picture.rows)
    rows = "".join(
        f'<div class="row"><div class="name">{_sign(r.tone)}{escape(visible(r.label))}{_note(r.note)}</div>'
        f'<div class="plot">{bar(r, scale, picture.better)}</div><div class="numbers">{_numbers(r)}</div></div>'
        for r in picture.rows
    )
    caption = f"<figcaption>{escape(visible(picture.caption))}</figcaption>" if picture.caption else ""
    return f'<figure class="intervals">{caption}{rows}{axis(scale)}{_legend(picture)}</figure>\n'


def criteria(decision: Decision) -> str:
    """Return the decision's criteria as a picture: what blocks comes first."""
    results = ordered(decision)
    scale = _scale([_interval(r) for r in results if r.rate is not None])
    rows = "".join(_criterion(result, scale) for result in results)
    return f'<figure class="intervals criteria">{rows}{axis(scale)}{_legend(None)}</figure>\n'


def _criterion(result: CriterionResult, scale: Scale) -> str:
    word, _, tone = VERDICTS[result.verdict]
    plot = bar(_interval(result), scale, "lower" if "<" in result.must else "higher") if result.rate is not None else ""
    numbers = _numbers(_interval(result)) if result.rate is not None else escape(interval(result))
    said = [denominator(result), *([result.reason, needed(result)] if result.verdict != "ship" else [])]
    return (
        f'<div class="row"><div class="name">{_sign(tone)}<strong>{escape(visible(result.id))}</strong> '
        f'<span class="word">{escape(word.lower())}</span><br>{escape(visible(f"{result.suite}: {result.metric}"))} '
        f'<code>{escape(visible(result.must))}</code></div><div class="plot">{plot}</div>'
        f'<div class="numbers">{numbers}</div>'
        f'<p class="note">{escape(visible(". ".join(s for s in said if s)))}</p></div>'
    )


def _interval(result: CriterionResult) -> Interval:
    _, _, tone = VERDICTS[result.verdict]
    rate = result.rate or 0.0
    low = rate if result.low is None else result.low
    high = rate if result.high is None else result.high
    return Interval(result.id, rate, low, high, result.limit, tone)


def bar(row: Interval, scale: Scale, better: str) -> str:
    """Return one row's drawing; its numbers stand beside it, so it is hidden from screen readers."""
    middle = HEIGHT / 2
    low, high, rate = scale.at(row.low), scale.at(row.high), scale.at(row.rate)
    parts = [f'<line class="base" x1="0" x2="100%" y1="{middle}" y2="{middle}"/>']
    if row.limit is not None:
        limit = scale.at(row.limit)
        start, width = (0.0, limit) if better == "lower" else (limit, round(100 - limit, 2))
        parts.insert(0, f'<rect class="allowed" x="{start}%" width="{width}%" y="2" height="{HEIGHT - 4}"/>')
        parts.append(f'<line class="limit" x1="{limit}%" x2="{limit}%" y1="1" y2="{HEIGHT - 1}"/>')
    parts.append(f'<line class="span" x1="{low}%" x2="{high}%" y1="{middle}" y2="{middle}"/>')
    parts += [f'<line class="end" x1="{x}%" x2="{x}%" y1="{middle - 5}" y2="{middle + 5}"/>' for x in (low, high)]
    marks = {
        "good": '<circle r="5.5"/>',
        "bad": '<rect x="-5" y="-5" width="10" height="10"/>',
        "unsure": '<path d="M0-7L7 0 0 7-7 0Z"/>',
        "plain": '<circle r="4.5"/>',
    }
    mark = f'<svg x="{rate}%" y="{middle}" overflow="visible" class="mark">{marks[row.tone]}</svg>'
    return f'<svg class="bar {row.tone}" height="{HEIGHT}" aria-hidden="true">{"".join(parts)}{mark}</svg>'


def axis(scale: Scale) -> str:
    """Return the ticks under the rows."""
    ticks = "".join(f'<span style="left:{scale.at(t)}%">{percent(t)}</span>' for t in scale.ticks)
    return f'<div class="row axis" aria-hidden="true"><div></div><div class="plot">{ticks}</div><div></div></div>'


def _scale(rows: Sequence[Interval]) -> Scale:
    values = [v for r in rows for v in (r.low, r.high, r.rate, r.limit) if v is not None]
    return Scale(values or [0.0, 1.0])


def _sign(tone: Tone) -> str:
    words = {"good": "passes: ", "bad": "fails: ", "unsure": "undecided: ", "plain": ""}
    return f'{sign(tone)}<span class="aloud">{words[tone]}</span>' if tone != "plain" else ""


def _numbers(row: Interval) -> str:
    limit = f'<span class="limit">limit {percent(row.limit)}</span>' if row.limit is not None else ""
    return f"<strong>{percent(row.rate)}</strong> <span>[{percent(row.low)}, {percent(row.high)}]</span>{limit}"


def _note(note: str) -> str:
    return f'<span class="note">{escape(visible(note))}</span>' if note else ""


def _legend(picture: Intervals | None) -> str:
    side = f" {picture.better} is better;" if picture else ""
    return f'<p class="legend">Mark: rate. Line: interval. Heavy bar: limit;{side} the shaded side is allowed.</p>'
