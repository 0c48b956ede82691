"""A rubric: the one question a judge answers, what counts, worked examples, and how well it must agree with people."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from msgspec import Struct

from shipworthy.scorers._rubric_head import RubricHead, known_rubrics, read_rubric_of

Sees = Literal["request", "documents", "expected", "answer"]
"""What of an attempt a judge is shown."""


class WorkedExample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One case with its verdict, for judges and for people who label.

    Attributes:
        verdict: ``hit`` or ``none``; `why` in one sentence.
    """

    answer: str
    verdict: Literal["hit", "none"]
    why: str
    request: str = ""
    documents: tuple[str, ...] = ()
    expected: str = ""


class Rubric(RubricHead, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked of each answer.

    Attributes:
        hit, none: what counts as either; ``hit`` answers the question with yes.
        good: whether a hit is good (``high``) or must not happen (``low``).
        sees: what the judge is shown; the answer always.
    """

    scorer: ClassVar[str] = "judge"
    folder: ClassVar[str] = "rubrics"
    wanted: ClassVar[tuple[str, ...]] = ("hit", "none")

    hit: str
    none: str
    good: Literal["low", "high"] = "low"
    sees: tuple[Sees, ...] = ("request", "answer")
    examples: tuple[WorkedExample, ...] = ()

    def problem(self) -> str:
        """Return what cannot be, or the empty string."""
        if "answer" not in self.sees:
            return "'sees' leaves out the answer, which is what is judged"
        return super().problem()


def read_rubric(given: str | Mapping[str, Any]) -> Rubric:
    """Return a rubric: one of the library's by its id, or one that is written out.

    Raises:
        PluginError: there is none of that name, or something in it cannot be.
    """
    return read_rubric_of(Rubric, given)


def library_rubrics() -> dict[str, Path]:
    """Return the library's rubrics by id."""
    return known_rubrics(Rubric)
