"""A rubric for two answers: what makes one of them better."""

from __future__ import annotations

from typing import ClassVar

from shipworthy.scorers._rubric_head import RubricHead


class PairRubric(RubricHead, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked of two answers to one request.

    Attributes:
        better, tie: what makes one better, and what neither.
    """

    scorer: ClassVar[str] = "preferred"
    folder: ClassVar[str] = "pair_rubrics"
    wanted: ClassVar[tuple[str, ...]] = ("better", "tie")

    better: str
    tie: str
