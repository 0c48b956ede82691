"""Values from the events of a YAML parser, in one pass that stops at its limits.

No node tree is made: a parser that composes first has spent seconds and hundreds of megabytes before anybody can count.
Everything that makes YAML a trap is refused with its line: duplicate keys, tags, merge keys, keys that are not strings,
numbers JSON cannot hold, recursion, and aliases that multiply.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, Protocol

import yaml

from shipworthy.core.errors import Problem, WorkspaceError
from shipworthy.workspace.core_schema import TAG, Refused, is_text, scalar, shown
from shipworthy.workspace.places import ListPlace, MapPlace, Place

MAX_DEPTH = 48
MAX_PROBLEMS = 100
"""Of one file; what follows is not looked at."""


class Events(Protocol):
    """A parser that gives one event after another, and None at the end."""

    def get_event(self) -> Any: ...


@dataclass(frozen=True)
class FileLimits:
    """What a file may hold.

    Attributes:
        values: keys and values, aliases expanded.
        text: characters in them, aliases expanded.
    """

    values: int
    text: int


class _Known(NamedTuple):
    """What an anchor stands for; `text` is None of a list or mapping."""

    value: Any
    place: Place | None
    line: int
    values: int
    length: int
    height: int
    text: str | None = None


@dataclass(slots=True)
class _Open:
    """A list or mapping of which the end has not been seen."""

    value: Any
    place: Place
    anchor: str | None
    values: int
    length: int
    height: int = 0
    key: str | None = None
    key_line: int = 0
    wants_key: bool = False


class Builder:
    """Makes the value of one document, and the place of everything in it.

    Args:
        file: that is named in problems.
        limits: at which it stops.
    """

    def __init__(self, file: Path, limits: FileLimits) -> None:
        self.file, self.limits = file, limits
        self.problems: list[Problem] = []
        self._values = self._length = 0
        self._stack: list[_Open] = []
        self._known: dict[str, _Known | None] = {}
        self._root: tuple[Any, Place | int] | None = None

    def build(self, events: Events) -> tuple[Any, Place | int]:
        """Return the value and its place.

        Raises:
            WorkspaceError: it is no plain YAML, or larger than the limits; with every problem that does not hide the
                others.
            yaml.YAMLError: it is no YAML.
        """
        take = {
            yaml.ScalarEvent: self._scalar,
            yaml.SequenceStartEvent: self._start, yaml.MappingStartEvent: self._start,
            yaml.SequenceEndEvent: self._end, yaml.MappingEndEvent: self._end,
            yaml.AliasEvent: self._alias, yaml.DocumentStartEvent: self._document,
        }  # fmt: skip
        while (event := events.get_event()) is not None:
            if (taker := take.get(event.__class__)) is not None:
                taker(event)
        if self.problems:
            raise WorkspaceError(_in_order(self.problems))
        if self._root is None:
            raise WorkspaceError([Problem(self.file, 1, "the file is empty")])
        return self._root

    def _document(self, event: Any) -> None:
        if self._root is not None:
            line = event.start_mark.line + 1
            self._stop(line, "is not valid YAML: a second document begins here, and a file holds one")

    def _scalar(self, event: Any) -> None:
        line, text = event.start_mark.line + 1, event.value
        self._count(1, len(text), line)
        is_key = bool(self._stack) and self._stack[-1].wants_key
        value = None
        if not is_key or event.anchor:
            try:
                value = scalar(text, event.tag, event.implicit[0])
            except Refused as refused:
                self._problem(line, refused.message, refused.hint)
        if event.anchor:
            self._anchor(event.anchor, _Known(value, None, line, 1, len(text), 1, text), line)
        if is_key:
            self._key(text, event.tag, not event.style, line)
        else:
            self._put(value, None, line, 1)

    def _start(self, event: Any) -> None:
        line, is_map = event.start_mark.line + 1, event.__class__ is yaml.MappingStartEvent
        if len(self._stack) >= MAX_DEPTH:
            raise WorkspaceError([too_deep(self.file, line)])
        self._count(1, 0, line)
        if event.tag not in (None, "!", TAG + ("map" if is_map else "seq")):
            self._problem(line, f"the tag {shown(event.tag)!r} is not allowed", "write plain YAML")
        place: Place = MapPlace(line) if is_map else ListPlace(line)
        opened = _Open({} if is_map else [], place, event.anchor, self._values, self._length, wants_key=is_map)
        if event.anchor:
            self._anchor(event.anchor, None, line)
        if self._stack and self._stack[-1].wants_key:
            self._problem(line, "a key must be a single word or text")
        self._stack.append(opened)

    def _end(self, event: Any) -> None:
        done = self._stack.pop()
        values, length = self._values - done.values + 1, self._length - done.length
        height, line = done.height + 1, done.place.line
        if done.anchor:
            self._known[done.anchor] = _Known(done.value, done.place, line, values, length, height)
        if self._stack and self._stack[-1].wants_key:  # what was said of it stands: it is no key
            self._no_key(line)
            self._stack[-1].height = max(self._stack[-1].height, height)
            return
        self._put(done.value, done.place, line, height)

    def _alias(self, event: Any) -> None:
        line, name = event.start_mark.line + 1, event.anchor
        if name not in self._known:
            self._stop(line, f"is not valid YAML: nothing has the anchor &{name[:60]} that *{name[:60]} stands for")
        known = self._known[name]
        if known is None:
            self._stop(line, "an alias that contains itself")
        self._count(known.values, known.length, line)
        if self._stack and self._stack[-1].wants_key:
            if known.text is None:
                self._problem(line, "a key must be a single word or text")
                self._no_key(line)
            else:
                self._key(known.text, None, False, line)
            return
        if len(self._stack) + known.height > MAX_DEPTH:
            raise WorkspaceError([too_deep(self.file, known.line)])
        # The value is shared, not copied: what is counted above is what its readers will see.
        self._put(known.value, known.place, known.line, known.height)

    def _key(self, text: str, tag: str | None, plain: bool, line: int) -> None:
        top = self._stack[-1]
        if text == "<<" and plain:
            hint = "write the keys out, or give the whole value an anchor (&name) and an alias (*name)"
            self._problem(line, "merge keys (<<) are not part of YAML 1.2", hint)
        elif tag not in (None, "!") and tag not in (f"{TAG}{kind}" for kind in ("str", "int", "float", "bool", "null")):
            self._problem(line, f"the tag {shown(str(tag))!r} is not allowed", "write plain YAML")
        elif not is_text(text):
            self._problem(line, "a key that is not Unicode text")
        elif text in top.value:
            first = top.place.lines[text]  # type: ignore[call-overload]
            self._problem(line, f"the key {text[:60]!r} is written twice", f"first on line {first}")
        else:
            top.key, top.key_line, top.wants_key = text, line, False
            return
        self._no_key(line)

    def _no_key(self, line: int) -> None:
        top = self._stack[-1]
        top.key, top.key_line, top.wants_key = None, line, False

    def _put(self, value: Any, place: Place | None, line: int, height: int) -> None:
        if not self._stack:
            self._root = value, line if place is None else place
            return
        top = self._stack[-1]
        if height > top.height:
            top.height = height
            if len(self._stack) + height > MAX_DEPTH:
                raise WorkspaceError([too_deep(self.file, line)])
        into = top.place
        if isinstance(into, ListPlace):
            if place is not None:
                into.inner = {} if into.inner is None else into.inner
                into.inner[len(top.value)] = place
            top.value.append(value)
            into.lines.append(line)
            return
        top.wants_key = True
        if top.key is not None:
            top.value[top.key] = value
            into.lines[top.key] = top.key_line
            if place is not None:
                into.inner = {} if into.inner is None else into.inner
                into.inner[top.key] = place

    def _anchor(self, name: str, known: _Known | None, line: int) -> None:
        if name in self._known:
            self._stop(line, f"is not valid YAML: the anchor &{name[:60]} is written twice")
        self._known[name] = known

    def _count(self, values: int, length: int, line: int) -> None:
        self._values += values
        self._length += length
        if self._values > self.limits.values:
            said = f"more than {self.limits.values:,} values, aliases expanded"
            self._stop(line, said, "write samples into samples.jsonl, which is read line by line")
        if self._length > self.limits.text:
            self._stop(line, f"more than {self.limits.text >> 20} million characters, aliases expanded")

    def _problem(self, line: int, message: str, hint: str = "") -> None:
        self.problems.append(Problem(self.file, line, message, hint))
        if len(self.problems) >= MAX_PROBLEMS:
            said = f"the file has {MAX_PROBLEMS} problems up to here: what follows was not read"
            raise WorkspaceError(_in_order([*self.problems, Problem(self.file, line, said)]))

    def _stop(self, line: int, message: str, hint: str = "") -> NoReturn:
        raise WorkspaceError([Problem(self.file, line, message, hint)])


def too_deep(file: Path, line: int) -> Problem:
    """Return the problem of a file that nests too deeply."""
    hint = "give the inner levels names of their own further out, or take levels away"
    return Problem(file, line, f"nested more than {MAX_DEPTH} levels deep", hint)


def _in_order(problems: list[Problem]) -> list[Problem]:
    return sorted(dict.fromkeys(problems), key=lambda problem: problem.line)
