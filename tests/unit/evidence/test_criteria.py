"""What a pack says of its criteria, held to its runs without a pack around them; `test_verify` does it with one."""

from __future__ import annotations

from typing import Any

import pytest

from shipworthy.core.errors import IntegrityError
from shipworthy.evidence.criteria import Criteria
from shipworthy.evidence.recount import PackedRun


def test_a_criterion_may_not_pass_on_a_run_that_could_not_decide() -> None:
    def verifier(records: int, errors: int, **use: Any) -> Criteria:
        outcomes = ["scored"] * (records - errors) + ["timeout"] * errors
        said = {"scored": [{"metric": "m", "hit": False}], "timeout": []}
        made = [
            {"id": f"AT-{n:016x}", "suite": "s", "outcome": outcome, "scores": said[outcome]}
            for n, outcome in enumerate(outcomes)
        ]
        suites = [{"id": "s", "metric": "m", "attempts": 100, "max_error_rate": 0.05} | use]
        run = PackedRun({"id": "RUN-1", "suites": suites, "planned": 100}, {}, made, {})
        return Criteria({"runs": ["RUN-1"]}, {"RUN-1": run}, ())

    result = {"id": "CR-1", "suite": "s", "run": "RUN-1", "planned": 100, "clusters": 95, "must": "upper95 <= 0.05"}
    verifier(100, 5).fit(result | {"unscored": {"timeout": 5}}, {})
    verifier(100, 5).errors(0.05)
    with pytest.raises(IntegrityError, match="lacks attempts"):
        verifier(99, 0).fit(result, {})
    with pytest.raises(IntegrityError, match="lacks attempts"):
        verifier(100, 0, id="other").fit(result, {})
    with pytest.raises(IntegrityError, match="more unscored attempts than s allows"):
        verifier(100, 6).fit(result | {"unscored": {"timeout": 4, "abstained": 2}}, {})
    with pytest.raises(IntegrityError, match="fewer samples"):
        verifier(100, 0).fit(result, {"min_clusters": 96})
    each = {"must": "worst_attack_upper95 <= 0.05", "attacks": [{"clusters": 95}, {"clusters": 94}]}
    with pytest.raises(IntegrityError, match="fewer samples"):
        verifier(100, 0).fit(result | each, {"min_clusters": 95})
    with pytest.raises(IntegrityError, match="more attempts without a score in RUN-1 than the gate"):
        verifier(100, 6).errors(0.05)
    silent = verifier(100, 0)
    for record in silent.runs["RUN-1"].counted[:6]:
        record["scores"] = [{"metric": "m", "hit": None}, {"metric": "other", "hit": False}]
    with pytest.raises(IntegrityError, match="more attempts without a score in RUN-1 than the gate"):
        silent.errors(0.05)


@pytest.mark.parametrize("must", ["upper95 <= 5 s", "upper95 <= 5 %", "upper95 <= 0.5"])
def test_a_condition_in_another_unit_or_range_than_its_metric_s_is_refused(must: str) -> None:
    metric = {"name": "wait", "kind": "value", "unit": "ms", "low": 1.0, "high": 900.0}
    run = PackedRun({"id": "RUN-1", "suites": [{"id": "s", "metrics": [metric]}]}, {}, [], {})
    found = Criteria({}, {"RUN-1": run}, ())
    result = {"id": "CR-1", "suite": "s", "metric": "wait", "run": "RUN-1", "measure": metric}
    assert found.measure(result | {"must": "upper95 <= 5 ms"}).unit == "ms"
    with pytest.raises(IntegrityError, match=f"CR-1 asks '{must}', which wait does not take"):
        found.measure(result | {"must": must})
