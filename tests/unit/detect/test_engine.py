from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shipworthy.detect.engine import Encoded, Pattern, apart
from shipworthy.detect.spans import Span, union


@given(st.text(max_size=60))
def test_byte_offsets_lead_back_to_characters(text: str) -> None:
    encoded = Encoded(text)
    at = 0
    for i, char in enumerate(text):
        assert encoded.char(at) == i
        at += len(char.encode("utf-8", "surrogatepass")) if not "\ud800" <= char <= "\udfff" else 3
    assert encoded.char(at) == len(text)


def test_matches_overlap_and_runs_do_not() -> None:
    pattern = Pattern("a.a")
    assert list(pattern.overlapping(Encoded("éababa"))) == [(1, 4), (3, 6)]
    assert list(pattern.runs(Encoded("éababa"))) == [(1, 4)]


def test_edges_know_letters_beyond_ascii() -> None:
    assert not apart("é12", 1, 3)
    assert apart("(12)", 1, 3)
    assert not apart("-12", 1, 3, "-")


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 6)), max_size=12))
def test_a_union_covers_the_same_and_never_overlaps(raw: list[tuple[int, int]]) -> None:
    spans = [Span(s, s + n, "k") for s, n in raw]
    merged = union(spans)
    assert {i for s in merged for i in range(s.start, s.end)} == {i for s in spans for i in range(s.start, s.end)}
    assert all(a.end <= b.start for a, b in pairwise(merged))
