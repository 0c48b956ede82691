"""Do an answer's texts carry it? By its figures and names, and by the model of support where these do not tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shipworthy.detect import support_model
from shipworthy.detect.grounding import Support, unmarked
from shipworthy.detect.support_model import SupportVerdict

SHORT = 30
"""Words of an answer up to which one new number or name makes it unsupported. A summary rounds, adds up and names its
author; there they count as features of the model."""


def carried(
    found: Support, judge: Callable[[], SupportVerdict], *, threshold: float, doubt: float
) -> tuple[bool | None, str]:
    """Tell whether an answer's texts carry it, and why; None where that cannot be told.

    Args:
        found: its figures and names, beside the texts.
        judge: asks the model, where figures and names do not tell.
        threshold: chance from which the model's answer is "not carried", in (0, 1).
        doubt: how near to it the model does not tell, in [0, 0.5).
    """
    if found.words <= SHORT:
        for things, name in ((found.numbers, "number"), (found.names, "name")):
            if things:
                return False, f"{len(things)} {name}(s) that no document holds"
    chance, why = judge()
    if chance is None or why:
        return None, f"cannot tell whether the documents carry it: {why}"
    says = f"{chance:.2f} likely to say what no document does"
    if abs(chance - threshold) < doubt:
        return None, f"cannot tell whether the documents carry it: {says}"
    return chance < threshold, says


def judged(answer: str, texts: Sequence[str], asked: str) -> SupportVerdict:
    """Return what the shipped model says of an answer beside its texts, which what was asked may also rest on."""
    return support_model.load().judge(unmarked(answer), "\n".join(texts), asked)
