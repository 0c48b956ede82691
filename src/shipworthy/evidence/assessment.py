"""A product that is new to whoever looks: what is there, what is covered, the greatest risks, and the gaps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from shipworthy.core.document import DocumentTree, Facts, Paragraph, Section, Table, Tone
from shipworthy.core.errors import Problem
from shipworthy.evidence.covered import Coverage, covered
from shipworthy.evidence.criterion_standing import CriterionStanding
from shipworthy.evidence.diagrams.data_flow import data_flow
from shipworthy.evidence.diagrams.safety_case import safety_case
from shipworthy.evidence.residual import ResidualRisk
from shipworthy.evidence.sections.drawings import CASE, FLOW, picture
from shipworthy.workspace.graph import Graph, Node
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.suggest import suggest

TOP = 10
KINDS = (
    "component", "data", "subprocessor", "journey", "attacker", "asset", "entry", "boundary", "threat", "risk",
    "requirement", "control", "monitor", "lever", "suite", "plan", "clause", "role", "tier", "waiver",
)  # fmt: skip
"""What an inventory counts, in the order of the life of a product."""


class AssessedGap(NamedTuple):
    """Something that is missing.

    Attributes:
        weight: 1 blocks a release, 2 leaves a risk in the dark, 3 should be there.
        what: in a sentence; `close` how.
    """

    weight: int
    what: str
    close: str


class Assessment(NamedTuple):
    """What was found: how many of each kind, the coverage map, the greatest risks, the gaps, the worst first."""

    inventory: Mapping[str, tuple[str, ...]]
    cells: Coverage
    risks: Sequence[ResidualRisk]
    gaps: Sequence[AssessedGap]


def assess(
    workspace: Workspace,
    standing: Mapping[str, CriterionStanding],
    risks: Sequence[ResidualRisk],
    warnings: Sequence[Problem],
    now: datetime,
) -> Assessment:
    """Return what is there of a product, and what is not.

    Args:
        standing: what stands for each criterion; `risks` the register.
        warnings: of `shipworthy check`.
    """
    graph = workspace.graph
    inventory = {kind: tuple(graph.of_kind(kind)) for kind in KINDS}
    cells = covered(graph, standing, now)
    gaps = sorted(_gaps(workspace, graph, cells, standing, warnings), key=lambda gap: gap.weight)
    return Assessment(inventory, cells, list(risks)[:TOP], gaps)


def _gaps(
    workspace: Workspace,
    graph: Graph,
    cells: Coverage,
    standing: Mapping[str, CriterionStanding],
    warnings: Sequence[Problem],
) -> Iterator[AssessedGap]:
    needed = {
        "component": (2, "the parts of the system are not written down", "components in system.yaml"),
        "journey": (2, "nothing says what people do with it", "journeys.yaml"),
        "threat": (2, "nothing says who may do what to it", "`shipworthy threat suggest` proposes threats"),
        "risk": (1, "no risk is written down", "risks.yaml"),
        "requirement": (1, "nothing says what must hold", "requirements.yaml"),
        "control": (3, "nothing says what is done so that requirements hold", "controls.yaml, or guards.yaml"),
        "monitor": (3, "nothing watches it in production", "monitors.yaml"),
        "lever": (2, "nothing stops harm that is under way", "levers.yaml"),
        "role": (1, "nobody may approve, override or accept anything", "roles.yaml"),
        "tier": (1, "nothing says what a release takes", "tiers in roles.yaml"),
    }
    for kind, (weight, what, close) in needed.items():
        if not graph.of_kind(kind):
            yield AssessedGap(weight, what, close)
    for cell in cells.cells:
        if not cell.covered:
            where = f"{cell.risk} on {cell.journey}"
            yield AssessedGap(1 if cell.critical else 2, f"{where} is not covered: {cell.gap}", "`shipworthy ci`")
    bare = [one.id for one in graph.of_kind("risk").values() if not one.entity.owner]
    if bare:
        yield AssessedGap(2, f"risks that nobody owns: {', '.join(bare)}", "`owner` of each in risks.yaml")
    open_ = [one.id for one in graph.of_kind("component").values() if _silent(one)]
    if open_:
        said = f"parts of which the files do not say who writes to them or what they hold: {', '.join(open_)}"
        yield AssessedGap(3, said, "`writers` and `holds` of each in system.yaml")
    if more := len(suggest(graph).suggestions):
        said = f"{more} threats of the catalogue fit its parts and are neither named nor ruled out"
        yield AssessedGap(2, said, "`shipworthy threat suggest` lists them with their reasons")
    if not any(one.state == "stands" for one in standing.values()):
        yield AssessedGap(
            1, "no evidence stands: nothing was measured on these files and this system", "`shipworthy ci`"
        )
    if workspace.guards is None and workspace.policy is None:
        yield AssessedGap(3, "no guard and no tool policy stands in front of it", "guards.yaml, policy.yaml")
    yield from (AssessedGap(3, f"{one.message} ({one.file.name}:{one.line})", one.hint) for one in warnings)


def _silent(node: Node) -> bool:
    return node.entity.writers is None or node.entity.holds is None


def page(
    workspace: Workspace, found: Assessment, standing: Mapping[str, CriterionStanding], now: datetime
) -> DocumentTree:
    """Return the assessment as a document, with the data flow and the safety case."""
    graph, system = workspace.graph, workspace.system
    share = "no journey is critical" if found.cells.share is None else f"{100 * found.cells.share:.0f} %"
    facts = Facts(
        (
            ("System", system.id), ("Owner", system.owner), ("Tier", system.tier), ("Purpose", system.purpose or "-"),
            ("Critical cells covered", f"{found.cells.covered} of {found.cells.critical} ({share})"),
            ("Gaps", f"{len(found.gaps)}, {sum(gap.weight == 1 for gap in found.gaps)} of them block a release"),
        )
    )  # fmt: skip
    inventory = Table(
        ("Kind", "How many", "Which"),
        tuple((kind, str(len(ids)), _some(ids)) for kind, ids in found.inventory.items()),
        numeric=(1,),
    )
    cells = Table(
        ("Journey", "Risk", "Critical", "Suites", "Covered", "By, or why not"),
        tuple(
            (c.journey, c.risk, "yes" if c.critical else "no", ", ".join(c.suites) or "none",
             "yes" if c.covered else "no", ", ".join(c.criteria) or c.gap)
            for c in found.cells.cells
        ),
        tones=tuple(_tone(c.covered, c.critical) for c in found.cells.cells),
    )  # fmt: skip
    top = Table(
        ("Risk", "Severity", "Inherent", "Residual", "Owner", "Rests on"),
        tuple(
            (f"{one.risk}\n{one.title}", one.severity, f"{one.inherent:.1f}",
             f"{one.residual:.1f}\n" + (f"[{one.low:.1f}, {one.high:.1f}]" if one.measured else "inherent"),
             one.owner or "nobody", one.basis)
            for one in found.risks
        ),
        numeric=(2, 3),
    )  # fmt: skip
    gaps = Table(
        ("Weight", "What is missing", "How to close it"),
        tuple((_WEIGHTS[gap.weight], gap.what, gap.close) for gap in found.gaps),
        tones=tuple(_TONES[gap.weight] for gap in found.gaps),
    )
    case = safety_case(graph, standing, {line.risk: line for line in _all(workspace, standing, now)})
    drawn = [picture(data_flow(graph), FLOW)] if graph.of_kind("component") else []
    return DocumentTree(
        f"Baseline assessment: {system.title}",
        (
            facts,
            Section("Gaps", (gaps if found.gaps else Paragraph("None was found."),), "gaps"),
            Section(
                "The ten greatest risks", (top if found.risks else Paragraph("No risk is written down."),), "risks"
            ),
            Section("Coverage map", (cells if found.cells.cells else Paragraph("No risk is on a journey."),), "cover"),
            Section("Inventory", (inventory,), "inventory"),
            Section("The system and its safety case", (*drawn, picture(case, CASE)), "drawings"),
        ),
        f"{now:%Y-%m-%d}, from the files and what was decided",
    )


_WEIGHTS = {1: "blocks", 2: "in the dark", 3: "should be there"}
_TONES: Mapping[int, Tone] = {1: "bad", 2: "unsure", 3: "plain"}


def _tone(is_covered: bool, critical: bool) -> Tone:
    return "good" if is_covered else "bad" if critical else "unsure"


def _some(ids: Sequence[str]) -> str:
    return ", ".join(ids[:12]) + (f" and {len(ids) - 12:,} more" if len(ids) > 12 else "") or "none"


def _all(workspace: Workspace, standing: Mapping[str, CriterionStanding], now: datetime) -> list[ResidualRisk]:
    from shipworthy.evidence.residual import register

    return register(workspace.graph, standing, now.date())
