"""A log that is cut to drop attempts and then gone on with is found, whoever cut it wherever; a killed one goes on."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.core.ledger import HEAD, STARTED, STOPPED
from shipworthy.store import chain
from shipworthy.store.audit import AuditLog
from shipworthy.store.declare import read_manifest
from shipworthy.store.layout import Layout
from shipworthy.store.line import frame, read_lines
from shipworthy.store.shards import log_origin

from .test_kill_and_resume import log_size, run_directory, start, workspace

__all__ = ["workspace"]  # the fixture: a target that answers by the seed, and a scorer of even digits


@pytest.fixture
def desk(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The workspace, gated: at most one answer in ten may be even."""
    (workspace / "requirements.yaml").write_text(
        "requirements:\n"
        "  - {id: RQ-even, text: No even digit., criteria: "
        "[{id: CR-even, suite: many, must: upper95 <= 0.10, severity: S2}]}\n"
    )
    (workspace / "gate.yaml").write_text("gate: {id: release, criteria: all}\n")
    monkeypatch.setenv("CALLS", str(workspace / "calls.txt"))
    monkeypatch.setenv("PAUSE", "0.0001")
    return workspace


def ran(desk: Path, *arguments: str) -> int:
    return shipworthy(["eval", "-C", str(desk), "--allow-code", "--no-cache", *arguments])


def log_of(desk: Path, shard: int = 0) -> Path:
    directory = run_directory(desk)
    assert directory is not None
    return directory / f"attempts-{shard:04d}.jsonl"


def cut(log: Path, records: int) -> None:
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:records]))


def kinds(desk: Path) -> list[str]:
    with AuditLog(Layout(desk).control_url) as audit:
        return [entry.kind for entry in audit.entries()]


def test_a_user_who_drops_what_he_dislikes_is_stopped_in_the_second_sitting(desk, capsys) -> None:
    """Sittings of a few attempts; after each, the log is cut back to the attempts before the first hit."""
    for sitting in range(32):
        resume = ("--resume", "latest") if sitting else ()
        code = ran(desk, *resume, "--max-requests", "6", "--concurrency", "1")
        said = capsys.readouterr()
        lines = log_of(desk).read_bytes().splitlines(keepends=True)
        clean = next((n for n, line in enumerate(lines) if b'"hit":true' in line), None)
        if "cut off or replaced" in said.err:
            break
        assert code == 4 and "Stopped: the budget" in said.out
        if clean is not None:
            log_of(desk).write_bytes(b"".join(lines[:clean]))
    else:
        raise AssertionError("32 sittings with a cut log")
    assert code == 4
    assert "Measure again as a new run: `shipworthy eval" in said.err
    assert len(lines) < 60
    # Nor is it believed as it is: no verdict, and no file of a decision.
    assert shipworthy(["gate", "-C", str(desk), "--allow-code"]) == 4
    assert "removed or replaced" in capsys.readouterr().err
    assert not list((desk / ".shipworthy" / "decisions").glob("*"))
    # The way on that was named: a new run. The ledger tells of the other one.
    assert ran(desk) == 0
    capsys.readouterr()
    assert shipworthy(["gate", "-C", str(desk), "--allow-code"]) == 2  # which of the two is for a person to say
    assert shipworthy(["gate", "-C", str(desk), "--allow-code", run_directory(desk).name]) == 1
    said_ = " ".join(capsys.readouterr().out.split())
    assert "the 2nd of 2 runs of this spec and subject, 0 did not ship, 1 never finished" in said_


def forged(directory: Path, log: Path, change) -> None:
    """Write a log anew, with a chain that holds."""
    origin = log_origin((directory / "manifest.json").read_bytes(), 0)
    head, lines = origin, []
    for number, line in enumerate(list(read_lines(log, origin))):
        if (body := change(number, line.body)) is not None:
            head = chain.link(head, body)
            lines.append(frame(head, body))
    log.write_bytes(b"".join(lines))


