"""The gate and the audit log: verified before anything is decided; what cannot be entered is no decision."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.store.layout import Layout


def gate(gated, *arguments: str) -> int:  # type: ignore[no-untyped-def]
    return shipworthy(["gate", "-C", str(gated.root), "--allow-code", *arguments])


@pytest.fixture
def decided(gated):  # type: ignore[no-untyped-def]
    """Two decisions, so a chain of several entries: a run finished, a decision, and again."""
    (gated.root / "gate.yaml").write_text("gate: {id: release, criteria: [CR-leak, CR-help]}\n")
    for guards in ("one", "two"):
        assert gate(gated, gated.run(guards=guards).id) == 0
    return gated


def change(gated, *statements: str) -> None:  # type: ignore[no-untyped-def]
    with closing(sqlite3.connect(gated.root / ".shipworthy" / "control.sqlite")) as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def files(gated) -> list[str]:  # type: ignore[no-untyped-def]
    return sorted(path.name for path in Layout(gated.root).decisions.iterdir())


BROKEN = {
    "a verdict edited": ("UPDATE audit SET body = replace(body, 'ship', 'no-ship') WHERE number = 2", "entry 2"),
    "an entry taken out": ("DELETE FROM audit WHERE number = 2", "entry 2 is missing"),
    "the first taken out": ("DELETE FROM audit WHERE number = 1", "entry 1 is missing"),
    "a time": ("UPDATE audit SET at = '2020-01-01T00:00:00.000Z' WHERE number = 3", "entry 3"),
    "a kind": ("UPDATE audit SET kind = 'run.withdrawn' WHERE number = 1", "entry 1"),
    "a body that is no JSON": ("UPDATE audit SET body = 'x' WHERE number = 2", "entry 2"),
    "a body that lacks what it had": ("UPDATE audit SET body = '{}' WHERE number = 2", "entry 2"),
    "no hash": ("UPDATE audit SET hash = '' WHERE number = 4", "entry 4"),
    "a blob": ("UPDATE audit SET body = CAST(body AS BLOB) WHERE number = 1", "entry 1"),
    "what an entry is about": ("UPDATE audit SET key = 'RUN-other' WHERE number = 1", "entry 1"),
    "one put in": (
        "INSERT INTO audit SELECT 5, at, kind, body, hash, NULL FROM audit WHERE number = 4", "entry 5",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_chain_decides_nothing_and_is_named(decided, capsys, name: str) -> None:  # type: ignore[no-untyped-def]
    statement, what = BROKEN[name]
    change(decided, statement)
    before = files(decided)
    capsys.readouterr()
    for arguments in ([decided.run(guards="three").id], []):
        assert gate(decided, *arguments) == 4
        said = capsys.readouterr()
        assert what in said.err
        assert "Traceback" not in said.err
        assert "ship" not in said.out.lower()
    assert files(decided) == before
    assert shipworthy(["audit", "verify", "-C", str(decided.root)]) == 4
    assert what in capsys.readouterr().out


def test_a_decision_that_cannot_be_entered_leaves_no_file(decided, capsys) -> None:  # type: ignore[no-untyped-def]
    before = files(decided)
    run = decided.run(guards="three")
    change(decided, "CREATE TRIGGER no_more BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
    capsys.readouterr()
    assert gate(decided, run.id) == 4
    said = capsys.readouterr()
    assert "cannot be written: the disk is full" in said.err
    assert "SHIP" not in said.out
    assert files(decided) == before
    change(decided, "DROP TRIGGER no_more")
    assert gate(decided, run.id) == 0
    assert len(files(decided)) == len(before) + 1


def test_a_decision_whose_file_cannot_be_written_is_not_entered(decided, capsys) -> None:  # type: ignore[no-untyped-def]
    run = decided.run(guards="three")
    folder = Layout(decided.root).decisions
    folder.rename(folder.with_name("kept"))
    folder.write_text("in the way")
    capsys.readouterr()
    assert gate(decided, run.id) == 4
    assert "Traceback" not in capsys.readouterr().err
    with closing(sqlite3.connect(decided.root / ".shipworthy" / "control.sqlite")) as connection:
        (number,) = connection.execute("SELECT count(*) FROM audit WHERE kind = 'decision.made'").fetchone()
    assert number == 2


def test_a_log_that_was_cut_back_to_an_earlier_decision_is_not_decided_on_again(decided, capsys) -> None:  # type: ignore[no-untyped-def]
    """It has a head that was entered, and lacks a later one."""
    run = decided.run(guards="three", made=60)
    log = run.directory / "attempts-0000.jsonl"
    assert gate(decided, run.id) == 3
    short = log.read_bytes()
    whole = decided.run(guards="four")  # the same attempts, in the same order
    assert whole.complete
    grown = run.directory / "grown"
    grown.write_bytes(short)
    from shipworthy.store.runlog import RunLog

    with RunLog.open(run.directory) as writer:
        import asyncio

        from shipworthy.detect.redact import seal

        rest = [a for a in whole.attempts() if a.id not in writer.finished]

        async def write() -> None:
            await asyncio.gather(*(writer.append(seal(attempt, "synthetic")) for attempt in rest))

        asyncio.run(write())
    assert gate(decided, run.id) == 0
    log.write_bytes(short)
    before = files(decided)
    capsys.readouterr()
    assert gate(decided, run.id) == 4
    assert "lines were removed or replaced" in capsys.readouterr().err
    assert files(decided) == before


def test_audit_verify_holds_the_decisions_on_the_disk(decided, capsys) -> None:  # type: ignore[no-untyped-def]
    folder = Layout(decided.root).decisions
    first, second = sorted(folder.iterdir())
    assert shipworthy(["audit", "verify", "-C", str(decided.root)]) == 0
    second.write_text(second.read_text().replace('"verdict": "ship"', '"verdict": "no-ship"'))
    (folder / "DEC-other.json").write_text(first.read_text().replace(first.stem, "DEC-other"))
    (folder / "DEC-copy.json").write_bytes(first.read_bytes())
    (folder / "DEC-none.json").write_text("{")
    capsys.readouterr()
    assert shipworthy(["audit", "verify", "-C", str(decided.root)]) == 4
    said = capsys.readouterr().out
    assert f"{second.stem}: changed since it was entered" in said
    assert "DEC-other: kept on the disk, and not in the audit log" in said
    assert f"DEC-copy.json holds another decision: {first.stem}" in said
    assert "DEC-none.json is not a decision" in said
    assert Path(folder / "DEC-other.json").exists()  # it only looks
