"""Rates among sessions, and samples with known chances."""

from __future__ import annotations

from pathlib import Path

import pytest
from scipy.stats import beta
from tests.unit.telemetry.conftest import keep, span

from shipworthy.core.errors import UsageError
from shipworthy.telemetry.draw import draw_spans
from shipworthy.telemetry.facts import FactView
from shipworthy.telemetry.rates import rates
from shipworthy.telemetry.whose import Whose


@pytest.fixture
def view(tmp_path: Path):
    spans = []
    for number in range(200):  # 100 sessions, two spans each
        session, hit = number // 2, number in (10, 11, 40)
        feature = "help" if session < 60 else "search"
        fields = {"feature": feature, "severity": 2 if hit else 0, "hits": ("violation",) if hit else ()}
        spans.append((span(number + 1, **fields), Whose(f"user-{session}", f"s-{session}")))
    keep(tmp_path, *spans)
    with FactView(tmp_path) as made:
        yield made


def test_rates_are_of_sessions_with_exact_limits(view: FactView) -> None:
    found = rates(view, "violation", ("feature",))
    help_, search = found.rates
    assert (help_.feature, help_.hits, help_.sessions, search.hits, search.sessions) == ("help", 2, 60, 0, 40)
    assert help_.per == pytest.approx(10_000 * 2 / 60)
    assert (help_.low, help_.high) == pytest.approx((1e4 * beta.ppf(0.025, 2, 59), 1e4 * beta.ppf(0.975, 3, 58)))
    assert search.low == 0 and search.high == pytest.approx(1e4 * (1 - 0.025 ** (1 / 40)))
    assert found.sessions == 100


def test_a_severity_is_divided_by_all_sessions(view: FactView) -> None:
    (one,) = rates(view, "violation", ("severity",)).rates
    assert (one.severity, one.hits, one.sessions) == (2, 2, 100)
    with pytest.raises(UsageError, match="has none"):
        rates(view, "pii", ("severity",))
    with pytest.raises(UsageError, match="day, feature, severity"):
        rates(view, "violation", ("model",))  # type: ignore[arg-type]


def test_a_draw_says_the_chance_of_each_and_is_the_same_again(view: FactView) -> None:
    drawn = draw_spans(view, 20, ("feature", "violation"), seed=3, least=2)
    assert len(drawn.spans) == 20
    assert drawn == draw_spans(view, 20, ("feature", "violation"), seed=3, least=2)
    assert drawn.digest != draw_spans(view, 20, ("feature", "violation"), seed=4, least=2).digest
    for stratum, (there, taken) in drawn.strata.items():
        of = [one for one in drawn.spans if one.stratum == stratum]
        assert len(of) == taken >= min(2, there) and all(one.inclusion == taken / there for one in of)
    # Horvitz and Thompson: the sum of one over the chance is the number of spans.
    assert sum(1 / one.inclusion for one in drawn.spans) == pytest.approx(200)


def test_an_estimate_from_draws_is_unbiased(view: FactView) -> None:
    hits = {f"{number + 1:016x}" for number in (10, 11, 40)}
    found = [
        sum(1 / one.inclusion for one in draw_spans(view, 30, ("feature",), seed=seed).spans if one.span in hits)
        for seed in range(120)
    ]
    # Three hits; the sd of one estimate is about 4.1, so that of the mean is below 0.4.
    assert abs(sum(found) / len(found) - 3) < 1.6


def test_too_few_for_the_strata_is_said(view: FactView) -> None:
    with pytest.raises(UsageError, match="strata"):
        draw_spans(view, 1, ("feature",), seed=1)
