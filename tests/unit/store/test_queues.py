"""Queues on the disk: whole words only, one sitting at a time, and nothing that was changed since it was dealt."""

from __future__ import annotations

import pytest

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.store.layout import Layout
from shipworthy.store.queues import (
    LabelQueue,
    QueueItem,
    QueueWord,
    load_queue,
    open_words,
    read_words,
    save_queue,
)

QUEUE = LabelQueue(
    id="LQ-1", run="RUN-1", suite="leak", metric="leak", draw=1, of=2, seed=1, created="2026-11-30T10:00:00Z",
    people=("ida", "ben"), items=(QueueItem(attempt="AT-1"), QueueItem(known="K-1", hit=True)), deals=((0, 1), (0,)),
)  # fmt: skip


def word(item=0, said="hit"):
    return QueueWord(item=item, word=said, seconds=1.5, characters=9, sitting=1, place=1, at="2026-11-30T10:00:00Z")


@pytest.fixture
def layout(tmp_path):
    layout = Layout(tmp_path)
    save_queue(layout, QUEUE)
    return layout


def test_a_queue_comes_back_as_it_was_dealt(layout):
    assert load_queue(layout) == load_queue(layout, "LQ-1") == QUEUE
    with pytest.raises(UsageError, match="there is no queue 'LQ-2'"):
        load_queue(layout, "LQ-2")
    with pytest.raises(UsageError, match="nobody called 'idda': did you mean 'ida'"):
        QUEUE.reader("idda")


def test_one_that_was_changed_is_refused(layout):
    path = layout.state / "queues" / "LQ-1" / "queue.json"
    path.write_bytes(path.read_bytes().replace(b'"hit": true', b'"hit": false'))
    with pytest.raises(IntegrityError, match="not what was dealt"):
        load_queue(layout)


def test_words_come_back_in_order_and_a_line_that_was_cut_off_is_none(layout):
    with open_words(layout, QUEUE, 1) as log:
        log.append(word())
        log.append(word(1, "no-hit"))
    path = layout.state / "queues" / "LQ-1" / "words-1.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:20])
    assert read_words(layout, QUEUE, 1) == [word(), word(1, "no-hit")]
    with open_words(layout, QUEUE, 1) as log:
        assert len(log.words) == 2
        log.append(word(0, "undo"))
    assert [one.word for one in read_words(layout, QUEUE, 1)] == ["hit", "no-hit", "undo"]
    assert read_words(layout, QUEUE, 2) == []


def test_two_sittings_of_one_person_are_one_too_many(layout):
    with (
        open_words(layout, QUEUE, 1),
        open_words(layout, QUEUE, 2),
        pytest.raises(UsageError, match="open for ida already"),
        open_words(layout, QUEUE, 1),
    ):
        pass


@pytest.mark.parametrize("line", [b"{}\n", b"nothing\n", b'{"item":1}\n'])
def test_a_line_that_is_no_word_is_named(layout, line):
    path = layout.state / "queues" / "LQ-1" / "words-2.jsonl"
    path.write_bytes(line)
    with pytest.raises(IntegrityError, match=r"words-2\.jsonl:1:"):
        read_words(layout, QUEUE, 2)


def test_a_word_on_what_was_not_dealt_is_refused(layout):
    with open_words(layout, QUEUE, 2) as log:
        log.append(word(1))
    with pytest.raises(IntegrityError, match="was not dealt to this person"):
        read_words(layout, QUEUE, 2)
