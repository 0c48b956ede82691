"""The injection model reads a text in windows; one pass gives what training was given, window by window."""

from __future__ import annotations

import json
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.detect import injection_model as model
from shipworthy.detect.injection_model import InjectionModel, InjectionText

WEIGHTS = np.random.default_rng(1).normal(size=model.SIZE).astype(np.float32)
RANDOM = InjectionModel(WEIGHTS, -0.5)


def slow(text: str) -> list[float]:
    """The chances of a text's windows from the buckets of each, counted one window at a time."""
    read = InjectionText(text)
    hand, found = read.hand(), []
    for i, (start, end) in enumerate(read.windows):
        score = -0.5 + float(hand[i] @ WEIGHTS[model.WIDTH :])
        for field in read.fields():
            places = range(len(read.codes)) if field.places is None else field.places
            inside = [
                [int(b) for at, b in zip(places, grams, strict=False) if start <= at < end] for grams in field.grams
            ]
            buckets = [bucket for grams in inside for bucket in grams]
            weights = WEIGHTS[field.buckets].astype(float)
            score += sum(weights[bucket] for bucket in buckets) / max(len(buckets), 1) ** 0.5
        found.append(1 / (1 + np.exp(-score)))
    return found


TEXTS = st.text(st.sampled_from("abc de.\n\t\u2019\u00e9\u200b\uff21\u4f60\U0001f600!<>"), max_size=1500)


@given(TEXTS)
@settings(max_examples=60, deadline=None)
def test_one_pass_gives_what_each_window_gives(text: str) -> None:
    windows = RANDOM.windows(text)
    expected = slow(text) if windows else []
    assert [w.chance for w in windows] == pytest.approx(expected, rel=1e-3)
    for window in windows:
        assert 0 <= window.start < window.end <= len(text)


@given(st.integers(1, 4000))
@settings(max_examples=60, deadline=None)
def test_windows_cover_the_text(length: int) -> None:
    windows = InjectionText("x" * length).windows
    assert windows[0][0] == 0
    assert windows[-1][1] == length
    assert all(b[0] - a[0] <= model.STEP and b[0] <= a[1] for a, b in pairwise(windows))
    assert all(end - start == min(length, model.WINDOW) for start, end in windows)


def test_nothing_gives_nothing_and_odd_texts_are_read() -> None:
    assert RANDOM.windows("") == []
    assert RANDOM.chance("\u200b") == 0
    assert RANDOM.windows("\ud800 half a character")
    assert RANDOM.windows(" \n") == []


def test_windows_that_meet_are_one_finding() -> None:
    text = "word " * 400
    (span,) = RANDOM.find(text, 1e-9)
    assert (span.start, span.end) == (0, len(text))
    assert RANDOM.find(text, 1 - 1e-12) == []


def test_weights_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        InjectionModel(WEIGHTS[1:], 0)


@pytest.mark.parametrize(("budget", "flagged"), [(0.01, 1), (0.1, 10), (0.015, 1), (0.001, 0)])
def test_a_threshold_keeps_to_its_budget(budget: float, flagged: int) -> None:
    chances = [i / 101 for i in range(100)]
    assert sum(c >= model.threshold(chances, budget) for c in chances) == flagged
    # What is equal is flagged together or not at all.
    assert sum(c >= model.threshold([0.5] * 100, budget) for c in [0.5] * 100) == 0


def test_the_card_says_what_the_model_is_made_of_and_misses() -> None:
    card = json.loads(files("shipworthy.library").joinpath("weights/injection/card.json").read_text(encoding="utf-8"))
    for source in card["trained_on"]:
        assert all(
            name.startswith(("MIT", "Apache-2.0", "CC-BY-4.0", "CC0-1.0", "PSF-2.0")) for name in source["licence"]
        )
    figures = card["figures"]
    own, unseen = figures["out_of_fold"], figures["source_left_out"]

    def share(label: str) -> float:
        return own[label]["all"]["found"] / own[label]["all"]["n"]

    # By texts, and where each group of near-duplicates counts once.
    for rate in (share, lambda label: own[label]["all"]["rate"]):
        assert rate("direct attacks") >= 0.70
        assert rate("direct harmless") <= 0.03
        assert rate("indirect attacks") >= 0.52
        assert rate("indirect harmless") <= 0.05
    assert unseen["indirect attacks"]["cyberseceval_prompt_injection"]["rate"] >= 0.35
    assert unseen["direct harmless"]["notinject"]["rate"] <= 0.05
    # It does badly where nothing like it was in training, and the card does not hide that.
    assert unseen["direct attacks"]["jbb_artifacts"]["rate"] < 0.2
    assert unseen["direct harmless"]["python_stdlib_code"]["rate"] > 0.2
    assert unseen["direct harmless"]["wildguard_benign"]["rate"] > 0.2


@pytest.mark.parametrize(
    ("one", "other"),
    [("Write it", "Qwerty uiop"), ("Tell me 12", "Zażółć gęś 7"), ("пиши {[ x", "write {[ y"), ("a\u2019b", "c'd")],
)
def test_the_shape_of_a_text_is_the_same_for_all_scripts(one: str, other: str) -> None:
    first, second = (InjectionText(text).fields()[2] for text in (one, other))
    assert [list(g) for g in first.grams] == [list(g) for g in second.grams]


def test_signs_and_capitals_inside_words_are_in_the_shape() -> None:
    plain, odd = (InjectionText(text).fields()[2] for text in ("tell me now", "tell](meNow"))
    assert not set(plain.grams[0]) >= set(odd.grams[0])
    assert list(plain.places) == [0, 4, 5, 7, 8]