CHANGES = {
    "one cut off the end": lambda n, body: None if n == 19 else body,
    "one taken out": lambda n, body: None if n == 7 else body,
    "all but the first": lambda n, body: body if n == 0 else None,
    "everything": lambda n, body: None,
    "a hit turned into none": lambda n, body: body.replace(b'"hit":true', b'"hit":false'),
    "a number of the clock": lambda n, body: body.replace(b'"timing":[1', b'"timing":[2') if n == 0 else body,
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("way", ["id", "path", "absolute"])
def test_whatever_is_not_the_log_that_was_left_is_not_gone_on_with(desk, capsys, monkeypatch, name, way) -> None:
    assert ran(desk, "--max-requests", "20") == 4
    directory = run_directory(desk)
    forged(directory, log_of(desk), CHANGES[name])
    monkeypatch.chdir(desk)
    run = {"id": directory.name, "path": f".shipworthy/runs/{directory.name}", "absolute": str(directory)}[way]
    before = log_of(desk).read_bytes()
    capsys.readouterr()
    assert ran(desk, "--resume", run) == 4
    assert "lines were cut off or replaced, so it cannot go on" in capsys.readouterr().err
    assert log_of(desk).read_bytes() == before


def test_a_deleted_log_and_a_log_under_another_audit_log_are_refused(desk, capsys) -> None:
    assert ran(desk, "--max-requests", "20") == 4
    kept = log_of(desk).read_bytes()
    log_of(desk).unlink()
    assert ran(desk, "--resume", "latest") == 4
    log_of(desk).write_bytes(kept)
    for file in (desk / ".shipworthy").glob("control.sqlite*"):
        file.unlink()
    capsys.readouterr()
    assert ran(desk, "--resume", "latest") == 4
    assert "the audit log does not know this run, which has 20 records" in capsys.readouterr().err


def test_an_audit_log_whose_heads_were_edited_is_named_before_anything_is_made(desk, capsys) -> None:
    assert ran(desk, "--max-requests", "20") == 4
    with AuditLog(Layout(desk).control_url) as audit, audit.database.writing() as connection:
        connection.exec_driver_sql("UPDATE audit SET body = replace(body, '\"records\":20', '\"records\":21')")
    capsys.readouterr()
    assert ran(desk, "--resume", "latest") == 4
    assert "audit log: entry 3 (run.stopped) is not what was written" in capsys.readouterr().err


def test_each_shard_is_held_to_its_own_heads(desk, capsys) -> None:
    for shard in ("1/2", "2/2"):
        assert ran(desk, "--shard", shard, "--max-requests", "20") == 4
    cut(log_of(desk, 1), 19)
    capsys.readouterr()
    assert ran(desk, "--shard", "2/2") == 4
    said = capsys.readouterr().err
    assert "attempts-0001.jsonl" in said and "so it cannot go on" in said
    # The other shard is as it was left. It is made, and then the run as a whole is not entered.
    assert ran(desk, "--shard", "1/2") == 4
    assert "lines were removed or replaced" in capsys.readouterr().err
    assert len(log_of(desk, 0).read_bytes().splitlines()) == 90


def killed(desk: Path, *resume: str, entered: int) -> None:
    """Kill a sitting, once it has entered so many heads while it went on."""
    process = start(desk, "--no-cache", *resume, pause=0.4)
    until = time.monotonic() + 120
    while kinds(desk).count(HEAD) < entered and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert kinds(desk).count(HEAD) >= entered


@pytest.mark.slow
def test_a_killed_sitting_goes_on_and_what_it_had_entered_cannot_be_cut(desk, capsys, monkeypatch) -> None:
    killed(desk, entered=2)
    whole = log_of(desk).read_bytes()
    with AuditLog(Layout(desk).control_url) as audit:
        heads = [entry for entry in audit.entries() if entry.kind == HEAD]
    last = int(heads[-1].body["records"])
    assert 0 < last <= len(whole.splitlines())
    cut(log_of(desk), last - 1)
    capsys.readouterr()
    assert ran(desk, "--resume", "latest") == 4
    assert f"knows this log with {last:,} records" in capsys.readouterr().err
    # What is left to who cuts: what came after the newest entry. The sitting without an end is told.
    log_of(desk).write_bytes(whole)
    cut(log_of(desk), last)
    assert ran(desk, "--resume", "latest") == 0
    counted = kinds(desk)
    assert (counted.count(STARTED), counted.count(STOPPED)) == (2, 1)
    capsys.readouterr()
    assert shipworthy(["gate", "-C", str(desk), "--allow-code"]) == 1
    assert "made in 2 sittings, 1 of which has no end (killed)" in " ".join(capsys.readouterr().out.split())


def test_ctrl_c_is_an_end(desk) -> None:
    process = start(desk, "--no-cache", pause=0.05)
    while log_size(desk) == 0 and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert kinds(desk)[-1] == STOPPED
    assert ran(desk, "--resume", "latest") == 0
    assert kinds(desk)[-2:] == [STOPPED, "run.finished"]


def test_a_copy_elsewhere_is_nobodys_but_its_owners(desk, tmp_path_factory, capsys) -> None:
    """A run outside of the workspace's own folder is in no audit log; and it enters none."""
    assert ran(desk, "--max-requests", "20") == 4
    there = tmp_path_factory.mktemp("elsewhere") / read_manifest(run_directory(desk)).id
    shutil.copytree(run_directory(desk), there)
    before = kinds(desk)
    assert ran(desk, "--resume", str(there)) == 0
    assert kinds(desk) == before
    # The best of many that were made elsewhere, moved here, is told as what it is.
    for file in (desk / ".shipworthy").glob("control.sqlite*"):
        file.unlink()
    shutil.rmtree(run_directory(desk))
    shutil.move(there, desk / ".shipworthy" / "runs" / there.name)
    capsys.readouterr()
    assert shipworthy(["gate", "-C", str(desk), "--allow-code"]) == 1
    assert "1 not entered when begun (made under another audit log)" in " ".join(capsys.readouterr().out.split())


def test_the_sittings_stand_in_the_json_and_in_the_audit_list(desk, capsys) -> None:
    assert ran(desk, "--max-requests", "20") == 4
    assert ran(desk, "--resume", "latest") == 0
    capsys.readouterr()
    assert shipworthy(["gate", "-C", str(desk), "--allow-code", "--format", "json"]) == 1
    tries = json.loads(capsys.readouterr().out)["ledger"]["tries"]
    assert (tries["number"], tries["runs"], tries["sittings"], tries["cut_off"]) == (1, 1, 2, 0)
    assert shipworthy(["audit", "list", "-C", str(desk), "--kind", STARTED, "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["body"]["records"] for row in rows] == [0, 20]


def test_verifying_from_another_process_finds_a_cut_log(desk) -> None:
    assert ran(desk) == 0
    cut(log_of(desk), 100)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "shipworthy", "audit", "verify", "-C", str(desk), "--logs"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4
    assert "lines were cut off" in done.stdout
