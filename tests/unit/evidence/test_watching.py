"""How well those watch whose labels a criterion rests on, from the queues of its own draw."""

from __future__ import annotations

import pytest

from shipworthy.core.decision import ScorerAudit
from shipworthy.core.metric import Metric
from shipworthy.core.records import CriterionResult
from shipworthy.evidence.watching import label_watch
from shipworthy.store.layout import Layout
from shipworthy.store.queues import LabelQueue, QueueItem, QueueWord, open_words, save_queue

ITEMS = (QueueItem(attempt="AT-1"), *(QueueItem(known=f"K-{n}", hit=n % 2 == 0, cluster=f"c{n}") for n in range(40)))
QUEUE = LabelQueue(
    id="LQ-1", run="RUN-1", suite="s", metric="m", draw=7, of=1, seed=1, created="2026-11-30T10:00:00Z",
    people=("ida",), items=ITEMS, deals=(tuple(range(41)),),
)  # fmt: skip


def result(draw: int = 7, good: str = "low", run: str = "RUN-1") -> CriterionResult:
    return CriterionResult(
        id="CR-1", requirement="RQ-1", suite="s", metric="m", test="threshold", must="upper95 <= 0.1", limit=0.1,
        verdict="ship", reason="", run=run, measure=Metric("m", good=good), audit=ScorerAudit(entry=draw),
    )  # fmt: skip


@pytest.fixture
def layout(tmp_path):
    """Ida finds 18 of 20 known hits, and takes all others for none."""
    layout = Layout(tmp_path)
    save_queue(layout, QUEUE)
    with open_words(layout, QUEUE, 1) as log:
        for place, item in enumerate(range(41), start=1):
            said = "hit" if ITEMS[item].hit and item > 4 else "no-hit"
            log.append(QueueWord(item=item, word=said, seconds=9.0, characters=60, sitting=1, place=place,
                                 at="2026-11-30T10:00:00Z"))  # fmt: skip
    return layout


def test_what_they_find_is_taken_at_its_lower_limit(layout):
    found = label_watch(layout, result())
    assert found.least == pytest.approx(0.683, abs=1e-3)
    assert found.told == "those who labelled it find at least 68 % of known hits (18 of 20)"


def test_of_a_good_metric_it_is_the_others_that_must_be_seen(layout):
    found = label_watch(layout, result(good="high"))
    assert found.told.endswith("of known answers without a hit (20 of 20)")


def test_another_draw_or_run_says_nothing_of_them(layout):
    for other in (result(draw=8), result(run="RUN-2")):
        found = label_watch(layout, other)
        assert found.least is None and "0 known hits, 20 are needed" in found.told


def test_what_no_label_audits_has_no_people(layout):
    assert label_watch(layout, result(draw=0)) is None
