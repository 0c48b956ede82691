"""A criterion's condition, such as ``upper95 <= 0.05``. Standard library only: the verifier reads it, too."""

from __future__ import annotations

import re
from math import isfinite
from typing import Literal, NamedTuple

# ASCII in every part: with Unicode rules `\d` takes other scripts' digits, and `s` takes the long s.
_FORM = re.compile(
    r"(?P<what>rise_upper|drop_upper|upper|lower)(?P<level>[0-9]{2}(?:\.[0-9]{1,3})?)[ \t]*"
    r"(?P<sign><=|>=)[ \t]*(?P<limit>[+-]?[0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?)[ \t]*(?P<percent>%?)",
    re.IGNORECASE | re.ASCII,
)
_EXAMPLES = "'upper95 <= 0.05', 'lower95 >= 0.80', 'rise_upper95 <= 0.05' or 'drop_upper95 <= 0.10'"
_SPACE = " \t\r\n"


class Condition(NamedTuple):
    """A parsed condition.

    Attributes:
        test: ``threshold`` compares this run's rate with a fixed limit; ``noninferiority`` compares its paired change
            against the baseline run with a margin.
        side: ``upper``: the rate (or its rise) must stay below the limit. ``lower``: the rate must stay above the limit
            (or may not drop by more).
        confidence: of the one-sided bound, in [0.5, 1), for instance 0.95.
        limit: any finite number; what a metric can reach is for `out_of_range` to say.
        text: as it was written, spaces apart.
    """

    test: Literal["threshold", "noninferiority"]
    side: Literal["upper", "lower"]
    confidence: float
    limit: float
    text: str

    def out_of_range(self, low: float = 0.0, high: float = 1.0) -> str:
        """Return why no number of samples can meet or miss the limit, for a metric whose values lie in [low, high].

        Returns:
            What is wrong and what to write instead; the empty string where the limit makes sense.
        """
        if self.test == "noninferiority":
            if self.limit <= 0:
                return "a margin of 0 can be met by no number of samples: name the largest change you accept"
            if self.limit <= high - low:
                return ""
        elif low <= self.limit <= high:
            if self.side == "upper" and self.limit == low:
                return f"an upper bound is never {low:g}, however many samples: name the highest rate you accept"
            if self.side == "lower" and self.limit == high:
                return f"a lower bound is never {high:g}, however many samples: name the lowest rate you accept"
            return ""
        of = "a rate from 0 to 1 (or a percentage: 5%)" if (low, high) == (0, 1) else f"from {low:g} to {high:g}"
        return f"the limit of {self.text!r} must be {of}"


def parse(text: str) -> Condition:
    """Parse a condition.

    >>> parse("drop_upper95 <= 10 %")
    Condition(test='noninferiority', side='lower', confidence=0.95, limit=0.1, text='drop_upper95 <= 10 %')

    Raises:
        ValueError: it is none, with what to write instead.
    """
    text = text.strip(_SPACE)
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"cannot read the condition {text!r}: write {_EXAMPLES}")
    what, sign = match["what"].lower(), match["sign"]
    confidence = float(match["level"]) / 100
    limit = float(match["limit"]) / (100 if match["percent"] else 1)
    if not 0.5 <= confidence < 1:
        raise ValueError(f"the confidence {match['level']} of {text!r} must be from 50 to below 100")
    wanted = ">=" if what == "lower" else "<="
    if sign != wanted:
        raise ValueError(f"{what}{match['level']} needs {wanted!r}: write {_EXAMPLES}")
    if not isfinite(limit):
        raise ValueError(f"the limit of {text!r} is no finite number")
    test: Literal["threshold", "noninferiority"] = "threshold" if what in ("upper", "lower") else "noninferiority"
    side: Literal["upper", "lower"] = "upper" if what in ("upper", "rise_upper") else "lower"
    return Condition(test, side, confidence, limit, " ".join(text.split()))
