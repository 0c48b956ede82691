"""What a pack says of its criteria, held to its runs without a pack around them; `test_closed` does it with one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from shipworthy.core.errors import IntegrityError
from shipworthy.evidence import derive
from shipworthy.evidence.criteria import Criteria
from shipworthy.evidence.derive import State, together, verdicts
from shipworthy.evidence.recount import Measure, PackedRun, Recounted
from shipworthy.evidence.specified import Specified
from shipworthy.evidence.stated import StatedResult
from shipworthy.evidence.tested import Trial
from shipworthy.evidence.verdict import overall

DIGEST = "sha256:" + "0" * 64


def spec(must: str, metric: dict[str, Any], **criterion: Any) -> dict[str, Any]:
    suite = {
        "digest": DIGEST, "content": "synthetic", "metric": "m", "metrics": [metric], "max_error_rate": 0.05,
        "samples": 100, "clusters": 100, "attacks": ["none"], "attempts": 1, "scorers": [],
    }  # fmt: skip
    asked = {"id": "CR-1", "suite": "s", "must": must} | criterion
    requirement = {"id": "RQ-1", "mitigates": ["RK-1"], "criteria": [asked]}
    entities = {"suite": {"s": suite}, "requirement": {"RQ-1": requirement}, "gate": {"g": {"id": "g"}}}
    return {"schema": 2, "plan": "full", "entities": entities, "code": {}}


def held(
    records: int = 100,
    errors: int = 0,
    must: str = "upper95 <= 0.05",
    metric: dict[str, Any] | None = None,
    **more: Any,
) -> tuple[Criteria, Trial | str, Recounted]:
    """Return the criteria of a run of one suite, its only criterion, and what it counts."""
    metric = metric or {"name": "m"}
    made = [
        {
            "id": f"AT-{n:016x}",
            "suite": "s",
            "attack": "none",
            "sample": f"S{n}",
            "cluster": f"S{n}",
            "content_hash": "x",
        }
        | ({"outcome": "timeout"} if n < errors else {"outcome": "scored", "scores": [{"metric": "m", "hit": False}]})
        for n in range(records)
    ]
    use = {"id": "s", "metric": "m", "metrics": [metric], "attempts": 100, "samples": 100, "each": 1,
           "attacks": ["none"], "max_error_rate": 0.05, "digest": DIGEST}  # fmt: skip
    run = PackedRun({"id": "RUN-1", "suites": [use], "planned": 100, "seed": 0}, {}, made, {})
    criteria = Criteria({"runs": ["RUN-1"]}, {"RUN-1": run}, (), Specified({"full": spec(must, metric, **more)}))
    trial = criteria.trial(criteria.about({"metric": "m", "id": "CR-1"}, criteria.specified.criteria["CR-1"]))
    counts = criteria.pooled(trial).counts if isinstance(trial, Trial) else Recounted({}, 0)
    return criteria, trial, counts


def decided(verdict: str, states: set[State], *arguments: Any, **options: Any) -> None:
    criteria, trial, counts = held(*arguments, **options)
    assert isinstance(trial, Trial)
    result = {"id": "CR-1", "verdict": verdict, "planned": 100, "needed": 0 if verdict == "ship" else None}
    StatedResult(result, {}, criteria.unfit).verdict(trial, frozenset(states), counts, tips=False)


def test_a_criterion_may_not_pass_on_a_run_that_could_not_decide() -> None:
    decided("ship", {"ship"}, 100, 5)
    decided("inconclusive", {"ship"}, 99)
    decided("inconclusive", {"ship"}, 100, 6)
    decided("no-ship", {"no-ship"}, 100, 6)  # it fails with all of them counted as good
    for why, arguments, options in (
        ("lacks attempts", (99,), {}),
        ("more unscored attempts than s allows", (100, 6), {}),
        ("fewer samples", (100,), {"min_clusters": 101}),
        ("fewer samples", (100, 5), {"min_clusters": "96"}),
    ):
        with pytest.raises(IntegrityError, match=f"the verdict ship of CR-1 does not follow.*{why}"):
            decided("ship", {"ship"}, *arguments, **options)
    with pytest.raises(IntegrityError, match="does not follow"):
        decided("no-ship", {"no-ship"}, 99)
    with pytest.raises(IntegrityError, match="does not follow"):
        decided("inconclusive", {"ship"})


@pytest.mark.parametrize("must", ["upper95 <= 5 s", "upper95 <= 5 %", "upper95 <= 0.5", "worst_attack_upper95 <= 5"])
def test_a_condition_that_its_metric_does_not_take_is_not_tested(must: str) -> None:
    metric = {"name": "m", "kind": "value", "unit": "ms", "low": 1.0, "high": 900.0}
    assert isinstance(held(must="upper95 <= 5 ms", metric=metric)[1], Trial)
    assert held(must=must, metric=metric)[1] == "its metric does not take the condition"


def test_a_margin_without_a_baseline_is_not_tested() -> None:
    assert held(must="rise_upper95 <= 0.1")[1] == "there is no baseline"


@pytest.mark.parametrize(
    ("words", "hits", "lacking", "blank", "verdict"),
    [
        (["ship", "ship"], [], [], False, "ship"),
        (["ship", "no-ship"], [], [], False, "no-ship"),
        (["ship", "inconclusive"], [], [], False, "inconclusive"),
        (["no-ship", "inconclusive"], [], ["AT"], True, "no-ship"),
        (["ship"], ["AT"], [], False, "no-ship"),
        (["ship"], [], ["AT"], False, "inconclusive"),
        (["ship"], [], [], True, "inconclusive"),
        (["Ship"], [], [], False, "inconclusive"),
    ],
)
def test_the_gate_s_verdict_follows_from_the_parts(
    words: Sequence[str], hits: Sequence[str], lacking: Sequence[str], blank: bool, verdict: str
) -> None:
    assert overall(words, hits, lacking, blank) == verdict


def test_several_tests_are_as_good_as_the_worst() -> None:
    ship, tips, fail = frozenset(("ship",)), frozenset(("tips",)), frozenset(("no-ship", "open"))
    assert together([ship, ship]) == {"ship"}
    assert together([ship, tips]) == {"tips"}
    assert together([ship, tips, fail]) == {"no-ship", "open"}  # type: ignore[list-item]
    assert verdicts(together([ship, tips])) == {"inconclusive"}


def test_the_tipping_point_is_the_fewest_bad_ones() -> None:
    from shipworthy.core.condition import parse

    def at(bad: int | None) -> Recounted:
        trials = 100 if bad is not None else 80
        return Recounted({f"S{n}": (int(n < (bad or 0)), 1) for n in range(trials)}, 20)

    test = derive.Test(parse("upper95 <= 0.10"), Measure("m", False, 0, 1, True, False), "gaffke", at, 20)
    assert test.states() == {"tips"}
    assert [n for n in range(25) if test.tips(n)] == [5]  # Clopper and Pearson: 4 of 100 pass, 5 do not
