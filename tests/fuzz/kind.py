"""One kind of input: what reads it, what must hold of the reading, and where its corpus lies."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from random import Random
from typing import Any, Literal, Protocol

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"

Came = Literal["refused", "accepted"]


class Reader(Protocol):
    """A file of `kinds`: its name is the kind's, and the corpus's folder."""

    def prepare(self, folder: Path) -> Any:
        """Make what reading needs, once, in an empty folder."""

    def feed(self, data: bytes, ready: Any) -> Came:
        """Read one input.

        Returns:
            Whether it was taken, or refused with an error of ours.

        Raises:
            Exception: anything else: a fault. An assertion that fails is one, too: something was let through.
        """


def names() -> tuple[str, ...]:
    """Return every kind."""
    return tuple(sorted(path.stem for path in (HERE / "kinds").glob("[a-z]*.py")))


def reader(name: str) -> Any:
    """Return the reader of a kind, a `Reader`."""
    for folder in (HERE / "kinds", HERE.parents[1] / "bench" / "hostile_cases"):
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    # By its file: a kind may have the name of a module of Python's own.
    spec = spec_from_file_location(f"fuzz_kind_{name}", HERE / "kinds" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def corpus(name: str) -> list[bytes]:
    """Return a kind's corpus, by file name."""
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]


def example(name: str, seed: int, number: int) -> Random:
    """Return the source of chance of one example: the same for the same kind, seed and number."""
    return Random(f"{seed}:{name}:{number}")
