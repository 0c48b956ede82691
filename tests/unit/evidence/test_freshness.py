"""What a pack says of kept replies is counted again; a gate that wants none is held to its word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shipworthy.core.errors import IntegrityError
from shipworthy.core.freshness import Replies, moment, of_record
from shipworthy.evidence.freshness import check
from shipworthy.evidence.recount import PackedRun

from .test_ledger import _decided


def pack(verdict: str = "ship", cached: int = 3) -> tuple[dict[str, Any], dict[str, Any], dict[str, PackedRun]]:
    runs = {
        "RUN-1": PackedRun({}, {}, [], {}, replies=Replies(10, cached, 1767225600.9 if cached else 0.0)),
        "RUN-0": PackedRun({}, {}, [], {}, replies=Replies(10)),
    }
    said = [
        {"run": name, "replies": 10, "cached": run.replies.cached, "oldest": moment(run.replies.oldest)}
        for name, run in runs.items()
    ]
    decision = {"runs": ["RUN-1"], "baseline_runs": ["RUN-0"], "verdict": verdict, "created": "2026-01-03T00:00:00Z"}
    return {**decision, "replies": said}, {"replies": said}, runs


def test_share_and_age_are_told() -> None:
    assert check(*pack(), []) == "3 of 10 replies (30.0 %) came from the cache, the oldest 2 days old"
    assert check(*pack(cached=0), [{"fresh": True}]) == "none of 10 replies came from the cache"
    assert check(*pack("inconclusive"), [{"fresh": True}])


def test_a_gate_that_wants_none_does_not_ship_on_kept_ones() -> None:
    with pytest.raises(IntegrityError, match="fresh replies, and some of RUN-1 were kept ones"):
        check(*pack(), [{}, {"fresh": True}])


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.pop("replies"),
        lambda d: d.update(replies=[]),
        lambda d: d["replies"].pop(),
        lambda d: d["replies"].reverse(),
        lambda d: d["replies"][0].update(cached=0),
        lambda d: d["replies"][0].update(replies=1000),
        lambda d: d["replies"][0].update(oldest="2026-11-29T00:00:00Z"),
        lambda d: d["replies"][0].update(oldest=""),
    ],
)
def test_other_numbers_than_those_of_the_records_are_refused(case: Any, change: Callable[[Any], object]) -> None:
    assert any(use.cached for use in case.decision.replies)
    assert "how many replies the cache gave is not what the records say" in _decided(case, change)


def test_a_record_is_counted_by_its_own_events() -> None:
    events = [{"type": "said"}, {"type": "asked"}, {"type": "returned"}, {"type": "asked"}]
    timing = [1.0, 2.0, 0.0, [[1, 0.0, True], [2, 0.1, True], [3, 0.2, False], [9, 0.0, True]], 5.5]
    assert of_record(events, timing) == Replies(2, 1, 5.5)
    assert of_record(events, timing[:4]) == Replies(2, 1, 0.0)  # by an earlier version
    assert of_record([], [1.0, 2.0]) == Replies()


@pytest.mark.parametrize(
    ("events", "timing"),
    [
        (["asked"], [1.0, 2.0, 0.0, []]),
        ([{"type": "asked"}], [1.0, 2.0, 0.0, [[[], 0.0, True]]]),
        ([{"type": "asked"}], [1.0, 2.0, 0.0, [[]]]),
        ([{"type": "asked"}], [1.0, 2.0, 0.0, [[True, 0.0, True]]]),
        ([], [1.0, 2.0, 0.0, [], "5"]),
        ([], [1.0, 2.0, 0.0, [], float("nan")]),
        ([], [1.0, 2.0, 0.0, [], float("inf")]),
        ([], [1.0, 2.0, 0.0, [], -1]),
        ([], [1.0, 2.0, 0.0, [], 10**400]),
        ([], [1.0, 2.0, 0.0, [], True]),
    ],
)
def test_what_is_not_shaped_as_a_record_is_refused(events: list[Any], timing: list[Any]) -> None:
    with pytest.raises(ValueError, match="none"):
        of_record(events, timing)
