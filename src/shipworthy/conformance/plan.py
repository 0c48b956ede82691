"""Which cells are asked: chosen by a few words, so that whoever reads a certificate can make the same list again.

Standard library only: the stand-alone verifier uses it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, NamedTuple

from shipworthy.conformance.cells import SOURCES, MatrixCell, Route, asking_cells, cells

Mode = Literal["enforce", "shadow", "failing"]
MODES: tuple[Mode, ...] = Mode.__args__  # type: ignore[attr-defined]

_QUICK = {"characters", "whole"}


class Matrix(NamedTuple):
    """What is asked of a gateway.

    Attributes:
        entities: what the marks are.
        quick: one cut a form, no second spelling and no more than two choices' worth of cells: for a first look.
        mode: ``enforce``: marks must be stopped; ``shadow``: not a letter may differ; ``failing``: the gateway's
            analyser is down, and marks must be stopped all the same.
        seed: that the marks are drawn by.
        words: marks of the entity ``word``; not in the certificate.
        claims: sources that the gateway is said to look at, whatever the probes find.
    """

    routes: tuple[Route, ...]
    entities: tuple[str, ...]
    quick: bool
    mode: Mode
    seed: str
    words: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()

    def cells(self) -> list[MatrixCell]:
        """Return controls, probes and cells, in the order that they are asked, each with a number of its own."""
        shapes = [c for c in (*cells(self.routes), *asking_cells(self.routes)) if not self.quick or _is_quick(c)]
        made: list[MatrixCell] = []
        if self.mode != "failing":
            made += [cell._replace(role="control") for cell in shapes]
        if self.mode == "enforce":
            first = [c for c in shapes if _is_simple(c)]
            made += [cell._replace(role="probe", entity=entity) for entity in self.entities for cell in first]
        made += [cell._replace(entity=entity) for entity in self.entities for cell in shapes]
        return [c._replace(number=n, seed=self.seed, words=self.words) for n, c in enumerate(made, 1)]


def _is_quick(cell: MatrixCell) -> bool:
    if _is_simple(cell):
        return True
    cut = "characters" if cell.ask and not cell.in_request else "whole"
    return cell.cut == cut and cell.wide is cell.in_request and cell.choices == 1 and cell.ask == cell.streams


def _is_simple(cell: MatrixCell) -> bool:
    """Say whether it is the simplest cell of its source and route: a whole answer, one choice, plain letters."""
    first = SOURCES[cell.source][0]
    plain = cell.cut == "whole" and cell.choices == 1 and not cell.wide
    return cell.place == first and plain and not cell.ask and not cell.streams


def told(cell: MatrixCell) -> dict[str, Any]:
    """Return what a certificate says of a cell before it is asked; its mark is drawn from seed and number."""
    return {
        "number": cell.number,
        "role": cell.role,
        "route": cell.route,
        "source": cell.source,
        "place": cell.place,
        "cut": cell.cut,
        "choices": cell.choices,
        "wide": cell.wide,
        "asked": cell.form,
        "upstream": "stream" if cell.streams else "whole",
        "entity": "" if cell.role == "control" else cell.entity,
    }


def cells_digest(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return ``sha256:…`` of what was asked, outcomes left out."""
    names = ("number", "role", "route", "source", "place", "cut", "choices", "wide", "asked", "upstream", "entity")
    lines = [json.dumps([row[name] for name in names], separators=(",", ":")) for row in rows]
    return "sha256:" + sha256("\n".join(lines).encode()).hexdigest()


def kit_digest() -> str:
    """Return ``sha256:…`` of the kit's own sources: another stub, matrix or reader is another kit.

    The stand-alone verifier has not all of them: `evidence.bundle` writes down beside this module what it would be.
    """
    if known := globals().get("__kit__"):
        return str(known)
    state = sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        state.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return "sha256:" + state.hexdigest()
