"""The folder of a new suite: nothing that is there is taken for free, and what is written is as it was given."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipworthy.core.errors import UsageError
from shipworthy.workspace.suite_folder import free_suite_folder, write_suite_folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "system.yaml").write_text("system: {id: SYS-x, title: X, owner: us}\n")
    (tmp_path / "suites").mkdir()
    return tmp_path


def test_what_is_taken_is_not_free(root: Path) -> None:
    (root / "suites" / "file.yaml").write_text("id: file\n")
    (root / "suites" / "folder").mkdir()
    (root / "suites" / "link").symlink_to(root / "nowhere")
    for id in ("file", "folder", "link"):
        with pytest.raises(UsageError, match="is there already: choose another id with --as; nothing was written"):
            free_suite_folder(root, id)
    with pytest.raises(UsageError, match="is there already: nothing was written"):
        free_suite_folder(root, "folder", instead="")
    assert free_suite_folder(root, "other") == root / "suites" / "other"


@pytest.mark.parametrize("id", ["", "Upper", "../out", "a/b", "a_b", "a-"])
def test_what_is_no_id_is_refused(root: Path, id: str) -> None:
    with pytest.raises(UsageError, match="is no id of a suite"):
        free_suite_folder(root, id)


def test_a_folder_without_a_system_is_no_workspace(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no workspace"):
        free_suite_folder(tmp_path, "one")


def test_files_are_written_as_given_and_a_folder_that_is_there_is_refused(root: Path) -> None:
    folder = write_suite_folder(root / "suites" / "one", {"card.md": "a\r\né\n", "script/state.yaml": "x: 1\n"})
    assert (folder / "card.md").read_bytes() == "a\r\né\n".encode()
    assert (folder / "script" / "state.yaml").read_text() == "x: 1\n"
    with pytest.raises(UsageError, match=r"cannot write .*one: File exists"):
        write_suite_folder(folder, {"card.md": "b"})
    write_suite_folder(folder, {"card.md": "b"}, new=False)
    assert (folder / "card.md").read_text() == "b"


def test_text_that_has_no_bytes_is_refused(root: Path) -> None:
    with pytest.raises(UsageError, match="cannot write"):
        write_suite_folder(root / "suites" / "one", {"card.md": "\ud800"})
