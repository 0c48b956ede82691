"""What a session has read: every value of a tool's answer, whose it is, and whether the user's words pick it out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from shipworthy.enforce.policy.paths import CREATED, NAME, SECRET, TRUSTED, Labels
from shipworthy.enforce.policy.values import carried, flat, written
from shipworthy.enforce.policy.words import Words, tokens, within

MOST_LEAVES = 50_000
"""Values of one answer that are remembered. What comes after them has no origin, and is refused like the unknown."""

LONG = 80
"""Characters from which a trusted text is searched for values inside it and not only compared as a whole."""


class Record:
    """One object of an answer: its trusted values, its names, its free text.

    Attributes:
        call: the number of the call that gave it, from 1.
        tool: that gave it.
        picked: the user's words led to it and to no other: see `Memory.add`.
        made: it is what a call of this session made.
    """

    __slots__ = ("call", "directory", "free", "made", "names", "parent", "picked", "tool", "values")

    def __init__(self, call: int, tool: str, parent: Record | None, *, directory: bool) -> None:
        self.call, self.tool, self.parent, self.directory = call, tool, parent, directory
        self.values: set[str] = set()
        self.names: list[tuple[str, ...]] = []
        self.free: list[str] = []
        self.picked: bool = parent.picked if parent is not None else False
        self.made = False


class Secret(NamedTuple):
    """A value that may not leave: its writing, the words of its field, and who may read it (None: nobody)."""

    value: str
    field: tuple[str, ...]
    readers: frozenset[str] | None
    tool: str


class Memory:
    """The values of one session.

    Attributes:
        tainted: text has been read that others may have written.
        calls: answers that were read.
        secrets: values that may not leave.
    """

    def __init__(self) -> None:
        self.tainted = False
        self.calls = 0
        self.secrets: list[Secret] = []
        self._at: dict[str, list[Record]] = defaultdict(list)
        self._long: list[tuple[str, Record]] = []
        self._titles: dict[tuple[str, ...], set[frozenset[str]]] = defaultdict(set)
        self._contacts: dict[str, set[frozenset[str]]] = defaultdict(set)
        self._free: list[tuple[str, Record]] = []
        self._left = 0

    # ---- reading ---------------------------------------------------------------------------------------------------

    def add(
        self, tool: str, args: dict[str, Any], answer: Any, labels: Labels, words: Words, *, directory: bool
    ) -> None:
        """Remember an answer.

        A call whose arguments are all the user's words, made before anything untrusted was read, and which gives one
        record, picks that record out: no one else had a say in which it is.
        """
        self.calls += 1
        self._left = MOST_LEAVES
        root = Record(self.calls, tool, None, directory=directory)
        alone = not isinstance(answer, list) or len(answer) == 1
        root.picked = alone and not self.tainted and all(words.say(written(v)) for v in flat(list(args.values())))
        self._walk(answer, labels, root, "")
        self._close(root)

    def taint(self, text: str, tool: str) -> None:
        """Remember a text that others wrote and no tool of ours gave, such as a document."""
        self._free.append((text, Record(self.calls, tool, None, directory=False)))
        self.tainted = True

    def _walk(self, value: Any, labels: Labels | None, record: Record, key: str) -> None:
        # The stack keeps the order of the answer; recursion would let a nested answer end the process.
        stack: list[tuple[Any, Labels | None, Record, str, dict[str, Any] | None]] = [
            (value, labels, record, key, None)
        ]
        opened: list[Record] = []
        while stack and self._left > 0:
            value, labels, record, key, beside = stack.pop()
            if isinstance(value, dict):
                inner = Record(record.call, record.tool, record, directory=record.directory)
                opened.append(inner)
                stack += [
                    (v, labels.key(str(k)) if labels is not None else None, inner, str(k), value)
                    for k, v in reversed(value.items())
                ]
                if labels is None or "*" not in labels.below:
                    continue
                # Where any key is labelled, the keys are names that the system gave.
                for k in value:
                    self._know(str(k), inner)
            elif isinstance(value, list):
                below = labels.items if labels is not None else None
                stack += [(v, below, record, key, beside) for v in reversed(value)]
            else:
                self._left -= 1
                self._leaf(value, labels, record, key, beside)
        if stack:
            self.tainted = True
        for inner in reversed(opened):
            self._close(inner)

    def _leaf(self, value: Any, labels: Labels | None, record: Record, key: str, beside: dict[str, Any] | None) -> None:
        marks = labels.marks if labels is not None else 0
        if labels is not None and labels.readers and beside is not None:
            may = frozenset(written(v) for v in flat(beside.get(labels.readers)))
            self.secrets.append(Secret(written(value), tuple(tokens(key)), may, record.tool))
        if marks & NAME and value not in (None, ""):
            record.names.append(tuple(tokens(str(value))))
        if not marks & TRUSTED:
            if isinstance(value, str) and value.strip():
                record.free.append(value)
                self._free.append((value, record))
                self.tainted = True
            return
        if value is None or value == "" or isinstance(value, bool):
            return
        if marks & SECRET:
            self.secrets.append(Secret(written(value), tuple(tokens(key)), None, record.tool))
        if marks & CREATED:
            record.made = True
        self._know(value, record)

    def _know(self, value: Any, record: Record) -> None:
        one = written(value)
        record.values.add(one)
        self._at[one].append(record)
        if isinstance(value, str) and (len(value) >= LONG or "\n" in value):
            self._long.append((one, record))
            for found in carried(value):
                self._at[found.value].append(record)

    def _close(self, record: Record) -> None:
        """Enter a record's names, now that all its values are known: the same record read twice is one."""
        key = frozenset(record.values)
        for name in record.names:
            self._titles[name].add(key)
            if record.directory:
                for token in name:
                    self._contacts[token].add(key)

    # ---- asking ----------------------------------------------------------------------------------------------------

    def of(self, value: str, words: Words) -> tuple[bool, bool, bool]:
        """Return whether a value stands in a trusted field, in one of a record that is picked out, in a made one."""
        records = self._at.get(value)
        if not records:
            records = [record for text, record in self._long if within(text, value)]
        named = made = False
        for record in records:
            made = made or record.made
            named = named or self.picks(record, words)
        return bool(records), named, made

    def quoted(self, value: str, words: Words) -> bool:
        """Say whether a value stands in the free text of a record that the user's words pick out."""
        return any(within(written(text), value) for text, record in self._free if self.picks(record, words))

    def picks(self, record: Record | None, words: Words) -> bool:
        """Say whether the user's words pick out a record, or one that it lies in: by its name, if no other has it."""
        while record is not None:
            if record.picked:
                return True
            for name in record.names:
                if words.name(name) and len(self._titles[name]) == 1:
                    return True
                if record.directory and words.hint(name) and self._only(name, words):
                    return True
            record = record.parent
        return False

    def _only(self, name: Iterable[str], words: Words) -> bool:
        """Say whether the words of a contact's name that the user said belong to no other contact."""
        said = [token for token in name if words.hint((token,))]
        return len(set.intersection(*(self._contacts[token] for token in said))) == 1

    def seen(self, value: str) -> str:
        """Return in which tool's untrusted text a value was read last; "" where it was not."""
        return next((record.tool for text, record in reversed(self._free) if value in written(text)), "")

    @property
    def untrusted(self) -> list[tuple[str, str]]:
        """What others may have written: text and the tool that gave it."""
        return [(text, record.tool) for text, record in self._free]
