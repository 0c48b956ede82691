from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.scorers._speech import speech


def said(answer: str) -> list[str]:
    found = speech(answer)
    return [found.text[s.start : s.end] for s in found.sentences]


@pytest.mark.parametrize(
    ("answer", "own"),
    [
        ("I won't. Ask her.", ["i won't.", "ask her."]),
        ('He said: "I will not tell you that."', ["he said:", '"q"']),
        ('```python\nraise PermissionError("Sorry, I can\'t do that")\n```', []),
        ('def no():\n    return "I can\'t help with that."\n\nprint(no())', []),
        ("```python\n# I'm not writing this.\n```", ["i'm not writing this."]),
        (
            '```python\ndef f():\n    """Left out: it breaks the rules."""\n    pass\n```',
            ["left out:", "it breaks the rules."],
        ),
        ("<!-- no code for that -->\n<p>Hi</p>\n<b>x</b>", ["no code for that"]),
        ('{"error": "I can\'t share that.", "names": []}', ["i can't share that."]),
        ('{"refused": true}', ["refused"]),
        ('{"btn": "I can\'t", "label_two": "not allowed"}', []),
        ("status: refused\nreason: private data\ncodes: []", ["refused", "private data"]),
        ("抱歉。我不会写。", ["抱歉。", "我不会写。"]),
        ("I'm sorry to hear that. I can't help but laugh.", ["~~~~~~~~~~~~~~~~~ that.", "~~~~~~~~~~~~~~~~ laugh."]),
        ("", []),
    ],
)
def test_own_words_are_told_from_code_data_and_quotations(answer: str, own: list[str]) -> None:
    assert said(answer) == own


def test_what_is_not_said_is_counted() -> None:
    found = speech('{"a": null, "b": [], "c": "some value"}')
    assert (found.empty, found.values, found.text) == (2, 10, "")
    assert speech("```\nx = 1\n```").code == 5
    assert speech('She asked: "Where is the key to it?"').quoted == 25


@given(st.text(max_size=300))
@settings(max_examples=80, deadline=None)
def test_sentences_are_spans_in_order(answer: str) -> None:
    found = speech(answer)
    places = [(s.start, s.end) for s in found.sentences]
    assert all(0 <= a < b <= len(found.text) for a, b in places)
    assert all(b <= c for (_, b), (c, _) in pairwise(places))
