"""What enters the audit log about runs and decisions."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sql
from msgspec.structs import replace

from shipworthy.core.errors import IntegrityError
from shipworthy.core.records import SCHEMA, Attempt, Decision, Outcome, RunManifest
from shipworthy.core.settings import Settings
from shipworthy.detect.redact import seal
from shipworthy.store import tables
from shipworthy.store.audit import AuditLog
from shipworthy.store.declare import declare_run
from shipworthy.store.layout import Layout
from shipworthy.store.reading import RunReading
from shipworthy.store.register import decision_digest, register_decision, register_run
from shipworthy.store.runlog import RunLog
from shipworthy.store.runs import read_runs

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


@pytest.fixture
def layout(tmp_path: Path, url: str) -> Layout:
    return Layout(tmp_path, Settings(cache_dir=tmp_path, keys_dir=tmp_path, control_url=url))


def attempt(id: str, outcome: Outcome = "scored") -> Attempt:
    return Attempt(
        id=id, suite="s", sample="a", attack="none", number=1, cluster="a", seed=0, content_hash="sha256:0",
        outcome=outcome,
    )  # fmt: skip


def run(layout: Layout, attempts: int, *, retried: int = 0, manifest: RunManifest = MANIFEST) -> Path:
    """Write a run of so many attempts, in another order than that of their ids; some failed and were tried again."""
    directory = layout.runs / manifest.id
    ids = [f"AT-{9 - n:016x}" for n in range(attempts)]
    declare_run(directory, manifest)
    add(directory, *(attempt(id, "timeout" if n < retried else "scored") for n, id in enumerate(ids)))
    add(directory, *(attempt(f"{id}-2", "timeout") for id in ids[:retried]))
    return directory


def add(directory: Path, *attempts: Attempt) -> None:
    with RunLog.open(directory) as log:

        async def go() -> None:
            for one in attempts:
                await log.append(seal(one, "synthetic"))

        asyncio.run(go())


def test_a_finished_run_is_recorded_once_by_head_and_root(layout: Layout) -> None:
    directory = run(layout, 3)
    entry = register_run(layout, directory)
    assert register_run(layout, directory) == entry
    assert entry.kind == "run.finished"
    assert entry.body["head"] == RunReading(directory).head
    assert entry.body["merkle"] == RunReading(directory).merkle
    assert (entry.body["attempts"], entry.body["made"], entry.body["planned"]) == (3, 3, 3)
    with AuditLog(layout.control_url) as audit:
        assert audit.verify().entries == 1


@pytest.mark.parametrize(("attempts", "retried"), [(0, 0), (2, 0), (2, 2)])
def test_a_run_that_is_not_finished_is_only_seen(layout: Layout, attempts: int, retried: int) -> None:
    """Four records of three planned attempts are no finished run where two are retries."""
    directory = run(layout, attempts, retried=retried)
    entry = register_run(layout, directory)
    assert register_run(layout, directory) == entry
    assert entry.kind == "run.seen"
    assert (entry.body["attempts"], entry.body["made"]) == (attempts + retried, attempts)
    assert entry.body["head"] == RunReading(directory).head


def test_a_log_that_was_shortened_after_it_was_recorded_is_noticed(layout: Layout) -> None:
    directory = run(layout, 3)
    register_run(layout, directory)
    log = directory / "attempts-0000.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:2]))
    with pytest.raises(IntegrityError, match=r"entry 1.*removed or replaced"):
        register_run(layout, directory)


def test_a_log_that_was_written_anew_is_noticed(layout: Layout) -> None:
    directory = run(layout, 2)
    register_run(layout, directory)
    (directory / "attempts-0000.jsonl").unlink()
    (directory / "manifest.json").unlink()
    run(layout, 3, manifest=replace(MANIFEST, seed=2))
    with pytest.raises(IntegrityError, match="removed or replaced"):
        register_run(layout, directory)


def test_a_run_that_goes_on_is_recorded_anew(layout: Layout) -> None:
    directory = run(layout, 2)
    first = register_run(layout, directory)
    add(directory, attempt("AT-000000000000000a"))
    again = register_run(layout, directory)
    assert [(e.number, e.kind) for e in (first, again)] == [(1, "run.seen"), (2, "run.finished")]
    assert again.body["attempts"] == 3
    with AuditLog(layout.control_url) as audit:
        assert read_runs(audit.database, ["RUN-1"])["RUN-1"].made == 3


def test_a_decision_is_recorded_once_and_not_replaced(layout: Layout) -> None:
    directory = run(layout, 2)
    entry = register_decision(layout, DECISION)
    assert register_decision(layout, DECISION) == entry
    assert entry.body["heads"] == {"RUN-1": RunReading(directory).head}
    with AuditLog(layout.control_url) as audit:
        assert [e.kind for e in audit.entries()] == ["run.seen", "decision.made"]
        with audit.database.reading() as connection:
            (row,) = connection.execute(sql.select(tables.decisions)).mappings()
    assert row == {
        "entry": 2, "id": "DEC-1", "system": "SYS-x", "gate": "GT-release", "verdict": "ship",
        "digest": decision_digest(DECISION), "created": DECISION.created, "spec_digest": "sha256:1",
        "subject_digest": "sha256:2",
    }  # fmt: skip
    with pytest.raises(IntegrityError, match="DEC-1"):
        register_decision(layout, replace(DECISION, verdict="no-ship"))


def test_a_decision_cannot_be_recorded_again_on_another_state_of_its_run(layout: Layout) -> None:
    directory = run(layout, 2)
    register_decision(layout, DECISION)
    add(directory, attempt("AT-000000000000000a"))
    with pytest.raises(IntegrityError, match="DEC-1 with other content"):
        register_decision(layout, DECISION)


def test_registering_reads_only_what_is_about_the_run(layout: Layout) -> None:
    directory = run(layout, 3)
    with AuditLog(layout.control_url) as audit:
        audit.append("run.finished", {"run": "RUN-0", "head": "sha256:f"}, key="run")
        with audit.database.writing() as connection:
            connection.execute(sql.text("UPDATE audit SET body = 'no json'"))
    assert register_run(layout, directory).number == 2


def test_an_entry_of_a_version_without_rows_gets_its_row(layout: Layout) -> None:
    """And one that called a run finished which is not keeps standing, with the truth after it."""
    directory = run(layout, 2, retried=1)
    with AuditLog(layout.control_url) as audit:
        body = {
            "run": "RUN-1",
            "head": RunReading(directory).head,
            "merkle": RunReading(directory).merkle,
            "attempts": 3,
        }
        audit.append("run.finished", body, key="run")
        assert register_run(layout, directory).number == 2
        assert [(e.number, e.kind) for e in audit.about("RUN-1")] == [(1, "run.finished"), (2, "run.seen")]
        assert not read_runs(audit.database, ["RUN-1"])["RUN-1"].finished
        add(directory, attempt("AT-000000000000000a"))
        body = {
            "run": "RUN-1",
            "head": RunReading(directory).head,
            "merkle": RunReading(directory).merkle,
            "attempts": 4,
        }
        audit.append("run.finished", body, key="run")
        assert register_run(layout, directory).number == 3
        assert read_runs(audit.database, ["RUN-1"])["RUN-1"].finished
