"""What a suite's scorers need and give, as `check` sees it before anything runs."""

from __future__ import annotations

import pytest

from shipworthy.core import registry
from shipworthy.core.records import Metric

SCORERS = "[{use: counts_words, limit: 3}]"


def suite(scorers: str) -> dict[str, tuple[str, str]]:
    return {"suites/talk/suite.yaml": (SCORERS, f"[counts_words, {scorers}]")}


@pytest.mark.parametrize("use", ["contains", "not_contains", "{use: length, unit: words}"])
def test_a_sample_without_what_is_expected_is_refused_where_the_suite_does_not_say_it(problems, use):
    (found,) = problems(suite(use))
    assert "looks for what is expected, and the sample 't-1' says nothing" in found


def test_what_the_suite_says_need_not_stand_in_the_samples(problems):
    assert problems(suite("{use: contains, text: a}, {use: not_regex, pattern: b, good: low}")) == []


def test_two_scorers_of_one_metric_are_refused(problems):
    (found,) = problems(suite("{use: contains, text: a}, {use: contains, text: b}"))
    assert "two scorers of the suite give the metric 'contains': no attempt could be scored" in found
    assert problems(suite("{use: contains, text: a}, {use: contains, text: b, metric: b}")) == []


def test_a_pattern_that_could_not_run_is_the_suites_to_mend(problems):
    (found,) = problems(suite("{use: regex, pattern: '(?=a)'}"))
    assert found.startswith("suites/talk/suite.yaml:") and "scorer 'regex' (pattern: invalid perl operator" in found


@pytest.mark.parametrize("described", [{}, {"scorer": 4}])
def test_a_scorer_that_does_not_say_its_name_is_refused(problems, monkeypatch, described):
    class Nameless:
        metrics = (Metric("told"),)

        def describe(self):
            return described

        async def score(self, attempt, sample, ctx):
            return ()

    monkeypatch.setitem(registry._made, ("scorer", "nameless"), Nameless)
    (found,) = problems(suite("nameless"))
    assert "the scorer 'nameless' does not say what it signs its scores with" in found
