"""Numbers in plain words, the same in every reason."""

from __future__ import annotations

from shipworthy.core.records import Verdict

POWER = 0.8
"""Chance to decide that "samples still needed" aims at."""

VERDICTS: dict[str, Verdict] = {"pass": "ship", "fail": "no-ship", "inconclusive": "inconclusive"}
"""What a test's verdict means for a release."""


def percent(rate: float, beside: float | None = None) -> str:
    """Return a rate in [-1, 1] as a percentage of three digits; more where it would read the same as `beside`.

    >>> percent(0.0487), percent(0.5), percent(0.05003, beside=0.05)
    ('4.87 %', '50 %', '5.003 %')
    """
    for digits in range(3, 9):
        text = f"{100 * rate:.{digits}g}"
        if beside is None or rate == beside or text != f"{100 * beside:.{digits}g}":
            break
    return f"{text} %"


def count(number: int, word: str) -> str:
    """Return a number with its noun.

    >>> count(1, "sample"), count(1200, "sample")
    ('1 sample', '1,200 samples')
    """
    return f"{number:,} {word}{'' if number == 1 else 's'}"
