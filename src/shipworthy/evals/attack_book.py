"""What a search has asked, on the disk: its queries are booked before they are made, and their records kept after.

A search is a function of its seed and of the answers. So going on with one means to run it again from its beginning:
what was answered is read, and only the rest is asked. A query that was booked and has no record was lost with a
process that died; it may have been made, so it stays spent.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from shipworthy.core.errors import IntegrityError, StoreError
from shipworthy.core.records import Attempt
from shipworthy.detect.redact import seal
from shipworthy.evals.engine import Engine
from shipworthy.evals.plan import PlanItem
from shipworthy.store.reading import RunReading
from shipworthy.store.runlog import RunLog

BOOK = "booked.jsonl"


class Booking(Struct, frozen=True):
    """Queries that are about to be made: the number of their batch, their attempts, and what they cost in all."""

    batch: int
    ids: tuple[str, ...]
    cost: int


_encode = msgspec.json.Encoder().encode
_bookings = msgspec.json.Decoder(Booking)


class Book:
    """The queries of one search, within a budget.

    Args:
        directory: of the search; its run log is there.
        engine: makes attempts.
        budget: queries, >= 1.
        content: of the suite; `secrets` what is redacted where it is private.

    Attributes:
        spent: queries booked up to where the search has come.
        asked: attempts that were made in this sitting.
    """

    def __init__(
        self,
        directory: Path,
        log: RunLog,
        engine: Engine,
        budget: int,
        *,
        content: Literal["synthetic", "private"] = "synthetic",
        secrets: Sequence[str] = (),
    ) -> None:
        self._log, self._engine, self.budget = log, engine, budget
        self._content, self._secrets = content, tuple(secrets)
        self._path = directory / BOOK
        self._known = {row.id: row.attempt() for row in RunReading(directory)} if log.attempts else {}
        self._booked: dict[int, int] = {}
        for booking in self._read():
            self._booked[booking.batch] = self._booked.get(booking.batch, 0) + booking.cost
        self._batch = self.spent = self.asked = 0

    @property
    def left(self) -> int:
        """Queries that are left."""
        return self.budget - self.spent

    async def ask(self, items: Sequence[PlanItem], costs: Sequence[int]) -> Mapping[str, Attempt]:
        """Return the attempts by id: those that are on the disk from there, the others made now.

        The caller keeps within `left`. Where queries were lost, the last ones of a budget may be missing. What is
        returned is what was written down, so that it is the same when the search is gone through again.

        Raises:
            StoreError: they cannot be booked or kept.
        """
        batch, self._batch = self._batch, self._batch + 1
        missing = [i for i, item in enumerate(items) if item.id not in self._known]
        cost = sum(costs[i] for i in missing)
        if missing and self.spent + self._booked.get(batch, 0) + cost > self.budget:
            # What was lost here is spent already: as many as the budget still has room for.
            room = self.budget - self.spent - self._booked.get(batch, 0)
            missing, cost = _fitting(missing, costs, room)
        if missing:
            self._write(Booking(batch, tuple(items[i].id for i in missing), cost))
            self._booked[batch] = self._booked.get(batch, 0) + cost
            await asyncio.gather(*(self._make(items[i]) for i in missing))
            self.asked += len(missing)
        self.spent += self._booked.get(batch, 0)
        return {item.id: self._known[item.id] for item in items if item.id in self._known}

    async def _make(self, item: PlanItem) -> None:
        attempt = await self._engine.attempt(item)
        sealed = seal(attempt, self._content, self._secrets)
        await self._log.append(sealed)
        self._known[item.id] = sealed.record

    def _read(self) -> list[Booking]:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreError(f"cannot read {self._path}: {error.strerror}") from error
        *whole, torn = data.split(b"\n")
        if torn:
            # A line that was not finished was not followed by a query.
            os.truncate(self._path, len(data) - len(torn))
        try:
            return [_bookings.decode(line) for line in whole]
        except msgspec.DecodeError as error:
            raise IntegrityError(f"{self._path}: a line is no booking of a search: {error}") from error

    def _write(self, booking: Booking) -> None:
        try:
            with self._path.open("ab") as file:
                file.write(_encode(booking) + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StoreError(f"cannot write {self._path}: {error.strerror}") from error


def _fitting(indices: Sequence[int], costs: Sequence[int], room: int) -> tuple[list[int], int]:
    chosen: list[int] = []
    spent = 0
    for i in indices:
        if spent + costs[i] <= room:
            chosen.append(i)
            spent += costs[i]
    return chosen, spent
