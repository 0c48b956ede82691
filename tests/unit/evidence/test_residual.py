"""Residual risk: computed from what stands, at its bound, and the inherent one where anything is missing."""

from __future__ import annotations

from datetime import date

import pytest

from shipworthy.core.metric import Metric
from shipworthy.core.records import CriterionResult
from shipworthy.evidence.criterion_standing import CriterionStanding, LabelWatch
from shipworthy.evidence.residual import FailureRate, failure_rate, inherent, register
from shipworthy.workspace.load import Workspace

TODAY = date(2026, 2, 1)


def result(id="CR-leak", *, good="low", must="upper95 <= 0.10", **change):
    numbers = {"rate": 0.04, "low": 0.02, "high": 0.09, "bound": 0.08, "hits": 4, "trials": 100, **change}
    return CriterionResult(
        id=id, requirement="RQ-safe", suite="leak", metric="leak", test=numbers.pop("test", "threshold"), must=must,
        limit=0.1, verdict="ship", reason="because", run="RUN-1", measure=Metric("leak", good=good), **numbers,
    )  # fmt: skip


def stands(found):
    return CriterionStanding(found.id, "stands", result=found, decision="DEC-1", run="RUN-1")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (result(), FailureRate(0.02, 0.09, 0.08)),
        # What is good is turned around: 90 % to 98 % of good answers are 2 % to 10 % of bad ones.
        (
            result(good="high", must="lower95 >= 0.8", rate=0.95, low=0.9, high=0.98, bound=0.91),
            FailureRate(pytest.approx(0.02), pytest.approx(0.1), pytest.approx(0.09)),
        ),
        # A bound on the other side says nothing of how bad it may be: then it is the interval's end.
        (result(must="lower95 >= 0.01", bound=0.01), FailureRate(0.02, 0.09, 0.09)),
        (result(bound=None), FailureRate(0.02, 0.09, 0.09)),
        (result(test="noninferiority", must="rise_upper95 <= 0.1"), None),
        (result(rate=None, low=None, high=None, bound=None), None),
    ],
)
def test_how_often_it_failed(found, expected):
    assert failure_rate(found) == expected


def test_severity_times_likelihood():
    assert inherent("S1", 5) == 100
    assert inherent("S2", 3) == pytest.approx(18)
    assert [inherent(s, 5) for s in ("S1", "S2", "S3", "S4")] == [100, 30, 5, 1]


@pytest.fixture
def lines(gated):
    """Return the register: risk -> line. `more` are further files."""

    def look(standing, more="", today=TODAY):
        if more:
            (gated.root / "waivers.yaml").write_text(more)
        graph = Workspace.load(gated.root, allow_code=True).graph
        names = [node.id for node in graph.of_kind("criterion").values()]
        known = {name: CriterionStanding(name, "none", "no decision was made on it yet") for name in names}
        return {line.risk: line for line in register(graph, {**known, **standing}, today)}

    return look


def test_without_evidence_it_is_the_inherent_one_and_says_so(lines):
    line = lines({})["RK-leak"]
    assert (line.inherent, line.residual, line.measured) == (pytest.approx(18), pytest.approx(18), False)
    assert line.basis == "CR-leak has no evidence that stands: no decision was made on it yet"


def test_with_evidence_it_is_the_bound_with_its_interval(lines):
    line = lines({"CR-leak": stands(result())})["RK-leak"]
    assert line.measured
    assert (line.residual, line.low, line.high) == pytest.approx((18 * 0.08, 18 * 0.02, 18 * 0.09))
    assert line.basis == "CR-leak: 4 of 100 leak, RUN-1, DEC-1"


def test_evidence_that_lapsed_counts_for_nothing(lines):
    lapsed = stands(result())._replace(state="lapsed", why="the target changed since")
    line = lines({"CR-leak": lapsed})["RK-leak"]
    assert (line.residual, line.measured) == (line.inherent, False)
    assert line.basis == "CR-leak has no evidence that stands: the target changed since"


