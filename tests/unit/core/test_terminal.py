"""Text from elsewhere does nothing on a terminal."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.terminal import escape, shown, visible

ACTS = [
    "\x1b[2J\x1b[H", "\x1b]0;title\x07", "\x9b2J", "\r", "\b\b\b", "\x00", "\x7f", "\x0c", "\x0b", "\x85",
    "\u202e", "\u2066", "\u200f", "\u061c", "\u2028", "\u2029", "\ufeff", "\U000e0041", "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("text", ACTS)
def test_nothing_that_acts_is_left(text: str) -> None:
    for made in (shown(f"a{text}b"), visible(f"a{text}b"), escape(f"a{text}b")):
        assert made.isprintable()
        assert made.startswith("a") and made.endswith("b")


@given(st.text())
def test_shown_is_one_line_and_bounded(text: str) -> None:
    line = shown(text, 50)
    assert "\n" not in line and "\r" not in line
    assert len(line) < 50 * 10 + 60
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") for c in line)


def test_a_long_text_is_cut_and_counted() -> None:
    assert shown("x" * 1000) == "x" * 400 + "... (600 more characters)"
    assert shown("verdict: ship\nverdict: ship\t!") == "verdict: ship\\nverdict: ship\\t!"
    assert shown(5) == "5"


@given(st.text())
def test_escaped_json_means_the_same(text: str) -> None:
    written = json.dumps({"a": text}, ensure_ascii=False)
    assert json.loads(escape(written)) == {"a": text}


def test_text_of_all_languages_stays() -> None:
    for text in ("Größe", "日本語", "می\u200cخواهم", "👩\u200d💻", "tab\tand\nline"):
        assert escape(text) == text
