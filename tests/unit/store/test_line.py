"""Lines: what is written comes back, and what no file can hold, or no reader take in, is replaced and ends no run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shipworthy.core.errors import IntegrityError
from shipworthy.core.events import Called, Said, Timing
from shipworthy.core.records import Message, Text, ToolCall, say
from shipworthy.store import chain
from shipworthy.store.line import (
    decode_attempt,
    decode_timing,
    encode_attempt,
    frame,
    leaf,
    read_line,
    read_lines,
    split,
)


def test_timing_stands_apart_and_is_no_part_of_the_leaf(records: Any) -> None:
    made = records.attempt(4, ',"attempt":{"timing":[1]}')
    body = encode_attempt(made)
    timing, record = split(body)
    assert decode_attempt(body) == made
    assert decode_timing(timing) == made.timing == msgspec.json.decode(timing, type=Timing)
    assert record == leaf(body)
    assert b"timing" not in msgspec.json.decode(record)
    assert leaf(encode_attempt(replace(made, timing=Timing(9.0)))) == record
    assert leaf(encode_attempt(replace(made, timing=Timing()))) == record


@given(st.text() | st.text(st.characters(categories=["Cs"])))
def test_any_text_can_be_written(records: Any, text: str) -> None:
    found = decode_attempt(encode_attempt(records.attempt(1, text)))
    assert found.answer == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def test_half_a_surrogate_is_replaced_wherever_it_stands(records: Any) -> None:
    half, whole = "a\ud800b \ud83d\ude00", "a\ufffdb \U0001f600"
    made = replace(
        records.attempt(1),
        sample=half, error=half,
        events=(Said(1, Message("assistant", (Text(half), ToolCall(half, half, {half: [half, 1]})))),),
    )  # fmt: skip
    found = decode_attempt(encode_attempt(made))
    assert (found.sample, found.error) == (whole, whole)
    assert found.messages == (Message("assistant", (Text(whole), ToolCall(whole, whole, {whole: [whole, 1]}))),)


@pytest.mark.parametrize("levels", [150, 900, 100_000])
def test_arguments_nested_too_deep_are_cut_and_can_be_read(records: Any, levels: int) -> None:
    deep: Any = "x"
    for _ in range(levels):
        deep = [deep]
    found = decode_attempt(
        encode_attempt(replace(records.attempt(1), events=(Called(1, ToolCall("1", "f", {"a": deep})),)))
    )
    kept, depth = found.events[0].call.arguments["a"], 0
    while isinstance(kept, list):
        [kept], depth = kept, depth + 1
    assert (kept, depth) == ("[nested too deep, or no JSON: not recorded]", 63)


def test_a_long_flat_record_is_not_taken_for_a_deep_one(records: Any) -> None:
    many = tuple(Said(n, say("user", "[" * 300 + '"{\\')) for n in range(200))
    made = replace(records.attempt(1), events=(*many, Called(1, ToolCall("1", "f", {"a": [[[["deep"]]]] * 50}))))
    assert decode_attempt(encode_attempt(made)) == made


def test_arguments_that_are_no_json_are_written_as_what_they_can_be(records: Any) -> None:
    class Own(str):
        __slots__ = ()

    odd = {"own": Own("text"), "none": object(), "bytes": b"abc", 3: 10**30}
    made = replace(records.attempt(1), events=(Called(1, ToolCall("1", "f", odd)),))
    assert decode_attempt(encode_attempt(made)).events[0].call.arguments == {
        "own": "text", "none": "[nested too deep, or no JSON: not recorded]", "bytes": "YWJj", "3": 10**30,
    }  # fmt: skip


ORIGIN = chain.origin(b"test")


def lines(records: Any, count: int) -> bytes:
    head, written = ORIGIN, []
    for n in range(count):
        body = encode_attempt(records.attempt(n, "x" * n * 700))
        head = chain.link(head, body)
        written.append(frame(head, body))
    return b"".join(written)


def test_lines_are_read_with_their_places(records: Any, tmp_path: Path) -> None:
    path = tmp_path / "log"
    whole = lines(records, 400)  # longer than the reader's buffer, some lines longer than a piece of it
    path.write_bytes(whole + b'{"hash":"torn')
    found = list(read_lines(path, ORIGIN))
    assert [line.number for line in found] == list(range(1, 401))
    assert b"".join(whole[line.start : line.end] for line in found) == whole
    for line in found:
        assert frame(line.hash, line.body) == whole[line.start : line.end]
        assert line.record == leaf(line.body)
        assert read_line(path, line.start) == line.body


@pytest.mark.parametrize("torn", [b"", b"{", b'{"hash":"' + b"0" * 64, b"\0" * 10])
def test_a_torn_last_line_is_left_out(records: Any, tmp_path: Path, torn: bytes) -> None:
    (tmp_path / "log").write_bytes(lines(records, 3) + torn)
    assert len(list(read_lines(tmp_path / "log", ORIGIN))) == 3


@pytest.mark.parametrize(
    "line", [b"\n", b"}\n", b"{}\n", b'{"hash":"","timing":[],"attempt":{}}\n', b"\0" * 100 + b"\n"]
)
def test_a_line_that_is_none_is_refused_by_number(records: Any, tmp_path: Path, line: bytes) -> None:
    (tmp_path / "log").write_bytes(lines(records, 3) + line)
    with pytest.raises(IntegrityError, match="log:4: this line"):
        list(read_lines(tmp_path / "log", ORIGIN))


def test_a_body_without_an_attempt_is_refused_though_its_hash_fits(tmp_path: Path) -> None:
    for body in (b'"timing":[]}', b'"attempt":{}}', b'"other":1,"attempt":{}}'):
        (tmp_path / "log").write_bytes(frame(chain.link(ORIGIN, body), body))
        with pytest.raises(IntegrityError, match="log:1: this line"):
            list(read_lines(tmp_path / "log", ORIGIN))
