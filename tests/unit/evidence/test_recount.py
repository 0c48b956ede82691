"""The verifier's own counting: retries, errors, filters, pairs; and that it agrees with the engine's."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shipworthy.core.condition import parse
from shipworthy.core.metric import Metric
from shipworthy.evidence import recount
from shipworthy.workspace.metric_condition import refusal

M = recount.Measure("m", value=False, low=0.0, high=1.0, bad_event=True, any=False)
V = recount.Measure("m", value=True, low=0.0, high=10.0, bad_event=False, any=False)


def manifest(**metric: Any) -> dict[str, Any]:
    return {"suites": [{"id": "s", "metrics": [{"name": "m", **metric}]}]}


def record(number: int, hit: Any = False, *, attack: str = "none", tail: str = "", **more: Any) -> dict[str, Any]:
    return {
        "id": f"AT-{number:016x}{tail}",
        "suite": "s",
        "sample": f"s{number}",
        "attack": attack,
        "cluster": f"c{number // 2}",
        "content_hash": f"h{number}",
        "outcome": hit if isinstance(hit, str) else "scored",
        "scores": [] if isinstance(hit, str) else [{"metric": "m", "hit": hit}],
    } | more


def test_errors_and_what_does_not_apply_leave_the_denominator() -> None:
    counts = recount.count([record(0, True), record(1), record(2, None), record(3, "timeout")], "s", M, None)
    assert (counts.hits, counts.trials, counts.errors) == (1, 2, 1)
    assert counts.clusters == {"c0": (1, 2)}


def test_what_is_unscored_is_filled_at_either_end_of_the_range() -> None:
    records = [record(0, True), record(1), record(2, None), record(3, "timeout")]
    high = recount.count(records, "s", M, None, fill="high")
    assert (high.clusters, high.unscored) == ({"c0": (1, 2), "c1": (2, 2)}, {"abstained": 1, "timeout": 1})
    assert recount.count(records, "s", M, None, fill="low").clusters == {"c0": (1, 2), "c1": (0, 2)}


def test_a_pair_that_lacks_a_score_moves_the_change_as_far_as_it_can() -> None:
    new = [record(0, True), record(1, "timeout"), record(2, None)]
    old = [record(0, None), record(1, True), record(2, "timeout")]
    both = {
        fill: recount.count_paired(new, old, "s", M, None, same_seed=True, fill=fill) for fill in ("", "high", "low")
    }
    assert both[""].unscored == {"abstained": 1, "abstained in the baseline": 1, "timeout": 1}
    assert both[""].clusters == {}
    # (new, trials, old): 0 keeps its hit now, 1 its hit before; 2 lacks both.
    assert both["high"].clusters == {"c0": (2, 2, 1), "c1": (1, 1, 0)}
    assert both["low"].clusters == {"c0": (1, 2, 2), "c1": (0, 1, 1)}


def test_s1_attempts_without_a_word_on_something_bad() -> None:
    records = [record(0, None, severity="S1"), record(1, "filtered", severity="S1"), record(2, None), record(3)]
    records.append(record(4, False, severity="S1"))
    assert recount.s1_unscored(records, manifest()) == ["AT-0000000000000000", "AT-0000000000000001"]
    assert recount.s1_unscored(records, manifest(good="high")) == []


def test_only_the_last_try_counts() -> None:
    records = recount.last_tries([record(0, "timeout"), record(1), record(0, True, tail="-2")])
    counts = recount.count(records, "s", M, None)
    assert (counts.hits, counts.trials, counts.errors) == (1, 2, 0)


def test_an_attack_is_chosen_by_id_or_by_full_name() -> None:
    records = [record(0, attack="a(x=1)"), record(1, attack="a(x=2)"), record(2, attack="ab")]
    assert recount.count(records, "s", M, "a").trials == 2
    assert recount.count(records, "s", M, "a(x=2)").trials == 1
    assert recount.count(records, "other", M, None).trials == 0
    records = [record(0, attack="a(x=1) + b"), record(1, attack="b")]
    assert recount.count(records, "s", M, "a + b").trials == 1
    assert recount.count(records, "s", M, "b").trials == 1


def test_pairs_need_both_scores_and_the_same_content() -> None:
    new = [record(0, True), record(1), record(2, "timeout"), record(3, True, content_hash="edited")]
    old = [record(0), record(1, True), record(2), record(3)]
    counts = recount.count_paired(new, old, "s", M, None, same_seed=True)
    assert counts.clusters == {"c0": (1, 2, 1)}
    assert (counts.errors, counts.rate) == (1, 0.0)
    assert recount.count_paired(new, old, "s", M, None, same_seed=False).trials == 3


def test_s1_hits_are_bad_events_by_the_manifest_of_the_run() -> None:
    records = [record(0, True, severity="S1"), record(1, True), record(2, False, severity="S1")]
    assert list(recount.s1_hits(records, manifest())) == ["AT-0000000000000000"]
    assert recount.s1_hits(records, manifest(good="high")) == {}
    assert recount.s1_hits(records, manifest(kind="value")) == {}
    assert recount.s1_hits(records, manifest(harm=False)) == {}


def scored(number: int, value: float | None, **more: Any) -> dict[str, Any]:
    return record(number, scores=[{"metric": "m", **({} if value is None else {"value": value})}], **more)


def test_values_are_summed_by_cluster_and_each_cluster_counts_once() -> None:
    records = [scored(0, 1.5), scored(1, 2.5), scored(2, 8.0), scored(3, None), scored(4, 0.1), scored(5, 0.2)]
    counts = recount.count(records, "s", V, None)
    assert counts.clusters == {"c0": (4.0, 2), "c1": (8.0, 1), "c2": (0.30000000000000004, 2)}
    assert (counts.hits, counts.trials) == (0, 5)
    assert counts.rate == pytest.approx((2 + 8 + 0.15) / 3)
    assert recount.count(records[::-1], "s", V, None) == counts  # to the last digit, in whatever order they ended


def test_values_are_paired() -> None:
    new, old = [scored(0, 1.5), scored(1, 2.5), scored(2, 9.0)], [scored(0, 1.0), scored(1, 4.0), scored(3, 1.0)]
    counts = recount.count_paired(new, old, "s", V, None, same_seed=True)
    assert counts.clusters == {"c0": (4.0, 2, 5.0)}
    assert counts.rate == -0.5


def test_an_event_reduced_by_any_counts_once_a_sample() -> None:
    one = M._replace(any=True)
    records = [record(n, hit, sample=f"s{n // 3}", cluster="c") for n, hit in enumerate([0, 1, 1, 0, 0, 0])]
    assert recount.count(records, "s", one, None).clusters == {"c": (1, 2)}
    assert recount.count_paired(records, records, "s", one, None, same_seed=True).clusters == {"c": (1, 2, 1)}


CONDITIONS = [
    f"{what} {limit:g}{unit}"
    for what in ("upper95 <=", "lower95 >=", "rise_upper95 <=", "drop_upper95 <=")
    for limit in (0.25, 1, 1.5, 5, 9.5, 12)
    for unit in ("", "%", " s", " ms")
]


@pytest.mark.parametrize(
    "metric",
    [
        Metric("m"),
        Metric("m", kind="value", unit="s", low=0.5, high=10.0),
        Metric("m", kind="value", low=-2.0, high=10.0),
    ],
    ids=["event", "seconds", "bare"],
)
def test_it_takes_the_conditions_that_the_workspace_takes(metric: Metric) -> None:
    """Both say no to the same ones, except at the good end of the range: there a bound can never stand."""
    asked = [parse(text) for text in CONDITIONS]
    measure = recount.measures(manifest(**msgspec.to_builtins(metric)), "s")["m"]
    taken = [must.text for must in asked if measure.takes(must)]
    assert taken
    assert taken == [must.text for must in asked if not refusal(must, metric)]


def test_it_agrees_with_the_engine(case: Any) -> None:
    from shipworthy.evidence.members import RunMembers

    for run in (case.run, case.baseline):
        part = RunMembers(run.manifest, [])
        for row in run.rows(superseded=True):
            part.add(row)
        records = part.records
        for metric in ("toy_leak", "helpful"):
            for attack in (None, "none", "rot13"):
                measure = recount.measures(msgspec.to_builtins(run.manifest), "leaks")[metric]
                theirs, ours = run.counts("leaks", metric, attack), recount.count(records, "leaks", measure, attack)
                assert (sum(theirs.totals), sum(theirs.trials), theirs.errors) == (ours.hits, ours.trials, ours.errors)
                assert theirs.clusters == tuple(sorted(ours.clusters))
                for fill, end in (("high", 1.0), ("low", 0.0)):
                    filled = recount.count(records, "leaks", measure, attack, fill=fill).clusters
                    totals, trials = theirs.filled(len(theirs.blanks), end, 1 - end)
                    assert list(zip(totals, trials, strict=True)) == [filled[c] for c in sorted(filled)]
                assert theirs.unscored == ours.unscored


def test_a_replaced_try_still_counts_as_an_s1_hit() -> None:
    seen = record(0, "scorer_error", severity="S1", scores=[{"metric": "m", "hit": True}])
    records = [seen, record(0, False, severity="S1", tail="-2")]
    assert list(recount.s1_hits(records, manifest())) == ["AT-0000000000000000"]
