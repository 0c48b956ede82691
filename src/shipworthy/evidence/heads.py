"""An audit log that a verifier holds: is it the one of a pack, and does it know of a newer decision?

It may be a copy of the lines (``audit-log.jsonl``), the control state of a workspace (SQLite), or another pack, whose
log is taken once that pack verifies. Standard library only: the stand-alone verifier uses it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.store import chain

MEMBER = "audit-log.jsonl"
_string = json.JSONEncoder(ensure_ascii=False).encode
_PREFIX = b'{"hash":"'


class HeadEntry(NamedTuple):
    """One entry: its place, what happened, and the head of the chain at it, ``sha256:…``."""

    number: int
    at: str
    kind: str
    body: dict[str, Any]
    head: str


def read_log(path: Path, unpack: Callable[[bytes], bytes]) -> list[HeadEntry]:
    """Read an audit log and check its chain.

    Args:
        unpack: returns the lines of a pack's audit log, once it has verified the pack.

    Raises:
        UsageError: the file cannot be read.
        IntegrityError: it is no audit log, or its chain is broken.
    """
    try:
        with path.open("rb") as file:
            start = file.read(16)
        if start == b"SQLite format 3\0":
            return list(_from_database(path))
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the audit log {path}: {error.strerror}") from error
    return list(from_lines(unpack(data) if start[:2] == b"PK" else data, str(path)))


def from_lines(data: bytes, name: str) -> Iterator[HeadEntry]:
    """Yield the entries of chained lines, as they stand in a pack.

    Raises:
        IntegrityError: names the first line that is not what was written.
    """
    head = chain.origin(b"audit")
    if not data.endswith(b"\n"):
        raise IntegrityError(f"{name}: no audit log, or its last line is cut off")
    for number, line in enumerate(data.split(b"\n")[:-1], 1):
        body = line[75:].removeprefix(b'"entry":')[:-1]
        head = chain.link(head, body)
        if line != _PREFIX + head.hex().encode() + b'","entry":' + body + b"}":
            raise IntegrityError(f"{name}:{number}: this line, or the order of lines, is not what was written")
        yield _entry(body, number, head, name)


def _from_database(path: Path) -> Iterator[HeadEntry]:
    head = chain.origin(b"audit")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT number, at, kind, body, hash FROM audit ORDER BY number").fetchall()
    except sqlite3.Error as error:
        raise IntegrityError(f"{path}: no control state with an audit log ({error})") from None
    for place, (number, at, kind, body, hash) in enumerate(rows, 1):
        try:
            payload = f'{{"at":{_string(at)},"body":{body},"kind":{_string(kind)},"number":{number}}}'.encode()
        except (TypeError, ValueError):
            payload = b""
        head = chain.link(head, payload)
        if head.hex() != hash:
            raise IntegrityError(f"{path}: entry {place} is not what was written")
        yield _entry(payload, place, head, str(path))


def _entry(payload: bytes, number: int, head: bytes, name: str) -> HeadEntry:
    try:
        value = json.loads(payload)
        made = HeadEntry(value["number"], value["at"], value["kind"], value["body"], chain.head_text(head))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise IntegrityError(f"{name}: entry {number} is no entry of an audit log") from None
    if made.number != number or not isinstance(made.body, dict):
        raise IntegrityError(f"{name}: entry {number} is no entry of an audit log, or out of order")
    return made


def disagreement(packed: Sequence[HeadEntry], held: Sequence[HeadEntry]) -> str:
    """Return where two logs are no longer one history, in words; empty where one begins with the other."""
    for mine, theirs in zip(packed, held, strict=False):
        if mine.head != theirs.head:
            return f"they differ from entry {mine.number} on"
    return ""


def newer(packed: Sequence[HeadEntry], held: Sequence[HeadEntry], system: str) -> HeadEntry | None:
    """Return the newest decision on a system that a longer log holds after a pack's last entry; None where none is."""
    later = [e for e in held[len(packed) :] if e.kind == "decision.made" and e.body.get("system") == system]
    return later[-1] if later else None
