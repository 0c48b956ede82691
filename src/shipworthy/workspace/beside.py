"""What evidence stands on beside the safety files: entries of catalogues, days of law, files that a target reads.

A run keeps it, so that a change of it is seen without anybody saying so. What nothing here refers to is left out: it
can take no claim with it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shipworthy.core.digests import digest, file_digest
from shipworthy.core.errors import StoreError
from shipworthy.core.registry import factory
from shipworthy.workspace.files import measured
from shipworthy.workspace.graph import Graph
from shipworthy.workspace.law import LawDate, dates
from shipworthy.workspace.reach import is_of, refs_of
from shipworthy.workspace.taxonomies import taxonomies

if TYPE_CHECKING:
    from shipworthy.workspace.load import Workspace
    from shipworthy.workspace.use import Use

_LONGEST = 4096
"""Characters of a setting that may be a path."""


def beside(workspace: Workspace, target: Use) -> dict[str, str]:
    """Return what evidence about a target stands on beside the safety files, by kind and name.

    ``taxonomy ATLAS-REF`` has the newest version and the title, ``law ID`` the day and the article, ``index PATH`` and
    ``data PATH`` the digest of a folder or file that the target reads.

    Raises:
        StoreError: a file of the target cannot be read.
    """
    found = dict(_taxonomies(workspace.graph))
    found |= {f"law {one.id}": f"{one.date} {one.article}: {one.what}" for one in days(workspace.graph)}
    found |= dict(_files(workspace.root, target))
    return dict(sorted(found.items()))


def days(graph: Graph) -> tuple[LawDate, ...]:
    """Return the days of law of articles that something here refers to."""
    refs = {ref for node in graph.nodes.values() for ref in refs_of(node)}
    return tuple(one for one in dates() if any(is_of(ref, one.about) for ref in refs))


def _taxonomies(graph: Graph) -> Iterator[tuple[str, str]]:
    known = taxonomies()
    for ref in sorted({ref for node in graph.nodes.values() for ref in refs_of(node)}):
        key, _, rest = ref.partition(":")
        name = rest.rpartition("@")[0] or rest
        if key in known:
            entry = known[key].entries.get(name.partition("(")[0] if key == "eu-ai-act" else name)
            yield f"taxonomy {key}:{name}", f"{known[key].versions[0]}, {entry.title if entry else 'no such entry'}"


def _files(root: Path, use: Use) -> Iterator[tuple[str, str]]:
    """Yield the files and folders that a target reads: those that its settings name, if it is told where they start."""
    if "root" in inspect.signature(factory("target", use.use)).parameters:
        yield from _named(root, measured(use, use.params))
    if use.model is not None:
        yield from _files(root, use.model)


def _named(root: Path, params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for value in params.values():
        for text in value if isinstance(value, list | tuple) else (value,):
            if not isinstance(text, str) or not 0 < len(text) <= _LONGEST or "\0" in text or "\n" in text:
                continue
            path = root / Path(text)
            try:
                if path.is_dir():
                    yield f"index {text}", _folder_digest(path)
                elif path.is_file():
                    yield f"data {text}", file_digest(path)
            except OSError as error:
                raise StoreError(f"cannot read {path}, which the target reads: {error.strerror}") from error


def _folder_digest(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return digest([[path.relative_to(folder).as_posix(), file_digest(path)] for path in files])
