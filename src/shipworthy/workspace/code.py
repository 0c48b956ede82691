"""Plug-ins of a workspace's own: Python files under ``plugins/``, run only when the user allows it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

from shipworthy.core import registry
from shipworthy.core.digests import bytes_digest
from shipworthy.core.errors import PluginError, Problem

FOLDER = "plugins"


def code_files(root: Path) -> list[Path]:
    """Return the plug-in files of a workspace, sorted. Names with a leading underscore are helpers."""
    return sorted(path for path in (root / FOLDER).glob("*.py") if not path.name.startswith("_"))


def load_code(root: Path, problems: list[Problem]) -> dict[str, str]:
    """Run a workspace's plug-in files and return file name -> ``sha256:…``, helpers included.

    The bytes that are hashed are the bytes that run: each file is read once. A file that changed since this process
    first ran it is an error, because the old code would go on being used under the new hash.
    """
    hashes = {f"{FOLDER}/{p.name}": bytes_digest(p.read_bytes()) for p in sorted((root / FOLDER).glob("_*.py"))}
    for path in code_files(root):
        data = path.read_bytes()
        hashes[f"{FOLDER}/{path.name}"] = digest = bytes_digest(data)
        try:
            _run(path, data, digest)
        except PluginError as error:
            problems.append(Problem(path, 0, str(error)))
        except Exception as error:  # whatever the user's own code raises is the user's to see
            line = _line_in(path, error)
            problems.append(Problem(path, line, f"cannot be loaded: {type(error).__name__}: {error}"))
    return hashes


def _run(path: Path, data: bytes, digest: str) -> None:
    for kind in registry.KINDS:
        if path.stem in registry.known(kind) and b"@" + kind.encode() in data:
            raise PluginError(f"{path.stem!r} is the id of a {kind} that comes with shipworthy: rename the file")
    name = f"shipworthy_workspace_{bytes_digest(str(path.resolve()).encode())[7:19]}.{path.stem}"
    if loaded := sys.modules.get(name):
        if getattr(loaded, "__shipworthy_digest__", None) != digest:
            raise PluginError("the file changed after this process had loaded it: start Python again")
        return
    module = ModuleType(name)
    module.__dict__.update(__file__=str(path), __shipworthy_digest__=digest)
    before = {(kind, n) for kind in registry.KINDS for n in registry.names(kind)}
    sys.modules[name] = module
    try:
        exec(compile(data, str(path), "exec"), module.__dict__)  # noqa: S102 - the user passed --allow-code
    except BaseException:
        del sys.modules[name]
        raise
    if not any((kind, path.stem) not in before for kind in registry.KINDS if path.stem in registry.names(kind)):
        del sys.modules[name]
        raise PluginError("registers no plug-in: decorate a factory with @scorer, @attack, @guard or @target")


def _line_in(path: Path, error: BaseException) -> int:
    if isinstance(error, SyntaxError):
        return error.lineno or 0
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
