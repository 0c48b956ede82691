"""The one list of what must be unchanged: every safety file that was read, with its digest.

A run and a decision keep it; `shipworthy gate`, `report`, `evidence build` and the verifier of a pack hold it against
what is there. It is the bytes that count, comments too: what goes into a signed pack is what was decided on. The one
exception is what may change while evidence stays valid, the operational settings and the price of a target: a file with
targets has a second digest, of its meaning without them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from os.path import normpath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shipworthy.core.digests import digest, file_digest
from shipworthy.core.price import KEY
from shipworthy.core.records import SafetyFile
from shipworthy.core.registry import operational_settings
from shipworthy.workspace.code import FOLDER
from shipworthy.workspace.scalars import for_digest

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft
    from shipworthy.workspace.nodes import YamlFile
    from shipworthy.workspace.use import Use

_TARGETS = "targets"


def safety_files(root: Path, draft: Draft) -> tuple[SafetyFile, ...]:
    """Return every file of a workspace that was read, sorted by path.

    Raises:
        OSError: one of them cannot be read any more.
        PluginError: a target is of no plug-in that can be had here.
    """
    meanings = {source.file: meaning_of(source, draft) for source in draft.sources if _TARGETS in source.value}
    found = {}
    for path in _read(root, draft):
        name = Path(normpath(path.relative_to(root))).as_posix()
        found[name] = SafetyFile(path=name, sha256=file_digest(path), meaning=meanings.get(path, ""))
    return tuple(found[name] for name in sorted(found))


def meaning_of(source: YamlFile, draft: Draft) -> str:
    """Return the digest of a file with targets, without what may change of them: operational settings and prices.

    Args:
        draft: all the files that its targets may build on, read.

    Raises:
        PluginError: a target is of no plug-in that can be had here.
    """
    uses = {
        name: {"use": placed.entity.use, "params": measured(placed.entity, unpriced(placed.entity.params))}
        for name, placed in draft.entities["target"].items()
        if placed.source is source
    }
    return digest(for_digest({**source.value, _TARGETS: uses}))


def _read(root: Path, draft: Draft) -> Iterator[Path]:
    yield from (source.file for source in draft.sources)
    for loaded in draft.entities["suite"].values():
        yield from (path for path in loaded.files if path.is_relative_to(root))  # the others came with shipworthy
    yield from (placed.source.file for placed in (*draft.entities["pipeline"].values(), *draft.candidates))
    yield from (placed.source.file for placed in draft.entities["policy"].values())
    # Whether its code was allowed or not: what it is must not depend on who looks.
    yield from (path for path in (root / FOLDER).rglob("*.py") if path.is_file())


def changed(recorded: Sequence[SafetyFile], there: Sequence[SafetyFile]) -> list[str]:
    """Return a line for each file that is not what was recorded: its name, what was recorded and what is there."""
    old, new = {file.path: file for file in recorded}, {file.path: file for file in there}
    lines = []
    for name in sorted({*old, *new}):
        if name not in new:
            lines.append(f"{name}: recorded with {old[name].sha256}, and it is not there or no longer read")
        elif name not in old:
            lines.append(f"{name}: not recorded, and there is {new[name].sha256}")
        elif not old[name].same(new[name]):
            lines.append(f"{name}: recorded with {old[name].sha256}, and there is {new[name].sha256}")
    return lines


def unpriced(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return a target's parameters without what it costs, and its model's without what that costs."""
    kept = {name: value for name, value in params.items() if name != KEY}
    if isinstance(model := kept.get("model"), Mapping):
        kept["model"] = unpriced(model)
    return kept


def measured(use: Use, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what belongs to the subject: parameters, or a description, without the operational settings.

    The one place where they are left out, for targets and for the models that are injected into them (under the key
    `model`): each by what its own factory declares, see `operational`. An installed or local plug-in is treated alike.

    Raises:
        PluginError: there is no such target.
    """
    aside = operational_settings("target", use.use)
    kept = {name: value for name, value in values.items() if name not in aside}
    if use.model is not None and isinstance(inner := kept.get("model"), Mapping):
        kept["model"] = measured(use.model, inner)
    return kept
