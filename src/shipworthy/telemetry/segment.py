"""Segments: what a journal becomes. FactView as Parquet, content as blocks, both under the journal's name.

Content is durable first, then the facts that point to it appear in one step, then the journal goes. A process that is
killed at any moment leaves a journal, a segment, or both of one name, of which the journal then counts no more.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from shipworthy.core.extras import require
from shipworthy.store.files import sync_directory, write_atomic
from shipworthy.telemetry import blocks, journal
from shipworthy.telemetry.fact import COLUMNS, TelemetryFact
from shipworthy.telemetry.keyring import Keyring, unseal

JOURNAL, FACTS, CONTENT = "journal", "facts", "content"
"""Folders of a store."""
PARQUET = ".parquet"
GONE = "gone"
"""In place of a class of content: the key was destroyed before the content came into a segment."""
COUNTS = "shipworthy_counts"
"""The name of the counts of sessions in a Parquet file's metadata."""
COUNTED = "(time::DATE - DATE '1970-01-01')::INTEGER AS day, feature, severity::INTEGER AS severity, " + ", ".join(
    f"count(*) FILTER (new_{what}) AS {what}" for what in ("session", "violation", "pii", "refusal")
)
"""Day since 1970, feature, severity; and the facts that are the first of a session, with a violation, ..., of it."""
_lines = msgspec.json.Decoder(TelemetryFact)
_encode = msgspec.json.Encoder()


class Segment(NamedTuple):
    """What became of a journal: its name, how many facts it has, and bodies whose keys were gone by then."""

    name: str
    facts: int
    lost: int


def new_name(now: float | None = None) -> str:
    """Return a name for a journal and its segment; names sort by time, and begin with it (Unix time, milliseconds)."""
    return f"{int((time.time() if now is None else now) * 1000):013d}-{os.urandom(4).hex()}"


def began(name: str) -> float:
    """Return the Unix time at which a segment of this name was begun; 0 where it says none."""
    number = name.partition("-")[0]
    return int(number) / 1000 if number.isdigit() else 0.0


def make_segment(directory: Path, path: Path, keyring: Keyring) -> Segment:
    """Make a segment of a journal that is not written to any more, and delete the journal.

    Raises:
        OSError: the disk does not take it; the journal stays.
        MissingExtra: DuckDB or zstandard is not installed.
    """
    name = path.name.removesuffix(journal.SUFFIX)
    target = directory / FACTS / (name + PARQUET)
    if target.exists():
        path.unlink()
        sync_directory(path.parent)
        return Segment(name, 0, 0)
    facts: list[TelemetryFact] = []
    bodies: dict[str, dict[int, list[tuple[int, bytes]]]] = {}
    lost = 0
    ciphers: dict[int, Any] = {}
    for frame in journal.read(path):
        first = len(facts)
        facts += [_lines.decode(line) for line in frame.facts.splitlines()]
        for group in frame.groups:
            if group.slot not in ciphers:
                ciphers[group.slot] = keyring.key(group.slot)
            if (cipher := ciphers[group.slot]) is None:
                for fact in group.facts:
                    facts[first + fact].kept = GONE
                lost += len(group.facts)
                continue
            opened = unseal(cipher, group.sealed, journal.about()).split(b"\n")
            of = bodies.setdefault(group.kept, {}).setdefault(group.slot, [])
            of += [(first + fact, body) for fact, body in zip(group.facts, opened, strict=True)]
    for kept, of_slots in bodies.items():
        file = blocks.BlockWriter(name, kept)
        for slot, pieces in of_slots.items():
            for chunk in _chunks(pieces):
                number = file.add(slot, ciphers[slot], [body for _, body in chunk])
                for place, (fact, body) in enumerate(chunk):
                    of_fact = facts[fact]
                    of_fact.content, of_fact.block, of_fact.place, of_fact.bytes = name, number, place, len(body)
        write_atomic(content_file(directory, name, kept), file.whole(), mode=0o600)
    if facts:
        write_facts(directory, name, facts)
    path.unlink()
    sync_directory(path.parent)
    return Segment(name, len(facts), lost)


