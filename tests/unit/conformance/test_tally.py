"""Sums over cells are exact, and nothing but words that were stopped makes a gateway conformant."""

from __future__ import annotations

import pytest
from scipy.special import betaincinv

from shipworthy.conformance.tally import rate, verdict


@pytest.mark.parametrize(("hits", "of"), [(0, 1), (1, 1), (0, 160), (3, 7), (177, 390), (1, 2000), (1999, 2000)])
def test_the_interval_is_clopper_and_pearsons(hits, of) -> None:
    found = rate(hits, of)
    assert found is not None
    low = 0.0 if hits == 0 else betaincinv(hits, of - hits + 1, 0.025)
    high = 1.0 if hits == of else betaincinv(hits + 1, of - hits, 0.975)
    assert found["low"] == pytest.approx(low, abs=1e-6)
    assert found["high"] == pytest.approx(high, abs=1e-6)


def test_of_nothing_there_is_no_rate() -> None:
    assert rate(0, 0) is None


def row(outcome, role="cell", place="content"):
    return {"role": role, "outcome": outcome, "place": place}


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ([row("stopped")], "conformant"),
        ([row("stopped"), row("not claimed"), row("not served")], "conformant"),
        ([row("stopped"), row("leaked")], "leaks"),
        ([row("stopped"), row("broken")], "inconclusive"),
        ([row("stopped"), row("altered", "control")], "alters"),
        ([row("stopped", place="error")], "inconclusive"),
        ([row("not served")], "inconclusive"),
        ([row("leaked", "probe"), row("not claimed")], "leaks"),
        ([row("leaked", "probe"), row("stopped", "probe"), row("stopped")], "conformant"),
        ([], "inconclusive"),
    ],
)
def test_the_word(rows, word) -> None:
    assert verdict(rows, []) == word
    assert verdict(rows, ["a", "b"]) != "conformant"
