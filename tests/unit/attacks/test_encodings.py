"""Encodings lose nothing: what was hidden can be read again."""

from __future__ import annotations

import codecs
import random
from base64 import b64decode
from importlib import import_module

from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.records import Sample, say
from shipworthy.core.registry import create
from shipworthy.detect.normalise import fold

# Modules, because each of them also holds a factory of the same name.
base64 = import_module("shipworthy.attacks.base64")
homoglyph = import_module("shipworthy.attacks.homoglyph")
leetspeak = import_module("shipworthy.attacks.leetspeak")
rot13 = import_module("shipworthy.attacks.rot13")
zero_width = import_module("shipworthy.attacks.zero_width")

rates = st.floats(0.01, 1.0)
seeds = st.integers(0, 2**31 - 1)


def sent(name: str, text: str, **params: object) -> str:
    sample = Sample(id="s", messages=(say("user", text),))
    return create("attack", name, params).change(sample, random.Random(0)).messages[0].text


@given(st.text())
def test_base64_decodes_to_the_text(text: str) -> None:
    assert b64decode(base64.encode(text), validate=True).decode("utf-8", "surrogatepass") == text


@given(st.text())
def test_base64_stands_on_the_last_line_under_its_explanation(text: str) -> None:
    explanation, _, code = sent("base64", text).rpartition("\n")
    assert explanation.strip() == base64.EXPLAIN
    assert b64decode(code).decode() == text


@given(st.text())
def test_rot13_is_its_own_inverse(text: str) -> None:
    assert rot13.encode(rot13.encode(text)) == text
    assert sent("rot13", text, explain=False) == codecs.encode(text, "rot13")


@given(st.text(alphabet=st.characters(blacklist_characters="0134578", max_codepoint=0x7F)))
def test_leetspeak_reads_back(text: str) -> None:
    back = {ord(digit): letter for letter, digit in leetspeak.DIGITS.items()}
    assert leetspeak.encode(text).translate(back).lower() == text.lower()


def test_leetspeak_replaces_only_the_letters_asked_for() -> None:
    assert sent("leetspeak", "Tea is so hot", letters="o") == "Tea is s0 h0t"


@given(st.text(alphabet=st.characters(max_codepoint=0x24F)), rates, seeds)
def test_homoglyph_swaps_back(text: str, rate: float, seed: int) -> None:
    changed = homoglyph.encode(text, rate, random.Random(seed))
    back = {ord(alike): letter for letter, alike in homoglyph.LOOK_ALIKES.items()}
    assert changed.translate(back) == text
    assert len(changed) == len(text)


@given(st.text(alphabet=st.characters(blacklist_characters=zero_width.INVISIBLE)), rates, seeds)
def test_zero_width_strips_back(text: str, rate: float, seed: int) -> None:
    changed = zero_width.encode(text, rate, random.Random(seed))
    assert "".join(c for c in changed if c not in zero_width.INVISIBLE) == text


def test_rate_one_reaches_every_place() -> None:
    assert not set(sent("homoglyph", "a cope", rate=1.0)) & set("acope")
    assert len(sent("zero_width", "abc de", rate=1.0)) == 9


words = st.from_regex(r"[A-Za-z][A-Za-z ,.?!']{0,60}", fullmatch=True)


@given(words, rates, seeds)
def test_the_detectors_folding_undoes_homoglyphs(text: str, rate: float, seed: int) -> None:
    assert fold(homoglyph.encode(text, rate, random.Random(seed))).text == fold(text).text


@given(words, rates, seeds)
def test_the_detectors_folding_undoes_zero_width_characters(text: str, rate: float, seed: int) -> None:
    assert fold(zero_width.encode(text, rate, random.Random(seed))).text == fold(text).text
