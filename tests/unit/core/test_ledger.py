"""Which runs a ledger holds, in which order, and how it is told."""

from __future__ import annotations

from typing import Any

import pytest

from shipworthy.core.ledger import STATES, LedgerPlace, RunLine, Scope, Tries, lines, place, sentence, tried, tries

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
        RunLine("a", "no-ship", "sha256:a"),
        RunLine("b", "not finished", "sha256:b"),
        RunLine("c", "baseline", "sha256:c"),
        RunLine("d", "not decided", "sha256:d"),
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
        RunLine("b", "not finished", "sha256:b")
    ]


def test_entries_by_earlier_versions_count() -> None:
    old = {"run": "a", "system": "SYS", "spec_digest": "sha256:spec", "subject_digest": "s"}
    chain = [("run.finished", old), ("decision.made", {"heads": {"a": "h"}, "verdict": "no-ship"})]
    assert lines(chain, [HERE]) == [RunLine("a", "no-ship", "s")]


def test_the_place_is_that_of_the_last_decided_run() -> None:
    some = [RunLine(name, "no-ship", "") for name in "abcd"]
    assert place(some, ["b"]) == LedgerPlace(2, (some[0],), (some[2], some[3]))
    assert place(some, ["a", "c"]) == LedgerPlace(3, (some[1],), (some[3],))
    assert place(some, ["new"]) == LedgerPlace(5, tuple(some), ())
    assert place([], ["new"]) == LedgerPlace(1, (), ())


@pytest.mark.parametrize(("number", "word"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (11, "11th"), (12, "12th"), (23, "23rd"), (111, "111th"), (1002, "1,002nd")])  # fmt: skip  # noqa: E501
def test_numbers_are_told_as_words(number: int, word: str) -> None:
    assert sentence(LedgerPlace(number, (), ())) == f"the {word} run on these samples"


def test_many_runs_are_counted_by_state() -> None:
    many = tuple(RunLine(str(n), "no-ship" if n % 3 else "inconclusive", "") for n in range(300))
    said = sentence(LedgerPlace(301, many, ()), [f"RUN-{n}" for n in range(5)])
    assert said == (
        "the 301st run on these samples; 300 earlier: 200 no-ship, 100 inconclusive; "
        "no longer on the disk: RUN-0, RUN-1, RUN-2 and 2 more"
    )


def of(subject: str, run: str, **changes: Any) -> tuple[str, dict[str, Any]]:
    return begun(run, subject_digest=subject, **changes)


def ended(run: str) -> tuple[str, dict[str, Any]]:
    return "run.finished", of("s", run)[1]


def sat(run: str, shard: int = 0, *, stopped: bool = True) -> list[tuple[str, dict[str, Any]]]:
    body = {"run": run, "shard": shard, "records": 1, "head": "sha256:0"}
    return [("run.started", body), ("run.head", body), *([("run.stopped", body)] if stopped else [])]


def test_how_often_the_same_was_tried_counts_every_draw_and_suite_of_one_spec_and_subject() -> None:
    chain = [
        of("s", "a"), ended("a"), decided("a", "no-ship"), of("s", "b", draws=[7]), of("s", "c", suites=["other"]),
        ended("c"), of("s", "d"), ended("d"), decided("d", "ship"), of("other", "x"), decided("x", "no-ship"),
        of("s", "y", spec_digest="sha256:2"), of("s", "z", system="SYS-2"), of("s", "w"),
        ("run.withdrawn", {"run": "w"}), ("run.deleted", {"run": "b"}),
        of("s", "e"), ended("e"), decided("e", "inconclusive"), of("s", "f"), ended("f"),
        of("s", "g"),
    ]  # fmt: skip
    found = tries(chain, [HERE], "s", ["f"])
    assert found == Tries(6, 7, not_shipped=2, unfinished=2, undecided=1, deleted=1, elsewhere=1)
    assert tried(found) == (
        "the 6th of 7 runs of this spec and subject, 2 did not ship, 2 never finished, 1 not decided on, 1 deleted; "
        "before it, 1 of its suites under other criteria, samples or plans"
    )
    assert tries(chain, [HERE], "s", ["a", "d"])[:2] == (4, 7)
    assert tries(chain, [HERE], "s", ["new"])[:2] == (8, 8)
    assert tries([], [HERE], "s", ["new"]) == Tries(1, 1, unentered=1)


def test_a_changed_criterion_does_not_begin_the_count_anew() -> None:
    loosened = {"spec_digest": "sha256:looser"}
    chain = [
        of("s", "a"), ended("a"), decided("a", "no-ship"), of("t", "b"), of("s", "elsewhere", suites=["other"]),
        of("s", "c", system="SYS-2"), of("s", "w"), ("run.withdrawn", {"run": "w"}), of("s", "d", **loosened),
        of("s", "after"), ("run.finished", of("s", "d", **loosened)[1]),
    ]  # fmt: skip
    here = HERE._replace(spec="sha256:looser")
    found = tries(chain, [here], "s", ["d"])
    assert (found.number, found.elsewhere) == (1, 2)
    assert "before it, 2 of its suites under other criteria" in tried(found)
    assert tries(chain, [here], "s", ["new"]).elsewhere == 3
    assert tries(chain, [here, HERE], "s", ["d"]).elsewhere == 0


def test_a_verdict_that_was_taken_back_counts_as_it_stands() -> None:
    chain = [of("s", "a"), ended("a"), decided("a", "no-ship"), decided("a", "ship"), of("s", "b"), ended("b")]
    assert tries(chain, [HERE], "s", ["b"]).not_shipped == 0
    assert tries([*chain, decided("a", "something else")], [HERE], "s", ["b"]).not_shipped == 1


def test_sittings_without_an_end_are_counted_by_the_shard_that_took_most() -> None:
    chain = [of("s", "a"), *sat("a"), *sat("a", 1, stopped=False), *sat("a", 1, stopped=False), *sat("a", 1), *sat("b")]
    found = tries(chain, [HERE], "s", ["a"])
    assert (found.sittings, found.cut_off) == (3, 2)
    assert tried(found).endswith("; made in 3 sittings, 2 of which have no end (killed)")
    once = tries([of("s", "a"), *sat("a", stopped=False)], [HERE], "s", ["a"])
    assert tried(once).endswith("; made in 1 sitting, 1 of which has no end (killed)")
    assert "sitting" not in tried(tries([of("s", "a"), *sat("a")], [HERE], "s", ["a"]))


def test_a_decided_run_that_was_made_elsewhere_and_moved_here_is_told() -> None:
    for chain in ([], [("run.seen", of("s", "a")[1])], [ended("a")]):
        assert "; 1 not entered when begun" in tried(tries(chain, [HERE], "s", ["a"]))
    assert "entered" not in tried(tries([of("s", "a")], [HERE], "s", ["a"]))
