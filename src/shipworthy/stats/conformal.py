"""Has what is observed changed since it was first observed? A conformal test martingale, valid however often one looks.

Theorem (Vovk, Gammerman and Shafer, *Algorithmic Learning in a Random World*, 2005, theorem 8.2): if the observations
of a sequence are exchangeable, their smoothed conformal p-values are independent and uniform on [0, 1], whatever the
law of the observations and whatever symmetric score of strangeness is used. So capital that is bet on them, each bet
chosen before its p-value is seen, is on average never more than it was (a test martingale), and by Ville's inequality
(1939) it ever reaches ``1 / alpha`` with probability at most `alpha`: over all looks together, with no end planned.

It is wrong to use where observations of one sequence depend on their order although nothing changed (a target that
remembers, a seed that is used again, an answer that names the day), where sequences that are put together depend on
each other, or where the time of a look is chosen by the answers rather than by the p-values.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_SHARES = (0.1, 0.3, 1.0)
"""How many of the sequences changed, as a share: who bets on all of them loses on those that did not."""
_EXPONENTS = (0.15, 0.5)
"""Of the bet ``e * p ** (e - 1)``: the smaller, the more on the strangest observations. For answers that never vary."""
_SLOPES = (0.4, 0.9)
"""Of the bet ``1 + k * (1 - 2 p)``: mild, on everything that is stranger than most. For answers that vary anyway."""
_GRID = np.array([(share, exponent) for share in _SHARES for exponent in _EXPONENTS])
_STEEP, _MILD = 0.7, 0.3
_SIDES = (0.85, 0.15)
"""Of the capital: on observations that are strange, and on ones that are suspiciously ordinary."""
_ONE_SIDE = [_STEEP / len(_GRID)] * len(_GRID) + [_MILD / len(_SLOPES)] * len(_SLOPES)
_WEIGHTS: Floats = np.concatenate([np.array(_ONE_SIDE) * side for side in _SIDES])
_LEAST = 1e-12


def smoothed_p(scores: Sequence[int], u: float) -> float:
    """Return the smoothed conformal p-value of the last observation, in (0, 1].

    Args:
        scores: of strangeness, of all observations so far, the last one's last; a symmetric function of the
            observations gave them. Whole numbers, so that ties are ties.
        u: drawn uniformly from (0, 1), and chosen before the observation: ties are broken by it.

    >>> smoothed_p([0, 0, 0, 9], 0.5)
    0.125
    """
    last = scores[-1]
    greater = sum(score > last for score in scores)
    equal = sum(score == last for score in scores)
    return (greater + u * equal) / len(scores)


def gains(p: Floats) -> Floats:
    """Return the logarithm of what each bet makes of one unit in one look.

    Args:
        p: p-values of the look, shape (..., answers).

    Returns:
        Shape (..., bets): each has mean 1 before its logarithm, if the p-values are independent and uniform.
    """
    found = []
    for side in (p, 1 - p):
        clipped = np.maximum(side, _LEAST)[..., None]
        bet = _GRID[:, 1] * clipped ** (_GRID[:, 1] - 1)
        found.append(np.log1p(_GRID[:, 0] * (bet - 1)).sum(-2))
        found.append(np.log1p(np.array(_SLOPES) * (1 - 2 * side[..., None])).sum(-2))
    return np.concatenate(found, axis=-1)


class ChangeTest:
    """The capital of one test, or of many at once, look by look.

    Capital is laid out in shares for every look that the change may have come before: ``1 / (t (t + 1))`` of it for
    look `t`. A test that has run quietly for a year has therefore not lost what it bets with: the delay grows by the
    logarithm of the number of looks, and no more. What is not laid out yet counts as it is.

    Args:
        shape: of the tests that are run at once; () for one.

    Attributes:
        looks: how many there were.
    """

    def __init__(self, shape: tuple[int, ...] = ()) -> None:
        self.looks = 0
        self._capital = np.full((*shape, len(_WEIGHTS)), -np.inf)

    def look(self, p: Floats) -> Floats:
        """Take the p-values of one look and return the capital after it, shape as given; 1 at the beginning.

        Args:
            p: shape (*shape, answers); a look without any answer leaves everything as it is.
        """
        if p.shape[-1] == 0:
            return self.capital
        self.looks += 1
        stake = -np.log(self.looks * (self.looks + 1.0))
        self._capital = np.logaddexp(self._capital, stake) + gains(p)
        return self.capital

    @property
    def capital(self) -> Floats:
        """It now: an e-value at any time. At 1 / alpha or above, something changed, at the level alpha."""
        with np.errstate(over="ignore"):
            laid_out = (np.exp(np.minimum(self._capital, 700.0)) * _WEIGHTS).sum(-1)
        return np.asarray(laid_out + 1 / (self.looks + 1))
