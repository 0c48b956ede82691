"""`suites list|show|copy`: what there is, what it is, and a copy that is one's own."""

from __future__ import annotations

import json

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.workspace.library import library_suites
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.scaffold import scaffold
from shipworthy.workspace.suites import library_suite


@pytest.fixture
def root(tmp_path, monkeypatch):
    scaffold(tmp_path / "w", "minimal")
    monkeypatch.chdir(tmp_path / "w")
    return tmp_path / "w"


def _json(capsys, *words):
    assert shipworthy(["suites", *words, "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_workspaces_own_come_first_then_the_library(root, capsys):
    rows = _json(capsys, "list")
    assert [row["file"] for row in rows[:2]] == ["suites/harmful-request.yaml", "suites/over-refusal.yaml"]
    assert [row["suite"] for row in rows[2:]] == list(library_suites())
    assert all(row["samples"] == len(library_suite(row["suite"]).samples) for row in rows[2:])


def test_outside_of_a_workspace_the_library_is_listed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert [row["suite"] for row in _json(capsys, "list")] == list(library_suites())


@pytest.mark.parametrize("name", library_suites())
def test_a_suite_is_shown_with_what_decides_and_its_card(tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    told, suite = _json(capsys, "show", name), library_suite(name)
    assert (told["from"], told["digest"], told["metric"], told["card"]) == (
        "library", suite.digest, suite.metric, suite.card
    )  # fmt: skip
    assert told["metrics"][suite.metric].startswith("event, ")
    assert len(told["first_samples"]) == 3
    assert sum(told["strata"].values()) == len(suite.samples)
    assert shipworthy(["suites", "show", name, "--samples", "0"]) == 0
    assert "of its samples:" not in capsys.readouterr().out


def test_the_workspaces_own_is_shown_before_the_librarys(root, capsys):
    assert _json(capsys, "show", "harmful-request")["from"] == "suites/harmful-request.yaml"
    assert _json(capsys, "show", "groundedness")["from"] == "library"


def test_a_private_suite_shows_no_secret(root, capsys, monkeypatch):
    folder = root / "suites" / "own"
    folder.mkdir()
    (folder / "suite.yaml").write_text(
        "id: own\nversion: 1.0.0\ntitle: Own\ncontent: private\nmetric: leak\nscorers: [canary_leak]\n"
    )
    (folder / "samples.jsonl").write_text('{"id": "a", "prompt": "Is it HERON-9911?", "secrets": ["HERON-9911"]}\n')
    assert "HERON-9911" not in json.dumps(_json(capsys, "show", "own")["first_samples"])


@pytest.mark.parametrize("name", ["harmful-request", "over-refusal", "groundedness", "indirect-injection"])
def test_a_copy_passes_the_check_and_is_a_suite_of_its_own(root, capsys, name):
    assert shipworthy(["suites", "copy", name]) == 0
    assert shipworthy(["check"]) == 0
    made, original = Workspace.load(root).suites[f"{name}-own"], library_suite(name)
    assert (len(made.samples), made.scorers, made.attacks) == (
        len(original.samples),
        original.scorers,
        original.attacks,
    )
    assert made.digest != original.digest
    assert (root / "suites" / f"{name}-own" / "suite.yaml").read_text().startswith(f"# Copied from library:{name} 1")
    assert made.card.startswith(f"> Copied from library:{name} ")
    assert original.digest in made.card


def test_nothing_is_overwritten_and_an_id_is_one(root, tmp_path, capsys):
    assert shipworthy(["suites", "copy", "groundedness", "--as", "mine"]) == 0
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    for words in (
        ["groundedness", "--as", "mine"], ["groundedness", "--as", "harmful-request"], ["groundedness", "--as", "../x"],
        ["groundedness", "--as", "groundedness"], ["groundednes"], ["groundedness", "-C", str(tmp_path)],
    ):  # fmt: skip
        assert shipworthy(["suites", "copy", *words]) == 2, words
        assert "Traceback" not in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_an_unknown_suite_names_the_nearest(root, capsys):
    assert shipworthy(["suites", "show", "groundednes"]) == 2
    assert "did you mean 'groundedness'?" in capsys.readouterr().err


def test_a_suite_that_cannot_be_read_is_named_and_not_left_out(root, capsys):
    (root / "suites" / "odd.yaml").write_text("id: odd\ncontent: nonsense\n")
    (row,) = [row for row in _json(capsys, "list") if row["version"] is None]
    assert (row["suite"], row["file"], row["from"]) == ("odd", "suites/odd.yaml", "workspace")
    assert shipworthy(["suites", "list"]) == 0
    assert "What has no version cannot be read" in capsys.readouterr().out
    assert shipworthy(["suites", "show", "odd"]) == 2
    assert "the suite 'odd' cannot be read: `shipworthy check` says why" in capsys.readouterr().err
