"""Plug-ins of a workspace's own: Python files under ``plugins/``, run only when the user allows it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

from shipworthy.core import registry
from shipworthy.core.digests import bytes_digest
from shipworthy.core.errors import PluginError, Problem

FOLDER = "plugins"
_PREFIX = "shipworthy_workspace_"


def code_files(root: Path) -> list[Path]:
    """Return the plug-in files of a workspace, sorted. Names with a leading underscore are helpers."""
    return sorted(path for path in (root / FOLDER).glob("*.py") if not path.name.startswith("_"))


def load_code(root: Path, problems: list[Problem]) -> dict[str, str]:
    """Run a workspace's plug-in files and return ``sha256:…`` by name of every Python file in the folder.

    The bytes that are hashed are the bytes that run: each file is read once. A file stands alone, it cannot import its
    neighbours. One process runs one version of a plug-in: a changed file is an error there, because the old code would
    go on being used under the new hash.
    """
    files = {path: path.read_bytes() for path in sorted((root / FOLDER).rglob("*.py"))}
    hashes = {path.relative_to(root).as_posix(): bytes_digest(data) for path, data in files.items()}
    for path in code_files(root):
        try:
            _run(path, files[path])
        except PluginError as error:
            problems.append(Problem(path, 0, *_refusal(path, str(error))))
        except Exception as error:  # whatever the user's own code raises is the user's to see
            line = _line_in(path, error)
            problems.append(Problem(path, line, f"cannot be loaded: {type(error).__name__}: {error}"))
    return hashes


def _run(path: Path, data: bytes) -> None:
    name = f"{_PREFIX}{bytes_digest(data)[7:23]}.{path.stem}"
    if name in sys.modules:  # the same bytes, loaded before
        return
    before = {kind: registry.names(kind) for kind in registry.KINDS}
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module
    try:
        exec(compile(data, str(path), "exec"), module.__dict__)  # noqa: S102 - the user passed --allow-code
        _refuse_clash(path, name, before)
    except BaseException:
        del sys.modules[name]
        registry.withdraw(name)
        raise


def _refuse_clash(path: Path, module: str, before: dict[str, tuple[str, ...]]) -> None:
    mine = [kind for kind in registry.KINDS if registry.made_by(kind, path.stem) == module]
    if not mine:
        raise PluginError("registers no plug-in: decorate a factory with @target, @attack, @scorer, @guard or @report")
    for kind in mine:
        if path.stem in before[kind]:
            raise PluginError(f"two {kind}s are named {path.stem!r}")


def _refusal(path: Path, message: str) -> tuple[str, str]:
    if not message.startswith("two "):
        return message, ""
    if message.count(_PREFIX) > 1:
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
