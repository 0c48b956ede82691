"""What the verbs about the chain of ids share: a workspace with what evidence says of it, and trees as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from shipworthy.evidence.residual import ResidualRisk
    from shipworthy.evidence.standing import Standings
    from shipworthy.evidence.why import Chain, ChainLink
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace


class Looked(NamedTuple):
    """A workspace, its rows, what evidence stands, and the risks with what is left of them."""

    workspace: Workspace
    layout: Layout
    standings: Standings
    risks: list[ResidualRisk]
    now: datetime

    @property
    def chain(self) -> Chain:
        """The chain of ids."""
        from shipworthy.evidence.why import Chain

        risks = {risk.risk: risk for risk in self.risks}
        return Chain(self.workspace.graph, self.standings.criteria, risks, self.workspace.root)


def look(workspace: Path, *, allow_code: bool) -> Looked:
    """Load a workspace with its evidence; kept decisions that count for nothing are named on standard error."""
    from shipworthy.evidence.residual import register
    from shipworthy.evidence.standing import standings
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace

    loaded, now = Workspace.load(workspace, allow_code=allow_code), datetime.now(UTC)
    layout = Layout(workspace)
    found = standings(loaded, layout)
    for why in found.refused:
        click.echo(f"warning: {why}; it counts for nothing here", err=True)
    return Looked(loaded, layout, found, register(loaded.graph, found.criteria, now.date()), now)


def tree_lines(links: Sequence[ChainLink], form: str, indent: int = 1) -> Iterator[str]:
    """Yield a tree as lines, for text or Markdown."""
    from shipworthy.cli._tables import plain_markdown, shorten

    for link in links:
        where = f" ({link.place})" if link.place else ""
        again = ", see above" if link.again else ""
        title = f": {shorten(link.title, 200)}" if link.title else ""
        if form == "markdown":
            said = f" - {plain_markdown(link.said)}" if link.said else ""
            yield f"{'  ' * indent}- **{plain_markdown(link.id)}**{plain_markdown(title + where + again)}{said}"
        else:
            yield f"{'  ' * indent}{link.kind} {link.id}{title}{where}{again}"
            if link.said:
                yield f"{'  ' * (indent + 2)}{shorten(link.said, 400)}"
        yield from tree_lines(link.below, form, indent + 1)


def tree_rows(links: Sequence[ChainLink]) -> list[dict[str, Any]]:
    """Return a tree as JSON."""
    return [{**link._asdict(), "below": tree_rows(link.below)} for link in links]
