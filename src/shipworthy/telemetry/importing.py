"""Telemetry from files: OTLP as JSON lines, Parquet with our columns or a few of them, and a gateway's traffic log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple

from shipworthy.core.errors import UsageError
from shipworthy.core.events import Asked, Event, Said, Usage
from shipworthy.core.extras import require
from shipworthy.core.messages import say
from shipworthy.core.observed import Hit, Observed
from shipworthy.detect.redact import seal_observed
from shipworthy.store import traffic
from shipworthy.telemetry import otlp
from shipworthy.telemetry.dialects.common import amount, count, name_of, text_of
from shipworthy.telemetry.dialects.gateway import observed_of
from shipworthy.telemetry.read import ToldSpan, observe
from shipworthy.telemetry.segment import connect, quoted
from shipworthy.telemetry.store import TelemetryStore
from shipworthy.telemetry.there import SpansThere
from shipworthy.telemetry.whose import Whose

Form = Literal["otlp", "parquet", "traffic"]
_BATCH = 500
_HITS: tuple[Hit, ...] = ("violation", "pii", "refusal")
_KNOWN = frozenset({
    "time", "trace", "span", "parent", "service", "feature", "model", "provider", "session", "user", "severity",
    "seconds", "input_tokens", "output_tokens", "cost_usd", "input", "output", "error", *_HITS,
})  # fmt: skip


class SpansImported(NamedTuple):
    """What an import did: spans that are on the disk now, those that were there before, and those left out."""

    spans: int
    again: int
    rejected: int


def import_files(store: TelemetryStore, paths: Iterable[Path], form: Form | None = None) -> SpansImported:
    """Import files, each redacted before anything of it is written.

    Args:
        form: of all of them; told by their names if left out: ``.jsonl`` and ``.json`` are OTLP (a request a line, as a
            Collector's file exporter writes them), ``.parquet`` rows, a folder a gateway's traffic log.

    Raises:
        UsageError: a file is not what it should be; the file and the line are named. What came before it is kept.
        StoreError: it cannot be kept.
    """
    return asyncio.run(_import(store, paths, form))


async def _import(store: TelemetryStore, paths: Iterable[Path], form: Form | None) -> SpansImported:
    spans = again = rejected = 0
    there = SpansThere(store)
    for path in paths:
        found = _READ[form or form_of(path)](path)
        while batch := list(islice(found, _BATCH)):
            read = [one for one in batch if one is not None]
            rejected += len(batch) - len(read)
            told = [one for one in read if not there.add(one.observed)]
            again += len(read) - len(told)
            sealed = seal_observed([one.observed for one in told])
            if told:
                store.admit()
                again += await store.append(list(zip(sealed, [one.whose for one in told], strict=True)))
            spans += len(read)
    return SpansImported(spans - again, again, rejected)


def form_of(path: Path) -> Form:
    """Return the form of a file by its name.

    Raises:
        UsageError: its name says none.
    """
    if path.is_dir():
        return "traffic"
    suffix = path.suffix.lower()
    if suffix in (".jsonl", ".json", ".ndjson"):
        return "otlp"
    if suffix == ".parquet":
        return "parquet"
    raise UsageError(f"{path}: say what it is with --form, its name does not")


def _otlp(path: Path) -> Iterator[ToldSpan | None]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                received = otlp.read_json(line)
            except UsageError as error:
                raise UsageError(f"{path}:{number}: {error}") from None
            yield from observe(received.spans)
            yield from [None] * received.rejected


def _traffic(path: Path) -> Iterator[ToldSpan | None]:
    if not path.is_dir():
        raise UsageError(f"{path}: a traffic log is a folder, `traffic` in the gateway's own")
    for line in traffic.read(path):
        yield ToldSpan(*observed_of(line.served))


def _parquet(path: Path) -> Iterator[ToldSpan | None]:
    duckdb = require("duckdb", extra="serve")
    connection = connect(path.parent)
    try:
        found = connection.execute(f"SELECT * FROM read_parquet({quoted(path)})")
        names = [column[0] for column in found.description]
        unknown = sorted(set(names) - _KNOWN)
        if "time" not in names or unknown:
            said = f"columns that are not known: {', '.join(unknown)}" if unknown else "there is no column 'time'"
            raise UsageError(f"{path}: {said}; known are {', '.join(sorted(_KNOWN))}")
        number = 0
        while rows := found.fetchmany(_BATCH):
            for row in rows:
                number += 1
                yield _row(dict(zip(names, map(_plain, row), strict=True)), path, number)
    except duckdb.Error as error:
        raise UsageError(f"{path}: cannot be read as Parquet: {str(error).partition(chr(10))[0]}") from None
    finally:
        connection.close()


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def _row(row: dict[str, Any], path: Path, number: int) -> ToldSpan | None:
    started = _microseconds(row.get("time"))
    if started is None:
        return None
    # The same row of the same file has the same identifiers, so that it counts once however often it is imported.
    made = sha256(f"{path.name}/{number}/{started}".encode()).hexdigest()
    session, user = text_of(row.get("session")), text_of(row.get("user"))
    trace = _hex(row.get("trace"), 16) or (sha256(session.encode()).hexdigest()[:32] if session else made[:32])
    usage = Usage(count(row.get("input_tokens")), count(row.get("output_tokens")), amount(row.get("cost_usd")))
    events: list[Event] = []
    if given := text_of(row.get("input")):
        events.append(Said(1, say("user", given)))
    events.append(Asked(1, "target", usage=usage, model=name_of(row.get("model"))))
    if gave := text_of(row.get("output")):
        events.append(Said(1, say("assistant", gave), by="target"))
    severity = row.get("severity")
    severity = int(severity.removeprefix("S")) if severity in ("S1", "S2", "S3", "S4") else count(severity)
    observed = Observed(
        trace=trace,
        span=_hex(row.get("span"), 8) or made[32:48],
        parent=_hex(row.get("parent"), 8),
        dialect="parquet",
        kind="chat",
        service=name_of(row.get("service")),
        feature=name_of(row.get("feature")) or name_of(row.get("service")),
        provider=name_of(row.get("provider")),
        model=name_of(row.get("model")),
        started=started,
        ended=started + int(amount(row.get("seconds")) * 1e6),
        ending="error" if row.get("error") else "ok",
        severity=severity if severity <= 4 else 0,
        hits=tuple(hit for hit in _HITS if row.get(hit) is True),
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost_usd=usage.cost_usd,
        error=name_of(row.get("error")),
        events=tuple(events) if given or gave else (),
    )
    return ToldSpan(observed, Whose(user, session))


def _microseconds(value: Any) -> int | None:
    if isinstance(value, datetime):
        return int((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp() * 1e6)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < time.time() * 1e9 * 2:
        # Seconds, milliseconds, microseconds or nanoseconds since 1970: of one time these are far apart.
        for scale in (1e6, 1e3, 1, 1e-3):
            if 1e14 < value * scale < 1e16:
                return int(value * scale)
    return None


def _hex(value: Any, size: int) -> str:
    if isinstance(value, bytes | bytearray):
        return bytes(value).hex() if len(value) == size else ""
    text = value.lower() if isinstance(value, str) else ""
    return text if len(text) == 2 * size and set(text) <= set("0123456789abcdef") else ""


_READ = {"otlp": _otlp, "parquet": _parquet, "traffic": _traffic}
