"""The verifier's own counting: retries, errors, filters, pairs; and that it agrees with the engine's."""

from __future__ import annotations

from typing import Any

from shipworthy.evidence import recount


def record(number: int, hit: Any = False, *, attack: str = "none", tail: str = "", **more: Any) -> dict[str, Any]:
    return {
        "id": f"AT-{number:016x}{tail}",
        "suite": "s",
        "attack": attack,
        "cluster": f"c{number // 2}",
        "content_hash": f"h{number}",
        "outcome": hit if isinstance(hit, str) else "scored",
        "scores": [] if isinstance(hit, str) else [{"metric": "m", "hit": hit}],
    } | more


def test_errors_and_what_does_not_apply_leave_the_denominator() -> None:
    counts = recount.count([record(0, True), record(1), record(2, None), record(3, "timeout")], "s", "m", None)
    assert (counts.hits, counts.trials, counts.errors) == (1, 2, 1)
    assert counts.clusters == {"c0": (1, 2)}


def test_only_the_last_try_counts() -> None:
    records = recount.last_tries([record(0, "timeout"), record(1), record(0, True, tail="-2")])
    counts = recount.count(records, "s", "m", None)
    assert (counts.hits, counts.trials, counts.errors) == (1, 2, 0)


def test_an_attack_is_chosen_by_id_or_by_full_name() -> None:
    records = [record(0, attack="a(x=1)"), record(1, attack="a(x=2)"), record(2, attack="ab")]
    assert recount.count(records, "s", "m", "a").trials == 2
    assert recount.count(records, "s", "m", "a(x=2)").trials == 1
    assert recount.count(records, "other", "m", None).trials == 0


def test_pairs_need_both_scores_and_the_same_content() -> None:
    new = [record(0, True), record(1), record(2, "timeout"), record(3, True, content_hash="edited")]
    old = [record(0), record(1, True), record(2), record(3)]
    counts = recount.count_paired(new, old, "s", "m", None, same_seed=True)
    assert counts.clusters == {"c0": (1, 2, 1)}
    assert (counts.errors, counts.rate) == (1, 0.0)
    assert recount.count_paired(new, old, "s", "m", None, same_seed=False).trials == 3


def test_s1_hits_leave_out_wanted_metrics() -> None:
    records = [record(0, True, severity="S1"), record(1, True), record(2, False, severity="S1")]
    assert recount.s1_hits(records, ["helpful"]) == ["AT-0000000000000000"]
    assert recount.s1_hits(records, ["m"]) == []


def test_it_agrees_with_the_engine(case: Any) -> None:
    from shipworthy.evidence.members import RunMembers

    original = {"head": "", "merkle": ""}
    for run in (case.run, case.baseline):
        records = RunMembers(run, [], original).records
        for metric in ("toy_leak", "helpful"):
            for attack in (None, "none", "rot13"):
                theirs, ours = run.counts("leaks", metric, attack), recount.count(records, "leaks", metric, attack)
                assert (sum(theirs.hits), sum(theirs.trials), theirs.errors) == (ours.hits, ours.trials, ours.errors)
                assert theirs.clusters == tuple(sorted(ours.clusters))
