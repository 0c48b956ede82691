"""The safety case: derived from the links, with what is missing in it."""

from __future__ import annotations

from datetime import date

from msgspec.structs import replace

from shipworthy.core.records import CriterionResult
from shipworthy.evidence.criterion_standing import CriterionStanding
from shipworthy.evidence.diagrams.drawing import DrawnArrow
from shipworthy.evidence.diagrams.safety_case import safety_case
from shipworthy.evidence.residual import register
from shipworthy.workspace.load import Workspace


def case(gated, **standing):
    graph = Workspace.load(gated.root, allow_code=True).graph
    known = {n.id: CriterionStanding(n.id, "none", "not yet") for n in graph.of_kind("criterion").values()} | standing
    return safety_case(graph, known, {line.risk: line for line in register(graph, known, date(2026, 1, 1))})


def test_what_is_missing_is_part_of_it(gated):
    (gated.root / "threats.yaml").write_text(
        "risks: [{id: RK-bare, title: Bare, severity: S3}, {id: RK-seen, title: Seen, severity: S3}]\n"
        "requirements: [{id: RQ-seen, text: Seen, mitigates: [RK-seen]}]\n"
        'monitors: [{id: MON-a, title: A, metric: m, must: "< 1", window: 1d, watches: [RQ-seen]}]\n'
        "roles: [{id: RO-a, title: A, may: {accept: S1}}]\n"
        "waivers:\n  - {id: WV-a, risks: [RK-bare], reason: R, compensating: C, accepted_by: RO-a, by: ann,\n"
        "     ceiling: S3, begins: 2026-01-01, expires: 2026-01-02}\n"
    )
    found = case(gated)
    kinds = {key: (found.boxes[key].form, found.boxes[key].mood) for key in ("RK-bare", "WV-a", "RQ-seen", "CR-leak")}
    assert kinds == {
        "RK-bare": ("undeveloped", "unsure"), "WV-a": ("context", "unsure"), "RQ-seen": ("undeveloped", "bad"),
        "CR-leak": ("solution", "bad"),
    }  # fmt: skip
    assert found.boxes["CR-leak"].lines == ("CR-leak", "no evidence", "not yet")
    for arrow in (
        ("SYS-desk strategy", "RK-bare"),
        ("RK-bare", "WV-a"),
        ("RK-leak", "RQ-safe"),
        ("RQ-safe", "CR-leak"),
    ):
        assert DrawnArrow(*arrow) in found.arrows


def test_evidence_that_stands_is_shown_with_its_verdict(gated):
    result = CriterionResult(
        id="CR-leak", requirement="RQ-safe", suite="leak", metric="leak", test="threshold", must="upper95 <= 0.10",
        limit=0.1, verdict="ship", reason="", hits=1, trials=90, rate=0.01, low=0.0, high=0.05, bound=0.04, run="RUN-1",
    )  # fmt: skip
    stands = CriterionStanding("CR-leak", "stands", result=result, decision="DEC-1", run="RUN-1")
    box = case(gated, **{"CR-leak": stands}).boxes["CR-leak"]
    assert box.mood == "good"
    assert box.lines == ("CR-leak", "ship", "1 of 90, bound 4.0 %, must be upper95 <= 0.10", "RUN-1")
    blank = stands._replace(result=replace(result, rate=None, reason="nothing was scored"))
    box = case(gated, **{"CR-leak": blank}).boxes["CR-leak"]
    assert (box.mood, box.lines[1:3]) == ("bad", ("not measured", "nothing was scored"))
    lapsed = stands._replace(state="lapsed", why="the target changed since")
    box = case(gated, **{"CR-leak": lapsed}).boxes["CR-leak"]
    assert (box.mood, box.lines) == ("bad", ("CR-leak", "lapsed", "the target changed since"))
