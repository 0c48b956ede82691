"""Ranges as people read them: no more digits than anybody knows."""

from __future__ import annotations

import pytest

from shipworthy.cli._expected import lines, money, sentences
from shipworthy.evals.estimate import Estimate
from shipworthy.evals.took import Between


@pytest.mark.parametrize(("low", "high", "said"), [
    (0.2, 0.4, "about 1s"), (3.2, 8.7, "3s to 9s"), (14.4, 47, "14s to 47s"), (62, 88, "about 1m"),
    (95, 640, "2m to 11m"), (3000, 4000, "50m to 1h10m"), (20_000, 90_000, "5h30m to 25h"),
])  # fmt: skip
def test_times_are_rounded_to_what_can_be_known(low, high, said):
    [first, *_] = sentences(Estimate(seconds=Between(low, high), runs=("RUN-1",), attempts=9))
    assert first == f"Expected: {said}."


def test_tokens_and_money_have_two_digits():
    found = Estimate(tokens=Between(12_345, 67_891), usd=Between(0.1234, 0.5678), runs=("RUN-1",), attempts=9)
    [first, *_] = sentences(found)
    assert first == "Expected: 12,000 to 68,000 tokens, $0.12 to $0.57 (computed from `price`)."
    assert money(Between(0, 0)) == "$0.00"
    assert money(Between(0.0041, 0.0043)) == "$0.0041 to $0.0043"


def test_what_is_missing_is_said_once():
    unpriced = Estimate(tokens=Between(1, 2), runs=("RUN-1",), attempts=9, unpriced=True)
    assert [said for said in sentences(unpriced) if said.startswith("Money is not known")]
    part = Estimate(tokens=Between(1, 2), usd=Between(1, 2), runs=("RUN-1",), attempts=9, unpriced=True, reported=True)
    said = " ".join(sentences(part))
    assert "(as providers report it)" in said
    assert "Not in the money: tokens of models that have no `price`" in said
    assert list(lines(Estimate(), begun=True)) == [
        "Time, tokens and money are not known before a first run of this target."
    ]
    assert len(list(lines(Estimate()))) == 3
