"""A sitting of a person at a queue, in which words are given, passed over and taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from shipworthy.core.label_draw import LabelOrigin, label_origin
from shipworthy.detect.redact import redact_text
from shipworthy.evals.label_showing import Showing, ShownItem
from shipworthy.store.audit import AuditLog
from shipworthy.store.labels import Label, add_label, read_labels
from shipworthy.store.queues import Interface, LabelQueue, QueueWord, Word, WordLog

WORDS: Mapping[bool | None, Word] = {True: "hit", False: "no-hit", None: "skip"}


class LabelDesk(Protocol):
    """What the terminal loop works on: a queue of one person, or disagreements to settle."""

    def current(self) -> int | None:
        """Return the item to show now; None where nothing is left in this sitting."""

    def show(self, item: int) -> ShownItem:
        """Return what is shown of an item."""

    def give(self, item: int, hit: bool | None, seconds: float, comment: str) -> None:
        """Keep a word, or with None pass the item over for now; durable when this returns."""

    def undo(self) -> bool:
        """Take back the last word or skip, whose item comes next. False where there is none."""

    def standing(self) -> tuple[int, int]:
        """Return how many items have a word, and of how many."""


class QueueDesk:
    """One sitting of one person at a queue.

    Each word is durable in the person's own file first. A word on an attempt of the run is then kept as a label; what a
    stop between the two left out is made good when the next sitting begins.

    Args:
        words: of the person, open.
        showing: of the queue's run.
        audit: the log in which labels are entered.
    """

    def __init__(self, queue: LabelQueue, reader: int, words: WordLog, showing: Showing, audit: AuditLog) -> None:
        self.queue, self.reader, self.words, self.showing, self.audit = queue, reader, words, showing, audit
        self.by = queue.people[reader - 1]
        self._rubric = str(LabelOrigin(queue.rubric, queue.id, reader, queue.of))
        self.sitting = max((word.sitting for word in words.words), default=0) + 1
        self._place = 0
        self._interface: Interface = "terminal"
        self._passed: set[int] = set()
        self._stack, self._said = replay(words.words)
        self._next: int | None = None
        self._characters = {word.item: word.characters for word in words.words}
        self._spent: dict[int, float] = {}
        for word in words.words:
            self._spent[word.item] = word.seconds
        self._make_good()

    def current(self) -> int | None:
        self._place += 1
        if self._next is not None:
            again, self._next = self._next, None
            return again
        dealt = self.queue.deals[self.reader - 1]
        return next((item for item in dealt if item not in self._said and item not in self._passed), None)

    def show(self, item: int) -> ShownItem:
        one = self.queue.items[item]
        found = self.showing.known(one.known) if one.known else self.showing.attempt(one.attempt)
        self._characters[item] = found.characters
        return found

    def give(self, item: int, hit: bool | None, seconds: float, comment: str) -> None:
        said = WORDS[hit]
        self._append(item, said, seconds, comment)
        self._stack.append(item)
        if hit is None:
            self._passed.add(item)
            return
        self._said[item] = said
        self._keep(item, hit, comment)

    def has(self, item: int) -> bool:
        """Say whether an item has a word."""
        return item in self._said

    def bring(self, item: int, hit: bool, seconds: float, comment: str) -> bool:
        """Keep a word that was given elsewhere; False where the item has it already."""
        if self._said.get(item) == WORDS[hit]:
            return False
        self._place += 1
        self.show(item)
        self._interface = "label-studio"
        self.give(item, hit, seconds, comment)
        return True

    def undo(self) -> bool:
        if not self._stack:
            return False
        item = self._stack.pop()
        self._append(item, "undo", 0.0, "")
        self._passed.discard(item)
        if self._said.pop(item, None) is not None:
            self._keep(item, None, "")
        self._next = item
        return True

    def standing(self) -> tuple[int, int]:
        return len(self._said), len(self.queue.deals[self.reader - 1])

    def _append(self, item: int, said: Word, seconds: float, comment: str) -> None:
        self._spent[item] = self._spent.get(item, 0.0) + seconds
        self.words.append(
            QueueWord(
                item=item, word=said, seconds=round(self._spent[item], 3), characters=self._characters.get(item, 0),
                sitting=self.sitting, place=self._place, at=now(),
                comment=redact_text(comment, self.showing.secrets), interface=self._interface,
            )
        )  # fmt: skip

    def _keep(self, item: int, hit: bool | None, comment: str) -> None:
        if attempt := self.queue.items[item].attempt:
            label = Label(
                system=self.showing.run.manifest.system, run=self.queue.run, attempt=attempt, metric=self.queue.metric,
                hit=hit, rubric=self._rubric, by=self.by, at=now(), comment=comment,
            )  # fmt: skip
            add_label(self.audit, label, secrets=self.showing.secrets)

    def _make_good(self) -> None:
        """Keep the words that a stop left without a label."""
        kept = {
            label.attempt: label.hit
            for label in read_labels(self.audit, self.queue.run)
            if label.metric == self.queue.metric and _same_reader(label.rubric, self._rubric)
        }
        comments = {word.item: word.comment for word in self.words.words}
        for item in self.queue.deals[self.reader - 1]:
            attempt, said = self.queue.items[item].attempt, self._said.get(item)
            hit = None if said is None else said == "hit"
            if attempt and kept.get(attempt) != hit:
                self._keep(item, hit, comments.get(item, "") if hit is not None else "")


def _same_reader(a: str, b: str) -> bool:
    one, other = label_origin(a), label_origin(b)
    return (one.queue, one.reader) == (other.queue, other.reader) and not one.adjudicated


def replay(words: Sequence[QueueWord]) -> tuple[list[int], dict[int, Word]]:
    """Return what can be taken back, newest last, and each item's word, from all that a person did."""
    stack: list[int] = []
    said: dict[int, Word] = {}
    for word in words:
        if word.word == "undo":
            if stack:
                stack.pop()
            said.pop(word.item, None)
            continue
        stack.append(word.item)
        if word.word != "skip":
            said[word.item] = word.word
    return stack, said


def now() -> str:
    """Return the time, ISO 8601, UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
