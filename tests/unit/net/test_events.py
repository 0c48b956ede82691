from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.net.events import EventReader, ServerEvent


def read(*chunks: bytes) -> list[ServerEvent]:
    reader = EventReader()
    return [event for chunk in chunks for event in reader.feed(chunk)] + reader.end()


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in pairwise(edges)]


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\n", [("a", "message")]),
        (b"data:a\n\ndata:  b\n\n", [("a", "message"), (" b", "message")]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [("a", "message"), ("b", "message")]),
        (b"data: a\r\rdata: b\r\r", [("a", "message"), ("b", "message")]),
        (b"data: a\ndata: b\n\n", [("a\nb", "message")]),
        (b": comment\n\n: another\n\ndata: a\n\n", [("a", "message")]),
        (b"event: error\ndata: a\n\ndata: b\n\n", [("a", "error"), ("b", "message")]),
        (b"id: 7\nretry: 9\nunknown\ndata: a\n\n", [("a", "message")]),
        (b"data\n\n", [("", "message")]),
        (b"\xef\xbb\xbfdata: a\n\n", [("a", "message")]),
        (b"data: a", [("a", "message")]),
        (b"data: a\n", [("a", "message")]),
        (b"data: a\r", [("a", "message")]),
        (b"", []),
        (b"\xef\xbb", []),
        (b"data: \xff\xfe\n\n", [("\ufffd\ufffd", "message")]),
        (b"event: ping\n\n", []),
    ],
)
def test_streams_are_read_as_the_standard_says(stream, events):
    assert read(stream) == events
    assert read(*(stream[i : i + 1] for i in range(len(stream)))) == events


lines = st.one_of(
    st.sampled_from([b"", b": keep-alive", b"event: x", b"data", b"data:", b"id: 1", b"\xef\xbb\xbf"]),
    st.text(max_size=12).map(lambda t: b"data: " + t.encode("utf-8", "replace")),
    st.binary(max_size=8),
)
streams = st.lists(st.tuples(lines, st.sampled_from([b"\n", b"\r\n", b"\r"])), max_size=12).map(
    lambda pairs: b"".join(line + end for line, end in pairs)
)


@given(streams, st.lists(st.integers(0, 400), max_size=20))
def test_any_chunking_gives_the_same_events(stream, places):
    assert read(*cut(stream, places)) == read(stream)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=20), min_size=1, max_size=5))
def test_what_is_sent_is_what_arrives(texts):
    stream = "".join(f"data: {text}\n\n" for text in texts).encode()
    assert [event.data for event in read(stream)] == texts


def test_comments_are_signs_of_life_and_half_lines_are_none():
    reader = EventReader()
    reader.feed(b": still here\n")
    assert reader.lines == 1
    reader.feed(b": still")
    assert reader.lines == 1


def test_a_long_line_in_many_pieces_takes_no_time_squared():
    reader, began = EventReader(), time.process_time()
    for _ in range(200_000):
        reader.feed(b"xxxxxxxxxx")
    assert not reader.feed(b"\n\n")
    assert time.process_time() - began < 10
