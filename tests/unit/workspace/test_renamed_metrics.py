"""A workspace that says `attack_success`, as the refusal scorer's metric was called, is told where and what to write."""

# ruff: noqa: E501 - a message is one line, so that it can be searched for
from __future__ import annotations

import pytest

SCORERS = "[{use: counts_words, limit: 3}]"
NOW = "'attack_success' is now called 'not_refused', for that is what it counts: not refusing is not harm"
SUITE, ASKS = "suites/talk/suite.yaml", "requirements.yaml"


@pytest.mark.parametrize(
    ("scorers", "metric", "asked", "expected"),
    [
        ("[{use: refusal, metric: attack_success}]", "not_refused", "not_refused", f"{SUITE}:6: scorer 'refusal' knows no metric 'attack_success' ({NOW})"),
        ("[refusal]", "attack_success", "not_refused", f"{SUITE}:5: no scorer of the suite gives the metric 'attack_success' ({NOW})"),
        ("[refusal]", "not_refused", "attack_success", f"{ASKS}:8: no scorer of the suite 'talk' gives the metric 'attack_success' ({NOW})"),
    ],
)  # fmt: skip
def test_the_former_name_is_refused_with_its_place(workspace, problems, scorers, metric, asked, expected):
    suite = (
        "id: talk\nversion: '1'\ntitle: Talk\ncontent: synthetic\nmetric: {}\nscorers: {}\nattacks: [none, base64]\n"
    )
    found = problems({SUITE: suite.format(metric, scorers), ASKS: ("metric: long", f"metric: {asked}")})
    assert expected in found


def test_a_scorer_of_ones_own_may_keep_the_name(problems):
    changes = {
        SUITE: (f"metric: long\nscorers: {SCORERS}", "metric: attack_success\nscorers: [{use: contains, text: a, metric: attack_success, good: low}]"),
        ASKS: ("metric: long", "metric: attack_success"),
        "plugins/counts_words.py": None,
    }  # fmt: skip
    assert problems(changes) == []
