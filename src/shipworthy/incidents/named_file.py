"""Data that has a name: ours in the library, and a workspace's own beside it, which takes the place of ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from shipworthy.core.errors import Problem, StoreError, UsageError, WorkspaceError, did_you_mean
from shipworthy.store.files import make_directory, write_atomic
from shipworthy.workspace.fields import Entity
from shipworthy.workspace.nodes import read_yaml
from shipworthy.workspace.taxonomies import FOLDER as TAXONOMIES
from shipworthy.workspace.validate import validate

E = TypeVar("E", bound=Entity)


def named_files(folder: str, root: Path | None) -> Mapping[str, Path]:
    """Return the YAML files of a folder of the library by their names, and those of the same folder of a workspace."""
    found = {path.stem: path for path in sorted((TAXONOMIES.parent / folder).glob("*.yaml"))}
    if root is not None:
        found |= {path.stem: path for path in sorted((root / folder).glob("*.yaml"))}
    return found


def read_named(model: type[E], what: str, id: str, files: Mapping[str, Path]) -> E:
    """Return what a file of that name holds.

    Args:
        model: has an `id`, which must be the file's name.
        what: messages call it so.

    Raises:
        UsageError: there is none; the nearest is named.
        WorkspaceError: its file is wrong: every problem with file and line.
    """
    if id not in files:
        raise UsageError(f"there is no {what} {id!r}: {did_you_mean(id, list(files))}")
    source, problems = read_yaml(files[id]), list[Problem]()
    made = validate(model, source, (), problems)
    if made is not None and (said := getattr(made, "id", id)) != id:
        problems.append(source.problem(("id",), f"its id is {said!r}, and its file is called {id!r}"))
    if made is None or problems:
        raise WorkspaceError(problems)
    return made


def write_private(path: Path, data: bytes, what: str) -> None:
    """Write a file that only its owner may read.

    Raises:
        StoreError: it cannot be written.
    """
    try:
        make_directory(path.parent, mode=0o700)
        write_atomic(path, data, mode=0o600)
    except OSError as error:
        raise StoreError(f"{what} cannot be written to {path}: {error.strerror or error}") from error
