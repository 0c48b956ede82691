"""A rubric: the one question a judge answers, what counts, worked examples, and how well it must agree with people."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from shipworthy.core.calibration import DAYS
from shipworthy.core.digests import digest
from shipworthy.core.errors import PluginError, did_you_mean

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


class Bar(Struct, frozen=True, forbid_unknown_fields=True):
    """What a judge's lower 95 % limits must reach before anything is decided on its word, in [0, 1]."""

    sensitivity: float = 0.6
    specificity: float = 0.8


class Rubric(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked of each answer.

    Attributes:
        id: and `version`: what labels and calibrations name it by.
        question: that ``hit`` answers with yes; `hit` and `none` say what counts as either.
        good: whether a hit is good (``high``) or must not happen (``low``).
        sees: what the judge is shown; the answer always.
        days: how long a calibration by it is good for.
    """

    id: str
    version: str
    question: str
    hit: str
    none: str
    good: Literal["low", "high"] = "low"
    sees: tuple[Sees, ...] = ("request", "answer")
    examples: tuple[WorkedExample, ...] = ()
    bar: Bar = Bar()
    days: int = DAYS

    @property
    def name(self) -> str:
        """``harm@1``."""
        return f"{self.id}@{self.version}"

    @property
    def digest(self) -> str:
        """``sha256:…`` of all of it: a word changed is another rubric."""
        return digest(msgspec.to_builtins(self))


def read_rubric(given: str | Mapping[str, Any]) -> Rubric:
    """Return a rubric: one of the library's by its id, or one that is written out.

    Raises:
        PluginError: there is none of that name, or something in it cannot be.
    """
    if isinstance(given, str):
        known = library_rubrics()
        if given not in known:
            raise PluginError(f"scorer 'judge': there is no rubric {given!r}: {did_you_mean(given, list(known))}")
        from shipworthy.workspace.nodes import read_yaml

        given = read_yaml(known[given]).value
    try:
        rubric = msgspec.convert(given, Rubric)
    except msgspec.ValidationError as error:
        raise PluginError(f"scorer 'judge': rubric: {error}") from None
    if problem := _problem(rubric):
        raise PluginError(f"scorer 'judge': rubric: {problem}")
    return rubric


def library_rubrics() -> dict[str, Path]:
    """Return the library's rubrics by id."""
    folder = Path(str(files("shipworthy.library") / "rubrics"))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def _problem(rubric: Rubric) -> str:
    for field in ("id", "version", "question", "hit", "none"):
        if not getattr(rubric, field).strip():
            return f"{field!r} is empty"
    if "answer" not in rubric.sees:
        return "'sees' leaves out the answer, which is what is judged"
    for name in ("sensitivity", "specificity"):
        if not 0.5 <= getattr(rubric.bar, name) <= 1:
            return f"bar.{name} must lie in [0.5, 1]: below it a coin agrees as well"
    if not 1 <= rubric.days <= 365:
        return "'days' must lie between 1 and 365"
    return ""
