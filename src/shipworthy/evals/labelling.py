"""People at work: what is shown of an item, and a sitting in which words are given, skipped and taken back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from msgspec.structs import replace

from shipworthy.core.errors import UsageError
from shipworthy.core.label_draw import Reading, reading
from shipworthy.core.records import Attempt, Message, Sample, Text, ToolCall, ToolResult
from shipworthy.core.registry import create
from shipworthy.detect.redact import redact_text
from shipworthy.evals.label_agreement import OpenItem
from shipworthy.evals.labelled import LabelledAnswer, read_labelled
from shipworthy.evals.results import Run
from shipworthy.store.audit import AuditLog
from shipworthy.store.labels import Label, add_label, read_labels
from shipworthy.store.queues import LabelQueue, QueueWord, Word, WordLog
from shipworthy.workspace.load import Workspace

if TYPE_CHECKING:
    from shipworthy.scorers._rubric import Rubric

WORDS: Mapping[bool | None, Word] = {True: "hit", False: "no-hit", None: "skip"}


class ShownItem(NamedTuple):
    """What a person is shown of one item: headings with their texts, and never what a scorer or anybody else said."""

    parts: tuple[tuple[str, str], ...]

    @property
    def characters(self) -> int:
        """How much there is to read."""
        return sum(len(text) for _, text in self.parts)


class Desk(Protocol):
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


def rubric_of(workspace: Workspace, suite: str, metric: str) -> Rubric | None:
    """Return the rubric of the judge that gives a suite's metric; None where no judge does, or the suite is gone."""
    known = workspace.suites.get(suite)
    for use in known.scorers if known is not None else ():
        scorer = create("scorer", use.use, use.own_params)
        if getattr(scorer, "judge", False) and any(one.name == metric for one in scorer.metrics):
            found: Rubric = scorer.rubric
            return found
    return None


class Showing:
    """Makes what is shown of attempts and of known answers, both in one form.

    Args:
        workspace: its suite gives the documents and what is expected of a sample, where it is the one that was run.
        known: labelled answers by id.

    Attributes:
        secrets: strings that no comment may hold.
    """

    def __init__(
        self,
        workspace: Workspace,
        run: Run,
        suite: str,
        metric: str,
        *,
        secrets: Sequence[str] = (),
        known: Mapping[str, LabelledAnswer] | None = None,
    ) -> None:
        self.run, self.metric, self.secrets = run, metric, secrets
        self.rubric = rubric_of(workspace, suite, metric)
        self._sees = self.rubric.sees if self.rubric is not None else ("request", "documents", "answer")
        here, use = workspace.suites.get(suite), run.suite(suite)
        same = here is not None and here.digest == use.digest
        self._samples: dict[str, Sample] = {one.id: one for one in here.samples} if here is not None and same else {}
        # Attempts of a private suite are redacted in the log; known answers among them must look the same.
        self._private = use.content == "private" or (here is not None and here.content == "private")
        self._known = known or {}

    def attempt(self, id: str) -> ShownItem:
        """Return what is shown of an attempt."""
        attempt = self.run.attempt(id)
        return self._shown(attempt, self._samples.get(attempt.sample))

    def known(self, id: str) -> ShownItem:
        """Return what is shown of a known answer."""
        answer = self._known[id]
        return self._shown(answer.attempt(), answer.sample())

    def _shown(self, attempt: Attempt, sample: Sample | None) -> ShownItem:
        parts: list[tuple[str, str]] = []
        if "documents" in self._sees:
            texts = [d.text for d in (*(sample.documents if sample else ()), *attempt.documents)]
            parts += [(f"Document {n}", text) for n, text in enumerate(texts, start=1)]
        if "expected" in self._sees and sample is not None and sample.expected is not None:
            said = sample.expected
            parts.append(("Expected", said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)))
        for message in attempt.messages:
            if message.role == "system" or (message.role == "user" and "request" not in self._sees):
                continue
            title = "Request" if message.role == "user" else "Answer"
            parts.append((title, _text(message)))
        if self._private:
            parts = [(title, redact_text(text, self.secrets)) for title, text in parts]
        return ShownItem(tuple(parts))


def _text(message: Message) -> str:
    told = []
    for part in message.parts:
        if isinstance(part, Text):
            told.append(part.text)
        elif isinstance(part, ToolCall):
            told.append(f"[calls {part.name} {json.dumps(part.arguments, ensure_ascii=False)}]")
        elif isinstance(part, ToolResult):
            told.append(f"[{part.name} answered] {part.text}")
    return "\n".join(told)


def known_answers(queue: LabelQueue, root: Path) -> dict[str, LabelledAnswer]:
    """Return the labelled answers that were mixed into a queue.

    Args:
        root: of the workspace; the file is named from here, or by its whole path.

    Raises:
        UsageError: the file is gone, or another one.
    """
    if not queue.known_file:
        return {}
    found = read_labelled(root / queue.known_file)
    if found.digest != queue.known_digest:
        raise UsageError(f"{root / queue.known_file} changed since {queue.id} was dealt: put back what it was")
    return {one.id: one for one in found.answers}


