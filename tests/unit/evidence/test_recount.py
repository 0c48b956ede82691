"""The verifier's own counting: retries, errors, filters, pairs; and that it agrees with the engine's."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.core.condition import Condition
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
    records = [record(0, attack="a(x=1) + b"), record(1, attack="b")]
    assert recount.count(records, "s", "m", "a + b").trials == 1
    assert recount.count(records, "s", "m", "b").trials == 1


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


def test_a_replaced_try_still_counts_as_an_s1_hit() -> None:
    seen = record(0, "scorer_error", severity="S1", scores=[{"metric": "m", "hit": True}])
    records = [seen, record(0, False, severity="S1", tail="-2")]
    assert recount.s1_hits(records, []) == ["AT-0000000000000000"]


@settings(deadline=None)
@given(trials=st.integers(1, 3000), share=st.floats(0, 1), low=st.booleans(), level=st.sampled_from([0.8, 0.95, 0.99]))
def test_a_bound_may_be_as_good_as_exact_but_no_better(trials: int, share: float, low: bool, level: float) -> None:
    from scipy.stats import beta

    hits = round(share * trials)
    asked = Condition("threshold", "lower" if low else "upper", level, 0.5, "")
    if low:
        bound = float(beta.ppf(1 - level, hits, trials - hits + 1)) if hits else 0.0
    else:
        bound = float(beta.ppf(level, hits + 1, trials - hits)) if hits < trials else 1.0
    assert not recount.too_good(hits, trials, bound, asked)
    worse = bound / 2 if low else (1 + bound) / 2
    assert not recount.too_good(hits, trials, worse, asked)
    if 0.001 < bound < 0.999:
        assert recount.too_good(hits, trials, bound + 1e-4 if low else bound - 1e-4, asked)
