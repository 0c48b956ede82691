"""What a session has read: every value of a tool's answer, whose it is, and whether the user's words pick it out."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from shipworthy.enforce.policy.paths import CREATED, NAME, SECRET, TRUSTED, Labels
from shipworthy.enforce.policy.values import carried, flat, written
from shipworthy.enforce.policy.words import Words, tokens, within

if TYPE_CHECKING:
    from shipworthy.enforce.policy.checks import Compiled

MOST_LEAVES = 50_000
"""Values of one answer that are remembered. What comes after them has no origin, and is refused like the unknown."""

_ENDING = re.compile(r"(?<=\w)\.[a-z][a-z0-9]{1,4}$")

_AROUND = ".,;:!?()[]{}<>\"'`*/"

_KEY = re.compile(r"^[^\n.!?:]{0,80}$")

DEEPEST = 64
"""Objects inside objects that are looked into; what lies deeper has no origin."""

LONGEST_NAME = 80
"""Characters of a name."""

LONG = 80
"""Characters from which a trusted text is searched for values inside it and not only compared as a whole."""


class Record:
    """One object of an answer: its trusted values, its names, its free text.

    Attributes:
        call: the number of the call that gave it, from 1.
        tool: that gave it.
        picked: the user's words led to it and to no other: see `Memory.add`.
        led: the call that gave it was made on someone else's word, and so it counts for nothing.
    """

    __slots__ = (
        "call",
        "depth",
        "directory",
        "fields",
        "free",
        "led",
        "names",
        "parent",
        "picked",
        "tool",
        "values",
    )

    def __init__(self, call: int, tool: str, parent: Record | None, *, directory: bool) -> None:
        self.call, self.tool, self.parent, self.directory = call, tool, parent, directory
        self.depth: int = parent.depth + 1 if parent is not None else 0
        self.values: set[str] = set()
        self.names: list[tuple[str, ...]] = []
        self.free: list[str] = []
        self.fields: dict[str, float] = {}
        self.picked: bool = parent.picked if parent is not None else False
        self.led: bool = parent.led if parent is not None else False


class KeptSecret(NamedTuple):
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
        self.secrets: list[KeptSecret] = []
        self._at: dict[str, list[Record]] = defaultdict(list)
        self._long: list[tuple[str, Record]] = []
        self._titles: dict[tuple[str, tuple[str, ...]], set[frozenset[str]]] = defaultdict(set)
        self._answers: list[list[Record]] = []
        self._lists: dict[str, dict[tuple[str, ...], int]] = defaultdict(dict)
        self._often: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self._firsts: dict[str, set[Record]] = {}
        self._contacts: dict[str, set[frozenset[str]]] = defaultdict(set)
        # Free text as it came, in its one writing, and whose it is; all of it joined, made when it is first searched.
        self._free: list[tuple[str, str, Record]] = []
        self._joined: str | None = None
        self._in: dict[str, str] = {}
        self._words: set[str] = set()
        self._made: set[str] = set()
        self._left = 0

    # ---- reading ---------------------------------------------------------------------------------------------------

    def add(self, tool: str, args: dict[str, Any], answer: Any, rule: Compiled, words: Words) -> None:
        """Remember an answer.

        A call whose arguments are all the user's words, made before anything untrusted was read, and which gives one
        record, picks that record out: no one else had a say in which it is.
        """
        self.calls += 1
        self._left = MOST_LEAVES
        returns = rule.rule.returns
        root = Record(self.calls, tool, None, directory=returns.directory)
        root.led = self.tainted and any(
            not words.say(one) and not self._at.get(one) and not any(within(text, one) for text, _ in self._long)
            for name in returns.follows
            for one in map(written, flat(args.get(name)))
        )
        by = [name[1:] for name in returns.names if name.startswith("@")]
        alone = not isinstance(answer, list) or len(answer) == 1
        root.names += [tuple(tokens(str(args[name]))) for name in by if name in args]
        root.picked = alone and not self.tainted and all(words.say(written(v)) for v in flat(list(args.values())))
        if isinstance(answer, list):
            # "The channel with the most users": how long the answers are says which argument is meant.
            self._lists[tool][tuple(sorted(written(v) for v in flat(list(args.values()))))] = len(answer)
        self._walk(answer, rule.labels, root, "")
        self._close(root)

    def taint(self, text: str, tool: str) -> None:
        """Remember a text that others wrote and no tool of ours gave, such as a document."""
        self._others(text, Record(self.calls, tool, None, directory=False))

    def _others(self, text: str, record: Record) -> None:
        folded = written(text)
        self._free.append((text, folded, record))
        self._joined = None
        for token in folded.split():
            self._in[token.strip(_AROUND)] = self._in[token.rpartition("://")[2].strip(_AROUND)] = record.tool
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
                if inner.depth > DEEPEST:
                    self.tainted = True
                    continue
                opened.append(inner)
                self._keys(value, labels, inner)
                stack += [
                    (v, labels.key(str(k)) if labels is not None else None, inner, str(k), value)
                    for k, v in reversed(value.items())
                ]
            elif isinstance(value, list):
                below = labels.items if labels is not None else None
                for item in reversed(value):
                    owner = record
                    if below is not None and below.marks and not isinstance(item, dict | list):
                        # A name in a list stands for a thing of its own, such as a channel.
                        owner = Record(record.call, record.tool, record, directory=record.directory)
                        opened.append(owner)
                    stack.append((item, below, owner, key, beside))
            else:
                self._left -= 1
                self._leaf(value, labels, record, key, beside)
        if stack:
            self.tainted = True
        for inner in reversed(opened):
            self._close(inner)
        self._answers.append([r for r in opened if r.fields])
        self._firsts.clear()

    def _keys(self, value: dict[Any, Any], labels: Labels | None, record: Record) -> None:
        """Remember the keys of an object: names that the system gave where any key is labelled, else texts if long."""
        named = labels is not None and "*" in labels.below
        for key in map(str, value):
            if not _KEY.match(key):
                self._others(key, record)  # a key that reads like a text is one
            elif named:
                self._know(key, record)

    def _leaf(self, value: Any, labels: Labels | None, record: Record, key: str, beside: dict[str, Any] | None) -> None:
        marks = labels.marks if labels is not None else 0
        if marks & NAME and isinstance(value, str) and len(value) > LONGEST_NAME:
            marks = 0  # a name as long as this is a text that others wrote, whatever field it stands in
        if labels is not None and labels.readers and beside is not None:
            may = frozenset(written(v) for v in flat(beside.get(labels.readers)))
            self.secrets.append(KeptSecret(written(value), tuple(tokens(key)), may, record.tool))
        if marks & NAME and value not in (None, ""):
            record.names.append(_title(value))
        if not marks & TRUSTED:
            if isinstance(value, str) and value.strip():
                record.free.append(value)
                self._others(value, record)
            return
        if value is None or value == "" or isinstance(value, bool):
            return
        if marks & SECRET:
            self.secrets.append(KeptSecret(written(value), tuple(tokens(key)), None, record.tool))
        if marks & CREATED and not record.led:
            self._made.add(written(value))
        if isinstance(value, str):
            self._often[record.tool, key][written(value)] += 1
        if isinstance(value, int | float):
            record.fields[key] = float(value)
        self._know(value, record)

    def _know(self, value: Any, record: Record) -> None:
        one = written(value)
        if record.led:
            return
        record.values.add(one)
        self._words.update(tokens(one))
        self._at[one].append(record)
        if isinstance(value, str) and (len(value) >= LONG or "\n" in value):
            self._long.append((one, record))
            for found in carried(value):
                self._at[found.value].append(record)

    def _close(self, record: Record) -> None:
        """Enter a record's names, now that all its values are known: the same record read twice is one."""
        key = frozenset(record.values)
        for name in record.names:
            self._titles[record.tool, name].add(key)
            if record.directory:
                for token in name:
                    self._contacts[token].add(key)

    # ---- asking ----------------------------------------------------------------------------------------------------

    def numbers(self, words: Words) -> list[float]:
        """Return the numbers in trusted fields of the records that the user speaks of; ids are none."""
        records = {r for some in self._at.values() for r in some if r.fields}
        meant = [r for r in records if self.picks(r, words, alone=False) or any(map(words.hint, r.names))]
        return sorted({v for r in meant for k, v in r.fields.items() if tokens(k.strip("_"))[-1:] != ["id"]})

    def of(self, value: str, words: Words) -> tuple[bool, bool, bool]:
        """Return whether a value stands in a trusted field, in one of a record that is picked out, and as a made id.

        What else stands in what a call made was said by whoever made the call, and not by the system.
        """
        records = self._at.get(value)
        if not records:
            records = [record for text, record in self._long if within(text, value)]
        named = any(self.picks(record, words) for record in records)
        return bool(records), named or (bool(records) and self._extreme(value, words)), value in self._made

    def _extreme(self, value: str, words: Words) -> bool:
        """Say whether a trusted value is what the most, or the least, belongs to, where the user asked for that.

        Either the answer of a call with this argument is longer (shorter) than that of any other call of the tool, or
        the value stands in more (fewer) records than any other of its field.
        """
        for wanted, sign in ((words.most, 1), (words.least, -1)):
            if not wanted:
                continue
            counts = [{k[0]: n for k, n in some.items() if len(k) == 1} for some in self._lists.values()]
            counts += [dict(some) for some in self._often.values()]
            for some in counts:
                if value in some and len(some) > 1:
                    best = max(sign * n for n in some.values())
                    if [k for k, n in some.items() if sign * n == best] == [value]:
                        return True
        return False

    def knows(self, token: str) -> bool:
        """Say whether a word stands in a trusted field."""
        return token in self._words

    def quoted(self, value: str, words: Words, tool: str) -> bool:
        """Say whether a value stands in the free text of a record that the user's words pick out.

        What the same tool gave does not count: a page may not say which page is read next.
        """
        return value in self._all() and any(
            record.tool != tool and within(folded, value) and self.picks(record, words, alone=False)
            for _, folded, record in self._free
        )

    def _all(self) -> str:
        if self._joined is None:
            self._joined = "\0".join(folded for _, folded, _ in self._free)
        return self._joined

    def picks(self, record: Record | None, words: Words, *, alone: bool = True) -> bool:
        """Say whether the user's words pick out a record, or one that it lies in, by its name.

        Args:
            alone: no other record of the same tool may have that name.
        """
        while record is not None:
            if record.picked:
                return True
            for name in record.names:
                said = words.name(name) or words.counts(name)
                if said and (not alone or len(self._titles[record.tool, name]) == 1):
                    return True
                if words.nearly(name) and (not alone or self._nearest(record.tool, words)):
                    return True
                if record.directory and (words.everyone or (words.hint(name) and self._only(name, words))):
                    return True
            if (words.most and record in self._ends(max)) or (words.least and record in self._ends(min)):
                return True
            record = record.parent
        return False

    def _ends(self, end: Callable[..., float]) -> set[Record]:
        """Return the records that are first of their answer by a number they have: the largest file, say.

        It is counted again and not taken from the model. Where two share the place, neither has it.
        """
        found = self._firsts.get(end.__name__)
        if found is None:
            found = self._firsts[end.__name__] = set()
            for records in self._answers:
                for key in {k for r in records for k in r.fields}:
                    having = [r for r in records if key in r.fields]
                    best = end(r.fields[key] for r in having)
                    first = [r for r in having if r.fields[key] == best]
                    if len(having) > 1 and len(first) == 1:
                        found.add(first[0])
        return found

    def _nearest(self, tool: str, words: Words) -> bool:
        """Say whether the user's words come near one record of a tool and to no other."""
        near = [keys for (of, name), keys in self._titles.items() if of == tool and words.nearly(name)]
        return len(near) == 1 and len(near[0]) == 1

    def _only(self, name: Iterable[str], words: Words) -> bool:
        """Say whether the words of a contact's name that the user said belong to no other contact."""
        said = [token for token in name if words.hint((token,))]
        return len(set.intersection(*(self._contacts[token] for token in said))) == 1

    def seen(self, value: str) -> str:
        """Return in which tool's untrusted text a value was read last; "" where it was not.

        It explains and decides nothing. A value of one word is looked up among the words of all texts, so that it costs
        the same after any number of calls; inside another word it is not found.
        """
        if " " not in value:
            return self._in.get(value, "")
        return next((record.tool for _, folded, record in reversed(self._free) if value in folded), "")

    @property
    def untrusted(self) -> list[tuple[str, str]]:
        """What others may have written: text and the tool that gave it."""
        return [(text, record.tool) for text, _, record in self._free]


def _title(value: Any) -> tuple[str, ...]:
    """Return a name as words; of a file's, the ending is left out, since people do not say it.

    >>> _title("grocery-list.docx"), _title(10.0)
    (('grocery', 'list'), ('10',))
    """
    text = written(value)
    return tuple(tokens(_ENDING.sub("", text) or text))
