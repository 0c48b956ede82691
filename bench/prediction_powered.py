"""Print how often prediction-powered limits hold, and ship wrongly, beside the melded ones that the gate uses.

python bench/prediction_powered.py            # 20,000 replicates a cell, about a minute
python bench/prediction_powered.py --melded 300   # and, in some cells, the gate's own limits on the same labels
python bench/prediction_powered.py --json

A judge calls each of many independent answers a hit or none; people label some. Two ways to draw the labels: so many of
all answers at random, as PPI++ has it (Angelopoulos, Duchi and Zrnic 2023), or so many of what was called a hit and of
the rest (stratified PPI, Fisch and others 2024), which is the draw of `shipworthy labels draw`. Four limits: the normal
one of the paper, one on the scale of logits, one with Student's t and two labelled answers more of each kind, and the
normal one only where ten labels of each of the four kinds are there (otherwise it says nothing, which ships nothing).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri, stdtrit

from shipworthy.stats import audited_rate
from shipworthy.stats.clusters import Floats

SENSITIVITIES = (0.5, 0.7, 0.85, 0.95)
SPECIFICITIES = (0.95, 0.98, 0.999)
RATES = (0.01, 0.03, 0.05, 0.1, 0.3)
SIZES = ((1000, 200), (2000, 400), (10_000, 400), (10_000, 1000))
"""Answers, and labels among them; of a stratified draw a quarter is of what was called a hit."""
ENOUGH = 10
DRAWS = ("random", "stratified")
METHODS = ("normal", "logit", "plus two", "enough")
COVERAGE, WRONGLY = 0.94, 0.05
"""What the gate asks of a limit."""


class Cell(NamedTuple):
    """A judge, the truth, and how much was labelled."""

    draw: str
    sensitivity: float
    specificity: float
    rate: float
    answers: int
    labels: int


class Labelled(NamedTuple):
    """Counts of one cell, one entry a replicate: `n11` of label hit and called a hit, `n10` hit and not called, ..."""

    n11: Floats
    n10: Floats
    n01: Floats
    n00: Floats
    called: Floats
    """Of the answers that nobody labelled, or of all in a stratified draw."""


class Held(NamedTuple):
    """Shares of replicates: both limits at 95 % hold, a limit at the truth ships, and one at twice the truth does."""

    covers: float
    wrongly: float
    power: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicates", type=int, default=20_000)
    parser.add_argument("--melded", type=int, default=0, metavar="N", help="replicates of the gate's own limits")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    grid = product(DRAWS, SENSITIVITIES, SPECIFICITIES, RATES, SIZES)
    cells = [Cell(draw, *judge, *sizes) for draw, *judge, sizes in grid]
    found = {cell: measured(cell, options.replicates, options.seed) for cell in cells}
    beside = {}
    if options.melded:
        some = [c for c in cells if c.draw == "stratified" and (c.answers, c.labels) == (2000, 400) and c.rate < 0.3]
        beside = {cell: melded(cell, options.melded, options.seed) for cell in some}
    if options.json:
        rows = [{**c._asdict(), **{m: h._asdict() for m, h in held.items()}} for c, held in found.items()]
        print(json.dumps({"cells": rows, "melded": [{**c._asdict(), **h._asdict()} for c, h in beside.items()]}))
        return
    print(f"{options.replicates:,} replicates a cell, {len(cells)} cells")
    print(f"A limit must cover {COVERAGE} and ship wrongly at most {WRONGLY}\n")
    print(f"{'draw':>10} {'limit':>9} {'least coverage':>15} {'most wrongly':>13} {'cells it is valid in':>21}")
    for draw, method in product(DRAWS, METHODS):
        held = [one[method] for cell, one in found.items() if cell.draw == draw]
        valid = sum(valid_in(one) for one in held)
        worst = min(h.covers for h in held), max(h.wrongly for h in held)
        print(f"{draw:>10} {method:>9} {worst[0]:>15.3f} {worst[1]:>13.3f} {valid:>10} of {len(held)}")
    print("\nNormal limits, worst over the sizes, by judge and rate: wrongly ships (random draw | stratified)")
    print(f"{'Se':>5} {'Sp':>6} " + " ".join(f"{f'rate {r:g}':>14}" for r in RATES))
    for se, sp in product(SENSITIVITIES, SPECIFICITIES):
        normal = {c: h["normal"].wrongly for c, h in found.items()}
        most = [[max(w for c, w in normal.items() if c[:4] == (d, se, sp, r)) for d in DRAWS] for r in RATES]
        print(f"{se:>5} {sp:>6} " + " ".join(f"{a:>6.3f} | {b:.3f}" for a, b in most))
    if beside:
        print("\nStratified, 2,000 answers and 400 labels: the gate's melded limits, and the normal ones")
        both = [(one, found[cell]["normal"]) for cell, one in beside.items()]
        print(f"most wrongly {max(a.wrongly for a, _ in both):.3f} and {max(b.wrongly for _, b in both):.3f}")
        power = mean(a.power for a, _ in both), mean(b.power for _, b in both)
        print(f"mean power at half the limit {power[0]:.3f} and {power[1]:.3f}")


def mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def valid_in(held: Held) -> bool:
    """Tell whether limits hold as the gate promises, two Monte-Carlo errors of 20,000 replicates allowed."""
    return held.covers >= COVERAGE - 0.003 and held.wrongly <= WRONGLY + 0.003


def measured(cell: Cell, replicates: int, seed: int) -> dict[str, Held]:
    """Return how each limit does in one cell."""
    drawn = labelled(cell, replicates, np.random.default_rng([seed, hash(cell[1:]) % 2**32]))
    found = {}
    for method in METHODS:
        less = 2.0 if method == "plus two" else 0.0
        rate, error = (random_draw if cell.draw == "random" else stratified_draw)(cell, drawn, less)
        silent = np.zeros(rate.size, dtype=bool)
        if method == "enough":
            silent = np.minimum.reduce([drawn.n11, drawn.n10, drawn.n01, drawn.n00]) < ENOUGH
        two, one = limits(method, rate, error, cell.labels, 0.975), limits(method, rate, error, cell.labels, 0.95)
        found[method] = Held(
            covers=float((silent | ((two[0] <= cell.rate) & (cell.rate <= two[1]))).mean()),
            wrongly=float((~silent & (one[1] < cell.rate)).mean()),
            power=float((~silent & (one[1] <= 2 * cell.rate)).mean()),
        )
    return found


def limits(method: str, rate: Floats, error: Floats, labels: int, level: float) -> tuple[Floats, Floats]:
    """Return both limits, each at a level."""
    z = float(stdtrit(labels - 1, level)) if method == "plus two" else float(ndtri(level))
    if method == "logit":
        p = np.clip(rate, 1e-6, 1 - 1e-6)
        reach = np.minimum(z * error / (p * (1 - p)), 500.0)
        return 1 / (1 + (1 - p) / p * np.exp(reach)), 1 / (1 + (1 - p) / p * np.exp(-reach))
    return rate - z * error, rate + z * error


def labelled(cell: Cell, replicates: int, rng: np.random.Generator) -> Labelled:
    """Draw answers, verdicts and labels."""
    se, sp, p = cell.sensitivity, cell.specificity, cell.rate
    if cell.draw == "random":
        chances = [p * se, p * (1 - se), (1 - p) * (1 - sp), (1 - p) * sp]
        kinds = rng.multinomial(cell.labels, chances, replicates).astype(float).T
        return Labelled(*kinds, rng.binomial(cell.answers - cell.labels, p * se + (1 - p) * (1 - sp), replicates) * 1.0)
    true = rng.binomial(cell.answers, p, replicates)
    found, false = rng.binomial(true, se), rng.binomial(cell.answers - true, 1 - sp)
    called = found + false
    first = np.minimum(cell.labels // 4, called)
    second = np.minimum(cell.labels - cell.labels // 4, cell.answers - called)
    n11 = rng.hypergeometric(found, false, first)
    n10 = rng.hypergeometric(true - found, cell.answers - called - (true - found), second)
    return Labelled(*(one.astype(float) for one in (n11, n10, first - n11, second - n10, called)))


def random_draw(cell: Cell, drawn: Labelled, more: float) -> tuple[Floats, Floats]:
    """Return PPI++'s estimate and standard error, its weight of the judge tuned on the same labels.

    Args:
        more: labelled answers added to each of the four kinds.
    """
    n11, n10, n01, n00 = (kind + more for kind in drawn[:4])
    n = n11 + n10 + n01 + n00
    rest = cell.answers - cell.labels
    y, f, both = (n11 + n10) / n, (n11 + n01) / n, n11 / n
    everywhere = (drawn.called + n11 + n01) / (rest + n)
    cov, var = both - y * f, everywhere * (1 - everywhere)
    weight = np.divide(cov, (1 + n / rest) * var, out=np.zeros_like(cov), where=var > 0)
    rate = weight * drawn.called / rest + y - weight * f
    spread = y * (1 - y) - 2 * weight * cov + weight**2 * f * (1 - f)
    return rate, np.sqrt(np.maximum(weight**2 * var / rest + spread / n, 0))


def stratified_draw(cell: Cell, drawn: Labelled, more: float) -> tuple[Floats, Floats]:
    """Return the stratified estimate and its standard error; a kind of answer without a label counts as all hits."""
    n11, n10, n01, n00 = (kind + more for kind in drawn[:4])
    share = drawn.called / cell.answers
    first, second = n11 + n01, n10 + n00
    precision = np.divide(n11, first, out=np.ones_like(n11), where=first > 0)
    missed = np.divide(n10, second, out=np.ones_like(n10), where=second > 0)
    variance = (
        share**2 * precision * (1 - precision) / np.maximum(first, 1)
        + (1 - share) ** 2 * missed * (1 - missed) / np.maximum(second, 1)
        + (precision - missed) ** 2 * share * (1 - share) / cell.answers
    )
    return share * precision + (1 - share) * missed, np.sqrt(variance)


def melded(cell: Cell, replicates: int, seed: int) -> Held:
    """Return how the gate's own limits do on stratified labels."""
    drawn = labelled(cell, replicates, np.random.default_rng(seed))
    ends = np.zeros(3)
    for n11, n10, n01, n00, called in zip(*drawn, strict=True):
        hits = np.zeros(cell.answers)
        hits[: int(called)] = 1
        positives, negatives = (int(n11), int(n11 + n01)), (int(n10), int(n10 + n00))
        one = audited_rate(hits, np.ones(cell.answers), positives, negatives, 0.95, draws=2000)
        two = audited_rate(hits, np.ones(cell.answers), positives, negatives, 0.975, draws=2000)
        ends += (two.low <= cell.rate <= two.high, one.high < cell.rate, one.high <= 2 * cell.rate)
    return Held(*(ends / replicates).tolist())


if __name__ == "__main__":
    main()
