"""What stands for one criterion. `evidence.standing` reads it from the workspace, a verifier from a pack."""

from __future__ import annotations

from typing import Literal, NamedTuple

from shipworthy.core.records import CriterionResult


class CriterionStanding(NamedTuple):
    """What stands for one criterion.

    Attributes:
        state: ``stands``; ``lapsed``: the newest there is holds no longer; ``none``: it was never decided on.
        why: it lapsed, or there is none.
        result: of the decision; None where there is none.
        decision, run: their ids.
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
