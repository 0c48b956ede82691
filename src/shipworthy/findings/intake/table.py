"""Signals as CSV: a row each, with a header that names the fields."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shipworthy.core.cells import CsvError, csv_rows, plain_text
from shipworthy.core.errors import UsageError, did_you_mean
from shipworthy.core.signal import Signal
from shipworthy.evals.imports.foreign import read_bytes
from shipworthy.store.signals import make_signal

COLUMNS = (
    "id", "at", "kind", "title", "text", "severity", "feature", "subject_digest", "who", "refs", "sample", "target",
    "scorer",
)  # fmt: skip
"""What a file may have; `title` it must. `refs` are apart by spaces."""


def read(path: Path, system: str, *, source: str = "", now: str, secrets: Sequence[str] = ()) -> list[Signal]:
    """Read a CSV file in UTF-8.

    A row without `id` has none that tells it from another: its number in the file is taken, so that the same file is
    taken once, and a file to which rows were added at the end, too.

    Args:
        source: where the rows come from; the file's name if empty.
        now: the moment of rows that say none.

    Raises:
        UsageError: the file cannot be read, or a row cannot be; line and column are named.
    """
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: byte {error.start} is no UTF-8; nothing was taken in") from None
    try:
        rows = list(csv_rows(text))
    except CsvError as error:
        raise UsageError(f"{path}:{error.line}: no CSV: {error}; nothing was taken in") from None
    names = [name.strip() for name in rows[0][1]] if rows else []
    for name in names:
        if name not in COLUMNS or names.count(name) > 1:
            hint = "is there twice" if name in COLUMNS else f"is none that is known: {did_you_mean(name, COLUMNS)}"
            raise UsageError(f"{path}:1: the column {name!r} {hint}")
    if "title" not in names:
        raise UsageError(f"{path}:1: there is no column 'title', which says what was seen")
    found = []
    for number, (line, cells) in enumerate(rows[1:], 1):
        if len(cells) != len(names):
            raise UsageError(
                f"{path}:{line}: {len(cells)} cells, and the header has {len(names)}; nothing was taken in"
            )
        values = {name: plain_text(cell).strip() for name, cell in zip(names, cells, strict=True)}
        given: dict[str, Any] = {"at": now, "kind": "user_report", **{k: v for k, v in values.items() if v}}
        given["source_id"] = given.pop("id", f"row {number}")
        given["refs"] = given.get("refs", "").split()
        given.setdefault("title", "")
        try:
            found.append(make_signal(system=system, source=source or f"csv:{path.name}", secrets=secrets, **given))
        except UsageError as error:
            raise UsageError(f"{path}:{line}: {error}; nothing was taken in") from None
    return found
