"""Words and numbers that every report writes alike, and hostile text made visible."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from shipworthy.core.document import Block, Section, Tone
from shipworthy.core.records import CriterionResult, Decision, Verdict

VERDICTS: dict[Verdict, tuple[str, str, Tone]] = {
    "ship": ("SHIP", "\u2713", "good"),
    "no-ship": ("NO-SHIP", "\u2717", "bad"),
    "inconclusive": ("INCONCLUSIVE", "?", "unsure"),
}
"""Word, sign and tone of each verdict. The sign stands beside the word everywhere: colour is never the only sign."""

SIGNS: dict[Tone, str] = {"good": "\u2713", "bad": "\u2717", "unsure": "?", "plain": "\u2022"}

CRITERIA = "criteria"
"""Id of the document's own section on the criteria; where there is one, a report does not add its own table."""


def percent(rate: float | None) -> str:
    """Return a rate in [-1, 1] as a percentage of three digits, to 0.01 %; a dash where there is none.

    >>> percent(0.04871), percent(0.0000033), percent(1.0), percent(None)
    ('4.87 %', '0 %', '100 %', '-')
    """
    return "-" if rate is None else f"{round(100 * rate, 2) + 0.0:.3g} %"


def interval(result: CriterionResult) -> str:
    """Return a criterion's rate with its interval, such as ``3.1 % [1.2 %, 6.4 %]``."""
    if result.rate is None:
        return "not measured"
    return f"{percent(result.rate)} [{percent(result.low)}, {percent(result.high)}]"


def denominator(result: CriterionResult) -> str:
    """Return what a criterion's rate is out of, and the errors that were left out."""
    errors = f", {result.errors:,} error{'' if result.errors == 1 else 's'} left out"
    return f"{result.hits:,} of {result.trials:,} attempts on {result.clusters:,} samples{errors}"


def needed(result: CriterionResult) -> str:
    """Return how many more samples would decide a criterion that is not decided."""
    if result.verdict != "inconclusive":
        return ""
    if result.needed is None:
        return "no number of samples can make it pass at the observed rate"
    return f"{result.needed:,} more samples are needed (80 % power at the observed rate)"


def ordered(decision: Decision) -> list[CriterionResult]:
    """Return the criteria with what blocks first; the order within a verdict is the gate's."""
    rank = {"no-ship": 0, "inconclusive": 1, "ship": 2}
    return sorted(decision.criteria, key=lambda r: rank[r.verdict])


def tally(decision: Decision) -> str:
    """Return how many criteria passed, failed and are undecided."""
    count = {v: sum(r.verdict == v for r in decision.criteria) for v in VERDICTS}
    said = [f"{count['ship']} passed", f"{count['no-ship']} failed", f"{count['inconclusive']} undecided"]
    return ", ".join(said)


def has_section(blocks: Iterable[Block], wanted: str) -> bool:
    """Say whether a document has a section of this id, at any depth."""
    return any(isinstance(b, Section) and (b.id == wanted or has_section(b.children, wanted)) for b in blocks)


def visible(text: str) -> str:
    """Return text with everything invisible or directional spelled out, so that it cannot act on its reader.

    Control characters (a terminal obeys them), bidirectional overrides (they reorder what is read), zero-width and tag
    characters (they hide) and lone surrogates (no file can hold them) become ``<U+202E>``; line feeds and tabs stay.

    >>> visible("a\\u202eb\\x1b[31m")
    'a<U+202E>b<U+001B>[31m'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(c) for c in text.replace("\r\n", "\n"))


@lru_cache(maxsize=4096)
def _visible(character: str) -> str:
    if character in "\n\t":
        return character
    # Cc control, Cf format, Cs surrogate, Co private use, Cn unassigned, Zl and Zp line separators.
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return f"<U+{ord(character):04X}>"
    return character


def one_line(text: str) -> str:
    """Return visible text on one line."""
    return " ".join(visible(text).split())
