"""Where the values of a YAML file stand: one line each, in a few bytes."""

from __future__ import annotations

from array import array
from collections.abc import Sequence


class ListPlace:
    """The lines of a list's values; `inner` holds the places of those that are lists or mappings."""

    __slots__ = ("inner", "line", "lines")

    def __init__(self, line: int) -> None:
        self.line, self.lines = line, array("I")
        self.inner: dict[int, Place] | None = None


class MapPlace:
    """The lines of a mapping's keys; `inner` holds the places of the values that are lists or mappings."""

    __slots__ = ("inner", "line", "lines")

    def __init__(self, line: int) -> None:
        self.line = line
        self.lines: dict[str, int] = {}
        self.inner: dict[str, Place] | None = None


Place = ListPlace | MapPlace


def line_of(root: Place | int, loc: Sequence[str | int]) -> int:
    """Return the 1-based line of what a path of keys and indices leads to.

    Segments that lead nowhere are skipped: pydantic puts the names of union members among the keys.

    Args:
        root: the place of the whole value, or only its line where it is a scalar.
    """
    here: Place | int | None = root
    line = root if isinstance(root, int) else root.line
    for segment in loc:
        if isinstance(here, MapPlace):
            if isinstance(segment, str) and segment in here.lines:
                line, here = here.lines[segment], (here.inner or {}).get(segment)
        elif isinstance(here, ListPlace) and isinstance(segment, int) and 0 <= segment < len(here.lines):
            line, here = here.lines[segment], (here.inner or {}).get(segment)
    return line
