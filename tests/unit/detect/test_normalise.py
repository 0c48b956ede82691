from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.detect.normalise import fold, fold_char, invisible, skeleton


@pytest.mark.parametrize(
    ("disguised", "plain"),
    [
        ("\u041d\u0435llo", "hello"),
        ("\uff28\uff45\uff4c\uff4c\uff4f", "hello"),
        ("h\u200be\u00adl\u2060lo\ufeff", "hello"),
        ("h\u0301e\u0308llo", "hello"),
        ("\U0001d57b\U0001d586ss", "pass"),
        ("".join(chr(0xE0000 + ord(c)) for c in "Hello"), "hello"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
    ],
)
def test_disguises_fold_away(disguised: str, plain: str) -> None:
    assert fold(disguised).text == plain


@given(st.text(max_size=80))
def test_the_map_leads_back(text: str) -> None:
    folded = fold(text)
    assert len(folded.text) == len(folded.origin)
    for i in range(len(folded.text)):
        assert folded.text[i] in fold_char(text[folded.origin[i]])
    assert list(folded.origin) == sorted(folded.origin)


@given(st.text(max_size=40), st.text(max_size=40))
def test_folding_a_window_is_a_window_of_the_folding(a: str, b: str) -> None:
    assert fold(a + b).text == fold(a).text + fold(b).text
    assert skeleton(a + b).text == skeleton(a).text + skeleton(b).text


def test_skeletons_undo_leet_and_spacing() -> None:
    assert skeleton("P 4 $ $ w 0 r d").text == skeleton("password").text
    start, end = skeleton("x p-a-s-s y").span(1, 5)
    assert "x p-a-s-s y"[start:end] == "p-a-s-s"


def test_invisible_characters_but_not_joiners_that_scripts_need() -> None:
    assert invisible("a\u200bb\ufeff\u2060c") == [(1, 2), (3, 5)]
    assert invisible("\u0645\u06cc\u200c\u062e") == []
    assert invisible("\U0001f468\u200d\U0001f469") == []
    assert invisible("a\u200db") == [(1, 2)]
