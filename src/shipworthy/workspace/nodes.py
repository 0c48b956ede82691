"""YAML text to values that know their lines.

PyYAML's C parser makes the node tree, YAML 1.2's core schema gives the scalars (``no`` is a string, ``1.10`` remembers
how it was written), and everything that makes YAML a trap is refused with its line: duplicate keys, tags, merge keys,
keys that are not strings, numbers JSON cannot hold, recursion, and aliases that multiply.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.resolver import BaseResolver

from shipworthy.core.errors import Problem, WorkspaceError
from shipworthy.workspace.inside import check_inside
from shipworthy.workspace.scalars import written_float, written_int

try:
    from yaml.cyaml import CParser as _Parser  # type: ignore[attr-defined]
except ImportError:  # PyYAML without libyaml: slower, same nodes
    from yaml.composer import Composer
    from yaml.parser import Parser
    from yaml.reader import Reader
    from yaml.scanner import Scanner

    class _Parser(Reader, Scanner, Parser, Composer):  # type: ignore[no-redef]
        def __init__(self, stream: str) -> None:
            Reader.__init__(self, stream)
            Scanner.__init__(self)
            Parser.__init__(self)
            Composer.__init__(self)


MAX_BYTES = 16 << 20
MAX_DEPTH = 48
MAX_NODES = 400_000
"""After aliases are expanded."""
MAX_INTEGER = 2**53
"""RFC 8785 hashes numbers as IEEE doubles; above this two integers could share a digest."""

_TAG = "tag:yaml.org,2002:"
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_SURROGATE = re.compile("[\ud800-\udfff]")


class _Loader(_Parser, BaseResolver):
    """The parser with the core schema of YAML 1.2 (section 10.3.2), and no constructor: it makes nodes only."""

    def __init__(self, stream: str) -> None:
        _Parser.__init__(self, stream)
        BaseResolver.__init__(self)


def _anchored(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"^(?:{pattern})$")


for _name, _pattern, _first in (
    ("null", "~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", "true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", _INT.pattern, list("-+0123456789")),
    ("float", _FLOAT.pattern, list("-+.0123456789")),
):
    _Loader.add_implicit_resolver(_TAG + _name, _anchored(_pattern), _first)


@dataclass(frozen=True)
class YamlFile:
    """A file's value, and the line of everything in it."""

    file: Path
    value: Any
    root: Node

    def line(self, loc: Sequence[str | int] = ()) -> int:
        """Return the 1-based line of what a path of keys and indices leads to.

        Segments that lead nowhere are skipped: pydantic puts the names of union members among the keys.
        """
        node, line = self.root, _line(self.root)
        for segment in loc:
            if isinstance(node, MappingNode):
                found = next(((k, v) for k, v in node.value if k.value == segment), None)
                if found:
                    line, node = _line(found[0]), found[1]
            elif isinstance(node, SequenceNode) and isinstance(segment, int) and segment < len(node.value):
                node = node.value[segment]
                line = _line(node)
        return line

    def problem(self, loc: Sequence[str | int], message: str, hint: str = "") -> Problem:
        """Return a problem at a path."""
        return Problem(self.file, self.line(loc), message, hint)


def read_yaml(path: Path, root: Path | None = None) -> YamlFile:
    """Read one YAML file.

    Args:
        root: the folder that it must lie in, links followed; None for a file that the user named, or of ours.

    Raises:
        WorkspaceError: it leads out of the folder, cannot be read, is not UTF-8, or is not plain YAML; all the problems
            of the file.
    """
    check_inside(path, root)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise WorkspaceError([Problem(path, 0, f"the file is larger than {MAX_BYTES >> 20} MB")])
        data = path.read_bytes()
    except OSError as error:
        raise WorkspaceError([Problem(path, 0, f"cannot be read: {error.strerror}")]) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise WorkspaceError([Problem(path, line, "is not UTF-8 text", "save the file as UTF-8")]) from error
    return parse_yaml(text, path)


def parse_yaml(text: str, file: Path) -> YamlFile:
    """Parse one YAML document.

    Raises:
        WorkspaceError: with every problem that does not hide the others.
    """
    root = _compose(text, file)
    _measure(root, file, {}, set())
    problems: list[Problem] = []
    value = _construct(root, file, problems)
    if problems:
        raise WorkspaceError(sorted(set(problems), key=lambda p: p.line))
    return YamlFile(file, value, root)


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _compose(text: str, file: Path) -> Node:
    try:
        _refuse_depth(text, file)
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
        finally:
            _dispose(loader)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else 0
        raise WorkspaceError([Problem(file, line, f"a character that YAML does not allow: {error.reason}")]) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        message = ": ".join(part for part in (error.context, error.problem) if part)
        raise WorkspaceError([Problem(file, line, f"is not valid YAML: {message}")]) from error
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        raise WorkspaceError([Problem(file, 0, "is not valid YAML")]) from error
    if root is None:
        raise WorkspaceError([Problem(file, 1, "the file is empty")])
    return root


