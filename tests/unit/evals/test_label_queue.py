"""Dealing: balanced, repeatable, known answers in their midst, and what is refused."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest
from tests.unit.evals.shown import attempt, hit, make_run

from shipworthy.core.errors import UsageError
from shipworthy.core.label_draw import Draw, take
from shipworthy.evals.label_draw import candidates
from shipworthy.evals.label_queue import KnownAnswers, deal
from shipworthy.workspace.labelled import LabelledAnswer, LabelledFile

PEOPLE = ("ida", "ben", "cleo")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    # Every third attempt is a second one on the sample before it; the first ten are hits.
    some = [
        (hit if n < 10 else attempt)(n, sample=f"s-{n - (n % 3 == 2)}", cluster=f"s-{n - (n % 3 == 2)}")
        for n in range(90)
    ]
    return make_run(tmp_path_factory.mktemp("run"), some)


def answers(number, *, request="question {}", documents=()):
    known = [
        LabelledAnswer(f"K-{n}", f"K-{n}", request.format(n), documents, (), f"answer {n}", n % 2 == 0, {})
        for n in range(number)
    ]
    return LabelledFile(tuple(known), "sha256:1")


def dealt(run, *, people=PEOPLE, twice=True, seed=1, known=None, share=0.1, positives=5, negatives=25):
    draw = Draw(run.id, "leak", "leak", "", 7, positives, negatives, entry=3)
    some = candidates(run, "leak", "leak")
    mixed = KnownAnswers(known, "known.jsonl", share) if known is not None else None
    return deal(run, draw, take(some, draw), some, people, suite="leak", twice=twice, seed=seed, known=mixed)


def test_each_attempt_goes_to_two_people_and_every_pair_meets(run):
    queue = dealt(run)
    assert len(queue.items) == 30 and (queue.of, queue.draw) == (2, 3)
    assert [len(some) for some in queue.deals] == [20, 20, 20]
    assert set(Counter(item for some in queue.deals for item in some).values()) == {2}
    shared = [len(set(a) & set(b)) for a, b in combinations(queue.deals, 2)]
    assert max(shared) - min(shared) <= 2 and sum(shared) == 30


def test_a_deal_is_that_of_its_seed(run):
    known = answers(20)
    one, again, other = (dealt(run, seed=seed, known=known) for seed in (1, 1, 2))
    assert (one.items, one.deals) == (again.items, again.deals) and one.deals != other.deals
    assert one.deals[0] != tuple(sorted(one.deals[0])), "everybody has an order of their own"


def test_known_answers_stand_anywhere_and_of_both_kinds(run):
    places: list[float] = []
    for seed in range(20):
        queue = dealt(run, seed=seed, known=answers(20), share=0.2)
        for some in queue.deals:
            known = [n for n, item in enumerate(some) if queue.items[item].known]
            assert len(known) == 5 and len(some) == 25
            kinds = Counter(queue.items[some[n]].hit for n in known)
            assert abs(kinds[True] - kinds[False]) == 1
            places += [n / 24 for n in known]
    assert sum(places) / len(places) == pytest.approx(0.5, abs=0.06)
    assert min(places) == 0 and max(places) == 1


def test_each_attempt_has_the_chance_of_its_draw(run):
    queue = dealt(run)
    known = candidates(run, "leak", "leak")
    whole = take(known, Draw(run.id, "leak", "leak", "", 7, 999, 999))
    for item in queue.items:
        first, second = item.inclusion
        row = next(one for one in known if one.id == item.attempt)
        assert first == 1 / sum(one.cluster == row.cluster for one in known)
        assert second == (5 / len(whole.positives) if row.hit else 25 / len(whole.negatives))


def test_alone_or_once_is_a_deal_too(run):
    assert [len(some) for some in dealt(run, people=("ida",), twice=False).deals] == [30]
    assert sorted(len(some) for some in dealt(run, twice=False).deals) == [10, 10, 10]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"people": ("ida",)}, "two people at least"),
        ({"people": ("ida", "ida")}, "stands twice"),
        ({"people": ("ida", "\x1b[2J")}, "is no name"),
        ({"known": answers(3), "share": 0.5}, "3 answers, and 20 are needed"),
        ({"known": answers(20, request="")}, "has no request"),
        ({"known": answers(20, documents=("a",))}, "told apart at a glance"),
        ({"known": LabelledFile(answers(20).answers[::2], "sha256:1")}, "all known answers are hits"),
    ],
)
def test_what_cannot_be_dealt_is_refused(run, changes, said):
    with pytest.raises(UsageError, match=said):
        dealt(run, **changes)
