"""The chain of ids behind a decision: risk -> requirement -> criterion -> suite -> run -> records -> decision.

"Why did we ship this?" is answered by reading it downwards, "what rests on this record?" by reading it upwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shipworthy.core.records import CriterionResult, Decision
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.requirement import Criterion, Requirement

RecordHashes = Mapping[str, Mapping[str, Mapping[str, str]]]
"""Run -> suite -> attempt id -> ``sha256:…`` of its record."""


def trace(workspace: Workspace, decision: Decision, records: RecordHashes) -> dict[str, Any]:
    """Return the trace as JSON.

    Args:
        records: of every run the decision rests on, as they are in the pack.

    The gaps are part of it: risks that no requirement mitigates, requirements without a criterion in the gate, and
    criteria of requirements that mitigate no risk.
    """
    results = {result.id: result for result in decision.criteria}
    gate = [(requirement, criterion) for requirement, criterion in workspace.criteria() if criterion.id in results]
    tested = {requirement.id for requirement, _ in gate}
    mitigated = {risk for requirement in workspace.requirements.values() for risk in requirement.mitigates}

    def of_risk(risk: str) -> list[dict[str, Any]]:
        found = [r for r in workspace.requirements.values() if risk in r.mitigates]
        return [_requirement(workspace, r, [c for q, c in gate if q.id == r.id], results) for r in found]

    return {
        "decision": decision.id,
        "verdict": decision.verdict,
        "system": workspace.system.id,
        "spec_digest": decision.spec_digest,
        "subject_digest": decision.subject_digest,
        "risks": [
            {
                "id": risk.id,
                "title": risk.title,
                "severity": risk.severity,
                "journeys": list(risk.journeys),
                "refs": list(risk.refs),
                "requirements": of_risk(risk.id),
            }
            for risk in workspace.risks.values()
        ],
        "gaps": {
            "risks_without_requirement": [risk for risk in workspace.risks if risk not in mitigated],
            "requirements_without_criterion": [name for name in workspace.requirements if name not in tested],
            "criteria_without_risk": [c.id for requirement, c in gate if not requirement.mitigates],
        },
        "records": {run: {suite: dict(ids) for suite, ids in suites.items()} for run, suites in records.items()},
    }


def _requirement(
    workspace: Workspace, requirement: Requirement, criteria: list[Criterion], results: Mapping[str, CriterionResult]
) -> dict[str, Any]:
    guards = workspace.guards.rules if workspace.guards else ()
    return {
        "id": requirement.id,
        "text": requirement.text,
        "refs": list(requirement.refs),
        "guards": [rule.id for rule in guards if requirement.id in rule.implements],
        "criteria": [_criterion(workspace, criterion, results[criterion.id]) for criterion in criteria],
    }


def _criterion(workspace: Workspace, criterion: Criterion, result: CriterionResult) -> dict[str, Any]:
    suite = workspace.suites[criterion.suite]
    return {
        "id": criterion.id,
        "must": result.must,
        "verdict": result.verdict,
        "suite": f"{suite.id}@{suite.version}",
        "suite_digest": suite.digest,
        "metric": result.metric,
        "attack": criterion.attack,
        "run": result.run,
        "baseline_run": result.baseline_run,
    }
