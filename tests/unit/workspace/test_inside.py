"""A workspace reads its own folder and nothing else."""

from __future__ import annotations

import os

import pytest

from shipworthy.core.errors import WorkspaceError
from shipworthy.workspace.inside import check_inside
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.scaffold import scaffold

OUTSIDE = ["system.yaml", "risks.yaml", "guards.yaml", "suites/harmful-request.yaml", "suites/own/suite.yaml"]
OWN = """id: own
version: 1.0.0
title: Own
content: synthetic
metric: not_refused
scorers: [refusal]
samples: {samples}
card: {card}
"""


@pytest.fixture
def root(tmp_path):
    scaffold(tmp_path / "w", "minimal")
    (tmp_path / "secret.txt").write_text("the neighbours' secret\n")
    (tmp_path / "rows.jsonl").write_text('{"id": "a", "prompt": "hello"}\n')
    (tmp_path / "w" / "suites" / "own").mkdir()
    return tmp_path / "w"


def _own(root, *, samples="samples.jsonl", card="card.md"):
    folder = root / "suites" / "own"
    (folder / "suite.yaml").write_text(OWN.format(samples=samples, card=card))
    if not os.path.lexists(folder / "samples.jsonl"):
        (folder / "samples.jsonl").write_text('{"id": "a", "prompt": "hello"}\n')
    return folder


def _told(root):
    with pytest.raises(WorkspaceError) as caught:
        Workspace.load(root, allow_code=True)
    return str(caught.value)


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_link_that_leads_out_is_refused_whatever_reads_it(root, name):
    path = root / name
    moved = root.parent / "moved.yaml"
    if path.exists():
        path.rename(moved)
    else:
        moved.write_text("rules: []\n")
    path.symlink_to(moved)
    assert f"{path}: leads out of the workspace" in _told(root)


def test_a_card_and_samples_that_lead_out_are_refused_as_links_and_as_paths(root):
    folder = _own(root)
    (folder / "card.md").symlink_to(root.parent / "secret.txt")
    assert f"{folder / 'card.md'}: leads out of the workspace" in _told(root)
    (folder / "card.md").unlink()
    _own(root, card="../../../secret.txt")
    assert "leads out of the workspace" in _told(root)
    _own(root, card=str(root.parent / "secret.txt"))
    assert "leads out of the workspace" in _told(root)
    _own(root, samples="../../../rows.jsonl")
    assert "leads out of the workspace" in _told(root)
    (folder / "samples.jsonl").unlink()
    (folder / "samples.jsonl").symlink_to(root.parent / "rows.jsonl")
    _own(root)
    assert "leads out of the workspace" in _told(root)


def test_a_folder_that_is_a_link_is_followed_like_a_file(root):
    (root.parent / "elsewhere").mkdir()
    (root.parent / "elsewhere" / "more.yaml").write_text("use: library:over-refusal\n")
    (root / "suites" / "own").rmdir()
    (root / "deep").symlink_to(root.parent / "elsewhere")
    text = (root / "system.yaml").read_text()
    (root / "system.yaml").write_text(text.replace("include/*.yaml", "deep/*.yaml"))
    assert "leads out of the workspace" in _told(root)


def test_code_that_lies_elsewhere_is_not_run(root):
    ran = root.parent / "ran"
    (root.parent / "code.py").write_text(f"open({str(ran)!r}, 'w')\n")
    (root / "plugins").mkdir()
    (root / "plugins" / "code.py").symlink_to(root.parent / "code.py")
    assert "leads out of the workspace" in _told(root)
    assert not ran.exists()


def test_links_inside_the_workspace_and_a_linked_workspace_are_fine(root):
    folder = _own(root)
    (folder / "card.md").symlink_to(root / "README.md")
    Workspace.load(root)
    (root.parent / "link").symlink_to(root)
    Workspace.load(root.parent / "link")


def test_a_pipe_a_device_and_a_loop_end_at_once(root):
    for make in (
        lambda path: os.mkfifo(path),
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to(path),
        lambda path: path.mkdir(),
    ):
        path = root / "suites" / "odd.yaml"
        make(path)
        assert "odd.yaml: " in _told(root)
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


def test_what_is_missing_is_said_by_whoever_reads_it(tmp_path):
    check_inside(tmp_path / "none.yaml", tmp_path)
    check_inside(tmp_path / "none.yaml", None)


@pytest.mark.parametrize("name", ["gate.yaml", "risks.yaml", "targets.yaml", "requirements.yaml", "include/more.yaml"])
@pytest.mark.parametrize(("to", "said"), [("", "its path leads nowhere"), ("/dev/zero", "leads out of the workspace")])
def test_a_known_or_included_name_that_is_no_file_is_refused_and_not_passed_over(root, name, to, said):
    path = root / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(to or path.name)
    with pytest.raises(WorkspaceError) as caught:
        Workspace.load(root)
    assert any(problem.file.name == path.name and said in problem.message for problem in caught.value.problems)


@pytest.mark.parametrize("allow_code", [False, True])
@pytest.mark.parametrize("name", ["suites/own/card.md", "plugins/own.py", "plugins/deep/_part.py"])
def test_a_text_that_is_kept_whole_is_not_read_beyond_its_limit(root, name, allow_code):
    _own(root)
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"# a text\n")
    assert "larger" not in str(Workspace.inspect(root, allow_code=allow_code)[1])
    os.truncate(path, 50 << 30)  # holes: reading it would take 50 GB
    _, problems = Workspace.inspect(root, allow_code=allow_code)
    assert [p.message for p in problems if p.file == path] == ["is larger than 1 MB"]


@pytest.mark.parametrize("allow_code", [False, True])
def test_code_that_lies_outside_is_refused_whether_it_may_run_or_not(root, allow_code):
    (root / "plugins").mkdir()
    (root / "plugins" / "own.py").symlink_to(root.parent / "secret.txt")
    with pytest.raises(WorkspaceError, match="leads out of the workspace"):
        Workspace.load(root, allow_code=allow_code)


@pytest.mark.parametrize("leads", ["/dev/null", "risks.yaml", "include"])
def test_an_include_leads_through_folders(root, leads):
    (root / "include").symlink_to(leads)
    with pytest.raises(WorkspaceError, match="leads through what is no folder"):
        Workspace.load(root)
