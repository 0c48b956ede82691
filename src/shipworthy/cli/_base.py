"""The safety files as they were before a change: a folder, or a commit of the git repository that they lie in."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from shipworthy.core.errors import UsageError

if TYPE_CHECKING:
    from shipworthy.release.weaker import Weakening
    from shipworthy.workspace.load import Workspace

_MOST = 1 << 28
"""Bytes of a workspace's files in a commit."""


class HeldAgainst(NamedTuple):
    """A workspace before a change, where there was one, and with it; and the Python files that changed."""

    old: Workspace | None
    new: Workspace
    code: Sequence[Weakening]


@contextmanager
def held_against(against: str, workspace: Path, *, allow_code: bool) -> Iterator[HeldAgainst]:
    """Open a workspace beside what it was before a change; what is taken out of git is there within the block.

    Args:
        against: as for `base_of`.

    Raises:
        UsageError: as for `base_of`; or the files before the change cannot be read: nothing can be said of it then.
    """
    from shipworthy.release.weaker import code_changes
    from shipworthy.workspace.code import FOLDER
    from shipworthy.workspace.load import Workspace

    new = Workspace.load(workspace, allow_code=allow_code)
    with TemporaryDirectory(prefix="shipworthy-base-") as folder:
        base = base_of(against, workspace, Path(folder))
        if base is None:
            yield HeldAgainst(None, new, ())
            return
        code = code_changes(base, workspace)
        if allow_code:  # one process runs one version of a plug-in; what changed of them is said by their digests
            shutil.rmtree(base / FOLDER, ignore_errors=True)
            if (workspace / FOLDER).is_dir():
                shutil.copytree(workspace / FOLDER, base / FOLDER, ignore=shutil.ignore_patterns("__pycache__"))
        try:
            old = Workspace.load(base, allow_code=allow_code)
        except UsageError as error:
            said = str(error).replace(f"{base}{os.sep}", "")
            raise UsageError(
                f"the safety files of {against} cannot be read, so nobody can tell whether the gate became weaker:\n"
                f"{said}"
            ) from None
        yield HeldAgainst(old, new, code)


def base_of(against: str, workspace: Path, into: Path) -> Path | None:
    """Return a folder with the safety files before a change; None where the commit has none, so nothing is compared.

    Args:
        against: a folder, a commit (``origin/main``), or a commit and a folder in it (``origin/main:safety``).
        workspace: with the change; of a commit, the same folder is looked at unless another is named.
        into: an empty folder of the caller's, where a commit's files are put. A folder is copied there, too.

    Raises:
        UsageError: there is no such folder or commit; it has the system's files in another folder; or git is missing.
    """
    made = into / "base"
    if Path(against).is_dir():
        return _copied(Path(against).resolve(), made)
    root = Path(git(workspace, "rev-parse", "--show-toplevel").strip())
    commit, colon, named = against.partition(":")
    if commit.startswith("-"):
        raise UsageError(f"--against {against}: no commit is called so")
    found = git(workspace, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}", may=True)
    if not found:
        raise UsageError(
            f"--against {commit}: there is no such commit here\n"
            f"A shallow clone lacks it: `git fetch --depth=1 origin main:refs/remotes/origin/main`, for example"
        )
    here = workspace.resolve().relative_to(root.resolve()).as_posix()
    inside = PurePosixPath(named if colon else here)
    system = "system.yaml" if str(inside) == "." else f"{inside}/system.yaml"
    listed = git(workspace, "ls-tree", "-r", "--name-only", "--full-tree", "-z", found.strip()).split("\0")
    if system not in listed:
        if colon:
            raise UsageError(f"--against {against}: the commit has no {system}")
        _refuse_moved(workspace, found.strip(), [name for name in listed if PurePosixPath(name).name == "system.yaml"])
        return None
    _take(root, found.strip(), str(inside), made)
    _take_packs(lambda name: _shown(root, found.strip(), name), made, made / inside)
    return made / inside


