"""Scores counted by cluster."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.errors import IntegrityError
from shipworthy.core.records import Metric, Score
from shipworthy.evals.tally import Tally


def test_an_event_reduced_by_any_counts_each_sample_once():
    tally = Tally(Metric("broken", reducer="any"))
    for sample, hit in (("a", 0), ("a", 1), ("a", 1), ("b", 0), ("b", 0)):
        tally.add("one", sample, hit)
    other = Tally(tally.metric)
    other.add("one", "b", 1)
    other.add("two", "c", 0)
    assert tally.rows() == {"one": (1, 2)}
    tally.pool(other)
    assert tally.rows() == {"one": (2, 2), "two": (0, 1)}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(-1e6, 1e6)), min_size=1, max_size=40), st.randoms())
def test_a_values_total_does_not_depend_on_the_order(rows, random):
    def total(rows):
        tally, other = (Tally(Metric("v", kind="value", low=-1e6, high=1e6)) for _ in range(2))
        for index, (cluster, value) in enumerate(rows):
            (tally if index % 2 else other).add(cluster, "s", value)
        tally.pool(other)
        return tally.rows()

    first = total(rows)
    random.shuffle(rows)
    assert total(rows) == first


LEAK, WAIT = Metric("leak"), Metric("wait", kind="value", unit="s", low=0, high=60)


def test_a_cluster_without_a_hit_counts_and_comes_in_order_of_its_id():
    tally = Tally(LEAK)
    assert not tally.scored
    said = [tally.take(Score(metric="leak", hit=hit, scorer="s"), c, c) for c, hit in (("b", False), ("a", True))]
    assert said == [True, True]
    assert not tally.take(Score(metric="leak", scorer="s"), "c", "c")
    assert tally.columns() == (("a", "b"), [1, 0], [1, 1])


@pytest.mark.parametrize(
    ("metric", "said", "message"),
    [
        (LEAK, {"value": 1.0}, "a value for the metric 'leak', which counts events"),
        (WAIT, {"hit": True}, "a hit for the metric 'wait', which is a value"),
        (WAIT, {"value": 61.0}, "61 for the metric 'wait', which is from 0 to 60 s"),
    ],
)
def test_a_score_of_another_kind_or_out_of_range_is_refused(metric, said, message):
    with pytest.raises(IntegrityError, match=message):
        Tally(metric).take(Score(metric=metric.name, scorer="s", **said), "a", "a")
