"""A workspace reads its own folder and nothing else: links and paths that lead out of it are refused."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from shipworthy.core.errors import Problem, WorkspaceError

MOST_TEXT = 1 << 20
"""Bytes of a text that is kept whole: a card, a file of code."""


def check_inside(path: Path, root: Path | None) -> None:
    """Refuse a file that does not lie in a folder once every link on the way is followed, or is no plain file.

    What is read may end in a report or a signed pack: a link to another file of whoever runs it must not be a way
    there. A pipe or a device would never end.

    Args:
        root: the folder; None checks nothing, for a file that the user named or that comes with shipworthy.

    Raises:
        WorkspaceError: it leads out, or is neither a plain file nor missing.
    """
    if root is None:
        return
    try:
        real = path.resolve()
        outside, special = not real.is_relative_to(root.resolve()), real.exists() and not real.is_file()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a name that no file can have
        raise WorkspaceError([Problem(path, 0, "cannot be read: its path leads nowhere")]) from error
    if outside:
        hint = "copy the file into the workspace: it reads nothing else"
        raise WorkspaceError([Problem(path, 0, "leads out of the workspace", hint)])
    if special:
        raise WorkspaceError([Problem(path, 0, "is no plain file")])


def read_inside(path: Path, root: Path | None, most: int = MOST_TEXT) -> bytes:
    """Return a file's bytes, of a file that `check_inside` lets pass and that is not larger than it may be.

    Args:
        root: as for `check_inside`.
        most: bytes; no more is read to see that there are more.

    Raises:
        WorkspaceError: as `check_inside`, or it is larger.
        OSError: it cannot be read.
    """
    check_inside(path, root)
    with path.open("rb") as file:
        data = file.read(most + 1)  # not its size first: a file can grow
    if len(data) > most:
        size = f"{most >> 20} MB" if most >= 1 << 20 else f"{most >> 10} KB"
        raise WorkspaceError([Problem(path, 0, f"is larger than {size}")])
    return data


def missing_file(root: Path, name: str) -> str:
    """Return why a path that a safety file names leads to no file of the workspace; empty where it does."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        return "it leads out of the workspace"
    try:
        check_inside(root / path, root)
    except WorkspaceError as error:
        return error.problems[0].message
    return "" if (root / path).is_file() else "there is no such file"
