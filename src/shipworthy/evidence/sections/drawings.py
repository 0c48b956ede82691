"""The system and its safety case as pictures, derived from the links of the safety files and the decision."""

from __future__ import annotations

from datetime import date

from shipworthy.core.document import Paragraph, Picture, Section
from shipworthy.core.records import Decision
from shipworthy.evidence.criterion_standing import CriterionStanding
from shipworthy.evidence.diagrams.data_flow import data_flow
from shipworthy.evidence.diagrams.drawing import Drawing, as_mermaid
from shipworthy.evidence.diagrams.safety_case import safety_case
from shipworthy.evidence.diagrams.svg import as_svg
from shipworthy.evidence.residual import register
from shipworthy.workspace.load import Workspace


def drawings(workspace: Workspace, decision: Decision) -> Section:
    """Return the data flow with its trust boundaries, and the safety case as a goal structure with what was decided."""
    graph = workspace.graph
    there = {result.id: result for result in decision.criteria}
    standing = {
        criterion.id: CriterionStanding(
            criterion.id, "stands", result=there[criterion.id], decision=decision.id, run=there[criterion.id].run,
            decided=decision.created,
        )
        if criterion.id in there
        else CriterionStanding(criterion.id, "none", "the gate leaves it out")
        for requirement in workspace.requirements.values()
        for criterion in requirement.criteria
    }  # fmt: skip
    risks = {line.risk: line for line in register(graph, standing, date.fromisoformat(decision.created[:10]))}
    case = safety_case(graph, standing, risks)
    flow = [picture(data_flow(graph), FLOW)] if graph.of_kind("component") else []
    note = Paragraph(
        "Both are derived from the safety files: flows are what the parts say under sends_to, the argument is risks, "
        "requirements and criteria with what this decision found of them. What is missing is drawn as missing."
    )
    return Section("The system and its safety case", (note, *flow, picture(case, CASE)), "drawings")


FLOW = "The parts of the system in their trust boundaries, and what flows between them; orange crosses a boundary"
CASE = "The safety case: goals, the requirements below them, and the evidence for each"


def picture(drawing: Drawing, text: str) -> Picture:
    """Return a drawing as a block of a report.

    Args:
        text: what it shows, in a sentence.
    """
    lines = f"{text}: {len(drawing.boxes):,} boxes, {len(drawing.arrows):,} arrows"
    return Picture(drawing.title, as_svg(drawing), as_mermaid(drawing), lines)
