"""A reader of what came out finds a mark wherever it stands and however it was taken apart."""

from __future__ import annotations

import json

import pytest

from shipworthy.conformance.came import Came
from shipworthy.conformance.cells import cells
from shipworthy.conformance.stub import stream, whole

CELL = next(cell for cell in cells() if cell.choices == 3)
MARK = CELL.mark(1)


def chunk(text: str, index: int = 0, name: str = "content") -> str:
    return "data: " + json.dumps({"choices": [{"index": index, "delta": {name: text}}]}) + "\n\n"


def event(**delta: object) -> str:
    return "data: " + json.dumps({"choices": [{"index": 0, "delta": delta}]}) + "\n\n"


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(c):04x}" for c in text)


ARGUMENTS = json.dumps({"to": MARK})


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"a": {"b": [MARK]}}),
        json.dumps({MARK: 1}),
        '{"a": "' + escaped(MARK) + '"}',
        "".join(chunk(c) for c in MARK),
        "".join(chunk(a, 0) + chunk(b, 1) for a, b in zip("x" * len(MARK), MARK, strict=True)),
        "".join(event(tool_calls=[{"index": 1, "function": {"arguments": c}}]) for c in ARGUMENTS),
        "".join(event(tool_calls=[{"index": 0, "function": {"arguments": escaped(c)}}]) for c in ARGUMENTS),
        f": {MARK}\n\n" + chunk("fine"),
        f"event: {MARK}\n" + chunk("fine"),
        "no JSON: " + MARK,
    ],
)
def test_a_mark_is_found(body: str) -> None:
    assert Came(200, {}, body.encode()).marks(CELL) == [MARK]


def test_a_header_is_looked_at() -> None:
    assert Came(200, {"x-said": MARK}, b"{}").marks(CELL) == [MARK]


def test_what_is_no_mark_of_this_cell_is_none() -> None:
    assert Came(200, {}, b'{"a": "mark999999x0@leak.example.org, mark@leak.example.org"}').marks(CELL) == []


def test_the_stub_says_the_same_whole_and_in_pieces() -> None:
    """Every place of every cell is really marked, in both forms, for each of its choices where it has one a choice."""
    for cell in cells(("chat",)):  # the upstream says the same for every route
        if cell.place in ("headers", "error") or cell.cut in ("bytes", "thirds"):
            continue
        body = b"".join(stream(cell)) if cell.streams else json.dumps(whole(cell)).encode()
        assert cell.mark() in Came(200, {}, body).marks(cell), cell.name
