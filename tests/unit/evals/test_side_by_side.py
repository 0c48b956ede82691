"""Runs side by side: what each measured, what of it is a change, and what was answered where."""

from __future__ import annotations

import pytest

from shipworthy.core.errors import UsageError
from shipworthy.evals.compare import compare
from shipworthy.evals.plan import PlanItem
from shipworthy.evals.side_by_side import answers, side_by_side


def number(item: PlanItem) -> int:
    return int(item.sample.id.rpartition("-")[2])


def test_each_column_is_that_run_and_each_change_is_paired_against_the_baseline(gated) -> None:  # type: ignore[no-untyped-def]
    base = gated.run(lambda i: i.suite == "help")
    leaky = gated.run(lambda i: i.suite == "help" or number(i) < 20, guards="on")
    timid = gated.run(lambda i: i.suite == "help" and number(i) > 4, guards="other")
    found = side_by_side([leaky, base, timid], ["leaky", "base", "timid"], baseline=1)
    assert [c.name for c in found.columns] == ["leaky", "base", "timid"]
    rows = {row.suite: row for row in found.rows}
    assert rows["leak"].cells == tuple(run.result("leak", "leak") for run in (leaky, base, timid))
    assert (rows["leak"].good, rows["help"].good) == ("low", "high")
    alone = {row.suite: row for row in compare(leaky, base).rows}
    change = rows["leak"].changes[0]
    assert change is not None
    assert (change.difference, change.low, change.high) == (
        alone["leak"].difference, alone["leak"].low, alone["leak"].high
    )  # fmt: skip
    assert rows["leak"].changes[1] is None
    assert change.verdict == "worse"


def test_the_whole_table_is_one_family(gated) -> None:  # type: ignore[no-untyped-def]
    """Seven samples of sixty are worse alone, and not where four such columns stand in one table."""
    base = gated.run(lambda i: i.suite == "help")
    others = [gated.run(lambda i: i.suite == "help" and number(i) >= 7, guards=str(n)) for n in range(4)]
    alone = next(row for row in compare(others[0], base).rows if row.suite == "help")
    assert alone.verdict == "worse"
    assert alone.adjusted == pytest.approx(2 * alone.p_value)
    found = side_by_side([base, *others], "abcde", baseline=0)
    changes = [c for row in found.rows for c in row.changes if c is not None]
    assert len(changes) == 8
    helped = [c for c in changes if c.suite == "help"]
    assert [c.adjusted for c in helped] == pytest.approx([8 * alone.p_value] * 4)
    assert {c.verdict for c in helped} == {"unclear"}


def test_without_a_baseline_nothing_is_compared(gated) -> None:  # type: ignore[no-untyped-def]
    found = side_by_side([gated.run(), gated.run(guards="on")], "ab")
    assert all(change is None for row in found.rows for change in row.changes)


def test_what_stands_in_the_way_is_said(gated) -> None:  # type: ignore[no-untyped-def]
    one, two = gated.run(), gated.run()
    assert "two columns measured the same subject" in side_by_side([one, two], "ab").warnings
    gated.edit("suites/help/samples.jsonl", "question help 59", "another question")
    three = gated.run(guards="on")
    assert any("different samples or attacks of help" in w for w in side_by_side([one, three], "ab").warnings)
    with pytest.raises(UsageError, match="at least two"):
        side_by_side([one], "a")
    with pytest.raises(UsageError, match="named twice"):
        side_by_side([one, one], "ab")


def test_answers_stand_in_one_place_and_errors_are_never_alike_with_a_no(gated) -> None:  # type: ignore[no-untyped-def]
    one = gated.run(lambda i: number(i) == 3)
    two = gated.run(lambda i: "timeout" if number(i) == 5 else number(i) == 3, guards="on")
    places = answers([one, two], "leak")
    assert [(p.sample, p.number) for p in places] == sorted((p.sample, p.number) for p in places)
    assert len(places) == 120
    apart = [place for place in places if place.apart]
    assert {place.sample for place in apart} == {"leak-05"}
    assert {tuple(a.outcome for a in place.answers) for place in apart} == {("scored", "timeout")}
    hit = next(place for place in places if place.sample == "leak-03")
    assert [a.hits for a in hit.answers] == [("leak",), ("leak",)]
    with pytest.raises(UsageError):
        answers([one, two], "laek")


def test_the_order_of_the_runs_does_not_decide_whether_a_suite_is_found(gated) -> None:  # type: ignore[no-untyped-def]
    one, other = gated.run(plan="tiny"), gated.run(guards="on")
    for runs in ([one, other], [other, one]):
        places = answers(runs, "help")
        assert places
        assert {place.answers[runs.index(one)].outcome for place in places} == {""}
        assert {place.answers[runs.index(other)].outcome for place in places} == {"scored"}
    with pytest.raises(UsageError, match="did you mean 'help'"):
        answers([one, other], "hepl")


def test_an_attack_that_no_attempt_was_made_under_is_an_error(gated) -> None:  # type: ignore[no-untyped-def]
    one, two = gated.run(), gated.run(guards="on")
    known = one.suite("leak").attacks[0]
    assert answers([one, two], "leak", known)
    with pytest.raises(UsageError, match=f"no attempt of leak was made under an attack 'nothing-such'.*{known}"):
        answers([one, two], "leak", "nothing-such")
