"""Coverage with evidence: a cell counts while a run on it stands, is large enough and is not old."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shipworthy.core.records import CriterionResult
from shipworthy.evidence.covered import covered
from shipworthy.evidence.criterion_standing import CriterionStanding
from shipworthy.workspace.load import Workspace

NOW = datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
def look(gated):
    gated.edit("risks.yaml", "severity: S2", "severity: S2, journeys: [UJ-ask, UJ-idle]")
    (gated.root / "journeys.yaml").write_text(
        "journeys: [{id: UJ-ask, title: Ask, critical: true}, {id: UJ-idle, title: Idle}]\n"
        "risks: [{id: RK-bare, title: Bare, severity: S3, journeys: [UJ-ask]}]\n"
    )
    gated.edit("requirements.yaml", "severity: S2}", "severity: S2, min_clusters: 50}")

    def find(clusters=60, measured="2026-01-15T00:00:00Z", state="stands", rate=0.0):
        graph = Workspace.load(gated.root, allow_code=True).graph
        result = CriterionResult(
            id="CR-leak", requirement="RQ-safe", suite="leak", metric="leak", test="threshold", must="upper95 <= 0.10",
            limit=0.1, verdict="no-ship", reason="", clusters=clusters, trials=clusters, rate=rate, run="RUN-1",
        )  # fmt: skip
        standing = {n.id: CriterionStanding(n.id, "none", "none yet") for n in graph.of_kind("criterion").values()}
        mine = CriterionStanding("CR-leak", state, "it changed", result, "DEC-1", "RUN-1", measured, measured)
        return covered(graph, {**standing, "CR-leak": mine}, NOW)

    return find


def test_a_run_that_stands_covers_whatever_its_verdict(look):
    found = look()
    assert [(c.journey, c.risk, c.critical, c.covered, c.criteria) for c in found.cells] == [
        ("UJ-ask", "RK-bare", True, False, ()),
        ("UJ-ask", "RK-leak", True, True, ("CR-leak",)),
        ("UJ-idle", "RK-leak", False, True, ("CR-leak",)),
    ]
    assert (found.critical, found.covered, found.share) == (2, 1, 0.5)
    assert found.cells[0].gap == "no suite measures it"


@pytest.mark.parametrize(
    ("change", "gap"),
    [
        ({"clusters": 49}, "CR-leak: RUN-1 has 49 independent samples, and 50 are asked for"),
        ({"clusters": 50}, ""),
        ({"measured": "2026-01-02T00:00:00Z"}, ""),
        ({"measured": "2026-01-01T23:59:59Z"}, "CR-leak: RUN-1 is older than 30 days"),
        ({"measured": ""}, "CR-leak: RUN-1 does not say how old it is"),
        (
            {"measured": "2026-02-03T00:00:00Z"},
            "CR-leak: RUN-1 was made at 2026-02-03T00:00:00Z, which is yet to come: a clock is wrong",
        ),
        ({"state": "lapsed"}, "CR-leak: it changed"),
        ({"rate": None}, "CR-leak: RUN-1 scored nothing of it"),
    ],
)
def test_what_covers_nothing(look, change, gap):
    found = look(**change)
    assert found.cells[1].gap == gap
    assert found.covered == (not gap)


def test_without_a_critical_journey_there_is_no_share(gated):
    assert covered(gated.workspace.graph, {}, NOW).share is None
