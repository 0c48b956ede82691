"""Reading facts: one view over all segments and over what is in journals still, in SQL. For whoever counts.

``facts`` has the columns of `TelemetryFact` (times as TIMESTAMP, trace, span and parent as BLOB) and ``day``, a DATE
in UTC. No words of a conversation are in it, so nobody needs a right to content to read it, and no look is entered.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np

from shipworthy.core.errors import UsageError
from shipworthy.core.extras import require
from shipworthy.telemetry import journal
from shipworthy.telemetry.fact import COLUMNS, TelemetryFact
from shipworthy.telemetry.segment import COUNTED, COUNTS, FACTS, JOURNAL, PARQUET, connect, quoted, segments


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
        self.directory = directory
        self._connection = connect(directory, threads=threads)
        self._prepare(pending)

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

    def counts(self) -> list[SessionCounts]:
        """Return the sessions counted by day, feature and severity: several rows of one group, which add up.

        Read from the segments' metadata; from rows only where a file has none, and in journals.
        """
        found: list[SessionCounts] = []
        bare = set(self._files)
        if self._files:
            named = ", ".join(map(quoted, self._files))
            for file, value in self.query(
                f"SELECT file_name, value FROM parquet_kv_metadata([{named}]) WHERE key = ?",
                [COUNTS.encode()],
            ):
                found += _counts.decode(value)
                bare.discard(file)
        groups = [f"SELECT {COUNTED} FROM ({self._raw}) GROUP BY ALL"]
        if bare:
            files = ", ".join(map(quoted, sorted(bare)))
            groups.append(f"SELECT {COUNTED} FROM read_parquet([{files}]) GROUP BY ALL")
        for group in groups:
            found += [SessionCounts(*row) for row in self.query(group)]
        return found

    def close(self) -> None:
        """Let go of it."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _prepare(self, pending: bool) -> None:
        journals = sorted((self.directory / JOURNAL).glob(f"*{journal.SUFFIX}")) if pending else []
        lines = b""
        # The journals are read before the segments are listed: one that becomes a segment meanwhile is in either.
        read: dict[str, bytes] = {}
        for path in journals:
            try:
                read[path.name.removesuffix(journal.SUFFIX)] = b"".join(frame.facts for frame in journal.read(path))
            except FileNotFoundError:
                continue
        names = segments(self.directory)
        lines = b"".join(data for name, data in read.items() if name not in set(names))
        files = self._files = [str(self.directory / FACTS / (name + PARQUET)) for name in names]
        columns = ", ".join(f'"{column}" {kind}' for column, (kind, _) in COLUMNS.items())
        self._connection.execute(f"CREATE TABLE raw ({columns})")
        if lines:
            self._load(lines)
        chosen = ", ".join(f'{expression} AS "{column}"' for column, (_, expression) in COLUMNS.items())
        self._raw = f"SELECT {chosen} FROM raw"
        parts = [self._raw] if lines or not files else []
        if files:
            named = ", ".join(f'"{column}"' for column in COLUMNS)
            parts.append(f"SELECT {named} FROM read_parquet([{', '.join(map(quoted, files))}])")
        self._connection.execute(
            f"CREATE VIEW facts AS SELECT *, time::DATE AS day FROM ({' UNION ALL BY NAME '.join(parts)})"
        )

    def _load(self, lines: bytes) -> None:
        """Fill the table of what is no segment yet, without a file."""
        rows = [_decoder.decode(line) for line in lines.splitlines()]
        arrays = {
            column: np.array([getattr(row, column) for row in rows], _TYPES[kind])
            for column, (kind, _) in COLUMNS.items()
        }
        self._connection.register("pending", arrays)
        named = ", ".join(f'"{column}"' for column in COLUMNS)
        self._connection.execute(f"INSERT INTO raw SELECT {named} FROM pending")
        self._connection.unregister("pending")
