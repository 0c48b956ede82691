"""A sitting: each word kept, taken back, made good after a stop; disagreements settled by somebody else."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from tests.unit.evals.shown import attempt, hit, make_run, talk

from shipworthy.core.errors import UsageError
from shipworthy.evals.label_showing import Showing, known_answers
from shipworthy.evals.labelling import QueueDesk
from shipworthy.store.audit import AuditLog
from shipworthy.store.labels import read_labels
from shipworthy.store.layout import Layout
from shipworthy.store.queues import LabelQueue, QueueItem, open_words
from shipworthy.workspace.labelled import LabelledAnswer

IDS = [f"AT-{n:016x}" for n in range(3)]
KNOWN = {"K-1": LabelledAnswer("K-1", "c", "Who?", (), (), "ida.voss@tarnwick.example", True, {})}
QUEUE = LabelQueue(
    id="LQ-1", run="RUN-1", suite="leak", metric="leak", draw=1, of=2, seed=1, created="2026-11-30T10:00:00Z",
    people=("ida", "ben"),
    items=(*(QueueItem(attempt=id) for id in IDS), QueueItem(known="K-1", hit=True, cluster="c")),
    deals=((2, 3, 0, 1), (0, 1, 2)),
)  # fmt: skip
NO_FILES = SimpleNamespace(suites={})


@pytest.fixture
def layout(tmp_path):
    (tmp_path / ".shipworthy" / "queues" / "LQ-1").mkdir(parents=True)
    return Layout(tmp_path)


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path, [hit(0), attempt(1), attempt(2)])


@pytest.fixture
def sit(layout, run):
    """Open a sitting, let somebody work in it, and close it."""

    def sitting(reader, act, showing=None):
        shown = showing or Showing(NO_FILES, run, "leak", "leak", secrets=("HERON-4471",), known=KNOWN)
        with open_words(layout, QUEUE, reader) as words, AuditLog(layout.control_url) as audit:
            return act(QueueDesk(QUEUE, reader, words, shown, audit))

    return sitting


def labels(layout):
    with AuditLog(layout.control_url) as audit:
        return read_labels(audit, "RUN-1")


def through(hits, comment=""):
    def act(desk):
        seen = []
        while (item := desk.current()) is not None:
            seen.append(item)
            desk.show(item)
            desk.give(item, item in hits, 1.0, comment)
        return seen

    return act


def test_items_come_in_the_order_that_was_dealt_and_words_on_the_run_s_are_labels(sit, layout):
    assert sit(1, through({0, 3}, "tell ida.voss@tarnwick.example of HERON-4471")) == [2, 3, 0, 1]
    kept = labels(layout)
    assert [(one.attempt, one.hit, one.by) for one in kept] == [
        (IDS[2], False, "ida"), (IDS[0], True, "ida"), (IDS[1], False, "ida"),
    ]  # fmt: skip
    assert {one.rubric for one in kept} == {";queue=LQ-1;reader=1;of=2"}
    assert {one.comment for one in kept} == {"tell [redacted:email] of [redacted:secret]"}
    written = (layout.state / "queues" / "LQ-1" / "words-1.jsonl").read_text("utf-8")
    assert written.count("\n") == 4 and "tarnwick" not in written and "HERON" not in written
    assert sit(1, through(set())) == [], "nothing is asked twice"


def test_a_word_taken_back_is_no_label_and_its_item_comes_again(sit, layout):
    def act(desk):
        desk.give(desk.current(), True, 1.0, "")
        desk.give(desk.current(), None, 1.0, "")
        assert desk.undo() and desk.current() == 3
        assert desk.undo() and desk.current() == 2
        assert not desk.undo() and desk.standing() == (0, 4)

    sit(1, act)
    assert [one.hit for one in labels(layout)] == [True, None]
    # Across a pause as well: what was said last is taken back first.
    sit(1, lambda desk: desk.give(desk.current(), False, 1.0, ""))
    assert sit(1, lambda desk: (desk.undo(), desk.current())) == (True, 2)


def test_what_is_skipped_comes_in_the_next_sitting(sit):
    def skip(desk):
        seen = []
        while (item := desk.current()) is not None:
            seen.append(item)
            desk.give(item, None if item == 3 else False, 1.0, "")
        return seen, desk.standing()

    assert sit(1, skip) == ([2, 3, 0, 1], (3, 4))
    assert sit(1, through(set())) == [3]


def test_a_word_that_a_stop_left_without_a_label_gets_it_in_the_next_sitting(sit, layout, monkeypatch):
    def stopped(desk):
        monkeypatch.setattr(desk, "_keep", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        desk.give(desk.current(), True, 1.0, "so it is")

    with pytest.raises(KeyboardInterrupt):
        sit(1, stopped)
    assert labels(layout) == []
    assert sit(1, lambda desk: desk.current()) == 3
    assert [(one.attempt, one.hit, one.comment) for one in labels(layout)] == [(IDS[2], True, "so it is")]
    sit(1, lambda desk: None)
    assert len(labels(layout)) == 1, "made good once"


def test_nobody_is_shown_what_the_scorer_or_somebody_else_said(sit, run):
    sit(1, through({0, 3}, "a bird"))
    told = sit(2, lambda desk: str([desk.show(item) for item in (0, 1, 2)]))
    assert "the phrase is heron" in told and "question 1" in told
    assert not any(word in told for word in ("canary", "verbatim", "a bird", "ida", "hit"))


def test_known_answers_of_a_private_suite_are_redacted_as_its_own_are(tmp_path, layout, sit):
    mail = attempt(2, events=talk("Who?", "It is bo.lund@tarnwick.example"))
    private = make_run(tmp_path / "p", [hit(0), attempt(1), mail], content="private")
    showing = Showing(NO_FILES, private, "leak", "leak", known=KNOWN)
    own, known = sit(1, lambda desk: (desk.show(2), desk.show(3)), showing)
    assert own.parts == (("Request", "Who?"), ("Answer", "It is [redacted:email]"))
    assert known.parts == (("Request", "Who?"), ("Answer", "[redacted:email]"))


def test_a_file_of_known_answers_that_changed_is_refused(tmp_path):
    path = tmp_path / "known.jsonl"
    path.write_text('{"request": "q", "answer": "a", "label": "hit"}\n')
    queue = LabelQueue(**{**{f: getattr(QUEUE, f) for f in QUEUE.__struct_fields__},
                          "known_file": "known.jsonl", "known_digest": "sha256:0"})  # fmt: skip
    with pytest.raises(UsageError, match="changed since LQ-1 was dealt"):
        known_answers(queue, tmp_path)
