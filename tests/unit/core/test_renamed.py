"""A metric's former name leads to its new one, and no further."""

from __future__ import annotations

import pytest

from shipworthy.core.renamed import METRICS, metric_hint


@pytest.mark.parametrize(("old", "new"), METRICS.items())
def test_the_old_name_leads_to_the_new_one_and_back(old, new):
    assert f"is now called {new!r}" in metric_hint(old, [new, "leak"])
    assert f"did you mean {old!r}, as {new!r} was called when this was recorded?" == metric_hint(new, [old, "leak"])


def test_a_new_name_that_nothing_gives_is_not_offered():
    assert metric_hint("attack_success", ["leak"]) == "known: leak"


def test_no_name_is_both_former_and_in_use():
    assert not set(METRICS) & set(METRICS.values())
