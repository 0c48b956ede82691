"""A Pareto front as a picture: SVG that loads nothing, the same bytes for the same numbers; names are escaped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import floor, log10

from shipworthy.core.svg import markup_text, svg_frame
from shipworthy.evals.pareto import Pareto, ParetoRow

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 820, 540, 90, 40, 74, 66
_LONGEST = 34
_STYLE = """
svg{font:13px ui-sans-serif,system-ui,Arial,sans-serif}text{fill:#1c2530}.head{font-weight:700;font-size:17px}
.dim{fill:#5b6672}.grid{stroke:#e3e7eb}.axis{stroke:#8a949e}.bar{stroke:#8a949e;stroke-width:1.4}
.on{fill:#2a8a4a;stroke:#14572c}.off{fill:#fff;stroke:#8a949e}.line{fill:none;stroke:#2a8a4a;stroke-dasharray:6 4}
.name{paint-order:stroke;stroke:#fff;stroke-width:5;stroke-linejoin:round}
"""


def picture(found: Pareto) -> str:
    """Return the picture: the first two objectives as axes, better to the right and to the top.

    A filled circle is on the front of all objectives, those that are no axis included: they stand beside its name. Its
    size is the chance to be on the front; the crosses are 95 % intervals of the bootstrap. With one objective alone the
    vertical axis is the chance.
    """
    xs, ys = _Axis(found, 0, LEFT, WIDTH - RIGHT), _Axis(found, 1, HEIGHT - BOTTOM, TOP)
    title = "Pareto front: " + ", ".join(found.objectives)
    body = [*_grid(xs, ys), *_front(found, xs, ys)]
    for row in sorted(found.rows, key=lambda row: row.front):
        body += _spot(found, row, xs, ys)
    body += _labels(found, xs, ys)
    foot = "filled: on the front of all objectives; size: chance to be on it when samples are drawn again"
    head = (
        f'<text class="head" x="{LEFT}" y="30">{markup_text(title)}</text>'
        f'<text class="dim" x="{LEFT}" y="50">{markup_text(foot)}</text>'
    )
    return svg_frame(title, _STYLE, WIDTH, HEIGHT, "\n".join([head, *body]))


class _Axis:
    """Where values of one objective lie between two places; its good end is the second one."""

    def __init__(self, found: Pareto, which: int, start: float, end: float) -> None:
        self.which = which if which < len(found.objectives) else -1
        if self.which < 0:
            self.name, self.good, values = "chance to be on the front (%), high is good", "high", [0.0, 100.0]
        else:
            unit = f" ({found.units[which]})" if found.units[which] else ""
            self.good = found.good[which]
            self.name = f"{found.objectives[which]}{unit}, {self.good} is good"
            values = [v for row in found.rows for v in (row.cells[which].low, row.cells[which].high)]
        low, high = min(values), max(values)
        room = (high - low) * 0.08 or max(abs(high) * 0.1, 0.5)
        self.low, self.high = low - room, high + room
        self._start, self._end = (start, end) if self.good == "high" else (end, start)

    def at(self, value: float) -> float:
        """Return a value's place."""
        return self._start + (value - self.low) / (self.high - self.low) * (self._end - self._start)

    def of(self, row: ParetoRow) -> tuple[float, float, float]:
        """Return a configuration's mean and interval."""
        if self.which < 0:
            return (100 * row.chance,) * 3
        cell = row.cells[self.which]
        return cell.mean, cell.low, cell.high

    @property
    def ticks(self) -> list[float]:
        """Round numbers of the range."""
        step = 10.0 ** floor(log10((self.high - self.low) / 4))
        step *= next(m for m in (1, 2, 5, 10) if (self.high - self.low) / (step * m) <= 6)
        first = -floor(-self.low / step)
        return [k * step for k in range(first, floor(self.high / step) + 1)]


def _grid(xs: _Axis, ys: _Axis) -> Iterator[str]:
    bottom, left = HEIGHT - BOTTOM, LEFT
    for tick in xs.ticks:
        yield f'<line class="grid" x1="{xs.at(tick):.1f}" y1="{TOP}" x2="{xs.at(tick):.1f}" y2="{bottom}"/>'
        yield f'<text class="dim" x="{xs.at(tick):.1f}" y="{bottom + 20}" text-anchor="middle">{tick:g}</text>'
    for tick in ys.ticks:
        yield f'<line class="grid" x1="{left}" y1="{ys.at(tick):.1f}" x2="{WIDTH - RIGHT}" y2="{ys.at(tick):.1f}"/>'
        yield f'<text class="dim" x="{left - 8}" y="{ys.at(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>'
    yield f'<path class="axis" fill="none" d="M{left} {TOP}V{bottom}H{WIDTH - RIGHT}"/>'
    middle = (left + WIDTH - RIGHT) / 2
    yield f'<text x="{middle:.0f}" y="{bottom + 44}" text-anchor="middle">{markup_text(xs.name)} →</text>'
    high = (TOP + bottom) / 2
    yield f'<text transform="translate(24 {high:.0f}) rotate(-90)" text-anchor="middle">{markup_text(ys.name)} →</text>'


def _front(found: Pareto, xs: _Axis, ys: _Axis) -> Iterator[str]:
    """Yield the staircase of those that are on the front of the two axes alone."""
    spots = sorted((xs.at(xs.of(row)[0]), ys.at(ys.of(row)[0])) for row in found.rows)
    best = [(x, y) for x, y in spots if not any(a >= x and b <= y and (a, b) != (x, y) for a, b in spots)]
    if ys.which >= 0 and len(best) > 1:
        path = f"M{best[0][0]:.1f} {best[0][1]:.1f}" + "".join(f"V{y:.1f}H{x:.1f}" for x, y in best[1:])
        yield f'<path class="line" d="{path}"/>'


def _spot(found: Pareto, row: ParetoRow, xs: _Axis, ys: _Axis) -> Iterator[str]:
    (x, left, right), (y, low, high) = (tuple(map(a.at, a.of(row))) for a in (xs, ys))
    yield f'<path class="bar" d="M{left:.1f} {y:.1f}H{right:.1f}M{x:.1f} {low:.1f}V{high:.1f}"/>'
    size = 5 + 9 * row.chance**0.5
    yield f'<circle class="{"on" if row.front else "off"}" cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}"/>'


def _labels(found: Pareto, xs: _Axis, ys: _Axis) -> Iterator[str]:
    """Yield the names, each as near to its circle as no other name stands: above, then lower and lower."""
    taken: list[tuple[float, float, float]] = []
    for row in sorted(found.rows, key=lambda row: ys.at(ys.of(row)[0])):
        x, y = xs.at(xs.of(row)[0]), ys.at(ys.of(row)[0])
        lines = _lines(found, row)
        wide = 7.2 * max(map(len, lines))
        right = x + 16 + wide < WIDTH - 6
        start = x + 16 if right else x - 16 - wide
        top = y - 26
        while any(abs(top - t) < 17 * len(lines) + 3 and start < b and a < start + wide for a, b, t in taken):
            top += 8
        taken.append((start, start + wide, top))
        anchor, at = ("start", x + 16) if right else ("end", x - 16)
        for k, line in enumerate(lines):
            style = ' class="name dim"' if k else ' class="name" font-weight="700"'
            place = f'x="{at:.1f}" y="{top + 12 + 16 * k:.1f}" text-anchor="{anchor}"'
            yield f"<text{style} {place}>{markup_text(line)}</text>"


def _lines(found: Pareto, row: ParetoRow) -> Sequence[str]:
    name = row.name if len(row.name) <= _LONGEST else row.name[: _LONGEST - 1] + "…"
    more = [f"{row.cells[j].mean:.3g} {found.units[j]} {found.objectives[j]}" for j in range(2, len(found.objectives))]
    return [f"{name}: {100 * row.chance:.0f} %", *([", ".join(more)] if more else [])]
