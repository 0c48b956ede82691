"""Signals as CSV: a row each, with a header that names the fields."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    found = []
    try:
        for name in reader.fieldnames or ():
            if name not in COLUMNS:
                raise UsageError(f"{path}:1: there is no column {name!r}: {did_you_mean(name, COLUMNS)}")
        if "title" not in (reader.fieldnames or ()):
            raise UsageError(f"{path}:1: there is no column 'title', which says what was seen")
        for number, row in enumerate(reader, 1):
            if None in row or None in row.values():
                raise UsageError(f"{path}:{reader.line_num}: a row with other columns than the header")
            given: dict[str, Any] = {name: value.strip() for name, value in row.items() if value.strip()}
            given = {"at": now, "kind": "user_report", **given}
            given["source_id"] = given.pop("id", f"row {number}")
            given["refs"] = given.get("refs", "").split()
            try:
                found.append(make_signal(system=system, source=source or f"csv:{path.name}", secrets=secrets, **given))
            except (UsageError, TypeError) as error:
                raise UsageError(f"{path}:{reader.line_num}: {error}; nothing was taken in") from None
    except csv.Error as error:
        raise UsageError(f"{path}:{reader.line_num}: no CSV: {error}; nothing was taken in") from None
    return found
