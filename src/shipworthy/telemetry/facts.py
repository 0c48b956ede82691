"""Reading facts: one view over all segments and over what is in journals still, in SQL. For whoever counts.

``facts`` has the columns of `TelemetryFact` (times as TIMESTAMP, trace, span and parent as BLOB) and ``day``, a DATE
in UTC. No words of a conversation are in it, so nobody needs a right to content to read it, and no look is entered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np

from shipworthy.core.errors import UsageError
from shipworthy.core.extras import require
from shipworthy.telemetry import journal
from shipworthy.telemetry.fact import COLUMNS, TelemetryFact
from shipworthy.telemetry.segment import COUNTED, FACTS, JOURNAL, PARQUET, connect, counts_in, quoted, segments


class SessionCounts(msgspec.Struct, frozen=True, array_like=True):
    """Sessions of a group of facts: in all, and with a hit. `day` is in days since 1970."""

    day: int
    feature: str
    severity: int
    session: int
    violation: int
    pii: int
    refusal: int


_decoder = msgspec.json.Decoder(TelemetryFact)
_counts = msgspec.json.Decoder(list[SessionCounts])
_DAY_US = 86_400 * 1_000_000
_TYPES: dict[str, Any] = {
    "BIGINT": np.int64, "UBIGINT": np.uint64, "UINTEGER": np.uint32, "UTINYINT": np.uint8, "DOUBLE": np.float64,
    "BOOLEAN": np.bool_, "VARCHAR": object,
}  # fmt: skip


class FactView:
    """The facts of a store as they are now; what arrives later is not seen.

    Args:
        directory: of the store.
        pending: also read what is in journals: everything that is acknowledged.
        threads: that a query may take.

    Raises:
        UsageError: there is no store.
    """

    def __init__(self, directory: Path, *, pending: bool = True, threads: int = 2) -> None:
        if not (directory / FACTS).is_dir():
            raise UsageError(f"{directory} is no store of telemetry: `shipworthy serve` makes one")
        self.directory, self._threads = directory, threads
        self._opened: Any = None
        journals = sorted((directory / JOURNAL).glob(f"*{journal.SUFFIX}")) if pending else []
        # The journals are read before the segments are listed: one that becomes a segment meanwhile is in either.
        read: dict[str, bytes] = {}
        for path in journals:
            try:
                read[path.name.removesuffix(journal.SUFFIX)] = b"".join(frame.facts for frame in journal.read(path))
            except FileNotFoundError:
                continue
        names = segments(directory)
        known = set(names)
        lines = b"".join(data for name, data in read.items() if name not in known)
        self._pending = [_decoder.decode(line) for line in lines.splitlines()]
        self._files = [str(directory / FACTS / (name + PARQUET)) for name in names]

    def query(self, sql: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """Return the rows of a query on the view ``facts``.

        Raises:
            UsageError: it is no query that DuckDB takes.
        """
        duckdb = require("duckdb", extra="serve")
        try:
            rows: list[tuple[Any, ...]] = self._connection.execute(sql, parameters or []).fetchall()
        except duckdb.Error as error:
            raise UsageError(f"the query cannot be answered: {str(error).partition(chr(10))[0]}") from None
        return rows

    def numbers(self, sql: str) -> Any:
        """Return the one column of a query as a numpy array. Errors as for `query`."""
        duckdb = require("duckdb", extra="serve")
        try:
            (column,) = self._connection.execute(sql).fetchnumpy().values()
        except duckdb.Error as error:
            raise UsageError(f"the query cannot be answered: {str(error).partition(chr(10))[0]}") from None
        return column

    def counts(self) -> list[SessionCounts]:
        """Return the sessions counted by day, feature and severity: several rows of one group, which add up.

        Read from the end of each segment's file, without DuckDB; from rows only where a file has none.
        """
        found: list[SessionCounts] = []
        bare = []
        for file in self._files:
            held = counts_in(Path(file))
            if held is None:
                bare.append(file)
            else:
                found += _counts.decode(held)
        if bare:
            files = ", ".join(map(quoted, bare))
            rows = self.query(f"SELECT {COUNTED} FROM read_parquet([{files}]) GROUP BY ALL")
            found += [SessionCounts(*row) for row in rows]
        return found + _counted(self._pending)

    def close(self) -> None:
        """Let go of it."""
        if self._opened is not None:
            self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _connection(self) -> Any:
        """The database with the view ``facts``, opened when it is first asked."""
        if self._opened is None:
            made = connect(self.directory, threads=self._threads)
            try:
                self._prepare(made)
            except BaseException:
                made.close()
                raise
            self._opened = made
        return self._opened

    def _prepare(self, made: Any) -> None:
        columns = ", ".join(f'"{column}" {kind}' for column, (kind, _) in COLUMNS.items())
        made.execute(f"CREATE TABLE raw ({columns})")
        if self._pending:
            _load(made, self._pending)
        chosen = ", ".join(f'{expression} AS "{column}"' for column, (_, expression) in COLUMNS.items())
        parts = [f"SELECT {chosen} FROM raw"] if self._pending or not self._files else []
        if self._files:
            named = ", ".join(f'"{column}"' for column in COLUMNS)
            parts.append(f"SELECT {named} FROM read_parquet([{', '.join(map(quoted, self._files))}])")
        made.execute(f"CREATE VIEW facts AS SELECT *, time::DATE AS day FROM ({' UNION ALL BY NAME '.join(parts)})")


def _load(made: Any, rows: Sequence[TelemetryFact]) -> None:
    """Fill the table of what is no segment yet, without a file."""
    arrays = {
        column: np.array([getattr(row, column) for row in rows], _TYPES[kind]) for column, (kind, _) in COLUMNS.items()
    }
    made.register("pending", arrays)
    named = ", ".join(f'"{column}"' for column in COLUMNS)
    made.execute(f"INSERT INTO raw SELECT {named} FROM pending")
    made.unregister("pending")


def _counted(rows: Iterable[TelemetryFact]) -> list[SessionCounts]:
    """Count the sessions of facts that are in no segment yet."""
    found: dict[tuple[int, str, int], list[int]] = {}
    for row in rows:
        counts = found.setdefault((row.time // _DAY_US, row.feature, row.severity), [0, 0, 0, 0])
        counts[0] += row.new_session
        counts[1] += row.new_violation
        counts[2] += row.new_pii
        counts[3] += row.new_refusal
    return [SessionCounts(*group, *counts) for group, counts in found.items()]
