"""Finding the run in which an attempt is an S1 hit, and entering the run before the word."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.core.records import Score
from shipworthy.detect.redact import seal
from shipworthy.evals.confirm import confirm_hit, find_s1_hit
from shipworthy.evals.results import Run
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.store.runlog import RunLog


def retried(gated, run: Run):  # type: ignore[no-untyped-def]
    """Make the one failed attempt of a run again: a scorer sees a hit, and another one fails."""
    first = next(a for a in run.attempts() if a.outcome == "scorer_error")

    async def again() -> None:
        log = RunLog.open(run.directory)
        score = Score(metric="leak", hit=True, scorer="gate_flag")
        await log.append(seal(replace(first, id=f"{first.id}-2", scores=(score,), severity="S1"), "synthetic"))
        log.close()

    asyncio.run(again())
    return first.id


@pytest.fixture
def failed(gated):  # type: ignore[no-untyped-def]
    return gated.run(
        lambda i: "scorer_error" if i.suite == "leak" and i.sample.id == "leak-07" and i.attack == "none" else False
    )


def test_a_hit_is_found_by_the_id_of_its_try_and_the_run_stands_before_the_word(gated, failed) -> None:  # type: ignore[no-untyped-def]
    layout, planned = Layout(gated.root), retried(gated, failed)
    run, found = find_s1_hit(layout, f"{planned}-2")
    assert (run.id, found, run.s1_hits) == (failed.id, planned, {planned: [f"{planned}-2"]})
    word = confirm_hit(layout, f"{planned}-2", "no-hit", by="ada")
    assert (word.attempt, word.tries) == (planned, {f"{planned}-2"})
    with AuditLog(layout.control_url) as audit:
        assert [e.kind for e in audit.entries()] == ["run.finished", "hit.confirmed"]


def test_records_that_are_replaced_after_the_word_are_found(gated, failed) -> None:  # type: ignore[no-untyped-def]
    layout, log = Layout(gated.root), failed.directory / "attempts-0000.jsonl"
    before = log.read_bytes()
    planned = retried(gated, failed)
    confirm_hit(layout, planned, "no-hit", by="ada")
    log.write_bytes(before)  # the try that was confirmed is cut off: the log is whole, and shorter than it was
    with pytest.raises(UsageError, match="is no hit on a sample of severity S1"):
        confirm_hit(layout, planned, "no-hit", by="ada")
    from shipworthy.store.register import register_run

    with pytest.raises(IntegrityError, match="lines were removed or replaced"):
        register_run(layout, failed.directory)
