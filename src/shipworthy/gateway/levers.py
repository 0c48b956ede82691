"""Levers: what an operator pulls while the gateway runs. A small file, replaced in one step, that every worker sees.

A lever's word counts for the next request of every worker, and for those in flight within `WATCH_S`. A file that cannot
be read stops the gateway: whoever pulled something meant it.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from shipworthy.core.errors import StoreError
from shipworthy.gateway.config import STOP
from shipworthy.store.files import exclusive, make_directory, write_atomic

WATCH_S = 0.2
"""Seconds between two looks at the levers and at the files, in every worker."""
FILE, HISTORY = "levers.json", "levers.jsonl"


class Pulled(Struct, frozen=True):
    """One pulled lever: by whom, when (UTC, ISO 8601), and why."""

    lever: str
    by: str
    at: str
    why: str = ""


_decoder = msgspec.json.Decoder(tuple[Pulled, ...])


class Levers:
    """The levers of one gateway, as they are on the disk now.

    Args:
        state: the gateway's folder.
    """

    def __init__(self, state: Path) -> None:
        self._state, self._seen = state, (0, 0, 0)
        self._pulled: tuple[str, ...] = ()

    @property
    def pulled(self) -> tuple[str, ...]:
        """Return the names of the pulled levers, sorted; the kill switch where that cannot be told."""
        try:
            found = (self._state / FILE).stat()
            seen = found.st_mtime_ns, found.st_ino, found.st_size
        except FileNotFoundError:
            self._seen, self._pulled = (0, 0, 0), ()
            return ()
        except OSError:
            return (STOP,)
        if seen != self._seen:
            try:
                self._pulled = tuple(sorted(pulled.lever for pulled in read(self._state)))
            except StoreError:
                return (STOP,)
            self._seen = seen
        return self._pulled


def read(state: Path) -> tuple[Pulled, ...]:
    """Return what is pulled.

    Raises:
        StoreError: the file cannot be read.
    """
    try:
        found: tuple[Pulled, ...] = _decoder.decode((state / FILE).read_bytes())
        return found
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StoreError(
            f"{state / FILE} cannot be read ({error}): the gateway serves nothing while it is so"
        ) from None


def pull(state: Path, lever: str, by: str, why: str) -> None:
    """Pull a lever; one that is pulled already stays as it is."""
    _change(state, "pull", lever, by, why)


def release(state: Path, lever: str, by: str, why: str) -> None:
    """Let go of a lever."""
    _change(state, "release", lever, by, why)


def _change(state: Path, what: str, lever: str, by: str, why: str) -> None:
    make_directory(state, mode=0o700)
    with exclusive(state / "levers.lock"):
        try:
            before = read(state)
        except StoreError:
            before = (Pulled(STOP, "a file that could not be read", _now()),)
        after = tuple(pulled for pulled in before if pulled.lever != lever)
        if what == "pull":
            after = before if len(after) < len(before) else (*before, Pulled(lever, by, _now(), why))
        # Entered before it counts: a lever that nobody knows of must not be possible.
        _enter(state, {"at": _now(), "what": what, "lever": lever, "by": by, "why": why})
        write_atomic(state / FILE, msgspec.json.encode(after), mode=0o600)


def _enter(state: Path, entry: dict[str, Any]) -> None:
    file = os.open(state / HISTORY, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, msgspec.json.encode(entry) + b"\n")
        os.fsync(file)
    finally:
        os.close(file)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
