"""Plug-ins of a workspace's own: Python files under ``plugins/``, run only when the user allows it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from shipworthy.core import registry
from shipworthy.core.digests import bytes_digest
from shipworthy.core.errors import IdTaken, PluginError, Problem, WorkspaceError
from shipworthy.workspace.inside import read_inside

FOLDER = "plugins"
_PREFIX = "shipworthy_workspace_"


def code_files(root: Path) -> list[Path]:
    """Return the plug-in files of a workspace, sorted. Names with a leading underscore are helpers."""
    return sorted(path for path in (root / FOLDER).glob("*.py") if not path.name.startswith("_"))


def check_code(root: Path, problems: list[Problem]) -> None:
    """Look at the files of a workspace's plug-ins without running them: they lie inside, and can be read whole."""
    _read(root, problems)


def _read(root: Path, problems: list[Problem]) -> dict[Path, bytes]:
    files: dict[Path, bytes] = {}
    for path in sorted((root / FOLDER).rglob("*.py")):
        try:
            if not path.is_dir():
                files[path] = read_inside(path, root)
        except WorkspaceError as error:
            problems += error.problems
        except OSError as error:
            problems.append(Problem(path, 0, f"cannot be read: {error.strerror}"))
    return files


def load_code(root: Path, problems: list[Problem]) -> dict[str, str]:
    """Run a workspace's plug-in files and return ``sha256:…`` by name of every Python file in the folder.

    The bytes that are hashed are the bytes that run: each file is read once. A file stands alone, it cannot import its
    neighbours. One process runs one version of a plug-in: a changed file is an error there, because the old code would
    go on being used under the new hash.
    """
    files = _read(root, problems)
    # Last, so that nothing that is installed is replaced. Who allows code allows what `call:` names in the folder.
    if (folder := str(root.resolve())) not in sys.path:
        sys.path.append(folder)
    hashes = {path.relative_to(root).as_posix(): bytes_digest(data) for path, data in files.items()}
    for path in (path for path in code_files(root) if path in files):
        try:
            _run(path, files[path])
        except IdTaken as error:
            problems.append(Problem(path, 0, *_taken(path, error)))
        except PluginError as error:
            problems.append(Problem(path, 0, str(error).replace(f"{_name(path, files[path])} ", "")))
        except Exception as error:  # whatever the user's own code raises is the user's to see
            line = _line_in(path, error)
            problems.append(Problem(path, line, f"cannot be loaded: {type(error).__name__}: {error}"))
    return hashes


def create(root: Path, kind: str, name: str, **injected: Any) -> Any:
    """Build a plug-in without parameters that is named outside the files, such as a report.

    Args:
        root: the workspace, whose own plug-ins were loaded or not.
        injected: what the caller provides; passed only if the factory takes it.

    Raises:
        PluginError: there is none (the nearest is named), or it is the workspace's own and was not loaded.
    """
    if name not in registry.names(kind) and name in {path.stem for path in code_files(root)}:
        hint = f"{FOLDER}/{name}.py is this workspace's own code: run it with --allow-code"
        raise PluginError(f"the {kind} {name!r} is not loaded ({hint})")
    return registry.create(kind, name, **injected)


def _name(path: Path, data: bytes) -> str:
    """Return the name of the module that a file becomes: another one when its bytes change."""
    return f"{_PREFIX}{bytes_digest(data)[7:23]}.{path.stem}"


def _run(path: Path, data: bytes) -> None:
    name = _name(path, data)
    if name in sys.modules:  # the same bytes, loaded before
        return
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module
    try:
        exec(compile(data, str(path), "exec"), module.__dict__)  # noqa: S102 - the user passed --allow-code
        if not any(registry.made_by(kind, path.stem) == name for kind in registry.KINDS):
            decorators = ", ".join(f"@{kind}" for kind in registry.KINDS)
            raise PluginError(f"registers no plug-in: decorate a factory with one of {decorators}")
    except BaseException:
        del sys.modules[name]
        registry.withdraw(name)
        raise


def _taken(path: Path, error: IdTaken) -> tuple[str, str]:
    if error.owner.startswith(_PREFIX):
        return "another version of it, or another file of its name, is loaded already", "start Python again"
    return f"the id {path.stem!r} is taken by a plug-in that is installed", "rename the file"


def _line_in(path: Path, error: BaseException) -> int:
    if isinstance(error, SyntaxError):
        return error.lineno or 0
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
