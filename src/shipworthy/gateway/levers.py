"""Levers: what an operator pulls while the gateway runs. A small file, replaced in one step, that every worker sees.

A lever's word counts for the next request of every worker, and for those in flight within `WATCH_S`. A file that cannot
be read stops the gateway: whoever pulled something meant it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from shipworthy.core.errors import StoreError, UsageError
from shipworthy.detect.redact import redact_text
from shipworthy.gateway.config import STOP
from shipworthy.store.files import exclusive, make_directory, write_atomic

WATCH_S = 0.2
"""Seconds between two looks at the levers and at the files, in every worker."""
FILE, HISTORY = "levers.json", "levers.jsonl"


class Pulled(Struct, frozen=True, omit_defaults=True):
    """One pulled lever: by whom, when (UTC, ISO 8601), and why.

    Attributes:
        share: of the traffic that it is pulled for, in (0, 1]; `ring` of clients, empty for all. See `gateway.rollout`.
        until: when it lets go of itself, ISO 8601, UTC; empty for never.
    """

    lever: str
    by: str
    at: str
    why: str = ""
    share: Annotated[float, Meta(gt=0, le=1)] = 1.0
    ring: str = ""
    until: str = ""

    def __str__(self) -> str:
        share = f" for {self.share:g} of the traffic" if self.share < 1 else ""
        end = f" until {self.until}" if self.until else ""
        return self.lever + share + (f" of the ring {self.ring}" if self.ring else "") + end

    def over(self, now: datetime) -> bool:
        """Say whether it has let go of itself. A time that is none never comes: what was pulled stays pulled."""
        if not self.until:
            return False
        try:
            return datetime.fromisoformat(self.until) <= now
        except (ValueError, TypeError):
            return False


UNKNOWN = (Pulled(STOP, "a file that could not be read", ""),)
"""What counts as pulled where that cannot be told."""
_decoder = msgspec.json.Decoder(tuple[Pulled, ...])


class Levers:
    """The levers of one gateway, as they are on the disk now.

    Args:
        state: the gateway's folder.
    """

    def __init__(self, state: Path) -> None:
        self._state, self._seen = state, (0, 0, 0)
        self._pulled: tuple[Pulled, ...] = ()

    @property
    def pulled(self) -> tuple[Pulled, ...]:
        """Return the pulled levers, sorted by name; the kill switch where that cannot be told."""
        try:
            found = (self._state / FILE).stat()
            seen = found.st_mtime_ns, found.st_ino, found.st_size
        except FileNotFoundError:
            self._seen, self._pulled = (0, 0, 0), ()
            return ()
        except OSError:
            return UNKNOWN
        if seen != self._seen:
            try:
                self._pulled = tuple(sorted(read(self._state), key=lambda pulled: pulled.lever))
            except StoreError:
                return UNKNOWN
            self._seen = seen
        if any(pulled.until for pulled in self._pulled):
            now = datetime.now(UTC)
            return tuple(pulled for pulled in self._pulled if not pulled.over(now))
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


def pull(
    state: Path, lever: str, by: str, why: str, *, share: float = 1.0, ring: str = "", until: datetime | None = None
) -> None:
    """Pull a lever, or pull it for more than before; one that is pulled so already stays as it is.

    Args:
        by, why: redacted before they are kept.
        share, ring: see `Pulled`.
        until: when it lets go of itself, with a time zone; never if left out.

    Raises:
        UsageError: it would be pulled for fewer or for less long than before, which is no pulling; or the kill switch
            for a part; or the end is not ahead.
    """
    if not 0 < share <= 1:
        raise UsageError("a share is above 0 and at most 1")
    if lever == STOP and (share < 1 or ring):
        raise UsageError(f"{STOP!r} is the kill switch: it is pulled for everybody")
    now = datetime.now(UTC)
    if until is not None and until <= now:
        raise UsageError("a lever is pulled until a time that is ahead")
    end = "" if until is None else until.astimezone(UTC).isoformat(timespec="milliseconds")
    with _changing(state) as before:
        wanted = Pulled(lever, redact_text(by), _now(), redact_text(why), share, ring, end)
        was = next((pulled for pulled in before if pulled.lever == lever and not pulled.over(now)), None)
        if was is not None and ((was.ring != ring and ring) or share < was.share):
            raise UsageError(f"{was} is pulled, and {wanted} would be fewer: release it first, then pull it anew")
        if was is not None and end and (not was.until or end < was.until):
            raise UsageError(f"{was} is pulled, and {wanted} would end before it: release it first, then pull it anew")
        same = was is not None and (was.share, was.ring, was.until) == (share, ring, end)
        others = tuple(pulled for pulled in before if pulled is not was and not pulled.over(now))
        _write(state, "pull", wanted, before if same else (*others, wanted))


def release(state: Path, lever: str, by: str, why: str) -> None:
    """Let go of a lever."""
    with _changing(state) as before:
        let_go = Pulled(lever, redact_text(by), _now(), redact_text(why))
        _write(state, "release", let_go, tuple(pulled for pulled in before if pulled.lever != lever))


@contextmanager
def _changing(state: Path) -> Iterator[tuple[Pulled, ...]]:
    """Yield what is pulled, while nobody else changes it."""
    make_directory(state, mode=0o700)
    with exclusive(state / "levers.lock"):
        try:
            yield read(state)
        except StoreError:
            yield UNKNOWN


def _write(state: Path, what: str, change: Pulled, after: tuple[Pulled, ...]) -> None:
    # Entered before it counts: a lever that nobody knows of must not be possible.
    _enter(state, {"what": what, **msgspec.to_builtins(change)})
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
