"""Conditions that no number of samples can meet or miss are refused."""

from __future__ import annotations

import pytest

from shipworthy.core.condition import parse
from shipworthy.workspace.must import refusal


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("upper95 <= 5", "must be a rate from 0 to 1"), ("upper95 <= 500%", "must be a rate from 0 to 1"),
        ("upper95 <= -0.1", "must be a rate"), ("drop_upper95 <= 1.5", "must be a rate"),
        ("upper95 <= 0", "an upper bound is never 0"), ("lower95 >= 1", "a lower bound is never 1"),
        ("upper95 <= 0.1 s", "is a rate"), ("upper95 <= 0x1", "is a rate"),
    ],
)  # fmt: skip
def test_a_limit_that_a_rate_cannot_have_is_refused(text, message):
    assert message in refusal(parse(text))


@pytest.mark.parametrize(
    "text", ["upper95 <= 5%", "upper95 <= 1", "lower95 >= 0", "drop_upper95 <= 1", "rise_upper95 <= 0.1"]
)
def test_a_limit_that_a_rate_can_have_is_taken(text):
    assert refusal(parse(text)) == ""
