"""Where rows live, and how a run or decision is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.core.records import Decision
from shipworthy.core.settings import Settings
from shipworthy.store.layout import Layout

DECISION = Decision(
    id="DEC-20261123T180000-ab12",
    created="2026-11-23T18:00:00Z",
    system="SYS-x",
    gate="GT-release",
    verdict="no-ship",
    reason="one criterion fails",
    criteria=(),
    runs=("RUN-1",),
    spec_digest="sha256:1",
    subject_digest="sha256:2",
)


def test_looking_creates_nothing(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert layout.run_ids() == layout.decision_ids() == []
    with pytest.raises(UsageError, match="shipworthy eval"):
        layout.run_directory()
    with pytest.raises(UsageError, match="shipworthy gate"):
        layout.load_decision()
    assert list(tmp_path.iterdir()) == []


def test_runs_are_found_by_id_prefix_and_latest(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    for name in ("RUN-20261123T1-aa", "RUN-20261123T2-bb", "RUN-20261124T1-cc"):
        (layout.runs / name).mkdir(parents=True)
        (layout.runs / name / "manifest.json").touch()
    (layout.runs / "RUN-20261125T1-no-manifest").mkdir()
    assert layout.run_directory().name == "RUN-20261124T1-cc"
    assert layout.run_directory("RUN-20261123T2").name == "RUN-20261123T2-bb"
    with pytest.raises(UsageError, match="could be any"):
        layout.run_directory("RUN-20261123")
    with pytest.raises(UsageError, match="did you mean 'RUN-20261124T1-cc'"):
        layout.run_directory("RUN-20261124T1-cd")
    with pytest.raises(UsageError):
        layout.run_directory("../../etc")


def test_a_decision_is_saved_once_and_never_changed(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    path = layout.save_decision(DECISION)
    assert layout.save_decision(DECISION) == path
    with pytest.raises(UsageError, match="never changed"):
        layout.save_decision(replace(DECISION, verdict="ship"))
    assert layout.load_decision() == layout.load_decision(DECISION.id) == DECISION


def test_a_damaged_decision_is_an_integrity_error(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.save_decision(DECISION).write_text('{"verdict": "maybe"}')
    with pytest.raises(IntegrityError, match="is not a decision"):
        layout.load_decision()


def test_a_workspace_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for place in (tmp_path / "nowhere", tmp_path / "file"):
        with pytest.raises(UsageError, match="no such folder"):
            Layout(place).run_ids()


def test_the_control_state_is_where_the_settings_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHIPWORTHY_CONTROL_URL", raising=False)
    assert Layout(tmp_path).control_url == f"sqlite:///{tmp_path}/.shipworthy/control.sqlite"
    monkeypatch.setenv("SHIPWORTHY_CONTROL_URL", "postgresql://h/d")
    assert Layout(tmp_path).control_url == "postgresql://h/d"
    own = Settings(cache_dir=tmp_path, keys_dir=tmp_path, control_url="postgresql://h/other")
    assert Layout(tmp_path, own).control_url == "postgresql://h/other"


def test_a_decision_file_that_holds_another_or_is_none_is_refused(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    path = layout.save_decision(DECISION)
    path.write_bytes(path.read_bytes().replace(b"ab12", b"cd34"))
    with pytest.raises(IntegrityError, match="holds another decision: DEC-20261123T180000-cd34"):
        layout.load_decision()
    path.unlink()
    path.mkdir()
    with pytest.raises(IntegrityError, match="cannot be read: Is a directory"):
        layout.load_decision()
