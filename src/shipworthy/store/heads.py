"""The heads of a run's logs, kept in the audit chain while the run is made: a log that is cut afterwards lacks one.

A sitting enters the head that its shard's log has when it begins, again and again while it goes on, and when it ends.
A head is entered after its lines are durable, so a log may be longer than the newest head says, and never shorter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from shipworthy.core.errors import IntegrityError
from shipworthy.core.ledger import DECLARED, HEAD, SITTINGS, STARTED, STOPPED
from shipworthy.store import chain
from shipworthy.store.audit import AuditLog
from shipworthy.store.entry import Entry
from shipworthy.store.known_head import KnownHead

RUN_FINISHED = "run.finished"
RUN_SEEN = "run.seen"
RUN_KINDS = (RUN_FINISHED, RUN_SEEN)

FIRST_S, MOST_S, GROWS = 0.5, 5.0, 1.5
"""A head is entered with the first batch that is durable so long after the one before: half a second at first, then
more, and never more than five seconds."""
RECORDS = 1_000
"""A head is entered after so many records, however soon."""


class Knowledge(NamedTuple):
    """What the audit chain knows of a run's logs.

    Attributes:
        declared: whether it knows of the run at all.
        heads: shard -> head ``sha256:<64 hex>`` -> who says so.
    """

    declared: bool
    heads: dict[int, dict[str, KnownHead]]


def heads_of(entry: Entry) -> Iterator[tuple[int, str, int]]:
    """Yield the shard, head and number of records that an entry of the chain gives a run's logs."""
    if entry.kind in SITTINGS:
        try:
            yield int(entry.body["shard"]), str(entry.body["head"]), int(entry.body["records"])
        except (KeyError, TypeError, ValueError):
            raise IntegrityError(f"audit log: entry {entry.number} ({entry.kind}) is not what was written") from None
    elif entry.kind in RUN_KINDS:
        for shard, head in enumerate(entry.body.get("heads", ())):
            yield shard, str(head), -1


def known(audit: AuditLog, run: str, *, verify: bool = False) -> Knowledge:
    """Return what the audit chain knows of a run's logs.

    Args:
        verify: whether to check the whole chain first.

    Raises:
        IntegrityError: the chain is not what was written.
        StoreError: it cannot be read.
    """
    if verify:
        audit.verify()
    found = audit.about(run)
    heads: dict[int, dict[str, KnownHead]] = {}
    for entry in found:
        for shard, head, records in heads_of(entry):
            heads.setdefault(shard, {})[head] = KnownHead(entry.number, records)
    return Knowledge(any(entry.kind in (DECLARED, *RUN_KINDS) for entry in found), heads)


class Witness:
    """Enters the heads of one shard's log in the audit chain. Called by the log's own thread, one call at a time.

    Args:
        url: address of the control state.
        run: its id.
        shard: of the log, from 0.
        clock: seconds, from whenever.
    """

    def __init__(self, url: str, run: str, shard: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._audit, self._run, self._shard, self._clock = AuditLog(url), run, shard, clock
        self._pause, self._last, self._records = FIRST_S, clock(), 0
        self.begun = False

    def begin(self, head: str, records: int) -> None:
        """Enter that a sitting begins.

        Args:
            head: of the log's chain over what is durable, ``sha256:<64 hex>``.
            records: lines of the log.

        Raises:
            StoreError: the control state cannot be written: no attempt may be made that it does not know of.
        """
        self._enter(STARTED, head, records)
        self.begun = True

    def durable(self, head: bytes, records: int) -> None:
        """Be told that a batch is durable; enter the head if one is due. Cheap where none is.

        Args:
            head: 32 bytes.

        Raises:
            StoreError: the control state cannot be written.
        """
        if records - self._records < RECORDS and self._clock() - self._last < self._pause:
            return
        self._enter(HEAD, chain.head_text(head), records)
        self._pause = min(MOST_S, self._pause * GROWS)

    def end(self, head: str, records: int, refused: int = 0) -> None:
        """Enter that the sitting ends, and let go of the control state.

        Args:
            refused: kept replies that were not believed, see `ReplyCache.refused`.

        Raises:
            StoreError: the control state cannot be written.
        """
        more = {"refused_replies": refused} if refused else {}
        try:
            if self.begun:
                self._enter(STOPPED, head, records, **more)
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the control state without a word. Safe to call twice."""
        self._audit.close()

    def _enter(self, kind: str, head: str, records: int, **more: int) -> None:
        body = {"run": self._run, "shard": self._shard, "records": records, "head": head, **more}
        self._audit.append(kind, body, key="run")
        self._last, self._records = self._clock(), records
