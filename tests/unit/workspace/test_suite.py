"""Selecting samples: stratified, nested, and blind to outcomes."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.records import Sample, say
from shipworthy.workspace.suite import Suite
from shipworthy.workspace.use import Use


def suite(*entries):
    samples = tuple(
        Sample(
            id=f"s{i}", messages=(say("user", "x"),), cluster=cluster or f"s{i}", tags=(f"stratum:{stratum}", "other")
        )
        for i, (stratum, cluster) in enumerate(entries)
    )
    return Suite(
        id="s", version="1", title="S", content="synthetic", metric="m", scorers=(Use(use="x"),), samples=samples
    )


def test_without_a_number_all_samples_come_in_declared_order():
    made = suite(("b", ""), ("a", ""), ("b", ""))
    assert made.select() == made.samples
    assert sorted(s.id for s in made.select(99)) == ["s0", "s1", "s2"]


def test_strata_keep_their_shares():
    made = suite(*[("big", "")] * 60, *[("small", "")] * 20)
    assert Counter(s.tags[0] for s in made.select(20)) == {"stratum:big": 15, "stratum:small": 5}


def test_every_stratum_comes_in_before_a_second_sample_of_an_equal_one():
    made = suite(*[(name, "") for name in "abcd" for _ in range(5)])
    assert [s.tags[0][-1] for s in made.select(8)] == list("abcdabcd")


def test_new_clusters_come_before_variants():
    made = suite(("a", "c1"), ("a", "c1"), ("a", "c2"), ("a", "c2"), ("a", "c3"))
    assert [s.id for s in made.select(5)] == ["s0", "s2", "s4", "s1", "s3"]


def test_samples_without_a_stratum_are_one():
    plain = tuple(Sample(id=f"p{i}", messages=(say("user", "x"),), cluster=f"p{i}") for i in range(4))
    made = Suite(id="s", version="1", title="S", content="private", metric="m", scorers=(Use(use="x"),), samples=plain)
    # Spread by a hash of the ids: a file is often sorted by what it is about.
    assert all(made.select(n + 1)[:n] == made.select(n) for n in (1, 2, 3))
    assert made.select(2) != plain[:2]


def test_a_selection_needs_a_sample():
    with pytest.raises(ValueError, match="at least one"):
        suite(("a", "")).select(0)


entries = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["", "x", "y"])), min_size=1, max_size=40)


@given(entries, st.integers(1, 45))
def test_selections_nest_and_repeat(drawn, n):
    made = suite(*drawn)
    chosen = made.select(n)
    assert len(chosen) == len({s.id for s in chosen}) == min(n, len(drawn))
    assert made.select(n + 1)[: len(chosen)] == chosen
    sizes, taken = Counter(s for s, _ in drawn), Counter(s.tags[0][-1] for s in chosen)
    for stratum, size in sizes.items():
        assert abs(taken[stratum] - len(chosen) * size / len(drawn)) < len(sizes)
