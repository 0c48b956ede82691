"""What enters the audit log about runs and decisions."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from shipworthy.core.errors import IntegrityError
from shipworthy.core.records import SCHEMA, Attempt, Decision, RunManifest
from shipworthy.detect.redact import seal
from shipworthy.store.audit import AuditLog
from shipworthy.store.declare import declare_run
from shipworthy.store.layout import Layout
from shipworthy.store.reading import RunReading, read_attempts
from shipworthy.store.register import register_decision, register_run
from shipworthy.store.runlog import RunLog

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
)
DECISION = Decision(
    id="DEC-1",
    created="2026-11-23T18:00:00Z",
    system="SYS-x",
    gate="GT-release",
    verdict="ship",
    reason="",
    criteria=(),
    runs=("RUN-1",),
    spec_digest="sha256:1",
    subject_digest="sha256:2",
)


def run(layout: Layout, attempts: int) -> Path:
    directory = layout.runs / MANIFEST.id
    declare_run(directory, MANIFEST)
    log = RunLog.open(directory)

    async def go() -> None:
        for n in range(attempts):
            one = Attempt(
                id=f"AT-{9 - n:016x}", suite="s", sample="a", attack="none", number=n + 1, cluster="a", seed=0,
                content_hash="sha256:0", outcome="timeout",
            )  # fmt: skip
            await log.append(seal(one, "synthetic"))

    asyncio.run(go())
    log.close()
    return directory


@pytest.mark.parametrize("attempts", [0, 3])
def test_a_run_is_recorded_once_by_head_and_root(tmp_path: Path, attempts: int) -> None:
    layout = Layout(tmp_path)
    directory = run(layout, attempts)
    entry = register_run(layout, directory)
    assert register_run(layout, directory) == entry
    assert entry.body["head"] == RunReading(directory).head
    assert entry.body["merkle"] == RunReading(directory).merkle
    assert entry.body["attempts"] == attempts
    with AuditLog(layout.control_url) as audit:
        assert audit.verify().entries == 1


def test_a_log_that_was_shortened_after_it_was_recorded_is_noticed(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    directory = run(layout, 3)
    register_run(layout, directory)
    log = directory / "attempts-0000.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:2]))
    with pytest.raises(IntegrityError, match="removed or replaced"):
        register_run(layout, directory)


def test_a_run_that_goes_on_is_recorded_anew(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    directory = run(layout, 2)
    first = register_run(layout, directory)
    log = RunLog.open(directory)
    asyncio.run(log.append(seal(replace(next(read_attempts(directory)), id="AT-new"), "synthetic")))
    log.close()
    again = register_run(layout, directory)
    assert (first.number, again.number) == (1, 2)
    assert again.body["attempts"] == 3


def test_a_decision_is_recorded_once_and_not_replaced(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    directory = run(layout, 2)
    entry = register_decision(layout, DECISION)
    assert register_decision(layout, DECISION) == entry
    assert entry.body["heads"] == {"RUN-1": RunReading(directory).head}
    with pytest.raises(IntegrityError, match="DEC-1"):
        register_decision(layout, replace(DECISION, verdict="no-ship"))
