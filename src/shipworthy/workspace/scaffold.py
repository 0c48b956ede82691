"""A new workspace from a template of the library."""

from __future__ import annotations

import os
from pathlib import Path

from shipworthy.core.errors import UsageError, did_you_mean

TEMPLATES = Path(__file__).parent.parent / "library" / "templates"
_RENAMED = {"gitignore": ".gitignore"}
"""A dot file would be left out of some archives and would hide the templates' own files from git."""


def templates() -> tuple[str, ...]:
    """Return the names of the templates."""
    return tuple(sorted(path.parent.name for path in TEMPLATES.glob("*/system.yaml")))


def scaffold(folder: Path, template: str) -> tuple[Path, ...]:
    """Write a template's files into a new or empty folder and return them, sorted.

    Nothing is ever overwritten: every file is created exclusively, and a folder that holds anything is refused.

    Raises:
        UsageError: no such template; the folder is not empty, is a file, or cannot be written.
    """
    if template not in templates():
        raise UsageError(f"unknown template {template!r}: {did_you_mean(template, templates())}")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file: name a new or an empty folder")
    if folder.is_dir() and (there := sorted(path.name for path in folder.iterdir() if path.name != ".git")):
        shown = ", ".join(there[:3]) + (", ..." if len(there) > 3 else "")
        raise UsageError(f"{folder} is not empty ({shown}): name a new or an empty folder; nothing was written")
    source = TEMPLATES / template
    made: list[Path] = []
    try:
        for path in sorted(p for p in source.rglob("*") if p.is_file()):
            target = folder / path.relative_to(source).with_name(_RENAMED.get(path.name, path.name))
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                file.write(path.read_bytes())
            made.append(target)
    except OSError as error:
        raise UsageError(f"cannot write {os.fspath(folder)}: {error.strerror}") from error
    return tuple(sorted(made))
