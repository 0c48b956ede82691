"""A drawing as SVG that loads nothing, the same bytes for the same drawing; all that others wrote is escaped."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import NamedTuple

from shipworthy.core.svg import markup_text, svg_frame
from shipworthy.core.terminal import visible
from shipworthy.evidence.diagrams.drawing import Drawing, DrawnArea, DrawnBox, levels

WIDTH, GAP, ROW = 210, 46, 17
_LETTERS, _MOST_LINES, _PAD, _HEAD = 28, 6, 10, 26
"""Letters of a line, lines of a part of a box; inside of boxes and areas; an area's title."""

_STYLE = """
svg{font:12px ui-sans-serif,system-ui,Arial,sans-serif;background:#fff}text{fill:#1c2530}.head{font-weight:700}
.box{fill:#f6f8fa;stroke:#8a949e}.outside{fill:#fff4ea;stroke:#e0a96d}.context{fill:#fff;stroke:#8a949e}
.good{fill:#e8f5ec;stroke:#2a8a4a}.bad{fill:#fdecea;stroke:#b3261e}.unsure{fill:#fff7e0;stroke:#b07800}
.area{fill:none;stroke:#2f6fc4;stroke-dasharray:7 5}.arrow{fill:none;stroke:#5b6672;stroke-width:1.3}
.strong{stroke:#c8501e;stroke-width:2}.dim{fill:#5b6672}.area+text{fill:#2f6fc4;font-weight:700}
"""


_TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="10" markerHeight="10" '
    'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8Z" fill="#5b6672"/></marker></defs>'
)


class _Place(NamedTuple):
    x: float
    y: float
    width: float
    height: float


class _Spot(NamedTuple):
    area: DrawnArea
    place: _Place


def as_svg(drawing: Drawing) -> str:
    """Return the drawing as SVG."""
    words = {key: _words(box) for key, box in drawing.boxes.items()}
    sizes = {key: 2 * _PAD + ROW * len(lines) + (24 if drawing.boxes[key].form == "solution" else 0)
             for key, lines in words.items()}  # fmt: skip
    spots: list[_Spot] = []
    places = _tree(drawing, sizes) if drawing.down else _Columns(sizes, spots).placed(drawing)
    width = max((p.x + p.width for p in (*places.values(), *(s.place for s in spots))), default=0) + GAP
    height = max((p.y + p.height for p in (*places.values(), *(s.place for s in spots))), default=0) + GAP
    body = [*_drawn_areas(spots), *_arrows(drawing, places)]
    for key, box in drawing.boxes.items():
        body += _drawn(box, words[key], places[key])
    head = f'<text class="head" x="{GAP}" y="30" font-size="16">{markup_text(drawing.title)}</text>'
    return svg_frame(drawing.title, _STYLE, width, height, "\n".join([head, *body]), definitions=_TIP)


def _words(box: DrawnBox) -> list[tuple[str, str]]:
    """Return the lines of a box with their style: the heading, then each part, wrapped."""
    lines: list[tuple[str, str]] = []
    for number, part in enumerate(box.lines):
        wrapped = textwrap.wrap(" ".join(visible(part).split()), _LETTERS) or [""]
        if len(wrapped) > _MOST_LINES:
            wrapped = [*wrapped[: _MOST_LINES - 1], wrapped[_MOST_LINES - 1][: _LETTERS - 1] + "…"]
        lines += [(line, "head" if number == 0 else "dim" if number > 1 else "") for line in wrapped]
    return lines


def _tree(drawing: Drawing, sizes: Mapping[str, float]) -> dict[str, _Place]:
    """Place boxes in rows by their distance from the top, each above the middle of what hangs on it."""
    level = levels(list(drawing.boxes), drawing.arrows)
    below: dict[str, list[str]] = {key: [] for key in drawing.boxes}
    parent: dict[str, str] = {}
    for arrow in drawing.arrows:
        if arrow.target not in parent and level[arrow.target] > level[arrow.source]:
            parent[arrow.target] = arrow.source
            below[arrow.source].append(arrow.target)
    tall: dict[int, float] = {}
    for key, row in level.items():
        tall[row] = max(tall.get(row, 0.0), sizes[key])
    tops, top = {}, 60.0
    for row in sorted(tall):
        tops[row] = top
        top += tall[row] + GAP
    middles: dict[str, float] = {}
    left = float(GAP)

    def settle(key: str) -> None:
        nonlocal left
        for child in below[key]:
            settle(child)
        if below[key]:
            middles[key] = (middles[below[key][0]] + middles[below[key][-1]]) / 2
        else:
            middles[key] = left + WIDTH / 2
            left += WIDTH + GAP / 2

    for key in drawing.boxes:
        if key not in parent:
            settle(key)
    return {key: _Place(middles[key] - WIDTH / 2, tops[level[key]], WIDTH, sizes[key]) for key in drawing.boxes}


