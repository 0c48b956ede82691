"""The suites that a verb of `shipworthy suites` can name, and what is told of each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shipworthy.workspace.suite import Suite


def all_suites(workspace: Path, allow_code: bool) -> list[tuple[str, Suite, str]]:
    """Return (file in the workspace, suite, the language its file says), the workspace's own first.

    The file is empty for one of the library.
    """
    from shipworthy.workspace.library import LIBRARY, library_suites
    from shipworthy.workspace.load import Workspace
    from shipworthy.workspace.suites import loaded_suite

    found: list[tuple[str, Suite, str]] = []
    if (workspace / "system.yaml").is_file():
        known, _ = Workspace.inspect(workspace, allow_code=allow_code)
        if known is not None:
            for id, suite in known.suites.items():
                node = known.graph.node("suite", id)
                language = str((node.written or {}).get("language") or "")
                found.append((node.file.relative_to(workspace).as_posix(), suite, language))
    for name in library_suites():
        loaded = loaded_suite(LIBRARY / name)
        found.append(("", loaded.entity, loaded.spec.language or ""))
    return found


def one_suite(workspace: Path, allow_code: bool, name: str) -> tuple[str, Suite]:
    """Return (file in the workspace, suite) of one that is named, or that stands in a folder or file.

    Raises:
        UsageError: there is none.
    """
    from shipworthy.core.errors import UsageError, did_you_mean
    from shipworthy.workspace.suites import load_suite

    known = {suite.id: (file, suite) for file, suite, _ in reversed(all_suites(workspace, allow_code))}
    if name in known:
        return known[name]
    if Path(name).exists():
        return "", load_suite(Path(name))
    raise UsageError(f"there is no suite {name!r}: {did_you_mean(name, sorted(known))}")


def written_of(workspace: Path, allow_code: bool, file: str, name: str) -> dict[str, Any]:
    """Return the keys of a suite's file: one of the workspace, where `file` is not empty, or of the library."""
    from shipworthy.workspace.library import LIBRARY
    from shipworthy.workspace.load import Workspace
    from shipworthy.workspace.suites import loaded_suite

    if file:
        return dict(Workspace.load(workspace, allow_code=allow_code).graph.node("suite", name).written)
    return dict(loaded_suite(LIBRARY / name).written)


def languages_of(suite: Suite, written: str) -> list[str]:
    """Return the languages of a suite's samples: by their tags ``language:``, or what its file says."""
    tagged = {tag.partition(":")[2] for sample in suite.samples for tag in sample.tags if tag.startswith("language:")}
    return sorted(tagged or ({written} if written else set()))


def refs_of(suite: Suite) -> list[str]:
    """Return every taxonomy reference of a suite and its samples."""
    return sorted({*suite.refs, *(ref for sample in suite.samples for ref in sample.refs)})
