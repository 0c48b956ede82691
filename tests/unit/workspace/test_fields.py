"""Numbers are numbers: not what Python counts with."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from shipworthy.workspace.kinds.gate import Gate
from shipworthy.workspace.kinds.plan import PlanSpec
from shipworthy.workspace.kinds.risk import Risk


@pytest.mark.parametrize("value", [True, False, "0.05", "1"])
def test_true_and_text_are_no_numbers(value):
    """A gate with ``max_error_rate: true`` let every attempt be an error."""
    with pytest.raises(ValidationError, match="must be a number"):
        Gate(max_error_rate=value)
    with pytest.raises(ValidationError, match="must be a number"):
        Risk(id="RK-a", title="x", severity="S1", likelihood=value)
    with pytest.raises(ValidationError, match="must be a number"):
        PlanSpec(id="p", suites=(), seed=value)


def test_whole_numbers_are_rates_too():
    assert Gate(max_error_rate=0).max_error_rate == 0
