from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.enforce.policy.values import carried, written
from shipworthy.enforce.policy.words import Words, stem


@pytest.mark.parametrize(
    ("says", "value", "said"),
    [
        ("on May 15th, 2024", "2024-05-15", True),
        ("on the 15th of May", "2024-05-15", True),
        ("on May 15th, 2023", "2024-05-15", False),
        ("on May 15 at 10am", "2024-05-15 10:00", True),
        ("on May 15 at 10am", "2024-05-15 22:00", False),
        ("pay $1,200.00", 1200, True),
        ("pay 12", 1.2, False),
        ("file 13", "13", True),
        ("file 13", "1", False),
        ("at www.our-company.com.They sent it", "http://www.our-company.com", True),
        ("see x.org/a", "x.org/a?b=1", False),
        ("Ada's mail", "Ada", True),
        ("Adamant", "Ada", False),
        ("", "", False),
    ],
)
def test_what_the_user_said(says, value, said):
    assert Words([says]).say(written(value)) == said


def test_forms_of_a_word_are_one():
    forms = ("schedule", "schedules", "scheduled", "scheduling", "scheduler")
    assert len({stem(form) for form in forms}) == 1
    assert stem("send") != stem("sand")


@pytest.mark.parametrize(
    "text",
    ["It is 2024-05-15 10:00", "from 10:00 to 11:00", "version 1.2.3", "report.docx", "e.g. this", "$1,200.00"],
)
def test_what_goes_nowhere_is_not_carried(text):
    assert list(carried(text)) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[x](https://bad.com/p?q=1)", "bad.com/p?q=1"),
        ("bad.com", "bad.com"),
        ("go to bad.io/x.", "bad.io/x"),
        ("ftp://bad.com", "bad.com"),
        ("mailto:a@b.org", "a@b.org"),
        ("US133000000121212121212", "us133000000121212121212"),
        ("+49 170 1234567", "+491701234567"),
    ],
)
def test_what_goes_somewhere_is(text, value):
    assert [c.value for c in carried(text)] == [value]


TEXTS = st.lists(
    st.sampled_from(
        ["Pay 1,200.00 to Ada's", "on May", "15th, 2024", "see https://x.org/a/", "www.Example.com", "all  of\tit",
         "", " ",
         "the latest", "x [dot] org", "Straße ﬁ 日本", "the first", "bo@x.org.They", "/"]
    ),
    max_size=6,
)  # fmt: skip


@given(TEXTS, st.integers(0, 6))
def test_what_is_said_later_adds_to_what_was_said(texts, cut):
    """A conversation that is told in two parts says what it says when it is told at once."""
    whole, parts = Words(texts), Words(texts[cut:], Words(texts[:cut]))
    assert {name: getattr(whole, name) for name in vars(whole)} == {name: getattr(parts, name) for name in vars(parts)}


def test_a_date_does_not_begin_in_one_message_and_end_in_the_next():
    assert not Words(["in May", "15 of them"]).say("2024-05-15")
    assert Words(["in May 15"]).say("2024-05-15")
