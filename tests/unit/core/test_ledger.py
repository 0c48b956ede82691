"""Which runs a ledger holds, in which order, and how it is told."""

from __future__ import annotations

from typing import Any

import pytest

from shipworthy.core.ledger import STATES, Line, Place, Scope, lines, place, sentence

HERE = Scope("SYS", "sha256:spec", (), frozenset({"leak"}))


def begun(run: str, **changes: Any) -> tuple[str, dict[str, Any]]:
    body = {"run": run, "system": "SYS", "spec_digest": "sha256:spec", "subject_digest": f"sha256:{run}"}
    return "run.declared", {**body, "suites": ["help", "leak"], "draws": [], **changes}


def decided(run: str, verdict: str) -> tuple[str, dict[str, Any]]:
    return "decision.made", {"runs": [run], "heads": {run: "h", "RUN-base": "h"}, "verdict": verdict}


def test_every_run_has_a_state_and_the_last_verdict_counts() -> None:
    chain = [
        begun("a"), ("run.finished", begun("a")[1]), decided("a", "ship"), decided("a", "no-ship"),
        begun("b"), ("run.seen", begun("b")[1]), begun("c"), ("run.finished", begun("c")[1]), begun("d"),
        ("run.finished", begun("d")[1]), ("label.given", {"run": "d"}),
    ]  # fmt: skip
    found = lines(chain, [HERE], baselines=["c"])
    assert found == [
        Line("a", "no-ship", "sha256:a"),
        Line("b", "not finished", "sha256:b"),
        Line("c", "baseline", "sha256:c"),
        Line("d", "not decided", "sha256:d"),
    ]
    assert {line.state for line in found} < set(STATES)


@pytest.mark.parametrize(
    "changes",
    [{"system": "SYS-2"}, {"spec_digest": "sha256:other"}, {"draws": [7]}, {"suites": ["help"]}],
)
def test_a_run_on_other_samples_or_criteria_is_not_in_it(changes: dict[str, Any]) -> None:
    assert lines([begun("a", **changes)], [HERE]) == []


def test_what_was_withdrawn_before_its_first_attempt_is_no_run() -> None:
    assert lines([begun("a"), begun("b"), ("run.withdrawn", {"run": "a"})], [HERE]) == [
        Line("b", "not finished", "sha256:b")
    ]


def test_entries_by_earlier_versions_count() -> None:
    old = {"run": "a", "system": "SYS", "spec_digest": "sha256:spec", "subject_digest": "s"}
    chain = [("run.finished", old), ("decision.made", {"heads": {"a": "h"}, "verdict": "no-ship"})]
    assert lines(chain, [HERE]) == [Line("a", "no-ship", "s")]


def test_the_place_is_that_of_the_last_decided_run() -> None:
    some = [Line(name, "no-ship", "") for name in "abcd"]
    assert place(some, ["b"]) == Place(2, (some[0],), (some[2], some[3]))
    assert place(some, ["a", "c"]) == Place(3, (some[1],), (some[3],))
    assert place(some, ["new"]) == Place(5, tuple(some), ())
    assert place([], ["new"]) == Place(1, (), ())


@pytest.mark.parametrize(("number", "word"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (11, "11th"), (12, "12th"), (23, "23rd"), (111, "111th"), (1002, "1,002nd")])  # fmt: skip  # noqa: E501
def test_numbers_are_told_as_words(number: int, word: str) -> None:
    assert sentence(Place(number, (), ())) == f"the {word} run on these samples"


def test_many_runs_are_counted_by_state() -> None:
    many = tuple(Line(str(n), "no-ship" if n % 3 else "inconclusive", "") for n in range(300))
    said = sentence(Place(301, many, ()), [f"RUN-{n}" for n in range(5)])
    assert said == (
        "the 301st run on these samples; 300 earlier: 200 no-ship, 100 inconclusive; "
        "no longer on the disk: RUN-0, RUN-1, RUN-2 and 2 more"
    )
