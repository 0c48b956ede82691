"""The store of telemetry, for the one process that writes it: append, seal, sweep."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import msgspec

from shipworthy.core.errors import StoreError
from shipworthy.core.observed import Observed
from shipworthy.detect.redact import Redacted
from shipworthy.store.files import make_directory
from shipworthy.telemetry import journal
from shipworthy.telemetry.fact import TelemetryFact, fact_of
from shipworthy.telemetry.facts import FactView
from shipworthy.telemetry.journal import KeptSpan, SpanJournal
from shipworthy.telemetry.keyring import Keyring
from shipworthy.telemetry.retention import INCIDENT, ORDINARY
from shipworthy.telemetry.segment import CONTENT, FACTS, JOURNAL, clean, make_segment, new_name, segments
from shipworthy.telemetry.sessions import Row, Sessions
from shipworthy.telemetry.whose import Whose

SPANS, BYTES, AGE_S = 50_000, 128 << 20, 300.0
"""Of a journal, after which it becomes a segment: spans, bytes, and seconds since it was begun."""
WAITING_BYTES = 64 << 20
"""Bytes that may wait for the disk; beyond, senders are told to wait."""
RESERVE_BYTES = 64 << 20
"""Bytes that are left free on the disk, so that what is there can still become segments."""
_RECENT = 200_000
"""Spans that are remembered, so that one that is sent again is not counted again."""
_encode = msgspec.json.Encoder()


class Busy(StoreError):
    """Too much waits for the disk: the sender is to come again."""


class DiskFull(StoreError):
    """There is no room: nothing is taken until there is."""


class TelemetryStore:
    """One store, open for writing. Used on one event loop.

    Args:
        directory: is made, for its owner alone, if it is not there.
        master: the store's own key, 32 bytes.
        tell: is told what an operator should know; never text of a span.
        reserve: bytes to leave free, see `RESERVE_BYTES`.

    Attributes:
        severe: spans of severity S1 with a hit that are on the disk since it was opened.

    Raises:
        StoreError: it cannot be written to, or another process writes it.
    """

    def __init__(
        self,
        directory: Path,
        master: bytes,
        tell: Callable[[str], None] = lambda _: None,
        *,
        reserve: int = RESERVE_BYTES,
    ) -> None:
        self.directory, self._tell, self._reserve = directory, tell, reserve
        self._pending: list[tuple[bytes, int, asyncio.Future[None]]] = []
        self._waiting = 0
        self._writing: Future[None] | None = None
        self._scheduled = self._closed = False
        self._journal: SpanJournal | None = None
        self._began = 0.0
        self._recent: tuple[set[str], set[str]] = (set(), set())
        self.severe = 0
        self.sessions = Sessions(self._counted)
        try:
            for folder in (JOURNAL, FACTS, CONTENT):
                make_directory(directory / folder, mode=0o700)
            self._lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(f"{directory} is written by another process: one `shipworthy serve` a store") from None
        except OSError as error:
            raise StoreError(f"cannot write to {directory}: {error.strerror or error}") from error
        self.keyring = Keyring(directory, master)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="shipworthy-journal")
        self._sealer = ThreadPoolExecutor(1, thread_name_prefix="shipworthy-segment")
        clean(directory)
        self._left: list[Path] = sorted((directory / JOURNAL).glob(f"*{journal.SUFFIX}"))
        # Who was not answered when the last process was killed sends again, and it may be there.
        for path in self._left:
            self._recent[0].update(fact.trace + fact.span for fact in facts_in(path))
        self._sealing: Future[None] | None = self._sealer.submit(self._recover) if self._left else None

    # ---- appending ----

    def admit(self) -> None:
        """Say whether spans can be taken now, before any of them is read.

        Raises:
            Busy, DiskFull: they cannot.
        """
        if self._waiting > WAITING_BYTES:
            raise Busy("more telemetry waits for the disk than may")
        free = shutil.disk_usage(self.directory).free
        if free < self._reserve:
            raise DiskFull(f"less than {self._reserve >> 20} MB are free where telemetry is kept")

    async def append(self, spans: Sequence[tuple[Redacted[Observed], Whose]], received: int | None = None) -> int:
        """Append spans; returns once all of them are on the disk. Returns how many had been there before.

        Args:
            spans: what happened, redacted, and whose it is.
            received: Unix time in microseconds; now if left out.

        Raises:
            StoreError: they are not on the disk, none of them, and may be sent again.
        """
        if self._closed:
            raise StoreError("the store is closed")
        now = int(time.time() * 1e6) if received is None else received
        kept = [one for sealed, whose in spans if (one := self._kept(sealed, whose, now)) is not None]
        frame = journal.frame_of(kept) if kept else b""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        # Also for spans that were all there before: the first copy may be on its way to the disk still.
        self._pending.append((frame, len(kept), waiter))
        self._waiting += len(frame)
        if not self._scheduled and self._writing is None:
            self._scheduled = True
            loop.call_soon(self._flush, loop)
        try:
            await waiter
        finally:
            self._waiting -= len(frame)
        self.severe += sum(one.fact.severity == 1 and (one.fact.violation or one.fact.pii) for one in kept)
        return len(spans) - len(kept)

    def _kept(self, sealed: Redacted[Observed], whose: Whose, now: int) -> KeptSpan | None:
        if not isinstance(sealed, Redacted) or not isinstance(sealed.record, Observed):
            raise TypeError("a store of telemetry takes only a Redacted, made by detect.redact.seal_observed")
        observed = sealed.record
        name = observed.trace + observed.span
        if name in self._recent[0] or name in self._recent[1]:
            return None
        if len(self._recent[0]) >= _RECENT:
            self._recent = (set(), self._recent[0])
        self._recent[0].add(name)
        subject = self.keyring.subject(whose.subject or whose.session or observed.trace)
        session = self.keyring.pseudonym(whose.session or observed.trace)
        pseudonym = subject.pseudonym if whose.subject else 0
        fact = fact_of(observed, session=session, subject=pseudonym, received=now)
        body = b""
        if observed.events:
            body = _encode.encode(observed.events)
            fact.kept = INCIDENT if 0 < fact.severity <= 2 else ORDINARY
        self.sessions.mark(fact)
        return KeptSpan(fact, body, subject)

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        self._scheduled = False
        if self._writing is not None or self._closed or not self._pending:
            return
        batch, self._pending = self._pending, []
        writing = self._writing = self._thread.submit(
            self._commit, [frame for frame, _, _ in batch if frame], sum(spans for _, spans, _ in batch)
        )

        def settle() -> None:
            self._writing = None
            error = writing.exception()
            if error is not None:
                self._recent = (set(), set())
                self.sessions.forget()
            for _, _, waiter in batch:
                if not waiter.done():
                    waiter.set_exception(error) if error is not None else waiter.set_result(None)
            self._flush(loop)

        writing.add_done_callback(lambda _: loop.call_soon_threadsafe(settle))

    # ---- in the journal's thread ----

    def _commit(self, frames: list[bytes], spans: int) -> None:
        if not frames:
            return
        if self._journal is None:
            try:
                self._journal = SpanJournal(self.directory / JOURNAL / (new_name() + journal.SUFFIX), self.keyring)
            except OSError as error:
                raise StoreError(f"telemetry could not be written ({error.strerror or error})") from error
            self._began = time.monotonic()
        try:
            self._journal.commit(frames, spans)
        except StoreError:
            self._rotate()
            raise
        if self._journal.spans >= SPANS or self._journal.size >= BYTES:
            self._rotate()

    def _rotate(self) -> None:
        """Begin another journal with the next spans, and make a segment of this one."""
        if self._journal is None:
            return
        self._journal.close()
        path, self._journal = self._journal.path, None
        self._sealing = self._sealer.submit(self._seal, path)

    # ---- in the sealer's thread ----

    def _seal(self, path: Path) -> None:
        try:
            made = make_segment(self.directory, path, self.keyring)
        except OSError as error:
            self._left.append(path)
            self._tell(f"a journal is kept as it is, for now: {error}")
            return
        if made.lost:
            self._tell(f"{made.lost} spans of {made.name} are kept without content: its key was destroyed meanwhile")

    def _recover(self) -> None:
        left, self._left = self._left, []
        for path in left:
            torn = path.stat().st_size - journal.whole(path) if path.exists() else 0
            if torn:
                self._tell(f"{path.name}: the last {torn:,} bytes are torn; they were never acknowledged")
            self._seal(path)

    # ---- keeping house ----

    def tend(self) -> None:
        """Make a segment of a journal that is old enough, try again what failed, heed destroyed keys. Once a second."""
        gone = self.keyring.heed()
        if gone:
            self._tell(f"{gone} keys were destroyed, and are forgotten")
        if self._journal is not None and time.monotonic() - self._began > AGE_S:
            self._thread.submit(self._rotate)
        if self._left and (self._sealing is None or self._sealing.done()):
            self._sealing = self._sealer.submit(self._recover)

    def seal(self) -> None:
        """Make segments of all that is in journals, and wait for it. Not on the event loop."""
        self._thread.submit(self._rotate).result()
        self._sealer.submit(self._recover).result()

    def close(self) -> None:
        """Write what waits, make segments, and let go of the files."""
        if self._closed:
            return
        self._closed = True
        batch, self._pending = self._pending, []
        if batch:
            done = self._thread.submit(
                self._commit, [frame for frame, _, _ in batch if frame], sum(spans for _, spans, _ in batch)
            ).exception()
            for _, _, waiter in batch:
                if not waiter.done():
                    waiter.set_exception(done) if done is not None else waiter.set_result(None)
        self.seal()
        self._thread.shutdown()
        self._sealer.shutdown()
        self.keyring.close()
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _counted(self, day: int) -> list[Row]:
        """Return what was counted on a day."""
        if not segments(self.directory) and not any((self.directory / JOURNAL).glob(f"*{journal.SUFFIX}")):
            return []
        with FactView(self.directory, threads=1) as facts:
            return facts.query(
                "SELECT feature, session, severity, new_violation, new_pii, new_refusal FROM facts WHERE day ="
                " DATE '1970-01-01' + ?::INTEGER AND (new_session OR new_violation OR new_pii OR new_refusal)",
                [day],
            )


def facts_in(path: Path) -> list[TelemetryFact]:
    """Return the facts in a journal, in order."""
    decoder = msgspec.json.Decoder(TelemetryFact)
    return [decoder.decode(line) for frame in journal.read(path) for line in frame.facts.splitlines()]
