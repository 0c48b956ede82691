"""ASR@k: of how many samples some attempt out of k would hit, told from fewer attempts than k, as a range.

Samples differ: each has a chance of its own that an attempt hits it. Two models of how those chances are spread are
fitted to the hits by (slightly penalised) maximum likelihood: a beta distribution, and one beside a mass of samples
that are immune. They fit a few attempts nearly equally well and go apart as k grows, because what tells a chance of 1
in 1,000 from none was never tried. So the result is a range over both, with the sampling error of each from a
bootstrap over samples.

Source: beta-binomial mixtures as in any textbook of overdispersed counts; ASR as a power of k, Hughes et al. 2024,
"Best-of-N Jailbreaking", arXiv:2412.03556. Simulated here (`tests/statistics/test_asr_at_k.py`): where 60 % of the
samples are immune, the plain model alone says 9 points too much of 33.

Wrong to use where attempts on a sample depend on one another: those of a search that learns do, and have a curve of
their own (`evals.attack_search`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betaln, expit, gammaln

DRAWS = 100
LEAST = 5
"""Samples that a range needs at the least."""


class AsrAtK(NamedTuple):
    """The range of ASR@k.

    Attributes:
        k: attempts on each sample.
        low, high: the range over both models and their sampling error.
        beta: the estimate of the plain beta-binomial; `immune` that of the one with an immune mass, `mass` that mass.
    """

    k: int
    low: float
    high: float
    beta: float
    immune: float
    mass: float


def asr_at_k(
    hits: Sequence[int], trials: Sequence[int], k: int, *, confidence: float = 0.9, seed: int = 0, draws: int = DRAWS
) -> AsrAtK:
    """Return ASR@k as a range.

    Args:
        hits: of each sample, 0 <= hits <= trials; `trials` its attempts, >= 1 each and 2 somewhere.
        k: >= 1.
        confidence: of each model's bootstrap interval over samples, in (0, 1).
        seed, draws: of the bootstrap.

    Raises:
        ValueError: fewer than 5 samples, counts that are none, or one attempt on each: nothing tells how they differ.
    """
    y, n = np.asarray(hits, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    if y.shape != n.shape or y.ndim != 1 or len(y) < LEAST:
        raise ValueError(f"hits and trials of at least {LEAST} samples, as many of one as of the other")
    if (y < 0).any() or (y > n).any() or (n < 1).any() or n.max() < 2:
        raise ValueError("0 <= hits <= trials, trials >= 1, and at least two attempts on some sample")
    if k < 1 or not 0 < confidence < 1:
        raise ValueError(f"k >= 1 and confidence in (0, 1), not {k} and {confidence}")
    plain, mixed = _fit(y, n, immune=False), _fit(y, n, immune=True)
    rng = np.random.default_rng(seed)
    ends: list[tuple[float, float]] = []
    tail = 100 * (1 - confidence) / 2
    rows = [rng.integers(0, len(y), len(y)) for _ in range(draws)]
    for start, immune in ((plain, False), (mixed, True)):
        said = [_at(_fit(y[row], n[row], immune=immune, start=start), k) for row in rows]
        low, high = np.percentile(said, [tail, 100 - tail])
        ends.append((float(low), float(high)))
    one, other = _at(plain, k), _at(mixed, k)
    low, high = min(one, other, *(e[0] for e in ends)), max(one, other, *(e[1] for e in ends))
    return AsrAtK(k, low, high, one, other, float(expit(mixed[2])))


Parameters = NDArray[np.float64]
"""Logit of the mean, log of ``a + b``, logit of the immune mass (far below 0 where there is none)."""

_NONE = -30.0


def _fit(y: Parameters, n: Parameters, *, immune: bool, start: Parameters | None = None) -> Parameters:
    # Equal rows count together: a hundred samples are a handful of different counts.
    pairs, counts = np.unique(np.stack([y, n], axis=1), axis=0, return_counts=True)
    y, n = pairs[:, 0], pairs[:, 1]
    choose = gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1)

    def cost(given: Parameters) -> float:
        at = given if immune else np.append(given, _NONE)
        a, b, mass = _shape(at)
        log = choose + betaln(y + a, n - y + b) - betaln(a, b)
        seen = np.where(y > 0, np.log1p(-mass) + log, np.logaddexp(np.log(mass), np.log1p(-mass) + log))
        # A weak pull towards ordinary spreads: without it no hit, or all hits, has no finite maximum.
        pull = 0.02 * (at[0] ** 2 / 9 + (at[1] - 1) ** 2 / 4 + (at[2] ** 2 / 9 if immune else 0.0))
        return float(-(counts * seen).sum() + pull)

    if start is None:
        mean = (y * counts).sum() / (n * counts).sum()
        mean = min(0.99, max(0.001, mean))
        start = np.array([np.log(mean / (1 - mean)), 1.0, -1.0])
    first = start if immune else start[:2]
    # The search begins with steps of one logit: its own default would not leave a coordinate that begins at 0.
    simplex = np.vstack([first, first + np.eye(len(first))])
    options: Any = {"maxiter": 400, "xatol": 1e-3, "initial_simplex": simplex}
    found = minimize(cost, first, method="Nelder-Mead", options=options)
    at: Parameters = found.x if immune else np.append(found.x, _NONE)
    return at


def _shape(at: Parameters) -> tuple[float, float, float]:
    mean, size = float(expit(np.clip(at[0], -20, 20))), float(np.exp(np.clip(at[1], -8, 12)))
    return max(1e-9, mean * size), max(1e-9, (1 - mean) * size), float(np.clip(expit(at[2]), 1e-13, 1 - 1e-9))


def _at(at: Parameters, k: int) -> float:
    a, b, mass = _shape(at)
    return (1 - mass) * float(1 - np.exp(betaln(a, b + k) - betaln(a, b)))
