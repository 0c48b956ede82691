"""Queues of answers to label: what was dealt to whom, written once, and what each person said, word by word.

A queue is a folder under ``.shipworthy/queues``: ``queue.json``, whose digest an entry of the audit chain holds, and a
file of words for each person, by number. No name of a file says who it is of.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from shipworthy.core.errors import IntegrityError, StoreError, UsageError, did_you_mean
from shipworthy.core.label_draw import QUEUED, REVIEWED
from shipworthy.store.audit import AuditLog
from shipworthy.store.files import make_directory, sync_directory, write_atomic
from shipworthy.store.layout import Layout

Word = Literal["hit", "no-hit", "skip", "undo"]
Interface = Literal["terminal", "label-studio"]


class QueueItem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One answer of a queue: an attempt of the run, or one whose label is known.

    Attributes:
        attempt: id of the attempt, empty for a known one.
        inclusion: chances with which the attempt was drawn: of its sample's attempts, and then of its kind.
        known: id in the file of labelled answers; `hit` the label there, `cluster` what it depends on.
    """

    attempt: str = ""
    inclusion: tuple[float, float] = (1.0, 1.0)
    known: str = ""
    hit: bool = False
    cluster: str = ""


class LabelQueue(Struct, frozen=True, kw_only=True):
    """What was dealt to whom.

    Attributes:
        draw: number of the draw's entry in the audit chain.
        of: how many people are dealt each attempt.
        rubric: name and version, empty where the suite has no judge; `rubric_digest` of all of it.
        people: who labels; a *reader* is a place in this list, from 1.
        known_file: with labelled answers, as it was named; `known_digest` of its bytes. Empty without one.
        items: each answer once; `deals` for each person the places of items, in the order in which they are shown.
    """

    id: str
    run: str
    suite: str
    metric: str
    draw: int
    of: int
    seed: int
    created: str
    people: tuple[str, ...]
    items: tuple[QueueItem, ...]
    deals: tuple[tuple[int, ...], ...]
    rubric: str = ""
    rubric_digest: str = ""
    known_file: str = ""
    known_digest: str = ""

    def reader(self, name: str) -> int:
        """Return the number of a person.

        Raises:
            UsageError: nothing was dealt to them.
        """
        if name not in self.people:
            raise UsageError(f"{self.id} was dealt to nobody called {name!r}: {did_you_mean(name, list(self.people))}")
        return self.people.index(name) + 1


class QueueWord(Struct, frozen=True, kw_only=True):
    """One thing that a person did: a word on an item, a skip, or the last of these taken back.

    Attributes:
        item: place in the queue's items.
        seconds: from the first showing to the word, all showings together.
        characters: that were shown to be read.
        sitting: number of the sitting, from 1; `place` of the showing in it, from 1.
        comment: redacted.
        interface: where it was typed.
    """

    item: int
    word: Word
    seconds: float
    characters: int
    sitting: int
    place: int
    at: str
    comment: str = ""
    interface: Interface = "terminal"


def save_queue(layout: Layout, queue: LabelQueue) -> Path:
    """Write a queue, and enter its digest in the audit chain. Returns its folder.

    Raises:
        StoreError: it cannot be written.
    """
    data = msgspec.json.format(msgspec.json.encode(queue), indent=1) + b"\n"
    folder = _folder(layout) / queue.id
    try:
        make_directory(folder, mode=0o700)
        write_atomic(folder / "queue.json", data, mode=0o600, replace=False)
    except OSError as error:
        raise StoreError(f"the queue cannot be written to {folder}: {error.strerror or error}") from error
    with AuditLog(layout.control_url) as audit:
        audit.append(QUEUED, {"queue": queue.id, "run": queue.run, "digest": _digest(data)}, key="queue")
    return folder


def load_queue(layout: Layout, id: str = "latest") -> LabelQueue:
    """Return a queue.

    Args:
        id: its id, or ``latest``: the newest.

    Raises:
        UsageError: there is none.
        IntegrityError: it is not what was dealt.
    """
    known = sorted(path.name for path in _folder(layout).glob("LQ-*") if (path / "queue.json").is_file())
    if not known:
        raise UsageError("there is no queue here yet: `shipworthy labels queue` deals one")
    name = known[-1] if id == "latest" else id
    if name not in known:
        raise UsageError(f"there is no queue {id!r}: {did_you_mean(id, known)}")
    path = _folder(layout) / name / "queue.json"
    try:
        data = path.read_bytes()
        queue = msgspec.json.decode(data, type=LabelQueue)
    except (OSError, msgspec.MsgspecError) as error:
        raise IntegrityError(f"{path} is no queue: {error}") from error
    with AuditLog(layout.control_url) as audit:
        entered = [entry.body.get("digest") for entry in audit.about(name) if entry.kind == QUEUED]
    if entered != [_digest(data)]:
        raise IntegrityError(f"{path} is not what was dealt: the audit log has no such queue, or another one")
    return queue


