"""A drawing as data: boxes, areas around them, arrows between them. Written as Mermaid here, as SVG beside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from shipworthy.core.terminal import visible

Form = Literal["part", "outside", "goal", "strategy", "solution", "context", "undeveloped"]
"""What a box is: a part of the system, somebody outside of it; or of a safety case (GSN): a goal, a strategy, a
solution (evidence), a context, a goal that nothing develops."""

Mood = Literal["plain", "good", "bad", "unsure"]


class DrawnBox(NamedTuple):
    """A box.

    Attributes:
        key: by which arrows name it.
        lines: what stands in it, the first of them its heading.
    """

    key: str
    form: Form
    lines: tuple[str, ...]
    mood: Mood = "plain"


class DrawnArea(NamedTuple):
    """An area around boxes and further areas."""

    title: str
    boxes: tuple[str, ...]
    inner: tuple[DrawnArea, ...] = ()


class DrawnArrow(NamedTuple):
    """An arrow; a `strong` one crosses a boundary."""

    source: str
    target: str
    strong: bool = False


class Drawing(NamedTuple):
    """A whole picture; boxes that stand in no area are free. `down` is the way the arrows go, else to the right."""

    title: str
    boxes: Mapping[str, DrawnBox]
    areas: tuple[DrawnArea, ...]
    arrows: tuple[DrawnArrow, ...]
    down: bool = False

    def free(self) -> list[DrawnBox]:
        """Return the boxes that stand in no area."""
        inside = {key for area in self.areas for key in _keys(area)}
        return [box for key, box in self.boxes.items() if key not in inside]


def _keys(area: DrawnArea) -> Iterator[str]:
    yield from area.boxes
    for inner in area.inner:
        yield from _keys(inner)


_SHAPES: Mapping[Form, tuple[str, str]] = {
    "part": ("[", "]"), "outside": ("([", "])"), "goal": ("[", "]"), "strategy": ("[/", "/]"), "solution": ("((", "))"),
    "context": ("(", ")"), "undeveloped": ("{{", "}}"),
}  # fmt: skip
_MOODS: Mapping[Mood, str] = {
    "good": "fill:#e8f5ec,stroke:#2a8a4a", "bad": "fill:#fdecea,stroke:#b3261e",
    "unsure": "fill:#fff7e0,stroke:#b07800",
}  # fmt: skip
_MARKUP = {ord(character): f"#{ord(character)};" for character in '#"<>&`|\\{}'}
"""What Mermaid would take for more than text, in its own spelling."""


def as_mermaid(drawing: Drawing) -> str:
    """Return the drawing as a Mermaid flowchart. Words of the files make no markup in it."""
    names = {key: f"n{number}" for number, key in enumerate(drawing.boxes)}
    lines = [f"%% {_text(drawing.title)}", f"flowchart {'TD' if drawing.down else 'LR'}"]
    counter = iter(range(10**6))

    def box(key: str, indent: str) -> str:
        one = drawing.boxes[key]
        opening, closing = _SHAPES[one.form]
        return f'{indent}{names[key]}{opening}"{"<br/>".join(map(_text, one.lines))}"{closing}'

    def area(one: DrawnArea, indent: str) -> Iterator[str]:
        yield f'{indent}subgraph a{next(counter)}["{_text(one.title)}"]'
        yield from (box(key, indent + "  ") for key in one.boxes)
        for inner in one.inner:
            yield from area(inner, indent + "  ")
        yield f"{indent}end"

    for one in drawing.areas:
        lines += area(one, "  ")
    lines += [box(one.key, "  ") for one in drawing.free()]
    for arrow in drawing.arrows:
        lines.append(f"  {names[arrow.source]} {'==>' if arrow.strong else '-->'} {names[arrow.target]}")
    for mood, style in _MOODS.items():
        if marked := [names[key] for key, one in drawing.boxes.items() if one.mood == mood]:
            lines += [f"  classDef {mood} {style}", f"  class {','.join(marked)} {mood}"]
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    return " ".join(visible(text).split()).translate(_MARKUP)


def levels(keys: Sequence[str], arrows: Sequence[DrawnArrow]) -> dict[str, int]:
    """Return how far each box is from the first ones along arrows, by the longest way; an arrow back counts nothing."""
    below: dict[str, list[str]] = {key: [] for key in keys}
    for arrow in arrows:
        below[arrow.source].append(arrow.target)
    found: dict[str, int] = dict.fromkeys(keys, 0)
    forward: dict[str, list[str]] = {key: [] for key in keys}
    state: dict[str, int] = {}
    order: list[str] = []
    for first in keys:  # depth first, by hand: a chain may be longer than Python's stack
        if first in state:
            continue
        state[first] = 1
        stack = [(first, iter(below[first]))]
        while stack:
            key, rest = stack[-1]
            for other in rest:
                if state.get(other) != 1:
                    forward[key].append(other)
                if other not in state:
                    state[other] = 1
                    stack.append((other, iter(below[other])))
                    break
            else:
                state[key] = 2
                order.append(key)
                stack.pop()
    for key in reversed(order):
        for target in forward[key]:
            found[target] = max(found[target], found[key] + 1)
    return found
