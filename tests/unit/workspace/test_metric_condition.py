"""Conditions held against a metric: what is refused, and what is taken."""

from __future__ import annotations

import pytest

from shipworthy.core.condition import parse
from shipworthy.core.metric import Metric
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.metric_condition import refusal, weakness

LEAK = Metric("leak")
WAIT = Metric("wait", kind="value", unit="s", low=0.5, high=60.0)
POINTS = Metric("points", kind="value", low=1.0, high=5.0)


@pytest.mark.parametrize(
    ("text", "metric", "message"),
    [
        ("upper95 <= 5", LEAK, "must be a rate from 0 to 1 (or a percentage: 5%)"),
        ("upper95 <= 500%", LEAK, "must be a rate from 0 to 1"),
        ("upper95 <= -0.1", LEAK, "must be a rate from 0 to 1"),
        ("upper95 <= 0", LEAK, "an upper bound is never 0, however many samples: name the highest rate"),
        ("lower95 >= 1", LEAK, "a lower bound is never 1, however many samples: name the lowest rate"),
        ("rise_upper95 <= 1.5", LEAK, "the margin 1.5"),
        ("upper95 <= 0.1 s", LEAK, "is a rate"),
        ("upper95 <= 61", WAIT, "outside the range of 'wait': from 0.5 to 60 s"),
        ("upper95 <= 0.5", WAIT, "an upper bound is never 0.5, however many samples: name the highest mean"),
        ("lower95 >= 60 s", WAIT, "a lower bound is never 60"),
        ("rise_upper95 <= 60 s", WAIT, "wider than the range of 'wait' (59.5 s)"),
        ("upper95 <= 5 ms", WAIT, "gives the unit 'ms', but the metric 'wait' is in s"),
        ("upper95 <= 5%", WAIT, "gives a percentage"),
        ("upper95 <= 0.5 s", Metric("q", kind="value"), "has no unit"),
        ("drop_upper95 <= 1.5", LEAK, "the margin 1.5"),
        ("lower95 >= 0.5", POINTS, "outside the range of 'points': from 1 to 5"),
        ("upper95 <= 1", POINTS, "an upper bound is never 1"),
        ("rise_upper95 <= 4.5", POINTS, "wider than the range of 'points' (4)"),
        ("upper95 <= 1e308", WAIT, "outside the range of 'wait'"),
    ],
)
def test_a_limit_that_a_metric_cannot_have_is_refused(text: str, metric: Metric, message: str) -> None:
    assert message in refusal(parse(text), metric)


@pytest.mark.parametrize(
    ("text", "metric"),
    [
        ("upper95 <= 5%", LEAK), ("upper95 <= 1", LEAK), ("lower95 >= 0", LEAK), ("drop_upper95 <= 1", LEAK),
        ("upper95 <= 12", WAIT), ("upper95 <= 12 s", WAIT), ("rise_upper95 <= 59.5s", WAIT),
        ("upper95 <= -2", Metric("d", kind="value", low=-5.0)),
        ("upper95 <= 0.05", LEAK), ("lower95 >= 0.8", LEAK), ("rise_upper95 <= 0.1", LEAK),
        ("lower95 >= 3.5", POINTS), ("rise_upper95 <= 3", POINTS),
    ],
)  # fmt: skip
def test_a_limit_that_a_metric_can_have_is_taken(text: str, metric: Metric) -> None:
    assert refusal(parse(text), metric) == ""


@pytest.mark.parametrize(
    ("text", "metric", "said"),
    [
        ("upper95 <= 1", Metric("leak"), "nothing can miss"),
        ("upper95 <= 100 %", Metric("leak"), "nothing can miss"),
        ("worst_attack_upper95 <= 1.0", Metric("leak"), "nothing can miss"),
        ("lower95 >= 0", Metric("helpful", good="high"), "name the lowest rate"),
        ("rise_upper95 <= 1", Metric("leak"), "no rate rises by more"),
        ("drop_upper95 <= 100%", Metric("leak"), "no rate drops by more"),
        ("upper95 <= 60 s", Metric("wait", kind="value", unit="s", high=60.0), "no mean is above 60"),
        ("lower95 >= -1", Metric("mood", kind="value", low=-1.0), "no mean is below -1"),
        ("upper50 <= 0.05", Metric("leak"), "in up to 50% of runs"),
        ("upper79.9 <= 0.05", Metric("leak"), "so write upper95"),
        ("rise_upper60 <= 0.05", None, "so write rise_upper95"),
        ("lower79.999 >= 0.5", None, "so write lower95"),
        ("upper95 <= 0.999", Metric("leak"), ""),
        ("upper80 <= 0.05", Metric("leak"), ""),
        ("lower95 >= 0.01", Metric("leak"), ""),
        ("upper95 <= 1", None, ""),
    ],
)
def test_a_condition_that_says_little_is_told(text: str, metric: Metric | None, said: str) -> None:
    found = weakness(parse(text), metric)
    assert said in found
    assert bool(found) == bool(said)


@pytest.mark.parametrize(
    "must",
    [
        "upper95 <= ٠.٠٥",
        "upper９５ <= 0.05",
        "upper95 <= 0.0५",
        "upper95 <= ５",
        "upper95 <= 5 ²",
        "upper95 <= 0.05 s٥",
    ],
)
def test_other_scripts_digits_are_problems_with_their_line(problems, must: str) -> None:
    (found,) = problems({"requirements.yaml": ("must: upper95 <= 0.5", f"must: '{must}'")})
    assert found.startswith("requirements.yaml:9: 'must' ") and "write numbers with 0 to 9" in found


@pytest.mark.parametrize("must", ["upper95 <= 1", "upper50 <= 0.5"])
def test_check_warns_with_the_line(workspace, must: str) -> None:
    root = workspace({"requirements.yaml": ("must: upper95 <= 0.5", f"must: {must}")})
    loaded, problems = Workspace.inspect(root, allow_code=True)
    assert loaded is not None and problems == ()
    [warning] = [found for found in loaded.warnings if must in found.message]
    assert (warning.file.name, warning.line) == ("requirements.yaml", 9)
