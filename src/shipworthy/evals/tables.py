"""A run's attempts as Parquet, for SQL and data frames: a cache beside the log, rebuilt whenever the log has grown."""

# Queries are put together from this file's own names and quoted paths: DuckDB binds no parameters there.
# ruff: noqa: S608

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from shipworthy.core.errors import UsageError
from shipworthy.core.extras import require
from shipworthy.core.records import Attempt
from shipworthy.evals.plan import split_try
from shipworthy.store.declare import log_paths

if TYPE_CHECKING:
    import duckdb

    from shipworthy.evals.results import Run

VERSION = 3
"""Of the columns below: part of the cache's file names."""

_ATTEMPT_KEYS = {"id": "VARCHAR", "suite": "VARCHAR", "sample": "VARCHAR", "attack": "VARCHAR", "number": "INTEGER"}
TABLES: dict[str, dict[str, str]] = {
    "attempts": {
        **_ATTEMPT_KEYS,
        "cluster": "VARCHAR",
        "try": "INTEGER",
        "seed": "BIGINT",
        "content_hash": "VARCHAR",
        "outcome": "VARCHAR",
        "severity": "VARCHAR",
        "prompt": "VARCHAR",
        "answer": "VARCHAR",
        "error": "VARCHAR",
        "guard_events": "INTEGER",
        "blocked": "BOOLEAN",
        "input_tokens": "BIGINT",
        "output_tokens": "BIGINT",
        "cost_usd": "DOUBLE",
        "computed_usd": "DOUBLE",
        "started": "TIMESTAMP",
        "seconds": "DOUBLE",
        "guard_seconds": "DOUBLE",
        "calls": "INTEGER",
        "cached_calls": "INTEGER",
    },
    "scores": {
        **_ATTEMPT_KEYS,
        "cluster": "VARCHAR",
        "outcome": "VARCHAR",
        "metric": "VARCHAR",
        "hit": "BOOLEAN",
        "value": "DOUBLE",
        "label": "VARCHAR",
        "confidence": "DOUBLE",
        "scorer": "VARCHAR",
        "reason": "VARCHAR",
    },
    "guard_events": {
        **_ATTEMPT_KEYS,
        "guard": "VARCHAR",
        "stage": "VARCHAR",
        "rule": "VARCHAR",
        "action": "VARCHAR",
        "reason": "VARCHAR",
        "shadow": "BOOLEAN",
    },
}
"""Columns and DuckDB types of the tables a run can be asked about."""

_encode = msgspec.json.Encoder().encode


def connect(run: Run, query: str) -> duckdb.DuckDBPyRelation:
    """Answer a query about a run; see `Run.sql`.

    Raises:
        UsageError: the query is wrong.
        MissingExtra: DuckDB is not installed (the extra ``sql``).
    """
    engine = require("duckdb", extra="sql")
    connection = engine.connect()
    for name, path in parquet(run).items():
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet({_quoted(path)})")
    try:
        answer: duckdb.DuckDBPyRelation = connection.sql(query)
    except engine.Error as error:
        raise UsageError(f"DuckDB: {error}") from error
    return answer


def wide(run: Run) -> duckdb.DuckDBPyRelation:
    """Return the attempts with one column a metric: Boolean of an event, a number of a value."""
    kinds = {m: run.metric(use.id, m).kind for use in run.manifest.suites for m in run.metrics(use.id)}
    joined = "".join(
        f", (SELECT {'bool_or(s.hit)' if kind == 'event' else 'any_value(s.value)'} FROM scores s "
        f"WHERE s.id = a.id AND s.metric = {_quoted(m)}) AS {_identifier(m)}"
        for m, kind in sorted(kinds.items())
        if m not in TABLES["attempts"]
    )
    return connect(run, f"SELECT a.*{joined} FROM attempts a ORDER BY a.suite, a.sample, a.attack, a.number")


