from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.cli._reports import columns
from shipworthy.cli.gate import exit_code
from shipworthy.evals.plan import PlanItem
from shipworthy.release.baseline import pin
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout


@pytest.fixture
def gated(gated):  # type: ignore[no-untyped-def]
    """The workspace with a pinned baseline: what was released before."""
    gated.released = gated.run(subject_digest="sha256:released")
    pin(gated.workspace, Layout(gated.root), gated.released)
    return gated


def number(item: PlanItem) -> int:
    return int(item.sample.id.rpartition("-")[2])


def gate(gated, *arguments: str) -> int:  # type: ignore[no-untyped-def]
    return shipworthy(["gate", "-C", str(gated.root), "--allow-code", *arguments])


def test_ship_is_0_and_the_decision_is_kept_and_audited(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    before, run = gated.released, gated.run(guards="on")
    assert gate(gated, "--format", "json") == 0
    said = capsys.readouterr()
    assert said.err == f"Deciding on {run.id}\n"
    body = json.loads(said.out)
    assert body["verdict"] == "ship"
    layout = Layout(gated.root)
    kept = layout.load_decision()
    assert (kept.verdict, kept.runs, kept.baseline_runs) == ("ship", (run.id,), (before.id,))
    with AuditLog(layout.control_url) as audit:
        audit.verify()
        entries = list(audit.entries())
    assert [e.kind for e in entries] == ["run.finished", "baseline.set", "run.finished", "decision.made"]
    assert entries[-1].body["decision"] == kept.id


def test_no_ship_is_1(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    gated.run(lambda i: i.suite == "leak")
    assert gate(gated) == 1
    assert "no-ship" in capsys.readouterr().out.lower()


def test_inconclusive_is_3(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    gated.run(made=100)
    assert gate(gated, "--format", "json") == 3
    assert json.loads(capsys.readouterr().out)["verdict"] == "inconclusive"


REPORT = """
from shipworthy.core.registry import report


class Short:
    media_type = "text/plain"
    suffix = ".txt"

    def __init__(self, width):
        self.width = width

    def render(self, decision, document):
        return f"{decision.verdict} {self.width}"


@report
def short_report(width: int = 7):
    return Short(width)
"""


def test_a_report_of_ones_own_is_a_format(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    (gated.root / "plugins" / "short_report.py").write_text(REPORT)
    run = gated.run(guards="on").id
    capsys.readouterr()
    assert gate(gated, run, "--format", "short_report") == 0
    assert capsys.readouterr().out == "ship 100\n"
    assert gate(gated, run, "--format", "short_report", "--output", str(gated.root / "out.txt")) == 0
    assert (gated.root / "out.txt").read_text() == "ship 7\n"


def test_an_unknown_format_names_the_nearest(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    gated.run()
    assert gate(gated, "--format", "jsn") == 2
    assert capsys.readouterr().err == "error: unknown report 'jsn': did you mean 'json'?\n"


def test_a_report_of_the_workspaces_own_is_not_run_unasked(tmp_path, capsys) -> None:  # type: ignore[no-untyped-def]
    from shipworthy.workspace.scaffold import scaffold

    root = tmp_path / "w"
    scaffold(root, "minimal")
    (root / "plugins").mkdir()
    (root / "plugins" / "not_yet_loaded.py").write_text(REPORT)
    assert shipworthy(["gate", "-C", str(root), "--format", "not_yet_loaded"]) == 2
    assert "run it with --allow-code" in capsys.readouterr().err


def test_help_and_completion_name_the_formats_without_importing_them() -> None:
    code = """
import sys
from click.testing import CliRunner
from shipworthy.cli.gate import command
text = CliRunner().invoke(command, ["--help"]).output
assert "[html|json|junit|markdown|sarif|text]" in text, text
option = next(p for p in command.params if p.name == "forms")
assert [c.value for c in option.type.shell_complete(None, option, "j")] == ["json", "junit"]
assert not [m for m in sys.modules if m.startswith("shipworthy.reports.")]
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_stale_or_damaged_evidence_is_4_and_never_a_verdict(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    run = gated.run()
    log = run.directory / "attempts-0000.jsonl"
    whole = log.read_bytes()
    log.write_bytes(whole.replace(b'"hit":false', b'"hit":true', 1))
    assert gate(gated) == 4
    log.write_bytes(whole)
    gated.edit("requirements.yaml", ": upper95 <= 0.10", ": upper95 <= 0.30")
    assert gate(gated) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "stale evidence" in captured.err
    assert Layout(gated.root).decision_ids() == []


def test_usage_errors_are_2(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    assert gate(gated) == 2
    gated.run()
    assert gate(gated, "RUN-none") == 2
    assert gate(gated, "--baseline", "RUN-none") == 2
    assert gate(gated, "--baseline", "latest") == 2
    assert gate(gated, "--format", "pdf") == 2
    assert gate(gated, "--output", str(gated.root / "no" / "such" / "report.txt")) == 2
    (gated.root / "gate.yaml").write_text("gate: {id: release, criteria: [CR-none]}\n")
    assert gate(gated) == 2
    assert capsys.readouterr().out == ""


def test_a_crash_is_4(gated, capsys, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    gated.run()

    def fall_over(*arguments: object, **named: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("shipworthy.release.decide.decide", fall_over)
    assert gate(gated) == 4
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_named_run_and_baseline_are_used(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    good, bad = gated.run(), gated.run(lambda i: i.suite == "leak", guards="on")
    assert gate(gated, good.id, "--baseline", bad.id) == 0
    assert gate(gated, bad.id, "--baseline", good.id) == 1


def test_output_goes_to_a_file_and_the_verdict_to_the_screen(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    gated.run(lambda i: i.suite == "leak")
    path = gated.root / "report.json"
    assert gate(gated, "--format", "json", "--output", str(path)) == 1
    assert json.loads(path.read_text())["verdict"] == "no-ship"
    assert capsys.readouterr().out.startswith("no-ship: ")


@pytest.mark.parametrize("form", ["text", "json", "junit", "sarif", "markdown", "html"])
def test_every_format_renders_a_real_decision(gated, capsys, form: str) -> None:  # type: ignore[no-untyped-def]
    gated.run()
    gated.run(lambda i: i.suite == "help" or number(i) < 20, guards="on")
    assert gate(gated, "--format", form) == 1
    assert "CR-leak" in capsys.readouterr().out


def test_a_summary_takes_the_width_of_a_terminal_and_a_pipe_gets_a_hundred_columns(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("COLUMNS", "83")
    assert columns() == 100  # captured: no terminal
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert columns() == 83
    monkeypatch.setenv("COLUMNS", "300")
    assert columns() == 120
    monkeypatch.setenv("COLUMNS", "9")
    assert columns() == 40


def test_an_unknown_verdict_is_a_failure() -> None:
    assert exit_code("perhaps") == 4  # type: ignore[arg-type]


def test_a_reader_that_goes_away_does_not_change_the_verdict(gated) -> None:  # type: ignore[no-untyped-def]
    """`shipworthy gate | head -1` in a pipeline with pipefail."""
    gated.run(lambda i: i.suite == "leak")
    reading, writing = os.pipe()
    os.close(reading)
    try:
        command = [sys.executable, "-m", "shipworthy", "gate", "-C", str(gated.root), "--allow-code"]
        done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=120)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr.splitlines()[1:]) == (1, [])


def test_a_full_disk_is_no_verdict_and_no_traceback(gated) -> None:  # type: ignore[no-untyped-def]
    gated.run(lambda i: i.suite == "leak")
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "shipworthy", "gate", "-C", str(gated.root), "--allow-code"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120)
    assert done.returncode == 4
    assert "\nerror: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_copy_of_a_run_is_not_decided_on(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    """It could go on by itself; what the audit log holds is the other one."""
    run = gated.run()
    shutil.copytree(run.directory, run.directory.with_name("RUN-29990101T000000000Z-aaaaaa"))
    assert gate(gated) == 4
    assert f"holds the run {run.id}" in capsys.readouterr().err
    assert Layout(gated.root).decision_ids() == []


@pytest.mark.parametrize("form", ["text", "html"])
def test_a_gate_takes_one_pass_over_each_runs_logs(gated, monkeypatch, capsys, form) -> None:  # type: ignore[no-untyped-def]
    """The counts, the pairing, the report and the register come from the same reading."""
    from shipworthy.store import reading
    from shipworthy.store.line import read_lines

    before, run = gated.released, gated.run(guards="on")
    assert gate(gated) == 0  # enters both runs, as the end of their sittings does
    passes: list[str] = []

    def counted(path: Path, origin: bytes):  # type: ignore[no-untyped-def]
        passes.append(path.parent.name)
        return read_lines(path, origin)

    monkeypatch.setattr(reading, "read_lines", counted)
    capsys.readouterr()
    assert gate(gated, "--format", form) == 0
    assert sorted(passes) == sorted([before.id, run.id])


def test_a_log_that_changed_after_it_was_registered_stops_the_gate(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    """Also where the changed log is a valid chain of its own: it lost a line that the audit log knows of."""
    gated.run()
    run = gated.run(guards="on")
    assert gate(gated) == 0
    log = run.directory / "attempts-0000.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    capsys.readouterr()
    assert gate(gated) == 4
    assert "removed or replaced" in capsys.readouterr().err
