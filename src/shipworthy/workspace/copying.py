"""Copy a suite of the library into a workspace, to be changed there under an id of its own."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from shipworthy.core.errors import UsageError
from shipworthy.workspace.library import LIBRARY
from shipworthy.workspace.suite_folder import free_suite_folder
from shipworthy.workspace.suites import library_suite


def copy_suite(name: str, root: Path, *, id: str) -> Path:
    """Copy a library suite's files into ``suites/<id>`` of a workspace and return that folder.

    The copy is another suite: it has its own id, begins at version 1.0.0, and says in its files what it was copied
    from. What the card tells of measured agreement was measured on the original.

    Args:
        root: the workspace.
        id: of the copy: lower case, digits and hyphens; another than the original's, for two suites never share one.

    Raises:
        UsageError: the library has no such suite, the id is none or the original's own, something of that name is there
            already (nothing is overwritten), or the folder cannot be written.
    """
    original = library_suite(name)
    if id == name:
        raise UsageError(f"the copy needs an id of its own, such as {name}-own: lower case, digits and hyphens")
    folder = free_suite_folder(root, id)
    source = LIBRARY / name
    told = (
        f"Copied from library:{name} {original.version} ({original.digest}), {original.license or 'no licence said'}."
    )
    text = (source / "suite.yaml").read_text(encoding="utf-8")
    text = re.sub(r"^id: .*$", f"id: {id}", text, count=1, flags=re.MULTILINE)
    text = re.sub(r"^version: .*$", "version: 1.0.0", text, count=1, flags=re.MULTILINE)
    card = (source / "card.md").read_text(encoding="utf-8")
    note = f"> {told} What follows describes the original; what was measured, was measured on it.\n\n"
    try:
        folder.mkdir(parents=True)
        (folder / "suite.yaml").write_text(f"# {told}\n{text}", encoding="utf-8", newline="\n")
        (folder / "card.md").write_text(note + card, encoding="utf-8", newline="\n")
        shutil.copyfile(source / "samples.jsonl", folder / "samples.jsonl")
    except OSError as error:
        raise UsageError(f"cannot write {folder}: {error.strerror}") from error
    return folder
