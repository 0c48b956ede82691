"""How bad an incident is: impact x reach x reversibility x interaction, as a recommendation that explains itself.

The weights are ours (docs/decisions/0252). A floor keeps what cannot be undone from being multiplied away. A person
decides; where they decide otherwise, both are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from shipworthy.core.severity import Severity

Impact = Literal["low", "moderate", "high", "severe"]
"""What it does to somebody it reaches: an annoyance; wrong or hurtful words that are acted on at small cost; personal
data, money or access of others; health, life, or an infrastructure that many depend on."""
Reach = Literal["one", "few", "many", "public"]
"""Whom it reaches: one person; up to ten; more; everybody, because it spreads or anybody can make it happen."""
Reversibility = Literal["reversible", "costly", "irreversible"]
"""Whether it can be undone: at once; with work; not at all, as what was published or sent cannot."""
Interaction = Literal["none", "usual", "provoked"]
"""What the person harmed had to do: nothing; use the feature as it is meant; set out to make it fail."""

WEIGHTS: Mapping[str, Mapping[str, float]] = {
    "impact": {"low": 1, "moderate": 3, "high": 10, "severe": 30},
    "reach": {"one": 1, "few": 2, "many": 4, "public": 8},
    "reversibility": {"reversible": 0.5, "costly": 1, "irreversible": 2},
    "interaction": {"provoked": 0.5, "usual": 1, "none": 2},
}
LIMITS: tuple[tuple[float, Severity], ...] = ((40, "S1"), (10, "S2"), (2, "S3"))
"""The least product of a severity; below all of them it is S4."""


class SeverityFactors(NamedTuple):
    """What is known of an incident's harm; where it is not known, the worse is to be taken."""

    impact: Impact
    reach: Reach
    reversibility: Reversibility
    interaction: Interaction


class SeverityAdvice(NamedTuple):
    """A recommendation.

    Attributes:
        product: of the weights.
        why: sentences; the first says what was multiplied, then floors, then what would change it.
    """

    severity: Severity
    product: float
    why: tuple[str, ...]


def recommend(factors: SeverityFactors) -> SeverityAdvice:
    """Return the severity of an incident, and why.

    Raises:
        ValueError: a factor is none of its words.

    >>> recommend(SeverityFactors("high", "few", "irreversible", "none")).severity
    'S1'
    """
    product, severity, floor = _judge(factors)
    parts = " x ".join(f"{name} {word} ({_shown(name, word)})" for name, word in factors._asdict().items())
    limits = ", ".join(f"{name} from {least:g}" for least, name in LIMITS)
    why = [f"{parts} = {product:g}; {limits}, S4 below."]
    if floor:
        why.append(floor)
    why += _changes(factors, severity)
    return SeverityAdvice(severity, product, tuple(why))


def words_of(factor: str) -> tuple[str, ...]:
    """Return the words of a factor, the mildest first."""
    return tuple(sorted(WEIGHTS[factor], key=lambda word: WEIGHTS[factor][word]))


def _shown(name: str, word: str) -> str:
    return f"{WEIGHTS[name][word]:g}"


def _judge(factors: SeverityFactors) -> tuple[float, Severity, str]:
    product = 1.0
    for name, word in factors._asdict().items():
        if word not in WEIGHTS[name]:
            raise ValueError(f"{name} is one of {', '.join(words_of(name))}, not {word!r}")
        product *= WEIGHTS[name][word]
    severity: Severity = next((found for least, found in LIMITS if product >= least), "S4")
    if factors.impact == "severe" and factors.reversibility == "irreversible" and severity != "S1":
        return product, "S1", "Floor: severe and irreversible harm is S1, whomever it reaches and whoever provoked it."
    if factors.impact == "severe" and severity in ("S3", "S4"):
        return product, "S2", "Floor: severe harm is S2 at least."
    if factors.impact == "high" and severity == "S4":
        return product, "S3", "Floor: high impact is S3 at least."
    return product, severity, ""


def _changes(factors: SeverityFactors, severity: Severity) -> Iterator[str]:
    """Yield what single other answer would make it worse or milder: what to find out first."""
    for name, word in factors._asdict().items():
        words = words_of(name)
        for other in words:
            if other == word:
                continue
            changed: Any = {name: other}
            found = _judge(factors._replace(**changed))[1]
            step = abs(words.index(other) - words.index(word))
            if found != severity and step == 1:
                yield f"It would be {found} if {name} were {other}."
