"""A check that several kinds share: something links to an entity, or why is it there?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft, Placed
    from shipworthy.workspace.graph import Graph


def unlinked(
    kind: str, *, by: str, message: str, hint: str, field: str = ""
) -> Callable[[Placed[Any], Draft, Graph], None]:
    """Return a check that warns of an entity that nothing links to.

    Args:
        kind: of the entity.
        by: the kind that should link to it: while one of those is broken, nothing is said.
        message: with ``{}`` for its id.
        field: through which; any if left out.
    """

    def check(placed: Placed[Any], draft: Draft, graph: Graph) -> None:
        name = placed.entity.id
        if not graph.sources(graph.node(kind, name), field) and not draft.broken(by):
            draft.warnings.append(placed.problem(("id",), message.format(repr(name)), hint))

    return check
