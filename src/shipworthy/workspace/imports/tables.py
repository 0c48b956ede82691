"""CSV and JSON lines: a header or keys, a sample a row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from shipworthy.core.cells import CsvError, csv_rows, plain_text
from shipworthy.core.errors import Problem, WorkspaceError
from shipworthy.workspace.imports.rows import ForeignRow, ImportedSuite, finished, samples_of

MOST = 256 << 20
"""Bytes of a file."""


def read_csv_suite(file: Path, fields: Mapping[str, str]) -> ImportedSuite:
    """Read a CSV file whose first line names the columns.

    Raises:
        WorkspaceError: every problem, with line and field; then nothing of the file is taken.
    """
    problems: list[Problem] = []
    rows = list(_csv_rows(text_of(file), file, problems))
    return ImportedSuite(finished(samples_of(rows, file, problems, fields, file.stem), problems))


def read_json_lines_suite(file: Path, fields: Mapping[str, str]) -> ImportedSuite:
    """Read a file of one JSON object a line.

    Raises:
        WorkspaceError: as for `read_csv_suite`.
    """
    problems: list[Problem] = []
    rows = list(json_rows(file, problems))
    return ImportedSuite(finished(samples_of(rows, file, problems, fields, file.stem), problems))


def text_of(file: Path) -> str:
    """Return a file's text, a byte-order mark taken off.

    Raises:
        WorkspaceError: it cannot be read, is too large, or is no UTF-8.
    """
    try:
        if file.stat().st_size > MOST:
            raise WorkspaceError([Problem(file, 0, f"is larger than {MOST >> 20} MB", "cut it in two")])
        return file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise WorkspaceError([Problem(file, 0, f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise WorkspaceError([Problem(file, line, "is no UTF-8 text")]) from None


def _csv_rows(text: str, file: Path, problems: list[Problem]) -> Iterator[ForeignRow]:
    header: list[str] = []
    try:
        for line, cells in csv_rows(text):
            if not header:
                header = [cell.strip() for cell in cells]
                twice = next((name for name in header if header.count(name) > 1 or not name), None)
                if twice is not None:
                    problems.append(Problem(file, line, f"field {twice!r}: a column without a name, or named twice"))
                    return
                continue
            if len(cells) != len(header):
                said = f"the line has {len(cells)} fields, and the header names {len(header)}"
                missing = f"field {header[len(cells)]!r}: missing; " if len(cells) < len(header) else ""
                problems.append(Problem(file, line, missing + said))
                continue
            yield ForeignRow(line, dict(zip(header, map(plain_text, cells), strict=True)))
    except CsvError as error:
        problems.append(Problem(file, error.line, f"is no CSV: {error}"))


def json_rows(file: Path, problems: list[Problem]) -> Iterator[ForeignRow]:
    """Yield the objects of a file of JSON lines."""
    for number, line in enumerate(text_of(file).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            problems.append(Problem(file, number, f"is not one JSON object a line: {error}"))
            continue
        if not isinstance(row, dict):
            problems.append(Problem(file, number, f"must be an object, not {type(row).__name__}"))
            continue
        yield ForeignRow(number, row)
