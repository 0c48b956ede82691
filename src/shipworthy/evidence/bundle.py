"""The verifier as one file, made of the modules that it consists of: an auditor needs Python and `cryptography` for it.

There is no second verifier. The file holds the sources of `shipworthy.evidence.verify` and of whatever it imports, byte
for byte, and a loader of a page that answers for the name `shipworthy` from the file alone. The same sources give the
same bytes, so the digest of the file belongs to a version of shipworthy.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import shipworthy
from shipworthy.conformance.plan import kit_digest
from shipworthy.core.errors import StoreError

VERIFIER = "verify.py"
"""The file's name in a pack."""

MAIN = "shipworthy.evidence.verify"
_ROOT = shipworthy.__name__

_HEAD = '''#!/usr/bin/env python3
"""Verify an evidence pack of shipworthy, offline: the stand-alone verifier of shipworthy {version}.

    python3 -I verify.py PACK.zip --trust trust.json

Needs Python 3.11 or newer and the package `cryptography`; shipworthy need not be there, and is not used if it is.

Take this file from a source that you trust, never from the pack in question: whoever can forge a pack can put another
verifier into it. `shipworthy evidence verifier` prints the digest that it has in that version (`sha256sum verify.py`).

What follows are {count} modules of shipworthy {version}, each as in its sources, to the byte, and each after the ones
that it imports; the loader is above them, the last line runs `{main}`.
"""

import sys


def fail(why):
    sys.stderr.write("error: " + why + "\\n")
    sys.exit(2)


# The folder of this file may be an unpacked pack: nothing is imported from there.
if __name__ == "__main__" and sys.path and not getattr(sys.flags, "safe_path", False):
    del sys.path[0]
if sys.version_info < (3, 11):
    fail("the verifier needs Python 3.11 or newer")
if "{root}" in sys.modules:
    fail("run this file as a program of its own: in this process {root} has been imported already")

from importlib.machinery import ModuleSpec
from importlib.util import find_spec

SOURCES = {{}}
KIT = "{kit}"  # digest of the sources of the conformance kit, which are not all in here


class Inside:
    """Answers for every module of shipworthy from this file, and from nowhere else."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] != "{root}":
            return None
        if name not in SOURCES:
            raise ModuleNotFoundError(name + " is not part of the stand-alone verifier", name=name)
        folder = any(other.startswith(name + ".") for other in SOURCES)
        return ModuleSpec(name, self, origin=__file__ + ": " + name, is_package=folder)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        source = SOURCES[module.__name__]
        module.__dict__["__kit__"] = KIT
        exec(compile(source, module.__spec__.origin, "exec", dont_inherit=True), module.__dict__)

    def get_source(self, name):
        return SOURCES[name]


def main():
    if find_spec("cryptography") is None:
        fail("the verifier needs the package `cryptography`: pip install cryptography")
    sys.meta_path.insert(0, Inside())
    from {main} import main as verify

    return verify(sys.argv[1:])

'''

_SECTION = """
# {rule}
# {name}
# {rule}
SOURCES["{name}"] = r'''{source}'''
"""

_TAIL = """
if __name__ == "__main__":
    sys.exit(main())
"""


class Module(NamedTuple):
    """A module of shipworthy that the verifier consists of: its name and its source."""

    name: str
    source: str


@cache
def bundle() -> bytes:
    """Return the stand-alone verifier of this version of shipworthy, as the bytes of a Python program.

    Raises:
        StoreError: the sources of shipworthy are not there, or not such as the file can hold.
    """
    found = modules()
    text = _HEAD.format(version=shipworthy.__version__, count=len(found), main=MAIN, root=_ROOT, kit=kit_digest())
    for one in found:
        if "'''" in one.source or one.source.endswith(("\\", "'")) or "\r" in one.source:
            raise StoreError(f"the source of {one.name} cannot stand in a raw string, so no verifier is made of it")
        text += _SECTION.format(rule="-" * 118, name=one.name, source=one.source)
    return (text + _TAIL).encode()


def modules() -> list[Module]:
    """Return what the verifier consists of, each module after those that it imports at its head.

    Raises:
        StoreError: a source is not there.
    """
    found: dict[str, Module] = {}
    todo: list[str] = []

    def add(name: str, above: tuple[str, ...]) -> None:
        if name in found or name in above:
            return
        if parent := name.rpartition(".")[0]:
            add(parent, (*above, name))
        source = _source(name)
        tree = ast.parse(source)
        for other in _imports(tree, later=False):
            add(other, (*above, name))
        found[name] = Module(name, source)
        todo.extend(_imports(tree, later=True))

    add(MAIN, ())
    while todo:
        add(todo.pop(0), ())
    return list(found.values())


def _source(name: str) -> str:
    path = _path(name)
    try:
        if path is None:
            raise FileNotFoundError
        return path.read_bytes().decode("utf-8")
    except OSError:
        raise StoreError(
            f"the source of {name} is not installed, and the stand-alone verifier is made of it: install shipworthy "
            "from its wheel or its sources"
        ) from None


def _path(name: str) -> Path | None:
    """Return where the source of a module is; None where there is none of that name."""
    place = Path(*Path(shipworthy.__file__).parent.parts[:-1], *name.split("."))
    return next((p for p in (place / "__init__.py", place.with_suffix(".py")) if p.is_file()), None)


def _imports(tree: ast.AST, *, later: bool) -> Iterator[str]:
    """Yield the modules of shipworthy that a source imports.

    An import inside a `try` that takes an `ImportError` is one that the verifier does without, and one under
    `TYPE_CHECKING` is none.

    Args:
        later: those in functions, imported when they are called; otherwise those at the head.
    """
    for node in _statements(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            if not later:
                yield from _named(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if later:
                yield from _imports(node, later=False)
                yield from _imports(node, later=True)
        elif not _optional(node):
            yield from _imports(node, later=later)


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield what stands inside a statement and is one, or holds some: no expression imports anything."""
    for name in ("body", "orelse", "handlers", "finalbody", "cases"):
        inside = getattr(tree, name, None)
        yield from inside if isinstance(inside, list) else ()


def _named(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name.partition(".")[0] == _ROOT)
        return
    home = node.module or ""
    if home.partition(".")[0] == _ROOT:
        yield home
        yield from (name for alias in node.names if _path(name := f"{home}.{alias.name}"))


def _optional(node: ast.AST) -> bool:
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    return isinstance(node, ast.Try) and any(
        isinstance(part, ast.Name) and part.id in ("ImportError", "ModuleNotFoundError")
        for handler in node.handlers
        if handler.type is not None
        for part in ast.walk(handler.type)
    )
