"""What is tested: a target plug-in under a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipworthy.workspace.kind import kind
from shipworthy.workspace.use import Use

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft, Placed
    from shipworthy.workspace.graph import Graph

DEFAULT = "default"


def _check(target: Placed[Use], draft: Draft, graph: Graph) -> None:
    targets = draft.entities["target"]
    if DEFAULT not in targets and len(targets) > 1:
        hint = f"the first one, {next(iter(targets))!r}, is tested"
        draft.warnings.append(target.problem((), "no target is named 'default'", hint))


kind("target", section="targets", written="mapping", check=_check)(Use)
