"""A time of day is the same in every usual form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.detect.times import times


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("17:00", [1020]),
        ("5 pm", [1020]),
        ("5 p.m. sharp", [1020]),
        ("12 am, 12 pm", [0, 720]),
        ("17 Uhr", [1020]),
        ("6.30 Uhr", [390]),
        ("6.30 euros", []),
        ("6 h 30", [390]),
        ("18h", [1080]),
        ("half past six", [390]),
        ("a quarter to seven in the evening", [1125]),
        ("six o'clock", [360]),
        ("noon", [720]),
        ("halb sieben", [390]),
        ("viertel nach acht", [495]),
        ("午前6時30分", [390]),
        ("下午五点", [1020]),
        ("六点半", [390]),
        ("晚上十一点二十分", [1400]),
        ("오후 5시 30분", [1050]),
        ("room 17, 3 hours, 1:2:3, version 2.10", []),
    ],
)
def test_usual_forms(text: str, minutes: list[int]) -> None:
    assert [time.minutes for time in times(text)] == minutes


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("6:30", "18:30", False),
        ("6:30", "6:30 pm", True),
        ("6:30 am", "18:30", False),
        ("half past six", "6:30 pm", True),
        ("17:00", "5 pm", True),
        ("17:00", "5:10 pm", False),
        ("midnight", "24:00", True),
    ],
)
def test_the_half_of_the_day_may_be_open(one: str, other: str, same: bool) -> None:
    (a,), (b,) = times(one), times(other)
    assert a.may_be(b) is same is b.may_be(a)


@given(st.text(alphabet="0123456789:.h ampmUhr時点半午後sixpastoclock\n", max_size=60))
def test_any_text_is_read(text: str) -> None:
    for time in times(text):
        assert 0 <= time.minutes <= 1559 and 0 <= time.start < time.end <= len(text)
