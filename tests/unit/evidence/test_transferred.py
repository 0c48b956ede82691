"""What a decision says of how far its rates transfer is what the audit log holds last, and a pack is held to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shipworthy.core.transferred import TransferEntry, transfer_of, transfers
from shipworthy.evidence.pack import build_pack
from shipworthy.evidence.verify import verify_bytes
from shipworthy.release.decide import decide
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.store.transfers import add_transfer

from .test_ledger import _decided

ROW = {
    "suite": "leaks", "metric": "toy_leak", "kind": "event", "unit": "", "condition": "bare", "run": "RUN-bare",
    "spec_digest": "sha256:s", "subject_digest": "sha256:bare", "gap": -200_000, "low": -300_000, "high": -100_000,
    "clusters": 40, "differs": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A case whose decision was made after somebody had looked how far its rates transfer."""
    from .conftest import make_case

    case = make_case(tmp_path_factory.mktemp("told"), tmp_path_factory.mktemp("keys"))
    manifest = case.run.manifest
    with AuditLog(Layout(case.root).control_url) as audit:
        for gap in (-100_000, -200_000):
            row = {**ROW, "gap": gap, "low": gap - 100_000, "high": gap + 100_000}
            own = manifest.system, manifest.id, manifest.spec_digest, manifest.subject_digest
            add_transfer(audit, TransferEntry(*own, rows=(row,)))
    decision = decide(case.workspace, case.run, case.baseline)
    Layout(case.root).save_decision(decision)
    return case._replace(decision=decision, pack=build_pack(case.workspace, decision, [case.key]))


def test_a_decision_says_the_last_word_beside_its_rate(told: Any) -> None:
    said = next(one for one in told.decision.transfer if one.metric == "toy_leak")
    assert said.sentence == (
        "in the product's own wrapper; under bare it differs by +20.0 points [+10.0, +30.0] (paired on 40 samples)"
    )
    assert len(told.decision.transfer) == 1
    result = next(one for one in told.decision.criteria if one.metric == "toy_leak")
    assert told.decision.beside(result) == (said.sentence,)
    assert verify_bytes(told.pack, told.trust).ok


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.pop("transfer"),
        lambda d: d["transfer"][0].update(sentence="it transfers"),
        lambda d: d["transfer"][0].update(entry=1),
        lambda d: d["transfer"].append(dict(d["transfer"][0])),
    ],
)
def test_a_pack_that_says_something_else_is_refused(told: Any, change: Callable[[Any], object]) -> None:
    assert "how far its rates transfer is not what the audit log says" in _decided(told, change)


def test_a_rate_under_test_conditions_says_what_the_product_gives() -> None:
    entry = TransferEntry("SYS-x", "RUN-p", "sha256:s", "sha256:p", ({**ROW, "differs": False},), 7)
    (said,) = transfers([entry], "sha256:s", "sha256:bare", {("leaks", "toy_leak")})
    assert said.sentence == (
        "measured under bare; in the product it differs by -20.0 points [-30.0, -10.0] "
        "(paired on 40 samples; no gap is shown)"
    )
    assert transfers([entry], "sha256:other", "sha256:bare", {("leaks", "toy_leak")}) == []
    assert transfers([entry], "sha256:s", "sha256:bare", {("leaks", "other")}) == []


@pytest.mark.parametrize(
    "change",
    [{"low": 0}, {"clusters": 0}, {"differs": 1}, {"kind": "rate"}, {"gap": 0.5}, {"more": 1}, {"clusters": True}],
)
def test_an_entry_that_holds_no_gap_is_refused(change: dict[str, Any]) -> None:
    body = {"system": "SYS-x", "run": "RUN-p", "spec_digest": "s", "subject_digest": "p", "rows": [{**ROW, **change}]}
    with pytest.raises(ValueError, match="no gap"):
        transfer_of(1, body)
