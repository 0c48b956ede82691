"""What a run covers."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from shipworthy.workspace.fields import Entity, Slug, Text


class PlanSuite(Entity):
    """One suite in a plan: how many samples, which attacks, how many attempts of each.

    Attributes:
        samples: the first n of `Suite.select`; all if left out.
        attacks: ids or full names out of the suite's attacks; all if left out.
        attempts: of each sample and attack; the suite's number if left out.
    """

    suite: Slug
    samples: Annotated[int, Field(ge=1)] | None = None
    attacks: tuple[Text, ...] | None = None
    attempts: Annotated[int, Field(ge=1, le=10_000)] | None = None


def _named(value: object) -> object:
    return [{"suite": v} if isinstance(v, str) else v for v in value] if isinstance(value, list) else value


class PlanSpec(Entity):
    """A named plan. The plan `full` always exists: every suite as it is."""

    id: Slug
    title: Text = ""
    seed: Annotated[int, Field(ge=0, lt=2**53)] = 0
    suites: Annotated[tuple[PlanSuite, ...], BeforeValidator(_named)]


FULL = "full"


def full_plan(suites: list[str]) -> PlanSpec:
    """Return the plan that covers every suite as it is."""
    return PlanSpec(id=FULL, title="everything", suites=tuple(PlanSuite(suite=suite) for suite in suites))
