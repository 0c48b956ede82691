"""The draw that people label: repeatable, one attempt a cluster, as often a hit as the mean over clusters."""

from __future__ import annotations

import pytest

from shipworthy.core.label_draw import Candidate, Draw, LabelOrigin, draw_of, label_origin, labels, standing, take

ABOUT = ("RUN-1", "leaks", "leak", "")


def draw(seed: int = 1, positives: int = 100, negatives: int = 300, **changes: object) -> Draw:
    return Draw(*ABOUT, seed, positives, negatives)._replace(**changes)


def unequal(seed: int = 0) -> list[Candidate]:
    """Forty clusters of one attempt, none a hit; ten of thirty, all hits but the last attempt."""
    small = [Candidate(f"AT-{seed}-s{n}", f"small-{n}", False) for n in range(40)]
    return small + [Candidate(f"AT-{seed}-{c}-{n}", f"large-{c}", n < 29) for c in range(10) for n in range(30)]


def test_one_attempt_a_cluster_is_drawn_and_no_more_than_asked_for() -> None:
    whole = take(unequal(), draw())
    assert len(whole.positives) + len(whole.negatives) == 50
    some = take(unequal(), draw(positives=3, negatives=7))
    # A smaller draw is the beginning of a larger one.
    assert some.positives == whole.positives[:3] and some.negatives == whole.negatives[:7]
    assert take(reversed(unequal()), draw()) == whole
    assert take(unequal(), draw(seed=2)) != whole


def test_every_cluster_counts_once_and_every_attempt_of_it_is_as_likely() -> None:
    """Over many draws: hits are as frequent as in the mean over clusters, not as among the attempts (.85)."""
    share = sum(len(take(unequal(n), draw()).positives) for n in range(300)) / (50 * 300)
    assert share == pytest.approx(10 * 29 / 30 / 50, abs=0.004)


def test_large_clusters_do_not_come_first() -> None:
    """The smallest hash of thirty is small: an order by it would label the large clusters before the others."""
    some = [Candidate(f"AT-{c}-{n}", f"c{c}", False) for c in range(200) for n in range(30 if c < 100 else 1)]
    large = sum(int(id.split("-")[1]) < 100 for id in take(some, draw(negatives=60)).negatives)
    assert 15 <= large <= 45


def test_the_first_draw_that_the_records_give_counts() -> None:
    known = unequal()
    made = [draw(s, digest=take(known, draw(s)).digest, entry=s) for s in (1, 2)]
    lost = draw(3, digest="sha256:" + "0" * 64, entry=3)
    found = standing([lost, *made], ABOUT, known)
    assert found is not None and found[0].entry == 1
    assert standing(made, ("RUN-2", *ABOUT[1:]), known) is None
    assert standing([lost], ABOUT, known) is None


def test_the_last_word_counts_and_one_that_says_nothing_is_none() -> None:
    drawn = take(unequal(), draw(positives=2, negatives=2))
    one, two = drawn.positives
    rest = drawn.negatives[0]

    def given(attempt: str, hit: object, **changes: object) -> dict[str, object]:
        return {"run": "RUN-1", "metric": "leak", "attempt": attempt, "hit": hit, **changes}

    said = [given(one, False), given(one, True), given(two, True), given(two, None), given(rest, 1)]
    found = labels([*said, given(rest, True, run="RUN-2"), given(rest, True, metric="other")], draw(), drawn)
    assert found.positives == (1, 1, 2) and found.negatives == (0, 0, 2) and found.missing == 3
    assert found.digest != labels(said[:1], draw(), drawn).digest


@pytest.mark.parametrize("change", [{"seed": "1"}, {"positives": -1}, {"negatives": True}, {"suite": 4}])
def test_an_entry_that_is_no_draw_is_refused(change: dict[str, object]) -> None:
    body = {name: value for name, value in draw(digest="sha256:0")._asdict().items() if name != "entry"}
    assert draw_of(4, body) == draw(digest="sha256:0", entry=4)
    with pytest.raises(ValueError, match="entry 4 is no draw"):
        draw_of(4, {**body, **change})


def _said(drawn_id: str, hit: object, reader: int = 0, *, adjudicated: bool = False) -> dict[str, object]:
    under = LabelOrigin("leak@1", "LQ-1" if reader else "", reader, 2 if reader else 1, adjudicated)
    return {"run": "RUN-1", "metric": "leak", "attempt": drawn_id, "hit": hit, "rubric": str(under)}


@pytest.mark.parametrize(
    ("words", "counts"),
    [
        ([(True, 1)], None),  # the second reader's word is missing
        ([(True, 1), (True, 2)], True),
        ([(True, 1), (False, 2)], None),  # nobody settled it
        ([(True, 1), (False, 2), (True, 2)], True),  # the second reader corrected a word of their own
        ([(True, 1), (True, 2), (None, 2)], None),  # taken back
        ([(True, 1), (False, 2), (False, -1)], False),
        ([(True, 1), (False, -1), (True, 2)], False),  # settled: what comes after it changes nothing
        ([(True, 1), (False, 2), (False, -1), (True, -1)], True),  # but settling anew
        ([(True, 1), (False, 2), (False, -1), (None, -1)], None),
        ([(True, 1), (True, 2), (False, 0)], True),  # what the readers agree on is not undone beside the queue
        ([(True, 0), (False, 0)], False),
    ],
)
def test_readers_of_a_queue_must_agree_or_somebody_settles_it(words: list[tuple[object, int]], counts: object) -> None:
    drawn = take(unequal(), draw(positives=1, negatives=0))
    (one,) = drawn.positives
    entries = [_said(one, hit, max(who, 0), adjudicated=who < 0) for hit, who in words]
    found = labels(entries, draw(), drawn).positives
    assert (found.labelled, found.hits) == (int(counts is not None), int(bool(counts)))


@pytest.mark.parametrize("rubric", ["", "leak@1", "a;b", "leak@1;queue=LQ-1;reader=0;of=2", "x;queue=;reader=1;of=1"])
def test_a_rubric_that_is_not_of_our_form_is_a_name(rubric: str) -> None:
    assert label_origin(rubric) == LabelOrigin(rubric)
