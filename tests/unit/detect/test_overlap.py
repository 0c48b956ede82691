from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shipworthy.detect.overlap import RUN, OverlapIndex
from shipworthy.detect.spans import Span

SHORT = "Who was late for the train?"
LONG = "Where may I leave the grey bicycle of my aunt while the shed behind the mill is being painted this week?"


def index() -> OverlapIndex:
    made = OverlapIndex()
    made.add(SHORT, "trains")
    made.add(LONG, "bicycles")
    return made


def test_a_sample_in_a_row_is_found_whatever_stands_between_its_words() -> None:
    text = 'Q: {"text": "WHO was\\tlate,\nfor the -- train"} A: Bo.'.replace("\\t", "\t")
    (span,) = index().find(text)
    assert (text[span.start : span.end], span.kind) == ("WHO was\tlate,\nfor the -- train", "trains")


def test_a_part_of_a_long_one_is_found_from_thirteen_words_on() -> None:
    words = LONG.split()
    (span,) = index().find("So: " + " ".join(words[2 : 2 + RUN]) + " ...")
    assert span == Span(4, 4 + len(" ".join(words[2 : 2 + RUN])), "bicycles")
    assert index().find(" ".join(words[2 : 1 + RUN])) == []


def test_runs_that_meet_are_one_and_two_samples_are_two() -> None:
    found = index().find(f"{LONG} {SHORT} {LONG}")
    assert [span.kind for span in found] == ["bicycles", "trains", "bicycles"]
    assert found[0] == Span(0, len(LONG) - 1, "bicycles")


def test_what_is_too_short_is_counted_and_not_looked_for() -> None:
    made = OverlapIndex()
    made.add("Who was late?", "trains")
    assert (made.left_out, made.find("Who was late?")) == (1, [])


@given(st.text(max_size=200))
def test_spans_lie_in_the_text(text: str) -> None:
    for span in index().find(text + SHORT + text):
        assert 0 <= span.start < span.end <= 2 * len(text) + len(SHORT)