class _Columns:
    """Free boxes in a column on the left, and areas beside them, each around its boxes and its inner areas.

    Args:
        spots: where the areas are, outer before inner, is appended here.
    """

    def __init__(self, sizes: Mapping[str, float], spots: list[_Spot]) -> None:
        self._sizes, self._spots = sizes, spots
        self._places: dict[str, _Place] = {}

    def placed(self, drawing: Drawing) -> dict[str, _Place]:
        free = [box.key for box in drawing.free()]
        self._column(free, GAP, 60.0)
        x = GAP + (WIDTH + 2 * GAP if free else 0.0)
        for area in drawing.areas:
            x += self._area(area, x, 60.0).width + 2 * GAP
        return self._places

    def _column(self, keys: Sequence[str], x: float, y: float) -> float:
        """Place boxes below one another; return where the next would begin."""
        for key in keys:
            self._places[key] = _Place(x, y, WIDTH, self._sizes[key])
            y += self._sizes[key] + GAP / 2
        return y

    def _area(self, area: DrawnArea, x: float, y: float) -> _Place:
        position, left, top = len(self._spots), x + GAP / 2, y + _HEAD + _PAD
        bottom = self._column(area.boxes, left, top)
        right = left + (WIDTH if area.boxes else 0.0)
        start = right + (2 * GAP if area.boxes else 0.0)
        for inner in area.inner:
            place = self._area(inner, start, top)
            right = place.x + place.width
            start, bottom = right + 2 * GAP, max(bottom, place.y + place.height + GAP / 2)
        # A long title takes its room, too.
        right = max(right, left + 7.2 * len(area.title) - GAP / 2)
        found = _Place(x, y, right - x + GAP / 2, bottom - y)
        self._spots.insert(position, _Spot(area, found))
        return found


def _drawn_areas(spots: Sequence[_Spot]) -> Iterator[str]:
    for area, place in spots:
        yield (
            f'<rect class="area" x="{place.x:.0f}" y="{place.y:.0f}" width="{place.width:.0f}" '
            f'height="{place.height:.0f}" rx="8"/><text x="{place.x + _PAD:.0f}" y="{place.y + 18:.0f}">'
            f"{markup_text(area.title)}</text>"
        )


def _arrows(drawing: Drawing, places: Mapping[str, _Place]) -> Iterator[str]:
    for arrow in drawing.arrows:
        a, b = places[arrow.source], places[arrow.target]
        if drawing.down:
            x1, y1, x2, y2 = a.x + a.width / 2, a.y + a.height, b.x + b.width / 2, b.y
            bend = f"{x1:.0f} {y1 + GAP / 2:.0f} {x2:.0f} {y2 - GAP / 2:.0f}"
        else:
            on_right = b.x >= a.x
            x1, y1 = (a.x + a.width if on_right else a.x), a.y + a.height / 2
            # Of two in one column the arrow goes round on the right.
            x2 = b.x if b.x > a.x else b.x + b.width
            y2, way = b.y + b.height / 2, GAP if on_right else -GAP
            bend = f"{x1 + way:.0f} {y1:.0f} {x2 + (-GAP if b.x > a.x else GAP):.0f} {y2:.0f}"
        style = "arrow strong" if arrow.strong else "arrow"
        yield f'<path class="{style}" marker-end="url(#tip)" d="M{x1:.0f} {y1:.0f}C{bend} {x2:.0f} {y2:.0f}"/>'


def _drawn(box: DrawnBox, words: Sequence[tuple[str, str]], place: _Place) -> Iterator[str]:
    x, y, width, height = place
    style = box.mood if box.mood != "plain" else box.form if box.form in ("outside", "context") else "box"
    if box.form == "solution":
        outline = f'<ellipse class="{style}" cx="{x + width / 2:.0f}" cy="{y + height / 2:.0f}" rx="{width / 2:.0f}" ry="{height / 2:.0f}"/>'  # noqa: E501
    elif box.form == "strategy":
        points = f"{x + 14:.0f},{y:.0f} {x + width:.0f},{y:.0f} {x + width - 14:.0f},{y + height:.0f} {x:.0f},{y + height:.0f}"  # noqa: E501
        outline = f'<polygon class="{style}" points="{points}"/>'
    else:
        round_ = 16 if box.form in ("context", "outside") else 3
        outline = (
            f'<rect class="{style}" x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" rx="{round_}"/>'
        )
    yield outline
    if box.form == "undeveloped":  # the diamond that GSN hangs below it
        middle, bottom = x + width / 2, y + height
        yield f'<polygon class="{style}" points="{middle:.0f},{bottom:.0f} {middle + 9:.0f},{bottom + 9:.0f} {middle:.0f},{bottom + 18:.0f} {middle - 9:.0f},{bottom + 9:.0f}"/>'  # noqa: E501
    first = y + (height - ROW * len(words)) / 2 + 13
    for number, (line, how) in enumerate(words):
        yield (
            f'<text{f" class={chr(34)}{how}{chr(34)}" if how else ""} x="{x + width / 2:.0f}" '
            f'y="{first + ROW * number:.0f}" text-anchor="middle">{escape(line)}</text>'
        )
