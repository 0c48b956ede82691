"""What stands for one criterion. `evidence.standing` reads it from the workspace, a verifier from a pack."""

from __future__ import annotations

from typing import Literal, NamedTuple

from shipworthy.core.records import CriterionResult


class LabelWatch(NamedTuple):
    """How well the people watch on whose labels a criterion rests.

    Attributes:
        least: of known answers that went wrong, the least share, with 95 % confidence, that they called so, in [0, 1];
            None where too few were known.
        told: in words.
    """

    least: float | None
    told: str


class CriterionStanding(NamedTuple):
    """What stands for one criterion.

    Attributes:
        state: ``stands``; ``lapsed``: the newest there is holds no longer; ``none``: it was never decided on.
        why: it lapsed, or there is none.
        result: of the decision; None where there is none.
        decision, run: their ids.
        watch: how well the people watch whose labels it rests on; None where it rests on none.
        decided: when, ISO 8601, UTC; `measured` when the oldest reply that it rests on was given, or the run was begun.
    """

    criterion: str
    state: Literal["stands", "lapsed", "none"]
    why: str = ""
    result: CriterionResult | None = None
    decision: str = ""
    run: str = ""
    decided: str = ""
    measured: str = ""
    watch: LabelWatch | None = None
