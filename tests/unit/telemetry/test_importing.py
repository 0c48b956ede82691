"""Files become what requests become: redacted, counted once, with the line of what is wrong."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest
from tests.unit.telemetry.conftest import MASTER, append, span
from tests.unit.telemetry.samples import CURRENT, request

from shipworthy.core.errors import UsageError
from shipworthy.core.events import Asked, GuardEvent, Said, Timing
from shipworthy.core.messages import say
from shipworthy.core.served import Served
from shipworthy.detect.redact import seal_served
from shipworthy.store.traffic import TrafficLog
from shipworthy.telemetry.facts import FactView
from shipworthy.telemetry.importing import SpansImported, import_files
from shipworthy.telemetry.store import TelemetryStore
from shipworthy.telemetry.whose import Whose


def imported(tmp_path: Path, *paths: Path) -> SpansImported:
    with TelemetryStore(tmp_path / "store", MASTER) as store:
        return import_files(store, paths)


def rows(tmp_path: Path, what: str) -> list:
    with FactView(tmp_path / "store") as view:
        return view.query(f"SELECT {what} FROM facts")


def test_lines_of_otlp(tmp_path: Path) -> None:
    file = tmp_path / "spans.jsonl"
    file.write_text(json.dumps(request(CURRENT)) + "\n\n" + json.dumps(request({}, spanId="")) + "\n")
    assert imported(tmp_path, file) == (1, 0, 1)
    assert imported(tmp_path, file) == (0, 1, 1), "another process looks, too"
    file.write_text(json.dumps(request(CURRENT)) + "\n{no\n")
    with pytest.raises(UsageError, match=r"spans\.jsonl:2: the body is no ExportTraceServiceRequest"):
        imported(tmp_path, file)


def test_parquet(tmp_path: Path) -> None:
    import duckdb

    file = tmp_path / "rows.parquet"
    duckdb.execute(
        "COPY (SELECT TIMESTAMP '2026-11-01 10:00:00' + INTERVAL (i) SECOND AS time, 'help' AS feature,"
        " 'ann@example.org' AS user, 'talk-' || i // 2 AS session, 'S2' AS severity, i = 3 AS violation,"
        " 'Mail ann@example.org' AS input, 'Fine.' AS output, 1.5 AS seconds FROM range(6) r(i))"
        f" TO '{file}' (FORMAT parquet)"
    )
    assert imported(tmp_path, file) == (6, 0, 0)
    sums = "sum(new_session::INT), sum(new_violation::INT), max(seconds), max(severity)"
    found = rows(tmp_path, f"min(day)::VARCHAR, {sums}")
    assert found == [("2026-11-01", 3, 1, 1.5, 2)]
    assert all(b"ann@" not in path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file())
    duckdb.execute(f"COPY (SELECT 1 AS time, 2 AS sesion) TO '{file}' (FORMAT parquet)")
    with pytest.raises(UsageError, match="not known: sesion"):
        imported(tmp_path, file)


def test_a_gateways_traffic(tmp_path: Path) -> None:
    blocked = GuardEvent("R-1", "output", "pii", "redact")
    served = Served(
        id="GR-" + "ab" * 16, route="/v1/chat/completions", ending="answered", client="shop", guards="sha256:1",
        events=(Said(1, say("user", "Hi ann@example.org")), Asked(1, "target", model="m"), blocked,
                Said(1, say("assistant", "Mail ann@example.org"), by="target")),
        timing=Timing(1_790_000_000.0, 2.0),
    )  # fmt: skip

    async def write() -> None:
        log = TrafficLog(tmp_path / "traffic")
        await log.append(seal_served(served))
        log.close()

    asyncio.run(write())
    assert imported(tmp_path, tmp_path / "traffic") == (1, 0, 0)
    found = rows(tmp_path, "dialect, feature, model, violation, pii, seconds, guards, lower(hex(trace))")
    assert found == [("shipworthy", "shop", "m", True, True, 2.0, "sha256:1", "ab" * 16)]


def test_a_file_of_no_known_name_is_asked_about(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("")
    with pytest.raises(UsageError, match="--form"):
        imported(tmp_path, tmp_path / "x.csv")


def test_the_same_file_again_counts_once_in_another_process_too(tmp_path: Path) -> None:
    lines = "".join(json.dumps(request(CURRENT, traceId=f"{n:032x}", spanId=f"{n:016x}")) + "\n" for n in range(1, 8))
    (tmp_path / "a.jsonl").write_text(lines)
    future = {"startTimeUnixNano": "9000000000000000000", "endTimeUnixNano": "9000000000000000000"}
    (tmp_path / "b.jsonl").write_text(json.dumps(request(CURRENT, traceId=f"{9:032x}", spanId=f"{9:016x}", **future)))
    files = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for times in range(3):
        with TelemetryStore(tmp_path / "store", MASTER) as store:
            found = import_files(store, [*files, *files])
        assert (found.spans, found.again, found.rejected) == ((8, 8, 0) if times == 0 else (0, 16, 0))
    with FactView(tmp_path / "store") as view:
        assert view.query("SELECT count(*) FROM facts") == [(8,)]


def test_what_a_killed_process_had_kept_is_not_kept_again(tmp_path: Path) -> None:
    store = TelemetryStore(tmp_path, MASTER)
    assert append(store, (span(1), Whose("ann", "talk"))) == 0
    os.close(store._lock)  # as a kill leaves it: a journal, and no segment
    with TelemetryStore(tmp_path, MASTER) as again:
        assert append(again, (span(1), Whose("ann", "talk")), (span(2), Whose("ann", "talk"))) == 1
    with FactView(tmp_path) as view:
        assert view.query("SELECT count(*) FROM facts") == [(2,)]
