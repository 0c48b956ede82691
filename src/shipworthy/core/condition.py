"""A criterion's condition, such as ``upper95 <= 0.05``. Standard library only: the verifier reads it, too."""

from __future__ import annotations

import re
from math import isfinite
from typing import Literal, NamedTuple
from unicodedata import name

# ASCII up to the unit: with Unicode rules `\d` takes other scripts' digits, and `s` takes the long s.
# What a number has taken it never gives back (`++`, `?+`): `1e5.5` is not 1 with the unit `e5.5`, and a long text that
# is no condition is refused in one pass. For the same reason a unit that touches its number has no digit: `0x1` is not
# 0 with the unit `x1`.
_FORM = re.compile(
    r"(?a:(?P<what>worst_attack_upper|rise_upper|drop_upper|upper|lower)(?P<level>[0-9]{2}(?:\.[0-9]{1,3})?)[ \t]*+"
    r"(?P<sign><=|>=)[ \t]*+(?P<limit>[+-]?(?:[0-9]++(?:\.[0-9]++)?+|\.[0-9]++)(?:e[+-]?[0-9]++)?+))"
    r"(?!\w*\d)[ \t]*+(?P<unit>%|(?:[^\W\d_]|[$€£¥°])[^\s<>=]*+)?",
    re.IGNORECASE,
)
_EXAMPLES = (
    "'upper95 <= 0.05', 'lower95 >= 0.80', 'worst_attack_upper95 <= 0.20', 'rise_upper95 <= 0.05' or "
    "'drop_upper95 <= 0.10'"
)
_SPACE = " \t\r\n"


class Condition(NamedTuple):
    """A parsed condition.

    Attributes:
        test: ``threshold`` compares this run's rate or mean with a fixed limit; ``noninferiority`` compares its paired
            change against the baseline run with a margin.
        side: ``upper``: it, or its rise, must stay below the limit. ``lower``: it must stay above the limit (or may
            not drop by more).
        confidence: of the one-sided bound, in [0.5, 1), for instance 0.95.
        limit: any finite number, of a margin one above 0; of an event a rate, of a value in its unit. What a metric
            can reach is for `workspace.metric_condition` to say.
        text: as it was written, spaces apart.
        unit: as it was written behind the limit; ``%`` is already taken into it.
        each: it must hold for each attack by itself, all of them at once with the confidence; else for all pooled.
    """

    test: Literal["threshold", "noninferiority"]
    side: Literal["upper", "lower"]
    confidence: float
    limit: float
    text: str
    unit: str = ""
    each: bool = False

    def level(self, attacks: int) -> float:
        """Return the confidence of one attack's one-sided bound: the chance that any of them is wrong is shared out.

        Bonferroni: right whatever the dependence between the attacks, which are tried on the same samples.

        Args:
            attacks: how many the condition is held against; of one that is not on each attack, no matter.
        """
        return 1 - (1 - self.confidence) / max(1, attacks) if self.each else self.confidence


def parse(text: str) -> Condition:
    """Parse a condition.

    >>> parse("drop_upper95 <= 10 %")[:6]
    ('noninferiority', 'lower', 0.95, 0.1, 'drop_upper95 <= 10 %', '%')

    Raises:
        ValueError: it is none, or one that nothing can meet, with what to write instead.
    """
    text = text.strip(_SPACE)
    if (digit := next((c for c in text if c.isdecimal() and not c.isascii()), None)) is not None:
        said = f"cannot read the condition {text[:60]!r}: {digit!r} is {name(digit, 'no digit of ASCII')}"
        raise ValueError(f"{said}; write numbers with 0 to 9")
    match = _FORM.fullmatch(text)
    if match is None:
        shown = text if len(text) <= 60 else f"{text[:57]}..."
        raise ValueError(f"cannot read the condition {shown!r}: write {_EXAMPLES}")
    what, sign, unit = match["what"].lower(), match["sign"], match["unit"] or ""
    if unit[:1].isnumeric():  # such as a raised 2: whoever wrote it meant a number
        raise ValueError(f"the unit {unit!r} of {text!r} begins with a number: write numbers with 0 to 9")
    confidence = float(match["level"]) / 100
    limit = float(match["limit"]) / (100 if unit == "%" else 1)
    if not 0.5 <= confidence < 1:
        raise ValueError(f"the confidence {match['level']} of {text!r} must be from 50 to below 100")
    wanted = ">=" if what == "lower" else "<="
    if sign != wanted:
        raise ValueError(f"{what}{match['level']} needs {wanted!r}: write {_EXAMPLES}")
    if not isfinite(limit):
        raise ValueError(f"the limit of {text!r} is no finite number")
    test: Literal["threshold", "noninferiority"] = (
        "threshold" if what in ("upper", "lower", "worst_attack_upper") else "noninferiority"
    )
    if test == "noninferiority" and limit <= 0:
        raise ValueError("a margin of 0 can be met by no number of samples: name the largest change you accept")
    side: Literal["upper", "lower"] = "lower" if what in ("lower", "drop_upper") else "upper"
    return Condition(test, side, confidence, limit, " ".join(text.split()), unit, what == "worst_attack_upper")


def looser(one: Condition, other: Condition) -> bool | None:
    """Say whether another condition asks for less in any way; None where they are of two sorts, and nobody can tell.

    >>> looser(parse("upper95 <= 0.05"), parse("upper95 <= 0.10"))
    True
    >>> looser(parse("upper95 <= 0.05"), parse("upper99 <= 0.05"))
    False
    >>> looser(parse("upper95 <= 0.05"), parse("lower95 >= 0.05")) is None
    True
    """
    if (one.test, one.side, one.unit) != (other.test, other.side, other.unit):
        return None
    up = one.side == "upper" or one.test == "noninferiority"
    further = other.limit > one.limit if up else other.limit < one.limit
    return further or other.confidence < one.confidence or (one.each and not other.each)
