"""What a person does with the system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from shipworthy.workspace.coverage import coverage
from shipworthy.workspace.fields import Entity, Id, Text, Title
from shipworthy.workspace.kind import kind

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft, Placed
    from shipworthy.workspace.graph import Graph


def _check(journey: Placed[Journey], draft: Draft, graph: Graph) -> None:
    name = journey.entity.id
    cells = [cell for cell in coverage(graph) if cell.journey == name]
    if not cells and not draft.broken("risk"):
        hint = "name it under 'journeys' of what may go wrong on it"
        draft.warnings.append(journey.problem(("id",), f"no risk is on the journey {name!r}", hint))
    # A risk that nothing mitigates at all is reported as such.
    tried = {cell.risk for cell in cells if graph.sources(graph.node("risk", cell.risk), "mitigates")}
    gaps = [cell.risk for cell in cells if cell.critical and not cell.suites and cell.risk in tried]
    if gaps and not any(map(draft.broken, ("requirement", "suite"))):
        message = f"the critical journey {name!r} is not covered: no suite measures {', '.join(gaps)}"
        hint = "let a requirement that mitigates the risk have a criterion on a suite"
        draft.warnings.append(journey.problem(("id",), message, hint))


@kind("journey", section="journeys", check=_check)
class Journey(Entity):
    """A user's journey. `critical` ones must be covered by a suite for each of their risks."""

    id: Annotated[str, Id("UJ")]
    title: Title
    critical: bool = False
    text: Text = ""
