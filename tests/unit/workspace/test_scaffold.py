"""Templates: written whole, never over anything, and right as they are."""

from __future__ import annotations

import pytest

from shipworthy.core.errors import UsageError
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.scaffold import scaffold, templates


def test_templates_are_found():
    assert templates() == (
        "agent-mail", "chat-assistant", "code-assistant", "helpdesk-rag", "high-stakes-advice", "image-feature",
        "minimal", "rag-copilot", "support-automation", "tool-agent",
    )  # fmt: skip


@pytest.mark.parametrize("name", templates())
def test_a_template_passes_the_check_as_it_is(tmp_path, name, monkeypatch):
    monkeypatch.setenv("ASSISTANT_API_KEY", "x")
    made = scaffold(tmp_path / "new" / "folder", name)
    assert all(path.is_file() for path in made)
    root = tmp_path / "new" / "folder"
    loaded = Workspace.load(root)
    assert loaded.warnings == ()
    assert ".shipworthy/" in (root / ".gitignore").read_text()
    readme = (root / "README.md").read_text()
    for path in made:
        relative = path.relative_to(root)
        name = f"{relative.parts[0]}/" if len(relative.parts) > 1 else relative.name
        assert name in ("README.md", ".gitignore") or f"`{name}`" in readme, f"the README does not explain {name}"


def test_the_helpdesk_template_covers_the_whole_chain(tmp_path):
    scaffold(tmp_path, "helpdesk-rag")
    loaded = Workspace.load(tmp_path)
    assert len(loaded.risks) == len(loaded.requirements) == len(loaded.suites) == 6
    assert all(risk.refs for risk in loaded.risks.values())
    tests = {criterion.parsed.test for _, criterion in loaded.criteria()}
    assert tests == {"threshold", "noninferiority"}
    assert {c.suite for _, c in loaded.criteria()} == set(loaded.suites)
    assert loaded.guards is not None
    assert len(loaded.guards.rules) == 3
    demo = loaded.plan("demo")
    attempts = sum(
        len(loaded.suites[e.suite].select(e.samples))
        * (len(e.attacks) if e.attacks is not None else len(loaded.suites[e.suite].attacks))
        * (e.attempts or loaded.suites[e.suite].attempts)
        for e in demo.suites
    )
    assert 100 <= attempts <= 200


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"is not empty \(notes\.txt\).*nothing was written"):
        scaffold(tmp_path, "minimal")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    with pytest.raises(UsageError, match=r"notes\.txt is a file"):
        scaffold(tmp_path / "notes.txt", "minimal")


def test_a_folder_with_only_git_is_empty(tmp_path):
    (tmp_path / ".git").mkdir()
    assert scaffold(tmp_path, "minimal")


def test_an_unknown_template_names_the_nearest(tmp_path):
    with pytest.raises(UsageError, match="unknown template 'helpdesk_rag': did you mean 'helpdesk-rag'"):
        scaffold(tmp_path / "x", "helpdesk_rag")
    assert not (tmp_path / "x").exists()


def test_a_folder_that_cannot_be_made_is_a_users_mistake(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot write"):
        scaffold(tmp_path / "file" / "x", "minimal")
