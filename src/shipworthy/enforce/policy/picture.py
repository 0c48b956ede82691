"""A session as a picture: SVG that loads nothing, with all that others wrote escaped.

Left what was said and read, right the calls with their verdicts; a line leads from each place that holds a value to the
argument it went into. Time goes down.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import NamedTuple

from shipworthy.core.svg import svg_frame
from shipworthy.core.terminal import visible
from shipworthy.enforce.policy.provenance import SessionField, SessionStep, SessionValue
from shipworthy.enforce.policy.values import written

WIDTH, LEFT, RIGHT, GAP = 1180, 500, 500, 180
_LINE, _PAD, _HEAD = 19, 10, 26
_LETTERS = 60
"""Of a line of text."""
_MOST_STEPS = 200

_STYLE = """
svg{font:13px ui-monospace,Menlo,Consolas,monospace;background:#fff;color:#1c2530}
text{fill:#1c2530}.dim{fill:#5b6672}.head{font-weight:700}.box{fill:#f6f8fa;stroke:#c4ccd4}
.box.user{fill:#eaf2fd;stroke:#7aa7e0}.box.others{fill:#fff4ea;stroke:#e0a96d}.box.refused{stroke-dasharray:5 4}
.edge{fill:none;stroke-width:1.6}.edge.user{stroke:#2f6fc4}.edge.trusted,.edge.secret{stroke:#2a8a4a}
.edge.others{stroke:#c8501e;stroke-dasharray:6 3}.dot.user{fill:#2f6fc4}.dot.trusted,.dot.secret{fill:#2a8a4a}
.dot.others{fill:#c8501e}.badge.allow{fill:#2a8a4a}.badge.ask{fill:#b07800}.badge.deny{fill:#b3261e}
.badge+text{fill:#fff;font-weight:700}.ask,.deny{fill:#b3261e}
"""


class _Row(NamedTuple):
    text: str
    style: str = ""
    field: SessionField | None = None
    value: SessionValue | None = None
    full: str = ""


class _Box(NamedTuple):
    x: int
    y: int
    width: int
    title: str
    rows: Sequence[_Row]
    style: str = ""
    badge: str = ""

    @property
    def height(self) -> int:
        return _HEAD + _LINE * len(self.rows) + _PAD

    def middle(self, row: int) -> float:
        return self.y + _HEAD + _LINE * row + _LINE / 2 - 2


def draw(title: str, found: Iterable[SessionStep], shown: Callable[[str], str] = str) -> str:
    """Return a picture of a session.

    Args:
        title: said above it.
        found: its calls.
        shown: what of a text may be seen: redaction. The values of secret fields are never seen.
    """
    listed = list(found)
    drawn, left_out = listed[:_MOST_STEPS], len(listed) - _MOST_STEPS
    hide = _hidden(drawn)

    def seen(text: str) -> str:
        return visible(shown(hide(text)))

    used = {field for step in drawn for value in step.values for field in value.sources}
    boxes: list[_Box] = []
    left, right = 60, 60
    for step in drawn:
        left = max(left, right - 40)
        for name, texts, style in (("the user said", step.said, "user"), ("was shown", step.read, "others")):
            for field in texts:
                box = _Box(20, left, LEFT, name, _text_rows(field, seen), style)
                boxes.append(box)
                left += box.height + 14
        right = max(right, left - 60)
        call = _call_box(step, right, seen)
        boxes.append(call)
        right += call.height + 18
        if step.call.made:
            left = max(left, call.y + 30)
            gave = _answer_box(step, left, used, seen)
            boxes.append(gave)
            left += gave.height + 18
    if left_out > 0:
        boxes.append(_Box(20 + LEFT + GAP, right, RIGHT, f"and {left_out:,} more calls", ()))
        right += _HEAD + _PAD
    height = max(left, right) + 20
    body = [*_edges(boxes), *(line for box in boxes for line in _drawn(box))]
    head = f'<text class="head" x="20" y="30" font-size="16">{escape(_cut(visible(title), 110))}</text>{_legend()}'
    return svg_frame(title, _STYLE, WIDTH + 40, height, "\n".join([head, *body]))


def page(svg: str) -> str:
    """Return an HTML page with a picture and nothing else; even what slipped into it could load and run nothing."""
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
        f'content="{escape(policy)}"><title>A session under a tool policy</title></head>'
        f'<body style="margin:0">{svg}</body></html>\n'
    )


def _hidden(found: Sequence[SessionStep]) -> Callable[[str], str]:
    """Return what puts a mark in place of the values of secret fields, wherever they stand."""
    secret = [f.text for step in found for f in step.fields if f.standing == "secret"]
    values = {one for text in secret for one in (text, written(text)) if len(one) > 1}
    if not values:
        return str
    pattern = re.compile("|".join(map(re.escape, sorted(values, key=len, reverse=True))), re.IGNORECASE)
    return lambda text: pattern.sub("[secret]", text)


def _text_rows(field: SessionField, seen: Callable[[str], str]) -> list[_Row]:
    whole = seen(field.text)
    return [_Row(line, field=field if n == 0 else None, full=whole) for n, line in enumerate(_lines(whole, 4))]


def _call_box(step: SessionStep, y: int, seen: Callable[[str], str]) -> _Box:
    rows = []
    for value in step.values:
        whole = seen(value.text)
        rows.append(_Row(_cut(f"{seen(value.argument)} = {whole}", _LETTERS), value.word, value=value, full=whole))
        origin = "from " + (", ".join(value.origins) or "nowhere it is known")
        origin += "" if value.checked else " (not checked)"
        rows.append(_Row(_cut(f"    {origin}", _LETTERS), "dim" if value.word == "allow" else value.word))
    if step.more:
        rows.append(_Row(f"and {step.more:,} more values", "dim"))
    why = seen(step.decision.sentence)
    rows += [_Row(line, "dim", full=why) for line in _lines(why, 4)]
    if step.call.verdict and step.call.verdict != step.decision.word:
        rows.append(_Row(f"then it was: {step.call.verdict}", "dim"))
    title = f"{step.number}. {seen(step.call.tool)}" + ("" if step.call.made else "  (was not made)")
    style = "" if step.call.made else "refused"
    return _Box(20 + LEFT + GAP, y, RIGHT, _cut(title, 50), rows, style, step.decision.word)


def _answer_box(step: SessionStep, y: int, used: set[SessionField], seen: Callable[[str], str]) -> _Box:
    rows = []
    for field in step.fields:
        if field in used:
            name = f"{seen(field.path)}: " if field.path else ""
            whole = seen(field.text)
            rows.append(_Row(_cut(name + whole, _LETTERS), "", field=field, full=whole))
    others = len(step.fields) - len(rows)
    if others or not rows:
        what = "fields" if rows else "fields, none of which went into a later call"
        rows.append(_Row(f"{others:,} other {what}" if rows else f"{others:,} {what}", "dim"))
    kind = "an error of" if step.call.failed else "gave"
    title = f"{kind} {seen(step.call.tool)}" if step.call.failed else f"{step.number}. {seen(step.call.tool)} gave"
    return _Box(20, y, LEFT, _cut(title, 60), rows)


def _edges(boxes: Sequence[_Box]) -> list[str]:
    places = {row.field: (box, n) for box in boxes for n, row in enumerate(box.rows) if row.field is not None}
    lines = []
    for box in boxes:
        for n, row in enumerate(box.rows):
            for field in row.value.sources if row.value is not None else ():
                if field not in places:
                    continue
                start, place = places[field]
                x1, y1, x2, y2 = start.x + start.width, start.middle(place), box.x, box.middle(n)
                bend = (x2 - x1) * 0.5
                lines.append(
                    f'<path class="edge {field.standing}" d="M{x1} {y1:.0f}C{x1 + bend:.0f} {y1:.0f} {x2 - bend:.0f} '
                    f'{y2:.0f} {x2} {y2:.0f}"/><circle class="dot {field.standing}" cx="{x2}" cy="{y2:.0f}" r="3.5"/>'
                )
    return lines


def _drawn(box: _Box) -> list[str]:
    lines = [
        f'<rect class="box {box.style}" x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="6"/>',
        f'<text class="head" x="{box.x + 12}" y="{box.y + 19}">{escape(box.title)}</text>',
    ]
    if box.badge:
        x = box.x + box.width - 66
        lines.append(
            f'<rect class="badge {box.badge}" x="{x}" y="{box.y + 6}" width="54" height="19" rx="9"/>'
            f'<text x="{x + 27}" y="{box.y + 20}" text-anchor="middle">{box.badge}</text>'
        )
    for n, row in enumerate(box.rows):
        more = f"<title>{escape(_cut(row.full, 600))}</title>" if row.full else ""
        style = row.style if row.style != "allow" else ""
        lines.append(
            f'<text class="{style}" xml:space="preserve" x="{box.x + 12}" y="{box.middle(n) + 5:.0f}">'
            f"{more}{escape(row.text)}</text>"
        )
    return lines


def _legend() -> str:
    names = (("user", "the user's words"), ("trusted", "a trusted field"), ("others", "text that others can write"))
    parts = []
    for n, (standing, name) in enumerate(names):
        x = 20 + 225 * n
        parts.append(
            f'<path class="edge {standing}" d="M{x} 47H{x + 26}"/><text class="dim" x="{x + 32}" y="51">{name}</text>'
        )
    return "".join(parts)


def _lines(text: str, most: int) -> list[str]:
    short = _cut(" ".join(text.split()), most * _LETTERS)
    return textwrap.wrap(short, _LETTERS, max_lines=most, placeholder="…")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
