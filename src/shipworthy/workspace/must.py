"""A criterion's condition, such as ``upper95 <= 0.05``."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

_FORM = re.compile(
    r"(?P<what>rise_upper|drop_upper|upper|lower)(?P<level>\d{2}(?:\.\d{1,3})?)\s*"
    r"(?P<sign><=|>=)\s*(?P<limit>\d*\.?\d+(?:e-?\d+)?)\s*(?P<percent>%?)",
    re.IGNORECASE,
)
_EXAMPLES = "'upper95 <= 0.05', 'lower95 >= 0.80', 'rise_upper95 <= 0.05' or 'drop_upper95 <= 0.10'"


class Must(NamedTuple):
    """A parsed condition.

    Attributes:
        test: ``threshold`` compares this run's rate with a fixed limit; ``noninferiority`` compares its paired change
            against the baseline run with a margin.
        side: ``upper``: hits are bad, the rate (or its rise) must stay below the limit. ``lower``: hits are good, the
            rate must stay above the limit (or may not drop by more).
        confidence: of the one-sided bound, in [0.5, 1), for instance 0.95.
        limit: in [0, 1].
        text: as it was written.
    """

    test: Literal["threshold", "noninferiority"]
    side: Literal["upper", "lower"]
    confidence: float
    limit: float
    text: str


def parse_must(text: str) -> Must:
    """Parse a condition.

    >>> parse_must("drop_upper95 <= 0.10")
    Must(test='noninferiority', side='lower', confidence=0.95, limit=0.1, text='drop_upper95 <= 0.10')

    Raises:
        ValueError: it is no condition, or one that nothing can meet, with what to write instead.
    """
    match = _FORM.fullmatch(text.strip())
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
    if not 0 <= limit <= 1:
        raise ValueError(f"the limit {match['limit']} of {text!r} must be a rate from 0 to 1 (or a percentage: 5%)")
    if what == "upper" and limit == 0:
        raise ValueError("an upper bound is never 0, however many samples: name the highest rate you accept")
    if what == "lower" and limit == 1:
        raise ValueError("a lower bound is never 1, however many samples: name the lowest rate you accept")
    if what in ("rise_upper", "drop_upper") and limit == 0:
        raise ValueError("a margin of 0 can be met by no number of samples: name the largest change you accept")
    test: Literal["threshold", "noninferiority"] = "threshold" if what in ("upper", "lower") else "noninferiority"
    side: Literal["upper", "lower"] = "upper" if what in ("upper", "rise_upper") else "lower"
    return Must(test, side, confidence, limit, " ".join(text.split()))
