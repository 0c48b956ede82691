"""Agreement of people on a run: known counts, clusters, drift, and what they disagree about."""

from __future__ import annotations

import pytest
from tests.unit.evals.shown import attempt, make_run

from shipworthy.evals.label_agreement import agreement, open_items
from shipworthy.stats import kappa
from shipworthy.store.labels import Label

SIZE = 40


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    # Two attempts a sample: twenty clusters.
    some = [attempt(n, sample=f"s-{n // 2}", cluster=f"s-{n // 2}") for n in range(SIZE)]
    return make_run(tmp_path_factory.mktemp("run"), some)


def label(number, by, hit, **changes):
    fields = {"system": "SYS-x", "run": "RUN-1", "attempt": f"AT-{number:016x}", "metric": "leak", "by": by,
              "at": "2026-11-30T10:00:00Z", "hit": hit}  # fmt: skip
    return Label(**fields | changes)


def both(differ=()):
    """Ida and Ben: every fourth is a hit, and Ben says the opposite of some."""
    return [label(n, by, (n % 4 == 0) ^ (by == "ben" and n in differ)) for n in range(SIZE) for by in ("ida", "ben")]


def test_two_people_are_counted_as_a_hand_counts_them(run):
    (found,) = agreement(both(differ={0, 1, 5}), run)
    assert (found.metric, found.items, found.single, dict(found.people)) == ("leak", SIZE, 0, {"ida": 40, "ben": 40})
    (pair,) = found.pairs
    assert (pair.both, pair.only_first, pair.only_second, pair.neither) == (9, 1, 2, 28)
    assert pair.equal.rate == pytest.approx(37 / 40) and pair.equal.clusters == 20
    words = [(n % 4 == 0, (n % 4 == 0) ^ (n in {0, 1, 5})) for n in range(SIZE)]
    assert pair.kappa == kappa([a for a, _ in words], [b for _, b in words], [n // 2 for n in range(SIZE)])
    assert [item.attempt[-2:] for item in found.disagreements] == ["00", "01", "05"]
    assert found.coefficients["alpha"].value == pytest.approx(pair.kappa.kappa, abs=0.02)


def test_attempts_on_one_sample_count_as_one(run):
    """Disagreement that comes in pairs on one sample says less than as much of it on samples of their own."""
    together = agreement(both(differ={0, 1, 8, 9}), run)[0].coefficients["ac1"]
    apart = agreement(both(differ={0, 6, 12, 18}), run)[0].coefficients["ac1"]
    assert together.high - together.low > apart.high - apart.low


def test_the_last_word_of_a_person_counts_and_one_taken_back_is_none(run):
    said = [*both(differ={3}), label(3, "ben", False), label(4, "ben", None), label(7, "cleo", True)]
    (found,) = agreement(said, run)
    assert found.items == SIZE - 1 and found.single == 1
    assert {item.attempt[-1]: set(item.said) for item in found.disagreements} == {"7": {"ida", "ben", "cleo"}}
    # Three people: of the seventh attempt one pair of three is equal.
    assert found.equal.trials == SIZE - 2 + 3


def test_one_label_throughout_is_no_coefficient_and_says_so(run):
    (found,) = agreement([label(n, by, False) for n in range(9) for by in ("ida", "ben")], run)
    assert set(found.coefficients.values()) == {None} and "fewer than two labels" in found.undefined
    assert found.pairs[0].kappa is None and found.equal.rate == 1


def test_somebody_who_drifts_is_seen_to(run):
    late = set(range(30, 40))
    (found,) = agreement(both(differ=late), run)
    parts = {part.part: part.equal.rate for part in found.drift if part.by == "ben"}
    assert parts == {"1/4": 1, "2/4": 1, "3/4": 1, "4/4": 0}
    weekly = [label(n, "ida", n % 4 == 0) for n in range(8)]
    weekly += [label(n, "ben", n % 4 == 0, at=f"2026-12-{1 + n * 2:02}T10:00:00Z") for n in range(8)]
    parts = [part.part for part in agreement(weekly, run, period="weeks")[0].drift if part.by == "ben"]
    assert parts == ["2026-W49", "2026-W50", "2026-W51"]


def test_what_was_settled_says_by_whom_and_its_word_is_compared_with_nobody_s(run):
    said = [*both(differ={2}), label(2, "eve", True, rubric=";adjudicated")]
    (found,) = agreement(said, run)
    assert set(found.people) == {"ida", "ben"}
    (item,) = found.disagreements
    assert (item.settled, item.settled_by) == (True, "eve")
    (back,) = open_items([*said, label(2, "eve", None, rubric=";adjudicated")])
    assert back.settled is None
