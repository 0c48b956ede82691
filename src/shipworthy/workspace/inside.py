"""A workspace reads its own folder and nothing else: links and paths that lead out of it are refused."""

from __future__ import annotations

from pathlib import Path

from shipworthy.core.errors import Problem, WorkspaceError


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
