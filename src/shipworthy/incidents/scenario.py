"""Scenarios of tabletop exercises: what is told when, and what is asked then. Data, written by us."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from shipworthy.core.errors import did_you_mean
from shipworthy.incidents.named_file import named_files, read_named
from shipworthy.incidents.severity import Impact, Interaction, Reach, Reversibility, SeverityFactors
from shipworthy.workspace.fields import NUMBER, Count, Entity, Slug, Text, Title
from shipworthy.workspace.law import clocks

_CLOCK = "clock:"


class TabletopOption(Entity):
    """One answer to a question.

    Attributes:
        points: 0 to 2; half of them, rounded down, where it comes late.
        do: what is done in the copy of the workspace: ``rate``, ``snapshot``, ``pull``, ``clock:`` and a clock's id.
    """

    id: Slug
    text: Title
    points: Annotated[int, NUMBER, Field(ge=0, le=2)] = 0
    do: Text = ""

    @model_validator(mode="after")
    def _known(self) -> TabletopOption:
        known = ("", "rate", "snapshot", "pull", *(f"{_CLOCK}{one.id}" for one in clocks() if one.starts))
        if self.do not in known:
            raise ValueError(f"does {self.do!r}: {did_you_mean(self.do, known)}")
        return self

    @property
    def clock(self) -> str:
        """The clock of law that it starts; empty where it starts none."""
        return self.do.removeprefix(_CLOCK) if self.do.startswith(_CLOCK) else ""


class TabletopQuestion(Entity):
    """What is asked.

    Attributes:
        within: minutes from when it is asked, after which an answer is late.
        why: what the best answer rests on; told in the report.
    """

    id: Slug
    question: Title
    within: Count
    why: Title
    options: Annotated[tuple[TabletopOption, ...], Field(min_length=2, max_length=9)]


class TabletopInject(Entity):
    """What is told at a time.

    Attributes:
        at: minutes from the beginning.
        ask: what is asked then; nothing if left out.
    """

    at: Annotated[float, NUMBER, Field(ge=0, le=10_000)]
    text: Title
    ask: TabletopQuestion | None = None


class FactorsSpec(Entity):
    """The factors of the incident that is played."""

    impact: Impact
    reach: Reach
    reversibility: Reversibility
    interaction: Interaction


class TabletopScenario(Entity):
    """A scenario.

    Attributes:
        runbook: id of the runbook that is practised.
        minutes: how long it takes.
    """

    id: Slug
    title: Title
    summary: Title
    runbook: Slug
    minutes: Count
    factors: FactorsSpec
    injects: Annotated[tuple[TabletopInject, ...], Field(min_length=1, max_length=50)]

    @model_validator(mode="after")
    def _ordered(self) -> TabletopScenario:
        times = [one.at for one in self.injects]
        if times != sorted(times) or times[-1] > self.minutes:
            raise ValueError("has injects that are not in the order of their times, or after its end")
        asked = [one.ask.id for one in self.injects if one.ask]
        if len(set(asked)) != len(asked):
            raise ValueError("asks two questions of one id")
        return self

    @property
    def most(self) -> int:
        """Points that can be reached."""
        return sum(max(option.points for option in one.ask.options) for one in self.injects if one.ask)

    @property
    def severity_factors(self) -> SeverityFactors:
        """The factors as they are rated."""
        f = self.factors
        return SeverityFactors(f.impact, f.reach, f.reversibility, f.interaction)


def scenario_files(root: Path | None = None) -> Mapping[str, Path]:
    """Return the files of all scenarios by id: ours, and those in ``tabletop/`` of a workspace."""
    return named_files("tabletop", root)


def read_scenario(id: str, root: Path | None = None) -> TabletopScenario:
    """Return a scenario; errors as for `read_named`."""
    return read_named(TabletopScenario, "scenario", id, scenario_files(root))