class QueueDesk:
    """One sitting of one person at a queue.

    Each word is durable in the person's own file first. A word on an attempt of the run is then kept as a label; what a
    stop between the two left out is made good when the next sitting begins.

    Args:
        words: of the person, open.
        showing: of the queue's run.
    """

    def __init__(self, queue: LabelQueue, reader: int, words: WordLog, showing: Showing, audit: AuditLog) -> None:
        self.queue, self.reader, self.words, self.showing, self._audit = queue, reader, words, showing, audit
        self.by = queue.people[reader - 1]
        self._rubric = str(Reading(queue.rubric, queue.id, reader, queue.of))
        self.sitting = max((word.sitting for word in words.words), default=0) + 1
        self._place = 0
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
                sitting=self.sitting, place=self._place, at=_now(),
                comment=redact_text(comment, self.showing.secrets),
            )
        )  # fmt: skip

    def _keep(self, item: int, hit: bool | None, comment: str) -> None:
        if attempt := self.queue.items[item].attempt:
            label = Label(
                system=self.showing.run.manifest.system, run=self.queue.run, attempt=attempt, metric=self.queue.metric,
                hit=hit, rubric=self._rubric, by=self.by, at=_now(), comment=comment,
            )  # fmt: skip
            add_label(self._audit, label, secrets=self.showing.secrets)

    def _make_good(self) -> None:
        """Keep the words that a stop left without a label."""
        kept = {
            label.attempt: label.hit
            for label in read_labels(self._audit, self.queue.run)
            if label.metric == self.queue.metric and _same_reader(label.rubric, self._rubric)
        }
        comments = {word.item: word.comment for word in self.words.words}
        for item in self.queue.deals[self.reader - 1]:
            attempt, said = self.queue.items[item].attempt, self._said.get(item)
            hit = None if said is None else said == "hit"
            if attempt and kept.get(attempt) != hit:
                self._keep(item, hit, comments.get(item, "") if hit is not None else "")


def _same_reader(a: str, b: str) -> bool:
    one, other = reading(a), reading(b)
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


class AdjudicationDesk:
    """Settles what people disagree on, by the word of somebody who did not label it.

    Args:
        items: disagreements of one metric; those that are settled are passed over.
        comments: on each attempt, what those who labelled it wrote, with their word and without their names.

    Raises:
        UsageError: `by` gave one of the words.
    """

    def __init__(
        self,
        items: Sequence[OpenItem],
        by: str,
        showing: Showing,
        audit: AuditLog,
        comments: Callable[[str], list[str]],
    ) -> None:
        for item in items:
            check_adjudicator(item, by)
        self.showing, self.by, self._audit, self._comments = showing, by, audit, comments
        self._items = items
        self._said: dict[int, bool] = {n: one.settled for n, one in enumerate(items) if one.settled is not None}
        self._passed: set[int] = set()
        self._stack: list[int] = []
        self._next: int | None = None
        self._rubric = _adjudicated(showing.rubric)

    def current(self) -> int | None:
        if self._next is not None:
            again, self._next = self._next, None
            return again
        return next((n for n in range(len(self._items)) if n not in self._said and n not in self._passed), None)

    def show(self, item: int) -> ShownItem:
        attempt = self._items[item].attempt
        said = self._items[item].said.values()
        split = f"{sum(said)} said hit, {len(said) - sum(said)} no-hit"
        told = "\n".join([split, *self._comments(attempt)])
        return ShownItem((*self.showing.attempt(attempt).parts, ("They disagree", told)))

    def give(self, item: int, hit: bool | None, seconds: float, comment: str) -> None:
        self._stack.append(item)
        if hit is None:
            self._passed.add(item)
            return
        self._said[item] = hit
        self._keep(item, hit, comment)

    def undo(self) -> bool:
        if not self._stack:
            return False
        self._next = item = self._stack.pop()
        self._passed.discard(item)
        if self._said.pop(item, None) is not None:
            self._keep(item, None, "")
        return True

    def standing(self) -> tuple[int, int]:
        return len(self._said), len(self._items)

    def _keep(self, item: int, hit: bool | None, comment: str) -> None:
        label = Label(
            system=self.showing.run.manifest.system, run=self.showing.run.id, attempt=self._items[item].attempt,
            metric=self._items[item].metric, hit=hit, rubric=self._rubric, by=self.by, at=_now(), comment=comment,
        )  # fmt: skip
        add_label(self._audit, label, secrets=self.showing.secrets)


def check_adjudicator(item: OpenItem, by: str) -> None:
    """Refuse somebody who is one of those that disagree.

    Raises:
        UsageError: they are.
    """
    if by in item.said:
        raise UsageError(f"{by} labelled {item.attempt}: somebody else must settle what {by} is one side of")


def settle(
    audit: AuditLog,
    items: Sequence[OpenItem],
    words: Sequence[Label],
    workspace: Workspace,
    run: Run,
    *,
    secrets: Sequence[str] = (),
) -> int:
    """Settle disagreements by labels from a file, all of them or none. Returns how many.

    A word that settles an attempt already is passed over.

    Args:
        items: all disagreements of the run, settled ones as well.
        secrets: as for `add_label`.

    Raises:
        UsageError: nobody disagrees on an attempt, or the word is that of somebody who does.
    """
    known = {(item.attempt, item.metric): item for item in items}
    suites = {row.id: row.suite for row in run.rows(superseded=True)}
    new = []
    for word in words:
        item = known.get((word.attempt, word.metric))
        if item is None:
            raise UsageError(f"nobody disagrees on {word.attempt} ({word.metric}): nothing was settled")
        check_adjudicator(item, word.by)
        if item.settled != word.hit:
            rubric = rubric_of(workspace, suites[word.attempt], word.metric)
            new.append(replace(word, rubric=_adjudicated(rubric)))
    for word in new:
        add_label(audit, word, secrets=secrets)
    return len(new)


def _adjudicated(rubric: Rubric | None) -> str:
    return str(Reading(rubric.name.replace(";", ",") if rubric else "", adjudicated=True))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
