"""The chance that the whole gate ships, as text: a column a truth, a row a criterion, the S1 rule, the whole."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from shipworthy.cli._tables import table

if TYPE_CHECKING:
    from shipworthy.release.chance import GateChance, Sizes


def lines(chance: GateChance) -> Iterator[str]:
    """Yield the table of `shipworthy plan`, and from which to which size the gate keeps its promise."""
    yield "chance to ship, if every bad rate is this part of its limit"
    yield ""
    rows = [
        (row.id, *(map(_share, row.chances) if row.chances else ["left out"] * len(chance.truths)))
        for row in chance.criteria
    ]
    samples = f"{chance.s1_samples:,} sample{'' if chance.s1_samples == 1 else 's'}"
    rows.append((f"S1 rule ({samples})", *map(_share, chance.s1_rule)))
    possible = [
        min((row.chances[i] for row in chance.criteria if row.chances), default=1.0) > 0
        for i in range(len(chance.truths))
    ]
    # None of so many draws: by the rule of three, less than three in so many.
    rare = f"< {300 / chance.draws:.2g} %"
    whole = (rare if not each and can else _share(each) for each, can in zip(chance.whole, possible, strict=True))
    rows.append(("the whole gate", *whole))
    columns = ("criterion", *(f"{100 * truth:g} %" for truth in chance.truths))
    yield table(columns, rows, right=range(1, len(columns)))
    yield ""
    yield f"{100 * chance.promise:g} % for the whole gate, all suites grown alike:"
    for truth, sizes in zip(chance.truths, chance.sizes, strict=True):
        yield from textwrap.wrap(
            f"at {100 * truth:g} % of the limits: {_sizes(sizes)}", 80, initial_indent="  ", subsequent_indent="    "
        )
    if chance.s1_samples and min(chance.s1_rule) < 1:
        yield ""
        yield "More S1 samples make a system that is ever hit there less likely to ship, not"
        yield "more: one hit is a no-ship, whatever the rates say."
    yield ""
    yield f"From {chance.draws:,} draws of the gate; the S1 rule's row is worked out. Assumed:"
    for said in chance.assumes:
        yield from textwrap.wrap(said, 80, initial_indent="- ", subsequent_indent="  ")


def _share(chance: float) -> str:
    if 0 < chance < 1e-4:
        return "< 0.01 %"
    return f"{100 * chance:.0f} %" if chance >= 0.095 or not chance else f"{100 * chance:.1g} %"


def _sizes(sizes: Sizes) -> str:
    if sizes.least is None:
        return f"at no size: {sizes.why}"
    if sizes.most is None:
        of = "" if sizes.s1_least is None else f" ({sizes.s1_least:,} of S1)"
        return f"from {sizes.least:.2g} times the plan's samples on{of}"
    return (
        f"from {sizes.least:.2g} to {sizes.most:.2g} times the plan's samples "
        f"({sizes.s1_least or 0:,} to {sizes.s1_most or 0:,} of S1)"
    )
