"""Paths into a tool's answer: which of its fields are worth what.

``sender`` is a key, ``[]`` any item of a list, ``*`` any key, ``$`` the whole answer; steps are joined by dots, and
``[]`` needs none: ``[].sender``, ``items[].id``, ``*.price``. A key that holds a dot is written in quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shipworthy.core.errors import PluginError
from shipworthy.workspace.policies import Returns

_STEP = re.compile(r"""\[\]|"([^"]+)"|([^.\[\]"]+)""")

TRUSTED, NAME, SECRET, CREATED = 1, 2, 4, 8


class Labels:
    """What is said of one place of an answer, and the places below it.

    Attributes:
        marks: TRUSTED, NAME, SECRET and CREATED, or-ed.
        readers: the key beside this one that lists who may read it; "" where everybody may.
        below: by key; ``[]`` for items, ``*`` for any other key.
    """

    __slots__ = ("below", "marks", "readers")

    def __init__(self) -> None:
        self.marks = 0
        self.readers = ""
        self.below: dict[str, Labels] = {}

    def at(self, path: str) -> Labels:
        """Return the place that a path leads to, made where it is not there yet."""
        place = self
        for step in steps(path):
            place = place.below.setdefault(step, Labels())
        return place

    def key(self, key: str) -> Labels | None:
        """Return what is said of a key's value."""
        return self.below.get(key) or self.below.get("*")

    @property
    def items(self) -> Labels | None:
        """What is said of a list's items."""
        return self.below.get("[]")


def steps(path: str) -> tuple[str, ...]:
    """Return the steps of a path; none for ``$``.

    >>> steps("$"), steps("[].sender"), steps('items[]."a.b"')
    ((), ('[]', 'sender'), ('items', '[]', 'a.b'))

    Raises:
        PluginError: it is no path.
    """
    if path == "$":
        return ()
    found: list[str] = []
    at = 0
    while at < len(path):
        if found and path[at] == "." and at + 1 < len(path):
            at += 1
        step = _STEP.match(path, at)
        if step is None:
            raise PluginError(f"{path!r} is no path: write keys joined by dots, [] for items, * for any key, $ for all")
        found.append(step.group(1) or step.group(2) or "[]")
        at = step.end()
    return tuple(found)


def at(value: Any, path: Sequence[str]) -> Iterator[Any]:
    """Yield what a path leads to in a value.

    >>> list(at([{"id": 1}, {"id": 2}], steps("[].id")))
    [1, 2]
    """
    if not path:
        yield value
    elif path[0] == "[]" and isinstance(value, list | tuple):
        for item in value:
            yield from at(item, path[1:])
    elif isinstance(value, dict):
        for key in value if path[0] == "*" else (path[0],):
            if key in value:
                yield from at(value[key], path[1:])


def labels_of(returns: Returns) -> Labels:
    """Compile what a rule says of its tool's answers.

    Raises:
        PluginError: a path is none.
    """
    root = Labels()
    marked: Mapping[int, tuple[str, ...]] = {
        TRUSTED: returns.trusted,
        NAME: tuple(path for path in returns.names if not path.startswith("@")),
        SECRET | TRUSTED: returns.secret,
        CREATED | TRUSTED: returns.created,
    }
    for marks, paths in marked.items():
        for path in paths:
            root.at(path).marks |= marks
    for path, beside in returns.readers.items():
        root.at(path).readers = beside
    return root
