"""What somebody read on both ends of a link: where the end changed since, the link is suspect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from shipworthy.workspace.fields import Day, Entity, Id, Word
from shipworthy.workspace.kind import kind

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft, Placed
    from shipworthy.workspace.graph import Edge, Graph

ARROW = " -> "
_LENGTH = 16


def _link(value: str) -> str:
    if len(value.split(ARROW)) != 2:
        raise ValueError("must be written 'RQ-1 -> RK-1'")
    return value


def link_name(edge: Edge) -> str:
    """Return what a review calls a link, such as ``RQ-secret -> RK-secret``."""
    return f"{edge.source.id}{ARROW}{edge.target.id}"


def link_digest(graph: Graph, edge: Edge) -> str:
    """Return the beginning of the digest of what a link leads to, as a review keeps it."""
    return graph.digest(graph.nodes[edge.target]).removeprefix("sha256:")[:_LENGTH]


def reviewable(graph: Graph) -> Iterator[Edge]:
    """Yield the links of the chain that lead somewhere: not those of reviews, plans and gates, each name once."""
    seen = set[str]()
    for edge in graph.edges:
        if edge.source.kind in ("plan", "gate", "review") or edge.target not in graph.nodes:
            continue
        if (name := link_name(edge)) not in seen:
            seen.add(name)
            yield edge


def latest(graph: Graph) -> dict[str, Review]:
    """Return the newest review of each link, by the link's name; of one day's, the last in the files."""
    found: dict[str, Review] = {}
    for node in sorted(graph.of_kind("review").values(), key=lambda node: node.entity.on):
        found.update(dict.fromkeys(node.entity.links, node.entity))
    return found


def suspect(graph: Graph) -> list[tuple[Edge, Review]]:
    """Return the links whose end is not what was reviewed, each with its newest review."""
    seen, found = latest(graph), []
    for edge in reviewable(graph):
        if (review := seen.get(link_name(edge))) is None:
            continue
        try:
            now = link_digest(graph, edge)
        except Exception:  # noqa: S112 - a suite that no scorer can be built for, which is reported where it stands
            continue
        if review.links[link_name(edge)] != now:
            found.append((edge, review))
    return found


def _check(review: Placed[Review], draft: Draft, graph: Graph) -> None:
    said, newest, there = review.entity, latest(graph), {link_name(edge) for edge in reviewable(graph)}
    stale = {link_name(edge): edge for edge, by in suspect(graph) if by is said}
    for name in said.links:
        if newest[name] is not said:
            continue
        if name not in there:
            message, hint = f"{said.id} reviewed the link {name}, which is not there", "take the line out"
            draft.warnings.append(review.problem(("links", name), message, hint))
        elif name in stale:
            end = graph.nodes[stale[name].target]
            message = f"suspect link {name}: {end.id} changed since {said.by} read it on {said.on}"
            hint = f"read {end.file.name}:{end.line} again, then put what `shipworthy trace review` prints here"
            draft.warnings.append(review.problem(("links", name), message, hint))


@kind("review", section="reviews", check=_check)
class Review(Entity):
    """Links that somebody read on a day, each with the digest of what it led to. `shipworthy trace review` prints one.

    Attributes:
        links: ``RQ-1 -> RK-1`` to the beginning of the digest of its end.
    """

    id: Annotated[str, Id("RV")]
    by: Word
    on: Day
    links: dict[Annotated[str, AfterValidator(_link)], Annotated[Word, Field(pattern=r"^[0-9a-f]{16}$")]]
