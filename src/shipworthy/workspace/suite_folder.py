"""The folder of a suite that a command writes: free before, whole after, nothing overwritten."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from shipworthy.core.errors import UsageError

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def free_suite_folder(root: Path, id: str, *, instead: str = "choose another id with --as; ") -> Path:
    """Return ``suites/<id>`` of a workspace, where nothing of that name is yet.

    Args:
        instead: what to do where it is taken.

    Raises:
        UsageError: there is no workspace, or the id is none or taken, be it by a link that leads nowhere.
    """
    if not (root / "system.yaml").is_file():
        raise UsageError(f"{root} is no workspace: `shipworthy init DIR` makes one")
    if not _ID.fullmatch(id):
        raise UsageError(f"{id!r} is no id of a suite: lower case, digits and hyphens")
    folder = root / "suites" / id
    for there in (folder, folder.with_name(f"{id}.yaml")):
        if there.exists() or there.is_symlink():
            raise UsageError(f"{there} is there already: {instead}nothing was written")
    return folder


def write_suite_folder(folder: Path, files: Mapping[str, str], *, new: bool = True) -> Path:
    """Write the files of a suite and return their folder.

    Args:
        files: path below the folder -> text.
        new: refuse a folder that is there.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=not new)
        for name, text in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
    except (OSError, UnicodeEncodeError) as error:
        raise UsageError(f"cannot write {folder}: {getattr(error, 'strerror', None) or error}") from error
    return folder
