"""What the report shows of single attempts, gathered record by record."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from shipworthy.core.events import Asked, EventTime, Failed, GuardEvent, Timing
from shipworthy.core.metric import Metric
from shipworthy.core.records import Attempt, Score
from shipworthy.evidence.seen import Action, Seen
from shipworthy.store import line, reading


def row(attempt: Attempt) -> reading.RecordRow:
    """Return an attempt as a reader of its log sees it."""
    body = line.encode_attempt(attempt)
    found = reading._rows.decode(line.leaf(body))
    found.line, found.timing = body, attempt.timing
    return found


def attempt(n: int, *events: Any, **fields: Any) -> Attempt:
    made = Attempt(
        id=f"AT-{n:016x}", suite="s", sample=f"q{n}", attack="none", number=1, cluster=f"q{n}", seed=n,
        content_hash="", outcome="scored", events=(*events, Asked(1, "target")),
        timing=Timing(0.0, 2.0, 0.5, (EventTime(len(events), 1.0),)),
    )  # fmt: skip
    return replace(made, **fields)


def gathered(case: Any, *attempts: Attempt) -> Seen:
    use = replace(case.run.manifest.suites[0], id="s", metrics=(Metric("leak"), Metric("helpful", good="high")))
    seen = Seen(replace(case.run.manifest, suites=(use,)))
    for one in attempts:
        seen.add(row(one))
    seen.finish()
    return seen


def hit(metric: str, confidence: float | None = None, *, is_hit: bool = True) -> Score:
    return Score(metric=metric, hit=is_hit, scorer="x", confidence=confidence)


def test_hits_on_bad_events_count_and_the_surest_of_an_attempt_speaks_for_it(case: Any) -> None:
    seen = gathered(
        case,
        attempt(1, scores=(hit("helpful"),)),
        attempt(2, scores=(hit("leak", is_hit=False),)),
        attempt(3, scores=(hit("leak", 0.4), hit("leak", 0.9)), severity="S2"),
        attempt(4, scores=(hit("leak"),), severity="S1"),
    )
    assert [(h.severity, h.doubt, h.attempt[-1]) for h in sorted(seen.hits)] == [("S1", 0.0, "4"), ("S2", -0.9, "3")]


def test_an_attempt_that_was_tried_again_counts_with_its_last_try(case: Any) -> None:
    failed = attempt(1, GuardEvent("GD", "input", "r", "block"), outcome="scorer_error", scores=(hit("leak"),))
    again = attempt(1, outcome="timeout")
    seen = gathered(
        case,
        failed,
        replace(again, id=f"{again.id}-2"),
        replace(attempt(1), id=f"{again.id}-3"),
        attempt(2, outcome="scorer_error", scores=(hit("leak"),)),
    )
    assert [h.attempt for h in seen.hits] == ["AT-0000000000000002"]
    assert (len(seen.target_seconds), seen.actions.total()) == (2, 0)


def test_times_are_of_attempts_that_really_asked(case: Any) -> None:
    cached = replace(attempt(1), timing=Timing(0.0, 2.0, 0.25, (EventTime(0, 0.0, cached=True),)))
    blocked = replace(attempt(2), events=(GuardEvent("GD", "input", "r", "block"),), timing=Timing(0.0, 1.0, 1.0))
    judged = replace(attempt(3), events=(Asked(1, "judge"),))
    failed = replace(attempt(4), events=(Failed(1, "target", "Timeout"),), timing=Timing(0.0, 9.0, 1.0))
    seen = gathered(case, cached, blocked, judged, failed, attempt(5))
    assert list(seen.target_seconds) == [8.0, 1.5]
    assert list(seen.guard_seconds) == [0.25, 1.0, 1.0, 0.5]


def test_guards_are_counted_once_an_attempt_whatever_they_found(case: Any) -> None:
    found = [
        GuardEvent("GD", "output", rule, "redact", shadow=shadow) for rule in ("a", "b") for shadow in (True, False)
    ]
    seen = gathered(case, attempt(1, *found), attempt(2, found[0]))
    assert seen.actions == {
        Action("GD", "output", "redact", "shadow", "s"): 2,
        Action("GD", "output", "redact", "enforced", "s"): 1,
    }
