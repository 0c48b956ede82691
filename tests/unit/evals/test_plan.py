from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.errors import UsageError
from shipworthy.core.records import Sample, say
from shipworthy.evals.plan import Plan, SuitePlan, split_try
from shipworthy.workspace.suite import Suite
from shipworthy.workspace.use import Use

ATTACKS = ("none", "base64", "rot13", "leetspeak")


def part(suite: str, samples: list[str], attacks: tuple[str, ...] = ("none",), attempts: int = 1, seed: int = 1):
    made = Suite(
        id=suite,
        version="1",
        title=suite,
        content="synthetic",
        metric="not_refused",
        scorers=(Use(use="refusal"),),
        samples=tuple(Sample(id=s, messages=(say("user", f"text of {s}"),)) for s in samples),
        attacks=tuple(Use(use=a) for a in attacks),
        attempts=attempts,
    )
    return SuitePlan(made, made.samples, made.attacks, attempts, seed)


names = st.lists(st.text("abcdefgh-0123", min_size=1, max_size=6), min_size=1, max_size=12, unique=True)
parts = st.builds(
    lambda suite, samples, width, attempts, seed: (suite, samples, ATTACKS[:width], attempts, seed),
    st.sampled_from(("one", "two", "three")),
    names,
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(0, 2**53 - 1),
)


@given(st.lists(parts, min_size=1, max_size=3, unique_by=lambda p: p[0]))
def test_every_combination_is_there_once_under_an_id_of_its_own(shapes):
    plan = Plan("full", 1, [part(*shape) for shape in shapes])
    items = list(plan)
    assert len(items) == len(plan) == len(plan.items) == sum(len(s) * len(a) * k for _, s, a, k, _ in shapes)
    assert len({item.id for item in items}) == len(items)
    assert {(i.suite, i.sample.id, i.attack, i.number) for i in items} == {
        (suite, sample, attack, number + 1)
        for suite, samples, attacks, attempts, _ in shapes
        for sample in samples
        for attack in attacks
        for number in range(attempts)
    }
    assert [item.id for item in plan.items] == [item.id for item in items]


@given(st.lists(parts, min_size=1, max_size=3, unique_by=lambda p: p[0]), st.randoms())
def test_an_item_does_not_depend_on_its_place_or_its_neighbours(shapes, random):
    whole = {item.id: item for item in Plan("full", 1, [part(*shape) for shape in shapes])}
    suite, samples, attacks, attempts, seed = random.choice(shapes)
    few = random.sample(samples, random.randint(1, len(samples)))
    some = tuple(random.sample(attacks, random.randint(1, len(attacks))))
    for item in Plan("less", 1, [part(suite, few, some, random.randint(1, attempts), seed)]):
        assert item == whole[item.id]


def test_the_plan_seed_changes_seeds_and_hashes_but_no_id():
    first, second = (list(part("s", ["a", "b"], seed=seed)) for seed in (1, 2))
    assert [i.id for i in first] == [i.id for i in second]
    assert all(a.seed != b.seed and a.content_hash != b.content_hash for a, b in zip(first, second, strict=True))
    assert all(0 <= i.seed < 2**48 for i in first)


def test_ids_are_stable_across_versions():
    # An id is written into logs, findings and regression cases: it may never change.
    (item,) = part("leak", ["L-1"])
    assert item.id == "AT-6aa99818f6d49ca9"


def test_the_content_hash_follows_the_sample_the_attack_and_its_parameters():
    suite = part("s", ["a"]).suite
    hashes = set()
    for samples, attack in (
        (suite.samples, Use.of("payload_in_document", position="head")),
        (suite.samples, Use.of("payload_in_document", position="tail")),
        ((Sample(id="a", messages=(say("user", "another text"),)),), Use.of("payload_in_document", position="head")),
    ):
        (item,) = SuitePlan(suite, samples, [attack], 1, 0)
        hashes.add(item.content_hash)
    assert len(hashes) == 3


def test_a_run_stopped_anywhere_has_met_every_sample_and_attack_about_as_often():
    plan = part("s", [f"S{i}" for i in range(12)], ATTACKS, attempts=2)
    items = [plan.item(i) for i in range(len(plan))]
    for stop in (12, 24, 36, 48, 60):
        made = items[:stop]
        for counted in (Counter(i.sample.id for i in made), Counter(i.attack for i in made)):
            assert max(counted.values()) - min(counted.values()) <= 1


def test_suites_are_interleaved_in_proportion():
    plan = Plan("full", 1, [part("big", [f"b{i}" for i in range(30)]), part("tiny", ["t0", "t1", "t2"])])
    seen = [item.suite for item in plan]
    assert [seen[start : start + 11].count("tiny") for start in (0, 11, 22)] == [1, 1, 1]


def test_the_digest_names_the_items_in_order():
    def digest(*parts):
        return Plan("full", 1, parts).digest

    base = part("s", ["a", "b"], ("none", "rot13"))
    assert digest(base) == digest(part("s", ["a", "b"], ("none", "rot13")))
    assert (
        len(
            {
                digest(base),
                digest(part("s", ["b", "a"], ("none", "rot13"))),
                digest(part("s", ["a", "b"], ("none",))),
                digest(part("s", ["a", "b"], ("none", "rot13"), 2)),
                digest(part("t", ["a", "b"], ("none", "rot13"))),
                digest(base, part("t", ["a"])),
                Plan("full", 2, [base]).digest,
            }
        )
        == 7
    )


@pytest.mark.parametrize(
    ("samples", "attacks", "word"), [(["a", "a"], ("none",), "a"), (["a"], ("none", "none"), "none")]
)
def test_names_that_cannot_be_told_apart_are_refused(samples, attacks, word):
    with pytest.raises(UsageError, match=f"{word}' twice"):
        part("s", samples, attacks)


def test_samples_without_a_group_are_clusters_of_their_own():
    plan = part("s", ["a", "b"], ("none", "rot13"), attempts=3)
    assert plan.clusters == 2


def test_slices_of_items_are_items():
    plan = Plan("full", 1, [part("s", ["a", "b", "c"])])
    assert [i.id for i in plan.items[1:]] == [i.id for i in list(plan)[1:]]
    assert plan.items[-1].id == list(plan)[-1].id


def test_an_unknown_suite_names_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'leak'"):
        Plan("full", 1, [part("leak", ["a"])]).suite("leek")


def test_tries_of_an_attempt_keep_its_id():
    assert split_try("AT-0123456789abcdef") == ("AT-0123456789abcdef", 1)
    assert split_try("AT-0123456789abcdef-3") == ("AT-0123456789abcdef", 3)


@pytest.mark.parametrize("many", [1, 10**6])
def test_a_sample_or_attack_that_is_there_twice_is_refused_however_large_the_plan(monkeypatch, many):
    from shipworthy.evals import plan

    monkeypatch.setattr(plan, "MANY", many)
    assert part("s", ["a", "b", "\ud800"], ("none", "rot13")).clusters == 3
    with pytest.raises(UsageError, match="sample 'b' twice"):
        part("s", ["a", "b", "c", "b"])
    with pytest.raises(UsageError, match="attack 'none' twice"):
        part("s", ["a"], ("none", "rot13", "none"))