def write_facts(directory: Path, name: str, facts: Sequence[TelemetryFact]) -> Path:
    """Write facts as Parquet, in one step. Errors as for `make_segment`."""
    folder = directory / FACTS
    target, lines = folder / (name + PARQUET), folder / f".{name}.jsonl"
    draft = folder / f".{name}.draft"
    connection = connect(directory)
    try:
        lines.write_bytes(_encode.encode_lines(facts))
        chosen = ", ".join(f'{expression} AS "{column}"' for column, (_, expression) in COLUMNS.items())
        copy_facts(connection, f"SELECT {chosen} FROM {_read_lines(lines)}", draft)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(target)
        sync_directory(folder)
    except require("duckdb", extra="serve").IOException as error:
        raise OSError(0, str(error).partition("\n")[0]) from error
    finally:
        connection.close()
        for left in (lines, draft):
            left.unlink(missing_ok=True)
    return target


def copy_facts(connection: Any, source: str, target: Path) -> None:
    """Write the rows of a query with the columns of facts as Parquet, with their counts of sessions in its metadata.

    The counts are what rates are made of: whoever wants those reads a few kilobytes of a file and no row.
    """
    connection.execute(f"CREATE OR REPLACE TEMP TABLE segment AS {source}")
    counts = msgspec.json.encode(connection.execute(f"SELECT {COUNTED} FROM segment GROUP BY ALL").fetchall()).decode()
    connection.execute(
        f"COPY (SELECT * FROM segment ORDER BY feature, time) TO {quoted(target)} (FORMAT parquet, COMPRESSION zstd,"
        f" ROW_GROUP_SIZE 122880, KV_METADATA {{{COUNTS}: {quoted(counts)}}})"
    )


def counts_in(path: Path) -> bytes | None:
    """Return the counts of sessions in a Parquet file's metadata, as JSON; None where it has none, or is not whole.

    They are read off the footer: a pair of strings in Thrift's compact protocol, the name and then the value. A file of
    50,000 facts is answered in a tenth of a millisecond, where opening it as Parquet takes several.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 8))
        end = file.read(8)
        if len(end) < 8 or end[4:] != b"PAR1" or (length := int.from_bytes(end[:4], "little")) > size - 8:
            return None
        file.seek(size - 8 - length)
        footer = file.read(length)
    name = COUNTS.encode()
    # Field 1, a string of so many bytes: the name. Then field 2, a string: the value.
    begin = footer.find(bytes([0x18, len(name)]) + name + b"\x18")
    if begin < 0:
        return None
    at, length, shift = begin + len(name) + 3, 0, 0
    while at < len(footer):
        byte = footer[at]
        length |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return footer[at : at + length] if at + length <= len(footer) else None
    return None


def connect(directory: Path, *, threads: int = 1) -> Any:
    """Return a DuckDB in memory that fetches nothing, and writes what does not fit beside the facts."""
    duckdb = require("duckdb", extra="serve")
    settings = {
        "threads": threads,
        "memory_limit": "1GB",
        "temp_directory": str(directory / FACTS / ".spill"),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    return duckdb.connect(config=settings)


def content_file(directory: Path, name: str, kept: str) -> Path:
    """Return where content of a segment lies."""
    return directory / CONTENT / f"{name}.{kept}{blocks.SUFFIX}"


def segments(directory: Path) -> list[str]:
    """Return the names of all segments with facts, oldest first."""
    return sorted(path.stem for path in (directory / FACTS).glob(f"*{PARQUET}") if not path.name.startswith("."))


def clean(directory: Path) -> None:
    """Delete drafts that a killed process left. All of them are redacted."""
    for folder in (FACTS, CONTENT):
        for path in (directory / folder).glob(".*"):
            if path.is_file():
                with suppress(FileNotFoundError):
                    path.unlink()


def quoted(path: Path | str) -> str:
    """Return a path as SQL writes it."""
    return "'" + str(path).replace("'", "''") + "'"


def _read_lines(path: Path) -> str:
    columns = ", ".join(f"'{column}': '{kind}'" for column, (kind, _) in COLUMNS.items())
    return f"read_json({quoted(path)}, format='newline_delimited', columns={{{columns}}})"


def _chunks(pieces: list[tuple[int, bytes]]) -> list[list[tuple[int, bytes]]]:
    chunks: list[list[tuple[int, bytes]]] = [[]]
    size = 0
    for piece in pieces:
        if chunks[-1] and size + len(piece[1]) > blocks.RAW_BYTES:
            chunks.append([])
            size = 0
        chunks[-1].append(piece)
        size += len(piece[1])
    return chunks
