"""The trace: from risks to records, with every link of the workspace and every gap."""

from __future__ import annotations

from typing import Any

from shipworthy.evidence.told import Told
from shipworthy.evidence.trace import trace


def test_it_leads_from_risks_to_results(case: Any) -> None:
    found = trace(case.workspace, case.decision, {case.run.id: {}})
    risks = {risk["id"]: risk for risk in found["risks"]}
    [requirement] = risks["RK-leak"]["requirements"]
    assert requirement["guards"] == ["GD-canary"]
    assert [c["id"] for c in requirement["criteria"]] == ["CR-leak", "CR-leak-odd"]
    assert requirement["criteria"][0]["suite"] == "leaks@1.2"
    assert requirement["criteria"][0]["run"] == case.run.id
    assert risks["RK-bare"]["requirements"] == []
    assert found["gaps"]["risks_without_requirement"] == ["RK-bare"]


def test_every_link_names_the_digest_of_its_target(case: Any) -> None:
    graph = case.workspace.graph
    links = {
        (link["from"], link["field"], link["to"]): link["digest"]
        for link in trace(case.workspace, case.decision, {})["links"]
    }
    assert len(links) == len(graph.edges)
    assert links["requirement:RQ-leak", "mitigates", "risk:RK-leak"] == graph.digest(graph.node("risk", "RK-leak"))
    assert links["criterion:CR-help", "suite", "suite:leaks"] == graph.digest(graph.node("suite", "leaks"))


def test_what_is_linked_to_a_risk_stands_beside_it(gated: Any) -> None:
    from shipworthy.evidence.sections.proof import traceability
    from shipworthy.release.decide import decide

    (gated.root / "threats.yaml").write_text("threats: [{id: THR-ask, title: Somebody asks, risks: [RK-leak]}]\n")
    (gated.root / "journeys.yaml").write_text("journeys: [{id: UJ-ask, title: Ask, critical: true}]\n")
    (gated.root / "more.yaml").write_text("risks: [{id: RK-new, title: New, severity: S3, journeys: [UJ-ask]}]\n")
    (gated.root / "system.yaml").write_text("system: {id: SYS-desk, title: Desk, owner: us}\ninclude: [more.yaml]\n")
    decision = decide(gated.workspace, gated.run(guards="on"), gated.run())
    table: Any = traceability(Told.of(gated.workspace, decision), decision).children[0]
    assert [row[0] for row in table.rows] == ["RK-leak (S2) It tells [THR-ask]", "RK-new (S3) New"]
    gaps = trace(gated.workspace, decision, {})["gaps"]
    assert gaps["critical_journeys_without_suite"] == [{"journey": "UJ-ask", "risk": "RK-new"}]