def parquet(run: Run) -> dict[str, Path]:
    """Return the Parquet file of every table, writing them first where the log has grown since.

    Raises:
        IntegrityError: the log is not what was written.
    """
    folder = run.directory / "parquet"
    size = sum(path.stat().st_size for path in log_paths(run.directory, run.manifest))
    paths = {name: folder / f"{name}-v{VERSION}-{size}.parquet" for name in TABLES}
    if not all(path.exists() for path in paths.values()):
        folder.mkdir(exist_ok=True)
        old = set(folder.glob("*.parquet")) - set(paths.values())
        _write(run, paths)
        for path in old:
            path.unlink(missing_ok=True)
    return paths


def _write(run: Run, paths: dict[str, Path]) -> None:
    engine = require("duckdb", extra="sql")
    with tempfile.TemporaryDirectory(dir=run.directory / "parquet", prefix=".") as scratch:
        lines = {name: Path(scratch) / f"{name}.jsonl" for name in TABLES}
        files = {name: path.open("wb") for name, path in lines.items()}
        try:
            for attempt in run.attempts():
                for table, row in _rows(attempt):
                    files[table].write(_encode(row) + b"\n")
        finally:
            for file in files.values():
                file.close()
        with engine.connect() as connection:
            for name, columns in TABLES.items():
                kinds = ", ".join(f"{_identifier(column)}: {_quoted(kind)}" for column, kind in columns.items())
                made = Path(scratch) / f"{name}.parquet"
                connection.execute(
                    f"COPY (SELECT * FROM read_json({_quoted(lines[name])}, format = 'newline_delimited', "
                    f"columns = {{{kinds}}}, maximum_object_size = 1073741824)) "
                    f"TO {_quoted(made)} (FORMAT parquet, COMPRESSION zstd)"
                )
                made.replace(paths[name])


def _rows(attempt: Attempt) -> Iterator[tuple[str, dict[str, Any]]]:
    _, tries = split_try(attempt.id)
    keys = {
        "id": attempt.id,
        "suite": attempt.suite,
        "sample": attempt.sample,
        "attack": attempt.attack,
        "number": attempt.number,
    }
    asked = attempt.target
    prompt = next((m.text for m in reversed(attempt.messages) if m.role == "user"), "")
    yield (
        "attempts",
        keys
        | {
            "cluster": attempt.cluster,
            "try": tries,
            "seed": attempt.seed,
            "content_hash": attempt.content_hash,
            "outcome": attempt.outcome,
            "severity": attempt.severity,
            "prompt": prompt,
            "answer": attempt.answer,
            "error": attempt.error,
            "guard_events": len(attempt.guard_events),
            "blocked": any(e.action == "block" and not e.shadow for e in attempt.guard_events),
            "input_tokens": asked.usage.input_tokens,
            "output_tokens": asked.usage.output_tokens,
            "cost_usd": asked.usage.cost_usd,
            "computed_usd": asked.usage.computed_usd,
            "started": _timestamp(attempt.started),
            "seconds": attempt.seconds,
            "guard_seconds": attempt.guard_seconds,
            "calls": asked.calls,
            "cached_calls": asked.cached,
        },
    )
    for score in attempt.scores:
        yield (
            "scores",
            keys
            | {
                "cluster": attempt.cluster,
                "outcome": attempt.outcome,
                "metric": score.metric,
                "hit": score.hit,
                "value": score.value,
                "label": score.label,
                "confidence": score.confidence,
                "scorer": score.scorer,
                "reason": score.reason,
            },
        )
    for event in attempt.guard_events:
        yield (
            "guard_events",
            keys
            | {
                "guard": event.guard,
                "stage": event.stage,
                "rule": event.rule,
                "action": event.action,
                "reason": event.reason,
                "shadow": event.shadow,
            },
        )


def _timestamp(seconds: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _quoted(text: str | Path) -> str:
    return "'" + str(text).replace("'", "''") + "'"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
