"""What a reply costs: by the provider's word, else by the price list, else not known."""

from __future__ import annotations

import pytest

from shipworthy.core.errors import UsageError
from shipworthy.core.events import Usage
from shipworthy.core.price import Price, priced

LIST = Price(input=2.0, output=10.0)


def test_tokens_are_paid_by_the_million():
    assert LIST.cost(Usage(1000, 500)) == pytest.approx(0.002 + 0.005)


@pytest.mark.parametrize(("usage", "price", "cost", "known"), [
    (Usage(10, 10, 0.5), LIST, 0.5, True),
    (Usage(10, 10, 0.5), None, 0.5, True),
    (Usage(1_000_000, 0), LIST, 2.0, True),
    (Usage(0, 0), LIST, 0.0, False),
    (Usage(10, 10), None, 0.0, False),
    (Usage(0, 0), Price(0, 0), 0.0, True),
])  # fmt: skip
def test_who_is_believed(usage, price, cost, known):
    found, told = priced(usage, price)
    assert (found.cost_usd, told) == (cost, known)


@pytest.mark.parametrize("written", [
    None, 3, "cheap", [], {}, {"input": 1}, {"input": 1, "output": "2"}, {"input": -1, "output": 1},
    {"input": float("nan"), "output": 1}, {"input": float("inf"), "output": 1}, {"input": 1, "output": 1, "per": "day"},
])  # fmt: skip
def test_what_is_no_price_is_said_with_one_that_is(written):
    with pytest.raises(UsageError, match="a price is written as price: "):
        Price.read(written)
