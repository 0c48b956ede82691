"""What must hold, and how it is tested."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from shipworthy.workspace.fields import CriterionId, Entity, RequirementId, RiskId, Severity, Slug, Text, Title
from shipworthy.workspace.must import Must, parse_must


class Criterion(Entity):
    """One test of one requirement: a condition on the rate of a metric in a suite.

    Attributes:
        metric: of the suite's scorers; the suite's main metric if left out.
        attack: only attempts of this attack (its id, or its full name with parameters); all attacks if left out.
        min_clusters: with fewer independent samples the criterion is inconclusive.
        severity: of a failure; S3 if left out.
    """

    id: CriterionId
    suite: Slug
    metric: Text = ""
    must: Text
    severity: Severity = "S3"
    attack: Text | None = None
    min_clusters: Annotated[int, Field(ge=1)] = 1

    @field_validator("must")
    @classmethod
    def _must(cls, value: str) -> str:
        return parse_must(value).text

    @property
    def parsed(self) -> Must:
        """The condition, parsed."""
        return parse_must(self.must)


class Requirement(Entity):
    """What must hold: which risks it mitigates, which criteria test it."""

    id: RequirementId
    text: Title
    mitigates: tuple[RiskId, ...] = ()
    refs: tuple[Text, ...] = ()
    criteria: tuple[Criterion, ...] = ()