def _copied(folder: Path, into: Path) -> Path:
    """Copy a workspace, and the policy packs that it inherits, to where they lie in its repository."""
    around = next((one for one in (folder, *folder.parents) if (one / ".git").exists()), folder)
    made = into / folder.relative_to(around)
    shutil.copytree(folder, made, ignore=shutil.ignore_patterns(".shipworthy", ".git"))
    _take_packs(lambda name: (around / name).read_bytes() if (around / name).is_file() else None, into, made)
    return made


def _shown(root: Path, commit: str, name: str) -> bytes | None:
    done = _run(root, "show", f"{commit}:{name}", may=True)
    return None if done.returncode else done.stdout


def _take(root: Path, commit: str, inside: str, into: Path) -> None:
    words = ["archive", "--format=tar", commit, *(() if inside == "." else ("--", inside))]
    data = _run(root, *words).stdout
    if len(data) > _MOST:
        raise UsageError(f"the workspace in the commit has more than {_MOST:,} bytes")
    into.mkdir()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        archive.extractall(into, filter="data")


def _take_packs(fetch: Callable[[str], bytes | None], into: Path, workspace: Path) -> None:
    """Put the policy packs that a workspace inherits, which may lie beside it, where they lay in its repository.

    Args:
        fetch: returns a file by its path in the repository; None where there is none.
    """
    from shipworthy.core.errors import WorkspaceError
    from shipworthy.workspace.nodes import read_yaml
    from shipworthy.workspace.packs import INHERITS, MOST

    (into / ".git").mkdir(exist_ok=True)  # a pack may lie in the repository, and not outside of it
    queue, seen = sorted(workspace.rglob("*.yaml")), set[Path]()
    while queue and len(seen) < MOST:
        file = queue.pop(0)
        try:
            said = read_yaml(file, into).value
        except WorkspaceError:
            continue  # loading it says so
        names = said.get(INHERITS) if isinstance(said, dict) else None
        for name in names if isinstance(names, list) else ():
            path = (file.parent / str(name)).resolve()
            if path in seen or not path.is_relative_to(into.resolve()):
                continue
            seen.add(path)
            if not path.exists():
                if (data := fetch(path.relative_to(into.resolve()).as_posix())) is None:
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            queue.append(path)


def _refuse_moved(workspace: Path, commit: str, files: list[str]) -> None:
    """Refuse a workspace that lay elsewhere before: held against nothing, it could be as weak as it likes."""
    own = re.search(r"\bid:\s*['\"]?(SYS-[A-Za-z0-9._-]+)", (workspace / "system.yaml").read_text(encoding="utf-8"))
    for name in files if own else ():
        text = git(workspace, "show", f"{commit}:{name}")
        if own is not None and re.search(rf"\bid:\s*['\"]?{re.escape(own[1])}(?![A-Za-z0-9._-])", text):
            folder = PurePosixPath(name).parent
            raise UsageError(
                f"the commit has the files of {own[1]} in {folder}: a workspace that was moved is held against what it "
                f"was there\nName the folder: --against COMMIT:{folder}"
            )


def git(folder: Path, *words: str, may: bool = False) -> str:
    """Return what git prints, in a folder; nothing where it fails and `may`.

    Raises:
        UsageError: there is no git, or it fails.
    """
    done = _run(folder, *words, may=may)
    return done.stdout.decode("utf-8", "surrogateescape") if done.returncode == 0 else ""


def _run(folder: Path, *words: str, may: bool = False) -> subprocess.CompletedProcess[bytes]:
    program = shutil.which("git")
    if program is None:
        raise UsageError("a commit is named, and there is no git on this machine")
    line = [program, "-C", str(folder), *words]
    done = subprocess.run(line, capture_output=True, check=False)  # noqa: S603 - no shell; a commit's name is verified
    if done.returncode and not may:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise UsageError(f"git {words[0]}: {said[-1] if said else 'it failed'}")
    return done
