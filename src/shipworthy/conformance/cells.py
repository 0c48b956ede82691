"""The matrix: where a mark can stand in an answer, and in how many ways an answer can arrive."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Literal, NamedTuple

Route = Literal["chat", "messages", "responses"]
Place = Literal[
    "content",
    "parts",
    "reasoning",
    "refusal",
    "arguments",
    "parallel_arguments",
    "tool_name",
    "tool_id",
    "function_call",
    "odd_fields",
    "logprobs",
    "finish_reason",
    "error",
    "late_error",
    "headers",
]
"""Where the upstream puts the mark. ``odd_fields``: identifiers, fingerprints, annotations, fields nobody knows,
comments of the stream. ``late_error``: an error object in mid-answer, or beside it."""

PLACES: tuple[Place, ...] = Place.__args__  # type: ignore[attr-defined]
SPOKEN: frozenset[Place] = frozenset({"content", "parts", "reasoning", "refusal", "arguments", "parallel_arguments",
                                      "function_call"})  # fmt: skip
"""Places of the answer's own words: the rest of them, without the mark, has to come out."""

Cut = Literal["characters", "thirds", "whole", "bytes"]
"""How the answer is cut: a character an event, three of them, all in one; ``bytes`` cuts what goes over the wire into
single bytes, in the middle of characters and of events."""


class MatrixCell(NamedTuple):
    """One request of the matrix.

    Attributes:
        choices: answers asked for; several arrive interleaved.
        wide: characters of several bytes and of two UTF-16 halves stand around the mark, written as escapes.
        ask: whether a stream is asked for.
        streams: whether the upstream answers with one.
    """

    number: int
    route: Route
    place: Place
    cut: Cut
    choices: int
    wide: bool
    ask: bool
    streams: bool

    @property
    def model(self) -> str:
        """The name that the stub knows the cell by."""
        return f"cell-{self.number}"

    def mark(self, choice: int = 0) -> str:
        """Return the mark: personal data that any guard against it finds, with the cell's number in it."""
        return f"mark{self.number}x{choice}@leak.example.org"

    @property
    def name(self) -> str:
        """The cell in words."""
        form = "stream" if self.ask else "whole"
        return f"{self.route} {form} {self.place} {self.cut} n={self.choices}{' wide' if self.wide else ''}" + (
            "" if self.ask == self.streams else " (upstream does the other)"
        )


def cells(routes: tuple[Route, ...] = ("chat", "messages", "responses")) -> Iterator[MatrixCell]:
    """Yield the matrix, each cell with a number of its own."""
    number = 0
    for route, place in product(routes, PLACES):
        for cut, choices, wide, ask in product(Cut.__args__, (1, 3), (False, True), (False, True)):  # type: ignore[attr-defined]
            if route != "chat" and choices > 1:
                continue  # that route has one answer
            if not ask and cut in ("characters", "thirds"):
                continue  # a whole answer is one piece, or bytes
            if cut == "bytes" and not wide:
                continue  # there is nothing to cut in two
            number += 1
            yield MatrixCell(number, route, place, cut, choices, wide, ask, ask)
        for ask in (False, True):  # the upstream answers in the other form
            number += 1
            yield MatrixCell(number, route, place, "whole", 1, False, ask, not ask)
