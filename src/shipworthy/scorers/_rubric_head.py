"""What every rubric has, of one answer or of two: its name, how well a judge by it must agree, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import msgspec
from msgspec import Struct

from shipworthy.core.calibration import DAYS
from shipworthy.core.digests import digest
from shipworthy.core.errors import PluginError, did_you_mean


class Bar(Struct, frozen=True, forbid_unknown_fields=True):
    """What a judge's lower 95 % limits must reach before anything is decided on its word, in [0, 1]."""

    sensitivity: float = 0.6
    specificity: float = 0.8


class RubricHead(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The common fields.

    Attributes:
        id: and `version`: what labels and calibrations name it by.
        question: that a verdict answers.
        bar: what a judge by it must reach.
        days: how long a calibration by it is good for.
    """

    scorer: ClassVar[str]
    """The scorer that it is for."""
    folder: ClassVar[str]
    """Of the library, with those that come along."""
    wanted: ClassVar[tuple[str, ...]]
    """Fields that must say something."""

    id: str
    version: str
    question: str
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

    def problem(self) -> str:
        """Return what cannot be, or the empty string."""
        for field in ("id", "version", "question", *self.wanted):
            if not getattr(self, field).strip():
                return f"{field!r} is empty"
        for name in ("sensitivity", "specificity"):
            if not 0.5 <= getattr(self.bar, name) <= 1:
                return f"bar.{name} must lie in [0.5, 1]: below it a coin agrees as well"
        if not 1 <= self.days <= 365:
            return "'days' must lie between 1 and 365"
        return ""


R = TypeVar("R", bound=RubricHead)


def read_rubric_of(kind: type[R], given: str | Mapping[str, Any]) -> R:
    """Return a rubric: one of the library's by its id, or one that is written out.

    Raises:
        PluginError: there is none of that name, or something in it cannot be.
    """
    whose = f"scorer {kind.scorer!r}"
    if isinstance(given, str):
        known = known_rubrics(kind)
        if given not in known:
            raise PluginError(f"{whose}: there is no rubric {given!r}: {did_you_mean(given, list(known))}")
        from shipworthy.workspace.nodes import read_yaml

        given = read_yaml(known[given]).value
    try:
        rubric = msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise PluginError(f"{whose}: rubric: {error}") from None
    if problem := rubric.problem():
        raise PluginError(f"{whose}: rubric: {problem}")
    return rubric


def known_rubrics(kind: type[RubricHead]) -> dict[str, Path]:
    """Return the library's rubrics of a kind by id."""
    folder = Path(str(files("shipworthy.library") / kind.folder))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}
