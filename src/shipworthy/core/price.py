"""What a model costs: in USD a million tokens, as its user says in ``targets.yaml``."""

from __future__ import annotations

from math import floor, isfinite, log10
from typing import Any

import msgspec
from msgspec import Struct

from shipworthy.core.errors import UsageError
from shipworthy.core.events import Usage

KEY = "price"
"""The key of a target that holds it. It is no parameter of the plug-in, and no part of what is measured."""

HINT = "price: {input: 0.15, output: 0.60}, in USD a million tokens; 0 for what costs nothing"


class Price(Struct, frozen=True, forbid_unknown_fields=True):
    """A price list of two entries.

    Attributes:
        input, output: USD a million tokens, finite, >= 0.
    """

    input: float
    output: float

    @classmethod
    def read(cls, written: Any) -> Price:
        """Read what stands under `KEY`.

        Raises:
            UsageError: it is no price.

        >>> Price.read({"input": 0.5, "output": 1}).cost(Usage(1_000_000, 500_000))
        1.0
        """
        try:
            made = msgspec.convert(written, cls)
        except (msgspec.ValidationError, UnicodeError) as error:
            raise UsageError(f"a price is written as {HINT}: {error}") from error
        if not all(isfinite(part) and part >= 0 for part in (made.input, made.output)):
            raise UsageError(f"a price is written as {HINT}: each is a number of 0 or more")
        return made

    @property
    def free(self) -> bool:
        """Whether no number of tokens costs anything."""
        return not (self.input or self.output)

    def cost(self, usage: Usage) -> float:
        """Return USD for the tokens of a reply."""
        return (self.input * usage.input_tokens + self.output * usage.output_tokens) / 1e6


def priced(usage: Usage, price: Price | None) -> tuple[Usage, bool]:
    """Return a reply's usage with what it cost, and whether that is known.

    What the provider says of the cost itself goes before what its tokens come to by the price list.
    """
    if usage.cost_usd > 0:
        return usage, True
    if price is None or not (price.free or usage.input_tokens or usage.output_tokens):
        return usage, False  # an endpoint that does not even tell its tokens
    cost = price.cost(usage)
    return Usage(usage.input_tokens, usage.output_tokens, cost, cost), True


def money(usd: float) -> str:
    """Return an amount of money, two digits of it where it is less than ten cents.

    >>> money(1234.5), money(0.42), money(0.00314), money(0.05), money(0)
    ('$1,234.50', '$0.42', '$0.0031', '$0.05', '$0.00')
    """
    if not 0 < usd < 0.095:
        return f"${usd:,.2f}"
    written = f"{usd:.{1 - floor(log10(usd))}f}"
    return f"${written[:4]}{written[4:].rstrip('0')}"


def cost_basis(usage: Usage) -> str:
    """Return whose word a cost is: ``computed`` from a price list, ``reported`` by the provider; empty without one.

    >>> cost_basis(Usage(9, 9, 0.5)), cost_basis(Usage(9, 9, 0.5, 0.5)), cost_basis(Usage(9, 9))
    ('reported', 'computed', '')
    >>> cost_basis(Usage(9, 9, 0.5, 0.2))
    '$0.20 computed, $0.30 reported'
    """
    if not usage.cost_usd:
        return ""
    if not usage.computed_usd:
        return "reported"
    reported = usage.cost_usd - usage.computed_usd
    if reported <= 1e-9 * usage.cost_usd:  # sums of the same numbers, rounded in another order
        return "computed"
    return f"{money(usage.computed_usd)} computed, {money(reported)} reported"


def cost(usage: Usage) -> str:
    """Return what something cost and whose word that is; empty where nobody said.

    >>> cost(Usage(9, 9, 0.5, 0.5))
    '$0.50 computed'
    >>> cost(Usage(9, 9, 0.5, 0.2))
    '$0.50 ($0.20 computed, $0.30 reported)'
    """
    basis = cost_basis(usage)
    if not basis:
        return ""
    return f"{money(usage.cost_usd)} {f'({basis})' if basis.startswith('$') else basis}"