def _refuse_depth(text: str, file: Path) -> None:
    """Refuse what nests too deeply, by our own count.

    Events come first: composing is recursive C, and a hundred thousand brackets overflow its stack. A libyaml with a
    limit of its own reads ahead and may stop at its limit before the events reach ours; what stands before the place
    where it stopped is then counted alone, so that the answer never depends on the version.
    """
    try:
        _count_depth(text, file)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if mark and mark.index is not None:
            with suppress(yaml.YAMLError):  # cut short, it is seldom whole
                _count_depth(text[: mark.index], file)
        raise


def _count_depth(text: str, file: Path) -> None:
    loader, depth = _Loader(text), 0
    try:
        while (event := loader.get_event()) is not None:
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    mark = event.start_mark
                    raise WorkspaceError([_too_deep(file, mark.line + 1 if mark else 0)])
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    finally:
        _dispose(loader)


def _too_deep(file: Path, line: int) -> Problem:
    hint = "give the inner levels names of their own further out, or take levels away"
    return Problem(file, line, f"nested more than {MAX_DEPTH} levels deep", hint)


def _dispose(loader: _Loader) -> None:
    loader.dispose()


def _measure(node: Node, file: Path, sizes: dict[int, tuple[int, int]], above: set[int]) -> tuple[int, int]:
    """Return (nodes, depth) with aliases expanded, counting each node once; refuse what would explode."""
    if id(node) in sizes:
        return sizes[id(node)]
    if id(node) in above:
        raise WorkspaceError([Problem(file, _line(node), "an alias that contains itself")])
    above.add(id(node))
    size, depth = 1, 0
    children = (part for pair in node.value for part in pair) if isinstance(node, MappingNode) else node.value
    if not isinstance(node, ScalarNode):
        for child in children:
            inner, below = _measure(child, file, sizes, above)
            size, depth = size + inner, max(depth, below)
            if size > MAX_NODES:
                line = max(_line(node), _line(child))  # an alias has the line of its anchor
                raise WorkspaceError([Problem(file, line, f"more than {MAX_NODES:,} values, aliases expanded")])
    above.discard(id(node))
    if depth + 1 > MAX_DEPTH:
        raise WorkspaceError([_too_deep(file, _line(node))])
    sizes[id(node)] = size, depth + 1
    return size, depth + 1


def _construct(node: Node, file: Path, problems: list[Problem]) -> Any:
    if isinstance(node, ScalarNode):
        return _scalar(node, file, problems)
    kind = "map" if isinstance(node, MappingNode) else "seq"
    if node.tag not in (_TAG + kind, "!"):
        problems.append(Problem(file, _line(node), f"the tag {_shown(node.tag)!r} is not allowed", "write plain YAML"))
    if isinstance(node, SequenceNode):
        return [_construct(child, file, problems) for child in node.value]
    made: dict[str, Any] = {}
    first: dict[str, int] = {}
    for key, child in node.value:
        name = _key(key, file, problems)
        value = _construct(child, file, problems)
        if name is None:
            continue
        if name in made:
            problems.append(
                Problem(file, _line(key), f"the key {name!r} is written twice", f"first on line {first[name]}")
            )
            continue
        made[name], first[name] = value, _line(key)
    return made


def _key(node: Node, file: Path, problems: list[Problem]) -> str | None:
    if not isinstance(node, ScalarNode):
        problems.append(Problem(file, _line(node), "a key must be a single word or text"))
        return None
    if node.value == "<<" and not node.style:
        hint = "write the keys out, or give the whole value an anchor (&name) and an alias (*name)"
        problems.append(Problem(file, _line(node), "merge keys (<<) are not part of YAML 1.2", hint))
        return None
    if _SURROGATE.search(node.value):
        problems.append(Problem(file, _line(node), "a key that is not Unicode text"))
        return None
    return str(node.value)


def _scalar(node: ScalarNode, file: Path, problems: list[Problem]) -> Any:
    def refuse(message: str, hint: str = "") -> None:
        problems.append(Problem(file, _line(node), message, hint))

    text, kind = node.value, node.tag.removeprefix(_TAG)
    if kind == "str" or node.tag == "!":
        if _SURROGATE.search(text):
            refuse("text that is not Unicode (a lone surrogate)")
        return text
    if kind == "null" and text in ("", "~", "null", "Null", "NULL"):
        return None
    if kind == "bool" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if kind == "int" and _INT.fullmatch(text):
        number = _integer(text)
        if number is None or abs(number) > MAX_INTEGER:
            refuse(f"the number {text[:24]} is too large", 'put it in quotes if it is text: "..."')
            return 0
        return written_int(number, text)
    if kind in ("float", "int") and _FLOAT.fullmatch(text):
        value = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        if not isfinite(value):
            refuse(f"{text[:24]} is not a number that can be hashed or compared")
            return 0
        return written_float(value, text)
    if node.tag.startswith("!") or kind not in ("null", "bool", "int", "float"):
        refuse(f"the tag {_shown(node.tag)!r} is not allowed", "write plain YAML")
    else:
        refuse(f"{text[:24]!r} is no {kind}")
    return None


def _integer(text: str) -> int | None:
    if len(text) > 40:
        return None
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    return int(text, base)


def _shown(tag: str) -> str:
    return tag.replace(_TAG, "!!")[:60]
