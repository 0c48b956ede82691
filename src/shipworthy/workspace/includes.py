"""Which files an ``include`` pattern stands for. A pattern comes from whoever wrote the workspace: it is taken apart
before anything is looked for, so that none can lead out of the folder, run for minutes or end in a traceback."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

MAX_PATTERNS = 200
"""In one file."""
MAX_FILES = 1_000
"""Of one workspace."""
_LONGEST = 500
_DEEPEST = 16
_LOOKED_AT = 100_000
_HINT = "write a path that starts at the workspace, such as 'risks/*.yaml'"


def matching(root: Path, pattern: str) -> list[Path]:
    """Return the files of a workspace that a pattern stands for, sorted.

    ``*``, ``?`` and ``[...]`` stand for characters within a name, ``**`` for any folders, once.

    Raises:
        ValueError: it is no pattern for files of the workspace, or names a file that is not there; two arguments, what
            is wrong and what to do.
    """
    shown = repr(pattern if len(pattern) <= 60 else pattern[:57] + "...")
    _refuse(pattern, shown)
    _refuse_no_folder(root, pattern, shown)
    try:
        found = sorted(_files(root, pattern, shown))
    except _Many:
        raise ValueError(f"{shown} looks through more than {_LOOKED_AT:,} files", _HINT) from None
    except (ValueError, IndexError, NotImplementedError, RecursionError, OSError, re.error):
        raise ValueError(f"{shown} is no pattern for files", _HINT) from None
    if not found and not any(c in pattern for c in "*?["):
        raise ValueError(f"there is no file {shown}", "paths start at the workspace")
    return found


class _Many(Exception):
    """A pattern that is looked for too long."""


def _files(root: Path, pattern: str, shown: str) -> Iterator[Path]:
    for number, path in enumerate(root.glob(pattern)):
        if number >= _LOOKED_AT:
            raise _Many(shown)
        if not path.is_dir():  # what is no plain file is refused where it is read, not passed over
            yield path


def _refuse_no_folder(root: Path, pattern: str, shown: str) -> None:
    """Refuse a pattern below what is there and is no folder: it would find nothing, in silence."""
    folder = root
    for part in PurePosixPath(pattern).parts[:-1]:
        if any(c in part for c in "*?["):
            return
        folder /= part
        try:
            wrong = os.path.lexists(folder) and not folder.is_dir()
        except OSError:  # a circle of links
            wrong = True
        if wrong:
            raise ValueError(f"{shown} leads through what is no folder", _HINT)


def _refuse(pattern: str, shown: str) -> None:
    if not pattern.strip() or PurePosixPath(pattern).is_absolute() or PureWindowsPath(pattern).drive:
        raise ValueError(f"{shown} leads out of the workspace", _HINT)
    if len(pattern) > _LONGEST:
        raise ValueError(f"{shown} is longer than {_LONGEST} characters", _HINT)
    if any(ord(c) < 32 or c == "\x7f" for c in pattern):
        raise ValueError(f"{shown} holds a control character", _HINT)
    parts = pattern.replace("\\", "/").split("/")
    if ".." in parts:
        raise ValueError(f"{shown} leads out of the workspace", _HINT)
    if len(parts) > _DEEPEST or not any(part not in ("", ".") for part in parts):
        raise ValueError(f"{shown} is no pattern for files", _HINT)
    folders = [part for part in parts if "**" in part]
    if len(folders) > 1 or any(part != "**" for part in folders):
        raise ValueError(f"{shown}: '**' stands alone between two '/', and once", _HINT)
