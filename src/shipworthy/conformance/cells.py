"""The matrix: where a mark can stand in an answer or a request, and in how many ways they can arrive."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Literal, NamedTuple

from shipworthy.conformance.marks import CellMark, draw, harmless

Route = Literal["chat", "messages", "responses"]
ROUTES: tuple[Route, ...] = Route.__args__  # type: ignore[attr-defined]

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
SPOKEN: frozenset[str] = frozenset({"content", "parts", "reasoning", "refusal", "arguments", "parallel_arguments",
                                    "function_call"})  # fmt: skip
"""Places of the answer's own words: the rest of them, without the mark, has to come out."""

Asked = Literal[
    "user", "user_parts", "earlier_user", "tool_result", "document", "system", "tool_definition", "earlier_answer",
    "earlier_call",
]  # fmt: skip
"""Where the client puts the mark: none of it may reach the upstream where the gateway guards that source."""

ASKED: tuple[Asked, ...] = Asked.__args__  # type: ignore[attr-defined]

SOURCES: dict[str, tuple[str, ...]] = {
    "answer": PLACES,
    "user": ("user", "user_parts", "earlier_user"),
    "outside": ("tool_result", "document"),
    "system": ("system",),
    "tools": ("tool_definition",),
    "earlier": ("earlier_answer", "earlier_call"),
}
"""Who said it: all that the upstream answers, and of a request what people ask, what tools and documents say, and what
the product says itself. A gateway claims to look at a source, or does not; see `shipworthy.conformance.kit`. The first
place is the simplest one."""

SOURCE = {place: source for source, places in SOURCES.items() for place in places}

Cut = Literal["characters", "thirds", "whole", "bytes"]
"""How the answer is cut: a character an event, three of them, all in one; ``bytes`` cuts what goes over the wire into
single bytes, in the middle of characters and of events."""

Role = Literal["control", "probe", "cell"]

BEFORE, AFTER = "Fine words. Write to ", " and that is all of it."
WIDE_BEFORE, WIDE_AFTER = "Größe 😀 日本: ", " — ¡olé! 😀"
NOBODY = "friends"
"""What stands in a control where a mark would."""
_ASKS = 1 << 14
"""Added to a cell's number for the harmless words of its request: those of its answer are others."""


class MatrixCell(NamedTuple):
    """One request of the matrix.

    Attributes:
        place: one of `PLACES`, in the answer, or of `ASKED`, in the request.
        choices: answers asked for; several arrive interleaved.
        wide: characters of several bytes and of two UTF-16 halves stand around the mark, written as escapes.
        ask: whether a stream is asked for.
        streams: whether the upstream answers with one.
        entity: what the mark is; see `shipworthy.conformance.marks`.
        role: a control has no mark in it, and a probe is the simplest cell there is of its entity and source.
        drawn: the number that its mark is drawn by, where that is not its own.
    """

    number: int
    route: Route
    place: str
    cut: Cut
    choices: int
    wide: bool
    ask: bool
    streams: bool
    entity: str = "email"
    role: Role = "cell"
    seed: str = ""
    words: tuple[str, ...] = ()
    drawn: int = 0

    @property
    def model(self) -> str:
        """The name that the stub knows the cell by."""
        return f"cell-{self.number}"

    @property
    def in_request(self) -> bool:
        """Whether the client says the mark, and not the upstream."""
        return self.place in ASKED

    @property
    def source(self) -> str:
        """Who says the mark; see `SOURCES`."""
        return SOURCE[self.place]

    def token(self, choice: int = 0) -> CellMark:
        """Return the mark as what can be looked for."""
        return draw(self.entity, self.seed, self.drawn or self.number, choice, self.words)

    def mark(self, choice: int = 0) -> str:
        """Return the mark: a string that a gateway says it stops, drawn for this cell."""
        return self.token(choice).text

    def put(self, choice: int = 0) -> str:
        """Return what stands in the cell's place: its mark, or a harmless word in a control."""
        return NOBODY if self.role == "control" else self.mark(choice)

    @property
    def answer_words(self) -> str:
        """Harmless words that only this cell's upstream says."""
        return harmless(self.seed, self.number)

    @property
    def place_words(self) -> str:
        """Harmless words that only stand around this cell's mark: in the answer's text, other ones may stand."""
        return self.request_words if self.in_request else harmless(self.seed, self.number + 2 * _ASKS)

    @property
    def request_words(self) -> str:
        """Harmless words that only this cell's client says."""
        return harmless(self.seed, self.number + _ASKS)

    def said(self, choice: int = 0) -> str:
        """Return what is said in the cell's place: harmless words, and in their midst the mark, if it is no control."""
        before, after = (WIDE_BEFORE, WIDE_AFTER) if self.wide else (BEFORE, AFTER)
        return f"{before}{self.put(choice)}{after} ({self.place_words})"

    @property
    def shape(self) -> tuple[object, ...]:
        """All but number, mark and role: what a control and the cells that it stands for have in common."""
        return self[1:8]

    @property
    def form(self) -> str:
        """``stream`` or ``whole``, as it was asked for."""
        return "stream" if self.ask else "whole"

    @property
    def name(self) -> str:
        """The cell in words."""
        return f"{self.route} {self.form} {self.place} {self.cut} n={self.choices}{' wide' if self.wide else ''}" + (
            "" if self.ask == self.streams else " (upstream does the other)"
        )


def cells(routes: tuple[Route, ...] = ROUTES) -> Iterator[MatrixCell]:
    """Yield the matrix of answers, each cell with a number of its own."""
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


def asking_cells(routes: tuple[Route, ...] = ROUTES) -> Iterator[MatrixCell]:
    """Yield the matrix of requests, each cell with a number of its own."""
    number = 0
    for route, place in product(routes, ASKED):
        if place == "document" and route != "messages":
            continue  # no such block there
        for wide, ask in product((False, True), (False, True)):
            number += 1
            yield MatrixCell(number, route, place, "whole", 1, wide, ask, ask)
