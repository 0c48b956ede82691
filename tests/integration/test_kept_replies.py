"""What the cache gave is said everywhere, an edited reply is never believed, and a gate can want none."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.evals.results import Run
from shipworthy.evidence import archive
from shipworthy.evidence.verify import ATTESTATION
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout

from .test_cut_and_resume import desk
from .test_kill_and_resume import workspace

__all__ = ["desk", "workspace"]
PLANNED = 180


def ran(desk: Path, *arguments: str) -> int:
    return shipworthy(["eval", "-C", str(desk), "--allow-code", *arguments])


def decided(desk: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    capsys.readouterr()
    code = shipworthy(["gate", "-C", str(desk), "--allow-code", newest(desk).id, *arguments])
    return code, " ".join(capsys.readouterr().out.split())


def newest(desk: Path) -> Run:
    return Run.load(Layout(desk).run_directory())


def edit(desk: Path, statement: str) -> None:
    with closing(sqlite3.connect(desk / ".shipworthy" / "cache" / "replies.sqlite")) as connection:
        connection.execute(statement)
        connection.commit()


def lenient(desk: Path) -> None:
    """Let any rate pass, so that what decides is whether replies were kept ones."""
    path = desk / "requirements.yaml"
    path.write_text(path.read_text().replace("upper95 <= 0.10", "upper95 <= 0.90"))


def test_share_and_age_are_said_in_summary_gate_report_and_predicate(desk, capsys, monkeypatch) -> None:
    lenient(desk)
    assert ran(desk, "--max-requests", "60") == 4
    assert "none of 60 replies came from the cache" in capsys.readouterr().out
    assert ran(desk) == 0
    shown = " ".join(capsys.readouterr().out.split())  # lines are wrapped at 80 columns
    assert "60 of 180 replies (33.3 %) came from the cache, the oldest less than a minute old" in shown
    said = "60 of 180 replies (33.3 %) came from the cache"
    code, text = decided(desk, capsys)
    assert code == 0
    assert f"cache: {said}" in text
    for form in ("markdown", "html"):
        assert shipworthy(["report", "-C", str(desk), "--allow-code", "--format", form]) == 0
        assert said.replace("%", "").split("(")[0] in capsys.readouterr().out.replace("\\", "")
    monkeypatch.setenv("SHIPWORTHY_KEYS_DIR", str(desk / "keys"))
    assert shipworthy(["keys", "new", "--name", "me"]) == 0
    pack = desk / "pack.zip"
    assert shipworthy(["evidence", "build", "-C", str(desk), "--allow-code", "-o", str(pack)]) == 0
    envelope = json.loads(archive.read(pack.read_bytes())[ATTESTATION])
    import base64

    predicate = json.loads(base64.b64decode(envelope["payload"]))["predicate"]
    (use,) = predicate["replies"]
    assert (use["run"], use["replies"], use["cached"]) == (newest(desk).id, 180, 60)
    assert use["oldest"].endswith("Z")
    capsys.readouterr()
    assert shipworthy(["keys", "trust"]) == 0
    (desk / "trust.json").write_text(capsys.readouterr().out)
    assert shipworthy(["evidence", "verify", str(pack), "--trust", str(desk / "trust.json")]) == 0
    assert said in capsys.readouterr().out


def test_the_age_is_that_of_the_first_answer_however_often_it_was_used(desk, capsys) -> None:
    assert ran(desk) == 0
    first = newest(desk)
    for _ in range(2):
        assert ran(desk) == 0
        assert newest(desk).replies.cached == PLANNED
    started = min(attempt.timing.started for attempt in first.attempts())
    assert started <= newest(desk).replies.oldest <= started + 60
    assert newest(desk).replies.oldest < min(attempt.timing.started for attempt in newest(desk).attempts())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE replies SET reply = CAST(replace(CAST(reply AS TEXT), 'answer', 'fudged') AS BLOB)",
        "UPDATE replies SET written = written + 9000000",
        "UPDATE replies SET seal = zeroblob(32)",
    ],
)
def test_an_edited_cache_is_a_miss_and_loudly(desk, capsys, statement) -> None:
    assert ran(desk) == 0
    edit(desk, statement)
    capsys.readouterr()
    assert ran(desk) == 0
    said = capsys.readouterr().out
    assert said.count("180 kept replies did not have the seal of your key") == 1
    assert "none of 180 replies came from the cache" in said
    assert newest(desk).replies == (PLANNED, 0, 0.0)
    assert not any("fudged" in attempt.answer for attempt in newest(desk).attempts())
    with AuditLog(Layout(desk).control_url) as audit:
        assert audit.of_kinds("run.stopped")[-1].body["refused_replies"] == PLANNED
    # They were replaced: the next run is answered from the cache, and has nothing to say.
    assert ran(desk) == 0
    said = capsys.readouterr().out
    assert "seal" not in said
    assert "180 of 180 replies (100.0 %) came from the cache" in said


def test_one_edited_reply_is_told_as_one(desk, capsys) -> None:
    assert ran(desk) == 0
    edit(desk, "UPDATE replies SET reply = reply || x'20' WHERE key = (SELECT min(key) FROM replies)")
    capsys.readouterr()
    assert ran(desk) == 0
    assert "Mind: 1 kept reply did not have the seal of your key" in capsys.readouterr().out


def test_a_cache_that_came_with_the_workspace_is_not_believed(desk, capsys, monkeypatch, tmp_path_factory) -> None:
    assert ran(desk) == 0
    monkeypatch.setenv("SHIPWORTHY_CACHE_KEY", str(tmp_path_factory.mktemp("other") / "cache.key"))
    capsys.readouterr()
    assert ran(desk) == 0
    assert "kept by somebody else or another machine" in capsys.readouterr().out
    assert newest(desk).replies.cached == 0


def test_a_key_in_the_workspace_is_nobodys_key(desk, capsys, monkeypatch) -> None:
    (desk / "cache.key").write_text("00" * 32 + "\n")
    (desk / "cache.key").chmod(0o600)
    monkeypatch.setenv("SHIPWORTHY_CACHE_KEY", str(desk / "cache.key"))
    assert ran(desk) == 2
    assert "lies in the workspace" in capsys.readouterr().err
    assert ran(desk, "--no-cache") == 0


def test_a_run_shows_its_kept_replies_as_json(desk, capsys) -> None:
    assert ran(desk) == ran(desk) == 0
    capsys.readouterr()
    assert shipworthy(["runs", "show", "-C", str(desk), "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out)["replies"]
    assert (said["replies"], said["cached"], said["oldest"][-1]) == (PLANNED, PLANNED, "Z")


def test_a_gate_that_wants_fresh_replies_is_not_decided_on_kept_ones(desk, capsys) -> None:
    lenient(desk)
    assert ran(desk) == 0
    assert ran(desk) == 0  # all of it from the cache
    (desk / "gate.yaml").write_text("gate: {id: release, criteria: all, fresh: true}\n")
    code, text = decided(desk, capsys)
    assert code == 4  # the gate was changed after the run was made
    # Begun under that gate, a run leaves the cache alone by itself.
    assert ran(desk) == 0
    assert newest(desk).replies == (PLANNED, 0, 0.0)
    assert decided(desk, capsys)[0] == 0
    # Who names a file has his own way in Python; the gate says so.
    from shipworthy.evals.api import evaluate
    from shipworthy.workspace.load import Workspace

    loaded = Workspace.load(desk, allow_code=True)
    for _ in range(2):
        evaluate(loaded, cache=desk / "mine.sqlite", progress=False)
    code, text = decided(desk, capsys)
    assert code == 3
    assert "the gate asks for fresh replies, and some were kept ones" in text
    assert "180 of 180 replies (100.0 %) came from the cache" in text
    assert "shipworthy eval" in text and "--no-cache" in text
    assert ran(desk, "--no-cache") == 0
    assert decided(desk, capsys)[0] == 0


def test_a_failed_criterion_stays_a_no_ship_whatever_was_kept(desk, capsys) -> None:
    (desk / "gate.yaml").write_text("gate: {id: release, criteria: all, fresh: true}\n")
    from shipworthy.evals.api import evaluate
    from shipworthy.workspace.load import Workspace

    loaded = Workspace.load(desk, allow_code=True)
    for _ in range(2):
        evaluate(loaded, cache=desk / "mine.sqlite", progress=False)
    assert newest(desk).replies.cached == PLANNED
    assert decided(desk, capsys)[0] == 1


@pytest.mark.parametrize("value", ["yes please", "[]", "2"])
def test_fresh_is_true_or_false(desk, capsys, value) -> None:
    (desk / "gate.yaml").write_text(f"gate:\n  id: release\n  criteria: all\n  fresh: {value}\n")
    assert shipworthy(["check", "-C", str(desk), "--allow-code"]) == 2
    assert "gate.yaml:4" in capsys.readouterr().out + capsys.readouterr().err
