"""The runs register, and what a list of runs shows without reading a log."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from shipworthy.core.errors import StoreError, UsageError
from shipworthy.core.records import SCHEMA, Attempt, Outcome, RunManifest
from shipworthy.core.settings import Settings
from shipworthy.detect.redact import seal
from shipworthy.store.database import Database
from shipworthy.store.declare import declare_run, log_name
from shipworthy.store.layout import Layout
from shipworthy.store.reading import read_attempts
from shipworthy.store.register import register_run, verified_run
from shipworthy.store.runlog import RunLog
from shipworthy.store.runs import ListedRun, list_runs, read_runs

OTHER = f"sha256:{7:064x}"
LOG = log_name(0)
MANIFEST = RunManifest(
    schema=SCHEMA,
    id="RUN-1",
    created="2026-11-23T18:00:00Z",
    system="SYS-x",
    plan="full",
    plan_digest="sha256:0",
    spec_digest="sha256:1",
    subject_digest="sha256:2",
    subject={},
    suites=(),
    planned=3,
    seed=1,
    guards="guards.yaml",
)


@pytest.fixture
def layout(tmp_path: Path, url: str) -> Layout:
    return Layout(tmp_path, Settings(cache_dir=tmp_path, keys_dir=tmp_path, control_url=url))


def write(layout: Layout, name: str, *outcomes: Outcome) -> Path:
    directory = layout.runs / name
    declare_run(directory, replace(MANIFEST, id=name))
    add(RunLog.open(directory), 0, *outcomes)
    return directory


def add(log: RunLog, first: int, *outcomes: Outcome) -> None:
    async def go() -> None:
        for n, outcome in enumerate(outcomes, first):
            one = Attempt(
                id=f"AT-{n:016x}", suite="s", sample="a", attack="none", number=n + 1, cluster="a", seed=0,
                content_hash="sha256:0", outcome=outcome,
            )  # fmt: skip
            await log.append(seal(one, "synthetic"))

    asyncio.run(go())
    log.close()


def test_a_list_says_what_it_knows_and_marks_what_it_does_not(layout: Layout) -> None:
    for name in ("RUN-1", "RUN-2"):
        register_run(layout, write(layout, name, "scored", "timeout", "scored"))
    register_run(layout, write(layout, "RUN-3", "scored"))
    register_run(layout, write(layout, "RUN-4", "scored"))
    add(RunLog.open(layout.runs / "RUN-4"), 1, "scored", "scored")
    write(layout, "RUN-5", "scored", "scored", "scored")
    write(layout, "RUN-6")
    (layout.runs / "RUN-7").mkdir()
    (layout.runs / "RUN-7" / "manifest.json").write_text("{")
    log = layout.runs / "RUN-2" / LOG
    recorded = log.stat().st_size
    log.write_bytes(log.read_bytes()[:-40])

    def listed(id: str, made: int | None, errors: int | None, state: str, why: str = "") -> ListedRun:
        return ListedRun(id, "full", "guards.yaml", 3, made, errors, state, why)  # type: ignore[arg-type]

    *found, damaged = list_runs(layout)
    assert found == [
        listed("RUN-1", 3, 1, "complete"),
        listed("RUN-2", 3, 1, "shortened", f"its log has {recorded - 40} bytes of the {recorded} that were recorded"),
        listed("RUN-3", 1, 0, "open"),
        listed("RUN-4", 1, 0, "grown"),
        listed("RUN-5", None, None, "unknown"),
        listed("RUN-6", 0, 0, "unknown"),
    ]
    assert (damaged.id, damaged.state) == ("RUN-7", "damaged")
    assert "not a run manifest" in damaged.why


def test_a_torn_last_line_is_no_part_of_what_was_recorded(layout: Layout) -> None:
    """The next sitting cuts it off, which must not look like damage."""
    directory = write(layout, "RUN-1", "scored", "scored")
    whole = (directory / LOG).stat().st_size
    with (directory / LOG).open("ab") as file:
        file.write(b"x" * 200_000)
    row = verified_run(directory).row
    assert row.log_bytes == whole
    register_run(layout, directory)
    with RunLog.open(directory) as log:
        assert log.recovered == 200_000
    assert [run.state for run in list_runs(layout)] == ["open"]


def test_only_a_torn_line_is_an_empty_log(layout: Layout) -> None:
    directory = write(layout, "RUN-1")
    (directory / LOG).write_bytes(b"x" * 70_000)
    start = verified_run(directory).heads[0]
    row, _, lost = verified_run(directory, [start, OTHER])
    assert (row.log_bytes, row.records, row.made) == (0, 0, 0)
    assert lost == {OTHER}


def test_an_error_that_was_mended_is_none(layout: Layout) -> None:
    directory = write(layout, "RUN-1", "timeout", "timeout")
    with RunLog.open(directory) as log:
        again = replace(next(read_attempts(directory)), id="AT-0000000000000000-2", outcome="scored")
        asyncio.run(log.append(seal(again, "synthetic")))
    row = verified_run(directory).row
    assert (row.records, row.made, row.errors, row.finished) == (3, 2, 1, False)


def test_runs_are_found_among_many(layout: Layout) -> None:
    register_run(layout, write(layout, "RUN-1", "scored"))
    with Database(layout.control_url) as database:
        assert list(read_runs(database, [f"RUN-{n}" for n in range(2000)])) == ["RUN-1"]
        assert read_runs(database, []) == {}


def test_listing_makes_no_database_and_says_when_one_cannot_be_reached(tmp_path: Path) -> None:
    write(Layout(tmp_path), "RUN-1")
    assert [run.state for run in list_runs(Layout(tmp_path))] == ["unknown"]
    assert not Layout(tmp_path).state.joinpath("control.sqlite").exists()
    away = Settings(cache_dir=tmp_path, keys_dir=tmp_path, control_url="postgresql://127.0.0.1:1/d")
    with pytest.raises(StoreError, match="cannot be read"):
        list(list_runs(Layout(tmp_path, away)))
    with pytest.raises(UsageError, match="no such folder"):
        list(list_runs(Layout(tmp_path / "nowhere")))
