"""People measured on answers of known label: who clicks through is seen, and who tires."""

from __future__ import annotations

import pytest

from shipworthy.evals.oversight import SITTING_S, KnownWord, joint, oversight, watches
from shipworthy.store.queues import LabelQueue, QueueItem, QueueWord

SIZE, KNOWN = 200, 40
ITEMS = tuple(QueueItem(attempt=f"AT-{n}") for n in range(SIZE - KNOWN)) + tuple(
    QueueItem(known=f"K-{n}", hit=n % 2 == 0, cluster=f"c-{n}") for n in range(KNOWN)
)
ORDER = tuple((n * 7) % SIZE for n in range(SIZE))
QUEUE = LabelQueue(
    id="LQ-1", run="RUN-1", suite="s", metric="m", draw=1, of=1, seed=1, created="2026-11-30T10:00:00Z",
    people=("ida",), items=ITEMS, deals=(ORDER,),
)  # fmt: skip


def words(say, seconds=lambda place: 20.0):
    return [
        QueueWord(item=item, word=say(place, item), seconds=seconds(place), characters=600, sitting=1, place=place,
                  at="2026-11-30T10:00:00Z")
        for place, item in enumerate(ORDER, start=1)
    ]  # fmt: skip


def truth(item):
    """What is right of a known one; of the run's own, every fourth is a hit."""
    one = ITEMS[item]
    return "hit" if (one.hit if one.known else item % 4 == 0) else "no-hit"


def test_somebody_who_reads_is_right_and_not_fast():
    found = oversight(QUEUE, 1, words(lambda place, item: truth(item)))
    assert (found.words, found.known, found.skipped) == (200, 40, 0)
    assert found.sensitivity.rate == found.specificity.rate == 1 and found.fast.rate == 0
    # Exact: none wrong of twenty leaves .168 at 95 %.
    assert found.sensitivity.low == pytest.approx(0.8316, abs=1e-4)


def test_somebody_who_clicks_through_is_seen():
    found = oversight(QUEUE, 1, words(lambda place, item: "no-hit", lambda place: 0.8))
    assert found.sensitivity.rate == 0 and found.specificity.rate == 1
    assert (found.default, found.same.rate, found.fast.rate) == ("no-hit", 1, 1)


def test_the_limit_of_reading_is_six_hundred_words_a_minute():
    # 600 characters are 100 words: ten seconds.
    halves = oversight(QUEUE, 1, words(lambda p, item: truth(item), lambda p: 9.99 if p % 2 else 10.0))
    assert halves.fast.rate == 0.5
    assert oversight(QUEUE, 1, words(lambda p, item: truth(item), lambda p: 9.99), fastest=700).fast.rate == 0


def test_somebody_who_tires_is_seen_by_place():
    wrong = {"hit": "no-hit", "no-hit": "hit"}
    found = oversight(QUEUE, 1, words(lambda p, item: truth(item) if p <= 100 else wrong[truth(item)]))
    rates = {part.places: part.right.rate for part in found.fatigue}
    assert rates["1-25"] == rates["51-100"] == 1 and rates["101-200"] == 0
    assert sum(part.right.trials for part in found.fatigue) == KNOWN


def test_the_last_word_counts_with_all_its_time_and_one_taken_back_is_none():
    first = words(lambda place, item: truth(item))
    (last,) = [word for word in first if word.place == SIZE]
    undone = QueueWord(**{**{f: getattr(last, f) for f in last.__struct_fields__}, "word": "undo"})
    assert oversight(QUEUE, 1, [*first, undone]).words == SIZE - 1
    assert oversight(QUEUE, 1, [*first, undone, last]).words == SIZE


def test_nothing_said_is_no_rate():
    found = oversight(QUEUE, 1, [])
    assert (found.words, found.sensitivity, found.fast, found.default, found.fatigue) == (0, None, None, "", ())


def test_people_are_measured_on_known_words_and_tire_within_a_sitting():
    words = [KnownWord("ada", 60.0 * n, n % 2 == 0, n % 2 == 0 and n < 20) for n in range(40)]
    late = [KnownWord("ada", 60.0 * 39 + SITTING_S + n, True, True) for n in range(3)]
    others = [("ada", 60.0 * n + 30) for n in range(10)]
    [found] = watches([*words, *late], others)
    assert (found.words, found.caught.hits, found.caught.trials) == (43, 13, 23)
    assert (found.passed.hits, found.passed.trials) == (20, 20)
    # Ten words of unknown answer move the places on; the ones after the pause are the first ones of a sitting again.
    assert [(part.places, part.right.hits, part.right.trials) for part in found.fatigue] == [
        ("1-25", 18, 18), ("26-50", 15, 25)
    ]  # fmt: skip


def test_an_interface_has_a_curve_of_its_own():
    wrong = {"hit": "no-hit", "no-hit": "hit"}
    said = words(lambda p, item: truth(item) if p <= 100 else wrong[truth(item)])
    mixed = [
        QueueWord(**{**{f: getattr(w, f) for f in w.__struct_fields__}, "interface": "label-studio"})
        if w.place > 100 else w for w in said
    ]  # fmt: skip
    rates = {part.places: part.right.rate for part in oversight(QUEUE, 1, mixed).fatigue}
    assert rates["1-25, terminal"] == 1 and rates["101-200, label-studio"] == 0
    assert all(", " not in part.places for part in oversight(QUEUE, 1, said).fatigue)


def test_all_who_label_are_measured_together():
    both = LabelQueue(**{**{f: getattr(QUEUE, f) for f in QUEUE.__struct_fields__}, "people": ("ida", "ben"),
                         "deals": (ORDER, ORDER)})  # fmt: skip
    right, never = words(lambda p, item: truth(item)), words(lambda p, item: "no-hit")
    found = joint([(both, {1: right, 2: never})])
    assert (found.people, found.sensitivity.rate, found.specificity.rate) == (2, 0.5, 1)
    assert found.sensitivity.clusters == 20
    assert joint([(QUEUE, {1: []})]) == (0, None, None)
