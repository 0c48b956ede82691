"""The chain of ids behind a decision: risk -> requirement -> criterion -> suite -> run -> records -> decision.

"Why did we ship this?" is answered by reading it downwards, "what rests on this record?" by reading it upwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shipworthy.core.records import CriterionResult, Decision
from shipworthy.workspace.coverage import coverage
from shipworthy.workspace.graph import Edge, Graph, Node
from shipworthy.workspace.load import Workspace

RecordHashes = Mapping[str, Mapping[str, Mapping[str, str]]]
"""Run -> suite -> attempt id -> ``sha256:…`` of its record."""

Results = Mapping[str, CriterionResult]


def trace(workspace: Workspace, decision: Decision, records: RecordHashes) -> dict[str, Any]:
    """Return the trace as JSON.

    Args:
        records: of every run the decision rests on, as they are in the pack.

    The gaps are part of it: risks that no requirement mitigates, requirements without a criterion in the gate,
    criteria of requirements that mitigate no risk, and risks on critical journeys that no suite measures. The links
    are all those of the workspace, whatever their kinds, each with the digest of what it leads to.
    """
    graph, results = workspace.graph, {result.id: result for result in decision.criteria}
    named, requirements = graph.of_kind("risk").values(), graph.of_kind("requirement").values()
    tested = {r.id: [c.id for c in graph.parts(r) if c.id in results] for r in requirements}
    return {
        "decision": decision.id,
        "verdict": decision.verdict,
        "system": workspace.system.id,
        "title": workspace.system.title,
        "owner": workspace.system.owner,
        "requirements": {name: one.text for name, one in workspace.requirements.items()},
        "spec_digest": decision.spec_digest,
        "subject_digest": decision.subject_digest,
        "risks": risks(workspace, decision),
        "gaps": {
            "risks_without_requirement": [risk.id for risk in named if not graph.sources(risk, "mitigates")],
            "requirements_without_criterion": [name for name, criteria in tested.items() if not criteria],
            "criteria_without_risk": [
                name for r in requirements if not graph.targets(r, "mitigates") for name in tested[r.id]
            ],
            "critical_journeys_without_suite": [
                {"journey": cell.journey, "risk": cell.risk}
                for cell in coverage(graph)
                if cell.critical and not cell.suites
            ],
        },
        "links": [_link(graph, edge) for edge in graph.edges],
        "records": {run: {suite: dict(ids) for suite, ids in suites.items()} for run, suites in records.items()},
    }


def risks(workspace: Workspace, decision: Decision) -> list[dict[str, Any]]:
    """Return every risk with the requirements that mitigate it and the criteria of the decision that test those."""
    results = {result.id: result for result in decision.criteria}
    return [_risk(workspace.graph, risk, results) for risk in workspace.graph.of_kind("risk").values()]


def _risk(graph: Graph, risk: Node, results: Results) -> dict[str, Any]:
    return {
        "id": risk.id,
        "title": risk.entity.title,
        "severity": risk.entity.severity,
        "journeys": list(risk.entity.journeys),
        "refs": list(risk.entity.refs),
        "requirements": [_requirement(graph, r, results) for r in graph.sources(risk, "mitigates")],
    }


def _requirement(graph: Graph, requirement: Node, results: Results) -> dict[str, Any]:
    return {
        "id": requirement.id,
        "text": requirement.entity.text,
        "refs": list(requirement.entity.refs),
        "guards": [guard.id for guard in graph.sources(requirement, "implements")],
        "criteria": [_criterion(graph, c, results[c.id]) for c in graph.parts(requirement) if c.id in results],
    }


def _criterion(graph: Graph, criterion: Node, result: CriterionResult) -> dict[str, Any]:
    suite = graph.node("suite", criterion.entity.suite).entity
    return {
        "id": criterion.id,
        "must": result.must,
        "verdict": result.verdict,
        "suite": f"{suite.id}@{suite.version}",
        "suite_digest": suite.digest,
        "metric": result.metric,
        "attack": criterion.entity.attack,
        "run": result.run,
        "baseline_run": result.baseline_run,
    }


def _link(graph: Graph, edge: Edge) -> dict[str, str]:
    return {
        "from": f"{edge.source.kind}:{edge.source.id}",
        "field": edge.field,
        "to": f"{edge.target.kind}:{edge.target.id}",
        "digest": graph.digest(graph.nodes[edge.target]),
    }