def queues_of(layout: Layout, run: str) -> Iterator[LabelQueue]:
    """Yield the queues of a run, oldest first.

    Raises:
        IntegrityError: one is not what was dealt.
    """
    for path in sorted(_folder(layout).glob("LQ-*")):
        if (path / "queue.json").is_file() and (found := load_queue(layout, path.name)).run == run:
            yield found


def read_words(layout: Layout, queue: LabelQueue, reader: int) -> list[QueueWord]:
    """Return what a person did so far, oldest first; a last line that was cut off is left out.

    Raises:
        IntegrityError: a line is no word, or one on something that the person was not dealt.
    """
    return _read(_path(layout, queue, reader), frozenset(queue.deals[reader - 1]))


def close_for_review(audit: AuditLog, queue: LabelQueue, by: str) -> None:
    """Enter that the scorer's words on a queue are shown to people: from then on nobody may add to it.

    Raises:
        StoreError: the database cannot be written.
    """
    audit.append(REVIEWED, {"queue": queue.id, "run": queue.run, "by": by}, key="queue")


def refuse_reviewed(audit: AuditLog, queue: LabelQueue) -> None:
    """Refuse a queue whose scorer's words were shown.

    Raises:
        UsageError: they were.
    """
    if shown := next((entry for entry in audit.about(queue.id) if entry.kind == REVIEWED), None):
        raise UsageError(
            f"{queue.id} is closed: the scorer's words on it were shown to people (entry {shown.number} of the audit "
            "log), and what somebody says after that is no word of theirs: deal a new one, `shipworthy labels queue`"
        )


class WordLog:
    """The words of one person, open to be added to. Made by `open_words`.

    Attributes:
        words: what was said so far.
    """

    def __init__(self, path: Path, handle: int, words: list[QueueWord]) -> None:
        self._path, self._handle, self.words = path, handle, words

    def append(self, word: QueueWord) -> None:
        """Add a word; durable when this returns.

        Raises:
            StoreError: it cannot be written.
        """
        line = msgspec.json.encode(word) + b"\n"
        try:
            if os.write(self._handle, line) != len(line):
                raise OSError("the disk is full")
            os.fdatasync(self._handle)
        except OSError as error:
            raise StoreError(f"{self._path} cannot be written: {error.strerror or error}") from error
        self.words.append(word)


@contextmanager
def open_words(layout: Layout, queue: LabelQueue, reader: int) -> Iterator[WordLog]:
    """Open the words of one person; nobody else can meanwhile.

    Raises:
        UsageError: they are open already.
        IntegrityError: as for `read_words`.
        StoreError: the file cannot be opened.
    """
    path = _path(layout, queue, reader)
    try:
        new = not path.exists()
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"{path} cannot be opened: {error.strerror}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            who = queue.people[reader - 1]
            raise UsageError(f"{queue.id} is open for {who} already, in another terminal") from None
        if new:
            sync_directory(path.parent)
        data = path.read_bytes()
        # What a power cut left of a line was never acknowledged.
        os.ftruncate(handle, data.rfind(b"\n") + 1)
        yield WordLog(path, handle, read_words(layout, queue, reader))
    finally:
        os.close(handle)


def _read(path: Path, dealt: frozenset[int]) -> list[QueueWord]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
    found = []
    for number, line in enumerate(data.split(b"\n")[:-1], start=1):
        try:
            word = msgspec.json.decode(line, type=QueueWord)
        except msgspec.MsgspecError as error:
            raise IntegrityError(f"{path}:{number}: this is no word: {error}") from error
        if word.item not in dealt:
            raise IntegrityError(f"{path}:{number}: item {word.item} was not dealt to this person")
        found.append(word)
    return found


def _folder(layout: Layout) -> Path:
    return layout.state / "queues"


def _path(layout: Layout, queue: LabelQueue, reader: int) -> Path:
    return _folder(layout) / queue.id / f"words-{reader}.jsonl"


def _digest(data: bytes) -> str:
    return f"sha256:{sha256(data).hexdigest()}"
