"""A rubric for two answers: what makes one of them better."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from shipworthy.core.calibration import DAYS
from shipworthy.core.digests import digest
from shipworthy.core.errors import PluginError, did_you_mean
from shipworthy.scorers._rubric import Bar


class PairRubric(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked of two answers to one request.

    Attributes:
        id: and `version`: what labels and calibrations name it by.
        question: that the name of one of the two answers; `better` and `tie` say what makes one better, and what
            neither.
        bar: what the lower 95 % limits must reach before anything is decided on the word of a judge by it.
        days: how long a calibration by it is good for.
    """

    id: str
    version: str
    question: str
    better: str
    tie: str
    bar: Bar = Bar()
    days: int = DAYS

    @property
    def name(self) -> str:
        """``better@1``."""
        return f"{self.id}@{self.version}"

    @property
    def digest(self) -> str:
        """``sha256:…`` of all of it: a word changed is another rubric."""
        return digest(msgspec.to_builtins(self))


def read_pair_rubric(given: str | Mapping[str, Any]) -> PairRubric:
    """Return a rubric: one of the library's by its id, or one that is written out.

    Raises:
        PluginError: there is none of that name, or something in it cannot be.
    """
    if isinstance(given, str):
        known = {path.stem: path for path in Path(str(files("shipworthy.library") / "pair_rubrics")).glob("*.yaml")}
        if given not in known:
            raise PluginError(f"scorer 'preferred': there is no rubric {given!r}: {did_you_mean(given, sorted(known))}")
        from shipworthy.workspace.nodes import read_yaml

        given = read_yaml(known[given]).value
    try:
        rubric = msgspec.convert(given, PairRubric)
    except msgspec.ValidationError as error:
        raise PluginError(f"scorer 'preferred': rubric: {error}") from None
    empty = [name for name in ("id", "version", "question", "better", "tie") if not getattr(rubric, name).strip()]
    if empty:
        raise PluginError(f"scorer 'preferred': rubric: {empty[0]!r} is empty")
    if not all(0.5 <= limit <= 1 for limit in (rubric.bar.sensitivity, rubric.bar.specificity)):
        raise PluginError("scorer 'preferred': rubric: a bar must lie in [0.5, 1]: below it a coin agrees as well")
    if not 1 <= rubric.days <= 365:
        raise PluginError("scorer 'preferred': rubric: 'days' must lie between 1 and 365")
    return rubric
