"""YAML text to values that know their lines.

libyaml gives the events, `builder` makes the values, and both stop at their limits: what a file costs is bounded by its
size and by how many values it holds, before any of them is made.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from shipworthy.core import collector
from shipworthy.core.errors import Problem, WorkspaceError
from shipworthy.workspace.builder import MAX_DEPTH, Builder, FileLimits, too_deep
from shipworthy.workspace.core_schema import MAX_INTEGER
from shipworthy.workspace.inside import check_inside
from shipworthy.workspace.places import Place, line_of

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_INTEGER", "MAX_VALUES", "YamlFile", "parse_yaml", "read_yaml"]

try:
    from yaml.cyaml import CParser as _Loader  # type: ignore[attr-defined]

    FAST = True
except ImportError:  # PyYAML without libyaml: the same events, about sixty times slower
    from yaml.parser import Parser
    from yaml.reader import Reader
    from yaml.scanner import Scanner

    FAST = False

    class _Loader(Reader, Scanner, Parser):  # type: ignore[no-redef]
        def __init__(self, stream: str) -> None:
            Reader.__init__(self, stream)
            Scanner.__init__(self)
            Parser.__init__(self)


# A refused file costs at most 1 s and 150 MB, Python itself included: `docs/decisions/0166-*.md` has the figures.
MAX_BYTES = (8 << 20) if FAST else (128 << 10)
MAX_VALUES = 125_000 if FAST else 2_000
"""Keys and values, after aliases are expanded."""
MAX_DIRECTIVES = 16
"""libyaml compares each with all before it, and gives no event until it has seen them."""

_DIRECTIVE = re.compile("(?:^|[\n\r\x85\u2028\u2029\ufeff])%TAG[ \t]")


@dataclass(frozen=True)
class YamlFile:
    """A file's value, and the place of everything in it."""

    file: Path
    value: Any
    root: Place | int

    def line(self, loc: Sequence[str | int] = ()) -> int:
        """Return the 1-based line of what a path of keys and indices leads to, as `line_of`."""
        return line_of(self.root, loc)

    def problem(self, loc: Sequence[str | int], message: str, hint: str = "") -> Problem:
        """Return a problem at a path."""
        return Problem(self.file, self.line(loc), message, hint)


def read_yaml(path: Path, root: Path | None = None) -> YamlFile:
    """Read one YAML file.

    Args:
        root: the folder that it must lie in, links followed; None for a file that the user named, or of ours.

    Raises:
        WorkspaceError: it leads out of the folder, cannot be read, is not UTF-8, is larger than the limits, or is not
            plain YAML; all the problems of the file.
    """
    check_inside(path, root)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)  # not its size first: a file can grow
    except OSError as error:
        raise WorkspaceError([Problem(path, 0, f"cannot be read: {error.strerror}")]) from error
    if len(data) > MAX_BYTES:
        raise WorkspaceError([_too_large(path)])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise WorkspaceError([Problem(path, line, "is not UTF-8 text", "save the file as UTF-8")]) from error
    del data
    return parse_yaml(text, path)


def parse_yaml(text: str, file: Path) -> YamlFile:
    """Parse one YAML document.

    Raises:
        WorkspaceError: with every problem that does not hide the others.
    """
    if len(text) > MAX_BYTES:
        raise WorkspaceError([_too_large(file)])
    _refuse_directives(text, file)
    try:
        value, place = _build(text, file)
    except yaml.reader.ReaderError as error:
        raise WorkspaceError([_wrong_character(text, file, error)]) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        message = ": ".join(part for part in (error.context, error.problem) if part)
        raise WorkspaceError([Problem(file, line, f"is not valid YAML: {message}")]) from error
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        raise WorkspaceError([Problem(file, 0, "is not valid YAML")]) from error
    return YamlFile(file, value, place)


def _build(text: str, file: Path) -> tuple[Any, Place | int]:
    """Build the value; what nests too deeply is refused by our own count.

    A libyaml with a limit of its own reads ahead and may stop at its limit before the events reach ours; what stands
    before the place where it stopped is then counted alone, so that the answer never depends on the version.
    """
    loader = _Loader(text)
    try:
        with collector.held_back():
            return Builder(file, FileLimits(MAX_VALUES, MAX_BYTES)).build(loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if mark and mark.index is not None:
            with suppress(yaml.YAMLError):  # cut short, it is seldom whole
                _count_depth(text[: mark.index], file)
        raise
    finally:
        loader.dispose()


def _count_depth(text: str, file: Path) -> None:
    loader, depth = _Loader(text), 0
    try:
        while (event := loader.get_event()) is not None:
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    mark = event.start_mark
                    raise WorkspaceError([too_deep(file, mark.line + 1 if mark else 0)])
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    finally:
        loader.dispose()


def _too_large(file: Path) -> Problem:
    size = f"{MAX_BYTES >> 20} MB" if FAST else f"{MAX_BYTES >> 10} KB, as this PyYAML lacks libyaml"
    hint = "write samples into samples.jsonl, which is read line by line"
    return Problem(file, 0, f"the file is larger than {size}", hint)


def _refuse_directives(text: str, file: Path) -> None:
    for number, found in enumerate(_DIRECTIVE.finditer(text)):
        if number == MAX_DIRECTIVES:
            line = text.count("\n", 0, found.end()) + 1
            raise WorkspaceError(
                [Problem(file, line, f"more than {MAX_DIRECTIVES} %TAG directives", "write plain YAML")]
            )


def _wrong_character(text: str, file: Path, error: yaml.reader.ReaderError) -> Problem:
    line = 0
    if isinstance(error.position, int):
        # libyaml counts bytes, PyYAML's own reader characters.
        before = text.encode()[: error.position] if FAST else text[: error.position].encode()
        line = before.count(b"\n") + 1
    return Problem(file, line, f"a character that YAML does not allow: {error.reason}")