def test_the_worst_criterion_counts_and_all_must_be_measured(gated, lines):
    gated.edit("requirements.yaml", "text: It helps.", "text: It helps.\n    mitigates: [RK-leak]")
    both = {"CR-leak": stands(result()), "CR-help": stands(result("CR-help", bound=0.3, high=0.25))}
    drop = stands(result("CR-drop", test="noninferiority", must="drop_upper95 <= 0.10"))
    line = lines({**both, "CR-drop": drop})["RK-leak"]
    assert (line.criterion, line.residual) == ("CR-help", pytest.approx(18 * 0.3))
    assert line.high == pytest.approx(18 * 0.3)  # the interval holds the bound
    # One of them alone is not enough, not even the one on a change.
    assert not lines(both)["RK-leak"].measured
    assert not lines({"CR-leak": both["CR-leak"], "CR-drop": drop})["RK-leak"].measured
    blank = stands(result("CR-help", rate=None, low=None, high=None, bound=None))
    line = lines({**both, "CR-drop": drop, "CR-help": blank})["RK-leak"]
    assert (line.measured, line.basis) == (False, "CR-help was not measured: because")


def test_changes_alone_give_no_rate(gated, lines):
    gated.edit("requirements.yaml", "mitigates: [RK-leak]", "mitigates: []")
    text = (gated.root / "requirements.yaml").read_text()
    text = text.replace("text: It helps.", "text: It helps.\n    mitigates: [RK-leak]")
    kept = [line for line in text.splitlines() if "CR-help" not in line]
    (gated.root / "requirements.yaml").write_text("\n".join(kept))
    drop = stands(result("CR-drop", test="noninferiority", must="drop_upper95 <= 0.10"))
    line = lines({"CR-drop": drop})["RK-leak"]
    assert (line.measured, line.basis) == (False, "CR-drop: conditions on changes or values, which give no rate")


def test_the_greatest_stands_first(gated):
    more = (
        "risks:\n  - {id: RK-small, title: Small, severity: S4}\n  - {id: RK-big, title: Big, severity: S1}\n"
        "  - {id: RK-also, title: Also big, severity: S1}\n"
    )
    (gated.root / "journeys.yaml").write_text(more)
    graph = Workspace.load(gated.root, allow_code=True).graph
    standing = {n.id: CriterionStanding(n.id, "none", "x") for n in graph.of_kind("criterion").values()}
    found = register(graph, standing | {"CR-leak": stands(result())}, TODAY)
    assert [line.risk for line in found] == ["RK-also", "RK-big", "RK-leak", "RK-small"]
    assert found[0].basis == "no requirement mitigates it"


def test_a_waiver_is_named_while_it_holds(lines):
    waiver = (
        "roles: [{id: RO-a, title: A, may: {accept: S1}}]\nwaivers:\n"
        "  - {id: WV-a, requirements: [RQ-safe], reason: R, compensating: C, accepted_by: RO-a, by: ann, ceiling: S2,\n"
        "     begins: 2026-02-01, expires: 2026-02-02}\n"
    )
    assert lines({}, waiver)["RK-leak"].waivers == ("WV-a",)
    assert lines({}, waiver, date(2026, 2, 3))["RK-leak"].waivers == ()
    assert lines({}, waiver)["RK-leak"].residual == pytest.approx(18)  # accepted is not gone


def test_what_people_miss_is_in_what_is_left(lines):
    seen = stands(result())._replace(watch=LabelWatch(0.5, "those who labelled it find at least 50 % of known hits"))
    line = lines({"CR-leak": seen})["RK-leak"]
    assert (line.residual, line.low, line.high) == pytest.approx((18 * 0.16, 18 * 0.02, 18 * 0.18))
    assert line.basis.endswith("DEC-1; those who labelled it find at least 50 % of known hits")
    blind = lines({"CR-leak": seen._replace(watch=LabelWatch(0.01, "hardly any"))})["RK-leak"]
    assert blind.residual == blind.inherent
    nobody = lines({"CR-leak": seen._replace(watch=LabelWatch(0.0, "none"))})["RK-leak"]
    assert nobody.residual == nobody.inherent
    unknown = lines({"CR-leak": seen._replace(watch=LabelWatch(None, "it is not known"))})["RK-leak"]
    assert unknown.residual == pytest.approx(18 * 0.08) and unknown.basis.endswith("; it is not known")
