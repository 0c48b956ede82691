"""Which criteria decide a release."""

from __future__ import annotations

from typing import Literal

from shipworthy.workspace.fields import CriterionId, Entity, Rate, Slug


class Gate(Entity):
    """A set of criteria: all must pass.

    Attributes:
        criteria: their ids, or ``all``.
        max_error_rate: the share of a run's attempts that may end in an error, in [0, 1]; above it the gate fails
            closed. Each suite has its own limit besides.
    """

    id: Slug = "release"
    criteria: Literal["all"] | tuple[CriterionId, ...] = "all"
    max_error_rate: Rate = 0.05

    def selects(self, criterion: str) -> bool:
        """Say whether a criterion's id belongs to the gate."""
        return self.criteria == "all" or criterion in self.criteria
