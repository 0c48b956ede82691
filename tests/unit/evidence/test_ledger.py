"""No run on the same samples can be left out of a decision: the verifier reads the ledger again from the chain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shipworthy.core.digests import bytes_digest, canonical

from .test_verify import _rechained


def _decided(case: Any, change: Callable[[Any], object]) -> str:
    """Change the decision, sign everything anew, and return what the verifier says of it."""

    def edit(files: dict[str, Any], entries: list[dict[str, Any]]) -> None:
        change(files["decision.json"])
        entries[-1]["body"]["digest"] = bytes_digest(canonical(files["decision.json"]))

    return "\n".join(_rechained(case, edit).problems)


def test_the_decision_says_which_run_it_is_about(case: Any) -> None:
    ledger = case.decision.ledger
    assert ledger.sentence == "the 2nd run on these samples; 1 earlier: baseline"
    assert [(line.run, line.state, line.gone) for line in ledger.earlier] == [(case.baseline.id, "baseline", False)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("ledger"), "which of the runs on these samples"),
        (lambda d: d["ledger"].update(earlier=[]), "not that of the audit log"),
        (lambda d: d["ledger"]["earlier"][0].update(state="ship"), "not that of the audit log"),
        (
            # Read from an empty log, it could not have seen its own run begin.
            lambda d: d["ledger"].update(entries=0, earlier=[], number=1, sentence="the 1st run on these samples"),
            "how often this was tried",
        ),
        (lambda d: d["ledger"].update(entries=10**6), "as it was before"),
        (lambda d: d["ledger"].update(number=1), "in other words"),
        (lambda d: d["ledger"].update(sentence="the 1st run on these samples"), "in other words"),
        (lambda d: d["ledger"]["earlier"][0].update(gone=True), "in other words"),
        (lambda d: d["ledger"].pop("tries"), "how often this was tried"),
        (lambda d: d["ledger"].update(tries=None), "how often this was tried"),
        (lambda d: d["ledger"]["tries"].update(runs=9), "how often this was tried"),
        (lambda d: d["ledger"]["tries"].update(sentence="the 1st of 1 run"), "how often this was tried"),
        (lambda d: d["ledger"]["tries"].update(elsewhere=1), "how often this was tried"),
        (lambda d: d["ledger"]["tries"].update(sittings=1, cut_off=1), "how often this was tried"),
        (lambda d: d.pop("subject"), "its subject is not what the runs measured"),
        (lambda d: d["subject"].update(guards=""), "its subject is not what the runs measured"),
        (lambda d: d.pop("baseline"), "what its baseline runs measured"),
        (lambda d: d["baseline"]["subject"].update(digest=d["subject"]["digest"]), "its baseline is not what"),
        (lambda d: d["baseline"].update(same_target=False), "of the same target"),
        (lambda d: d["baseline"].update(how="pinned"), "as pinned"),
        (lambda d: d["baseline"].update(how="gate", decision="DEC-x"), "that the gate names"),
        (lambda d: d["baseline"].update(how="chosen"), "that the gate names"),
    ],
)
def test_a_decision_that_does_not_fit_its_runs_and_chain_is_refused(
    case: Any, change: Callable[[Any], object], message: str
) -> None:
    assert message in _decided(case, change)


def test_a_run_that_was_begun_before_the_decision_and_left_out_is_named(case: Any) -> None:
    def edit(files: dict[str, Any], entries: list[dict[str, Any]]) -> None:
        body = {**next(e["body"] for e in entries if e["kind"] == "run.declared"), "run": "RUN-hidden"}
        entries.insert(-1, {**entries[-2], "kind": "run.declared", "body": body})
        for number, entry in enumerate(entries, 1):
            entry["number"] = number

    (problem,) = _rechained(case, edit).problems
    assert "its ledger lacks RUN-hidden" in problem


def test_a_gap_is_named_by_the_verifier(fresh_case: Any) -> None:
    """A run that was begun and deleted: the chain holds it, the disk does not."""
    import shutil

    from shipworthy.evals.begin import declare
    from shipworthy.evidence.pack import build_pack
    from shipworthy.evidence.verification import report
    from shipworthy.evidence.verify import verify_bytes
    from shipworthy.release.decide import decide
    from shipworthy.store.layout import Layout

    case = fresh_case()
    lost = declare(case.workspace)
    shutil.rmtree(lost)
    decision = decide(case.workspace, case.run, case.baseline)
    Layout(case.root).save_decision(decision)
    said = (
        f"the 2nd run on these samples; 1 earlier: baseline; 1 later: not finished; no longer on the disk: {lost.name}"
    )
    assert decision.ledger is not None
    assert decision.ledger.sentence == said
    found = verify_bytes(build_pack(case.workspace, decision, [case.key]), case.trust)
    assert found.ok, found.problems
    assert said in report(found)
