"""Which criteria decide a release."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from shipworthy.workspace.fields import Entity, Rate, Ref, Slug, Word
from shipworthy.workspace.kind import kind

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft, Placed
    from shipworthy.workspace.graph import Graph


def _check(gate: Placed[Gate], draft: Draft, graph: Graph) -> None:
    if not gate.entity.criteria:
        draft.problems.append(gate.problem(("criteria",), "a gate without criteria lets everything pass"))


class Pinned(Entity):
    """The baseline of a gate's margins: what a decision was made about, by the decision's id."""

    decision: Word


@kind("gate", section="gate", written="single", enters="always", check=_check)
class Gate(Entity):
    """A set of criteria: all must pass.

    Attributes:
        criteria: their ids, or ``all``.
        max_error_rate: the share of a run's attempts that may lack a score of their suite's main metric, by an error or
            because a scorer gave none, in [0, 1]; above it the gate fails closed. Each suite has its own limit besides.
        bound: which limit of a rate decides: ``gaffke``, whose error rates are simulated and conjectured to hold in
            general, or ``proved``, wider and a theorem. ``shipworthy plan`` prints what it costs in samples.
        fresh: whether every reply must be given for the run itself: one that the reply cache gave, in a decided run or
            its baseline, leaves the gate undecided. Runs of the workspace are then made without the cache.
        baseline: what criteria with a margin compare with. Left out, it is what `shipworthy baseline set` pinned.
    """

    id: Slug = "release"
    criteria: Literal["all"] | tuple[Annotated[str, Ref("criterion")], ...] = "all"
    max_error_rate: Rate = 0.05
    bound: Literal["gaffke", "proved"] = "gaffke"
    fresh: bool = False
    baseline: Pinned | None = None

    def selects(self, criterion: str) -> bool:
        """Say whether a criterion's id belongs to the gate."""
        return self.criteria == "all" or criterion in self.criteria
