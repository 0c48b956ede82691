"""What a verdict takes for granted of its scorer: at which sensitivity or specificity it would be another one."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import Literal

_DIGITS = 1000


@dataclass(frozen=True, slots=True)
class Flip:
    """How wrong a scorer must be for a criterion to be decided otherwise; its other errors are taken to be none.

    Attributes:
        error: which share of the scorer's right answers is looked at. ``sum`` is sensitivity and specificity added up,
            in [1, 2], the same in both of two runs.
        at: where the corrected bound lies on the limit itself, in (0, 1], of ``sum`` in (1, 2].
        ships: what lies there. False: it ships now, and would not with less than `at`. True: it does not ship now,
            and would with `at` or less.
    """

    error: Literal["sensitivity", "specificity", "sum"]
    at: float
    ships: bool

    def __str__(self) -> str:
        """Say it; rounded to the side on which it is still true.

        >>> str(Flip("sensitivity", 0.61803, ships=False)), str(Flip("specificity", 0.98947, ships=True))
        ('inconclusive below sensitivity 0.619', 'would ship at specificity 0.989 or below')
        """
        # With a little slack: 0.7 may be 700.0000000001 thousandths.
        digits = floor(self.at * _DIGITS + 1e-6) if self.ships else ceil(self.at * _DIGITS - 1e-6)
        name = "sensitivity + specificity" if self.error == "sum" else self.error
        at = f"{name} {digits / _DIGITS:.3f}"
        return f"would ship at {at} or below" if self.ships else f"inconclusive below {at}"


def rate_flip(bound: float, limit: float, side: Literal["upper", "lower"]) -> Flip | None:
    """Return the scorer error at which a bound on a rate would come to lie on the other side of its limit.

    A scorer that finds a share `sensitivity` of what happened and calls ``1 - specificity`` of the rest a hit observes
    ``sensitivity * rate + (1 - specificity) * (1 - rate)`` (Rogan and Gladen 1978). The relation is a straight line
    that rises, the same for every sample, so it holds between the bounds of the two rates, too: of attempts and of
    samples' shares.

    Args:
        bound: of the observed rate, one-sided, in [0, 1]; what has no score is in it on the bad side.
        limit: in [0, 1]; the bound must be at most this where `side` is ``upper``, at least this where it is ``lower``.

    Returns:
        For a bound that meets its limit the one kind of error that can make that untrue: misses where hits must be
        rare, false hits where they must be common. For one that does not, the one that can have made it so. None where
        no error of that kind does.

    Raises:
        ValueError: a number is out of its range.

    Wrong to use where the scorer errs more on some samples than on others *and* these are not as frequent as they were
    when its errors were measured. It is no estimate of these errors: for that, see `audited_rate`. Where attempts
    lack a score the flip of a bound that meets an upper limit is a little early: those need no scorer.

    >>> rate_flip(0.03, 0.05, "upper")
    Flip(error='sensitivity', at=0.6, ships=False)
    >>> rate_flip(0.81, 0.8, "lower").error
    'specificity'
    """
    for name, value in (("bound", bound), ("limit", limit)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must be in [0, 1]; got {value}")
    if side == "upper":
        if bound <= limit:
            # Misses: the true rate is the observed one divided by the sensitivity. A limit of 1 holds whatever is true.
            return Flip("sensitivity", bound / limit, ships=False) if bound > 0 and limit < 1 else None
        # False hits: the true rate is (observed - false) / (1 - false).
        return Flip("specificity", (1 - bound) / (1 - limit), ships=True) if bound < 1 else None
    if bound < limit:
        return Flip("sensitivity", bound / limit, ships=True) if bound > 0 else None
    return Flip("specificity", (1 - bound) / (1 - limit), ships=False) if limit > 0 and bound < 1 else None


def change_flip(bound: float, limit: float) -> Flip | None:
    """Return the scorer error at which the bound on a worsening would pass its margin.

    The change of the observed rate is the true one times ``sensitivity + specificity - 1`` where the scorer errs alike
    in both runs, so a scorer that errs hides a worsening.

    Args:
        bound: of the observed worsening, in [-1, 1]; below 0 it is an improvement.
        limit: the margin, in (0, 1].

    Returns:
        None where no error alike in both runs changes the verdict: of a bound that is no worsening, and of one that is
        over its margin, which any such error makes larger.

    Raises:
        ValueError: the margin is not above 0.

    Wrong to use where the scorer reads the two systems differently, such as a judge that prefers one's style.

    >>> change_flip(0.03, 0.05)
    Flip(error='sum', at=1.6, ships=False)
    """
    if not limit > 0:
        raise ValueError(f"limit must be above 0; got {limit}")
    return Flip("sum", 1 + bound / limit, ships=False) if 0 < bound <= limit else None
