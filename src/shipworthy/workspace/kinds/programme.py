"""What the safety programme wants of its numbers: targets, weights, where they are read, who should adopt what."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field

from shipworthy.workspace.fields import NUMBER, Entity, Id, Ref, Slug, Title, Word
from shipworthy.workspace.kind import kind

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft, Placed
    from shipworthy.workspace.graph import Graph

_TARGET = re.compile(r"(<=|>=) *[0-9]+(\.[0-9]+)?( *(%|d|h|min))?")

KpiName = Literal[
    "eval-coverage", "detection-lead-time", "incident-rate", "time-to-contain", "finding-closure", "jailbreak-rate",
    "injection-exploitability", "personal-data-leakage", "groundedness", "violation-rate", "gating-adherence",
    "mitigation-adoption", "suite-efficiency", "stakeholder-satisfaction", "research-to-production",
    "capability-uplift",
]  # fmt: skip
"""The sixteen numbers, in their order; `shipworthy.evidence.kpis` has a file for each."""


def _target(value: str) -> str:
    if not _TARGET.fullmatch(value):
        raise ValueError("must be <= or >= and a number, with a unit where it has one: '>= 90 %', '<= 2', '<= 60 min'")
    return value


Target = Annotated[Word, AfterValidator(_target)]
Weight = Annotated[float, NUMBER, Field(ge=0.0, le=1e6)]


class SeverityWeights(Entity):
    """What an event of a severity weighs in numbers that weigh."""

    S1: Weight = 100.0
    S2: Weight = 30.0
    S3: Weight = 5.0
    S4: Weight = 1.0


class NumberTarget(Entity):
    """What one of the numbers is to be."""

    number: KpiName
    must: Target


class ReadFrom(Entity):
    """Where a number that runs measure is read: a suite, and one of its metrics (its main one if left out)."""

    number: KpiName
    suite: Annotated[str, Ref("suite")]
    metric: Word | None = None


class AdoptedPattern(Entity):
    """A mitigation pattern, and the teams or services that should have it.

    Attributes:
        control: that it is in this workspace's files.
    """

    id: Annotated[str, Id("PT")]
    title: Title
    control: Annotated[str, Ref("control")] | None = None
    applies_to: tuple[Slug, ...]


def _check(one: Placed[Programme], draft: Draft, graph: Graph) -> None:
    said = one.entity
    twice("targets", [wanted.number for wanted in said.targets], "number", one, draft)
    twice("read_from", [read.number for read in said.read_from], "number", one, draft)
    twice("patterns", [pattern.id for pattern in said.patterns], "id", one, draft)


def twice(section: str, names: Sequence[str], field: str, one: Placed[Programme], draft: Draft) -> None:
    """Report what is there twice."""
    for index, name in enumerate(names):
        if name in names[:index]:
            draft.problems.append(one.problem((section, index, field), f"{section} has {name} twice"))


@kind("programme", section="programme", written="single", check=_check)
class Programme(Entity):
    """Targets and weights of the sixteen numbers (`shipworthy kpi`), and what they are read from.

    Attributes:
        targets: what numbers are to be; a limit on the number itself, not on its interval.
        weights: severity -> weight; stamped beside every number that weighs.
        read_from: where numbers that runs measure are read; of a suite of the library that fits, if left out.
        patterns: for the number of adoption.
    """

    id: Slug = "programme"
    targets: tuple[NumberTarget, ...] = ()
    weights: SeverityWeights = SeverityWeights()
    read_from: tuple[ReadFrom, ...] = ()
    patterns: tuple[AdoptedPattern, ...] = ()
