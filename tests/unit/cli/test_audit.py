"""`audit verify`, `anchor` and `list`, and `runs delete`."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.store.audit import AuditLog
from shipworthy.store.declare import open_log
from shipworthy.store.layout import Layout

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here")


def git(folder: Path, *arguments: str) -> str:
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], env=os.environ | own, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit, and a workspace in a folder of it, whose audit log has three entries."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    git(tmp_path, "init", "-q")
    for name, value in (("user.name", "A"), ("user.email", "a@example.org")):
        git(tmp_path, "config", name, value)
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "first")
    workspace = tmp_path / "desk"
    (workspace / ".shipworthy").mkdir(parents=True)
    with AuditLog(Layout(workspace).control_url) as audit:
        for number in range(3):
            audit.append("note", {"run": f"RUN-{number}"}, key="run")
    return workspace


def change(workspace: Path, statement: str) -> None:
    with closing(sqlite3.connect(workspace / ".shipworthy" / "control.sqlite")) as connection:
        connection.execute(statement)
        connection.commit()


def audit(verb: str, workspace: Path, *arguments: str) -> int:
    return shipworthy(["audit", verb, "-C", str(workspace), *arguments])


def verified(workspace: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    capsys.readouterr()
    code = audit("verify", workspace, "--format", "json", *arguments)
    said: dict[str, object] = json.loads(capsys.readouterr().out)
    assert code == (0 if said["ok"] else 4)
    return said


@needs_git
@pytest.mark.parametrize("how", ["tag", "note"])
def test_an_anchor_shows_that_the_newest_entries_were_cut_off(repository, capsys, how) -> None:  # type: ignore[no-untyped-def]
    assert audit("anchor", repository, "--as", how) == 0
    assert "git push origin refs/" in capsys.readouterr().out
    with AuditLog(Layout(repository).control_url) as log:
        log.append("note", {"run": "RUN-3"}, key="run")
    assert audit("anchor", repository, "--as", how) == 0
    assert verified(repository, capsys)["anchors"] == 2
    change(repository, "DELETE FROM audit WHERE number = 4")
    said = verified(repository, capsys)
    assert (said["entries"], said["anchors"]) == (3, 1)
    assert "its newest were cut off" in str(said["problems"])
    assert verified(repository, capsys, "--no-anchors")["ok"]
    assert audit("anchor", repository) == 4  # nor is a new one written over it


@needs_git
def test_an_anchor_shows_that_the_log_was_written_anew(repository, capsys) -> None:  # type: ignore[no-untyped-def]
    assert audit("anchor", repository) == 0
    (repository / ".shipworthy" / "control.sqlite").unlink()
    with AuditLog(Layout(repository).control_url) as log:
        for number in range(5):
            log.append("note", {"run": f"RUN-{number}"}, key="run")
    assert "written anew" in str(verified(repository, capsys)["problems"])
    for file in (repository / ".shipworthy").glob("control.sqlite*"):
        file.unlink()
    assert "were cut off" in str(verified(repository, capsys)["problems"])


@needs_git
def test_the_same_head_is_anchored_once_and_a_tag_in_its_place_is_refused(repository, capsys) -> None:  # type: ignore[no-untyped-def]
    assert audit("anchor", repository) == audit("anchor", repository) == 0
    (name,) = git(repository, "tag", "--list").splitlines()
    assert name.startswith("shipworthy-audit/")
    assert name.endswith("/3")
    git(repository, "tag", "--delete", name)
    git(repository, "tag", "-a", "-m", "something else", name)
    assert "not an anchor of an audit log" in str(verified(repository, capsys)["problems"])
    assert audit("anchor", repository) == 4
    git(repository, "tag", "--delete", name)
    git(repository, "tag", name)  # a light one
    assert not verified(repository, capsys)["ok"]


@needs_git
def test_another_workspace_of_the_repository_has_anchors_of_its_own(repository, capsys) -> None:  # type: ignore[no-untyped-def]
    assert audit("anchor", repository) == 0
    other = repository.parent / "other"
    other.mkdir()
    assert verified(other, capsys) == {
        "ok": True, "entries": 0, "head": verified(other, capsys)["head"], "anchors": 0, "problems": [],
    }  # fmt: skip
    assert audit("anchor", other) == 2  # nothing to anchor yet


@needs_git
def test_programs_that_the_repository_names_do_not_run(repository, capsys) -> None:  # type: ignore[no-untyped-def]
    proof = repository.parent / "ran"
    hooks = repository.parent / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("reference-transaction", "post-commit", "pre-commit", "commit-msg", "prepare-commit-msg"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {proof}\n")
        (hooks / name).chmod(0o755)
    program = repository.parent / "program"
    program.write_text(f"#!/bin/sh\ntouch {proof}\n")
    program.chmod(0o755)
    for name in ("core.fsmonitor", "gpg.program", "core.pager", "core.editor"):
        git(repository, "-c", "core.fsmonitor=false", "config", name, str(program))
    git(repository, "-c", "core.fsmonitor=false", "config", "tag.gpgSign", "true")
    assert audit("anchor", repository) == audit("anchor", repository, "--as", "note") == 0
    assert verified(repository, capsys)["anchors"] == 2
    assert not proof.exists()


def test_outside_git_an_anchor_is_refused(tmp_path, capsys, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with AuditLog(Layout(tmp_path).control_url) as log:
        log.append("note", {"run": "RUN-0"}, key="run")
    assert audit("anchor", tmp_path) == 2
    assert "git repository" in capsys.readouterr().err
    assert verified(tmp_path, capsys)["ok"]
    monkeypatch.setenv("PATH", str(tmp_path))
    assert audit("anchor", tmp_path) == 2
    assert "no `git` here" in capsys.readouterr().err


@needs_git
def test_a_repository_without_a_commit_is_told(tmp_path, capsys) -> None:  # type: ignore[no-untyped-def]
    git(tmp_path, "init", "-q")
    with AuditLog(Layout(tmp_path).control_url) as log:
        log.append("note", {"run": "RUN-0"}, key="run")
    assert audit("anchor", tmp_path) == 2
    assert "commit something first" in capsys.readouterr().err


def test_a_head_that_was_kept_elsewhere_is_looked_for(repository, capsys) -> None:  # type: ignore[no-untyped-def]
    with AuditLog(Layout(repository).control_url) as log:
        heads = [entry.hash for entry in log.entries()]
    for head in (heads[0], f"sha256:{heads[1]}", heads[2].upper()):
        assert verified(repository, capsys, "--head", head)["ok"]
    change(repository, "DELETE FROM audit WHERE number = 3")
    assert verified(repository, capsys, "--head", heads[1])["ok"]
    assert "entries were cut off or rewritten" in str(verified(repository, capsys, "--head", heads[2])["problems"])
    for wrong in ("", "abc", f"sha512:{heads[0]}", heads[0][:-1] + "\u0661"):
        assert audit("verify", repository, "--head", wrong) == 2
    assert audit("verify", repository / "nowhere") == 2


def test_entries_are_listed_newest_last(repository, capsys) -> None:  # type: ignore[no-untyped-def]
    def listed(*arguments: str) -> list[int]:
        capsys.readouterr()
        assert audit("list", repository, "--format", "json", *arguments) == 0
        return [row["number"] for row in json.loads(capsys.readouterr().out)]

    assert (listed(), listed("--limit", "2"), listed("--about", "RUN-1")) == ([1, 2, 3], [2, 3], [2])
    assert (listed("--kind", "note"), listed("--kind", "run.started")) == ([1, 2, 3], [])
    assert audit("list", repository) == 0
    assert "RUN-2" in capsys.readouterr().out


def test_a_deleted_run_stays_in_the_ledger_and_says_why(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    (gated.root / "gate.yaml").write_text("gate: {id: release, criteria: [CR-leak, CR-help]}\n")
    at = ["-C", str(gated.root)]
    first, second, third = gated.run(made=30), gated.run(lambda i: True), gated.run()
    assert shipworthy(["gate", *at, "--allow-code", second.id]) == 1
    lock = open_log(first.directory, 0)
    assert shipworthy(["runs", "delete", *at, first.id]) == 2
    assert "another process is writing" in capsys.readouterr().err
    os.close(lock)
    assert shipworthy(["runs", "delete", *at, "latest"]) == 2
    assert shipworthy(["runs", "delete", *at, second.id]) == 2
    assert "rests on" in capsys.readouterr().err
    assert shipworthy(["runs", "delete", *at, first.id, "--because", "a wrong key"]) == 0
    assert shipworthy(["runs", "delete", *at, second.id, "--decided"]) == 0
    assert not first.directory.exists()
    assert not second.directory.exists()
    with AuditLog(Layout(gated.root).control_url) as log:
        log.verify()
        deleted = [entry.body for entry in log.of_kinds("run.deleted")]
    assert [body["run"] for body in deleted] == [first.id, second.id]
    assert (deleted[0]["made"], deleted[0]["why"], deleted[0]["heads"]) == (
        30,
        "a wrong key",
        list(first.reading.heads),
    )
    capsys.readouterr()
    assert shipworthy(["gate", *at, "--allow-code", third.id]) == 0
    assert "1 did not ship, 0 never finished, 1 deleted" in " ".join(capsys.readouterr().out.split())


def test_nothing_is_deleted_that_cannot_be_entered(gated, capsys) -> None:  # type: ignore[no-untyped-def]
    run = gated.run()
    with AuditLog(Layout(gated.root).control_url) as log:
        log.append("note", {"run": "x"}, key="run")
    change(gated.root, "CREATE TRIGGER n BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END")
    assert shipworthy(["runs", "delete", "-C", str(gated.root), run.id]) == 4
    assert run.directory.is_dir()


def test_a_damaged_run_can_be_deleted(gated) -> None:  # type: ignore[no-untyped-def]
    run = gated.run()
    (run.directory / "attempts-0000.jsonl").write_bytes(b"no log\n")
    assert shipworthy(["runs", "delete", "-C", str(gated.root), run.id]) == 0
    assert not run.directory.exists()
