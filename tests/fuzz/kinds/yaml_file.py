"""YAML of a workspace: plain JSON values, or problems with a line each."""

from pathlib import Path

from shipworthy.core.digests import canonical
from shipworthy.core.errors import WorkspaceError
from shipworthy.workspace.nodes import read_yaml
from shipworthy.workspace.scalars import plain


def prepare(folder: Path) -> Path:
    return folder / "x.yaml"


def feed(data: bytes, path: Path) -> str:
    path.write_bytes(data)
    try:
        found = read_yaml(path)
    except WorkspaceError as error:
        assert error.problems
        lines = data.count(b"\n") + data.count(b"\r") + data.count(b"\xc2\x85") + data.count(b"\xe2\x80") + 2
        assert all(p.message.strip() and 0 <= p.line <= lines and len(str(p)) < 3000 for p in error.problems)
        return "refused"
    canonical(plain(found.value))  # what was read can be hashed
    return "accepted"
