"""Settling what people disagree on, by the word of somebody who did not label it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from shipworthy.core.errors import UsageError
from shipworthy.core.label_draw import LabelOrigin
from shipworthy.evals.label_agreement import OpenItem
from shipworthy.evals.label_showing import Showing, ShownItem, rubric_of
from shipworthy.evals.labelling import now
from shipworthy.evals.results import Run
from shipworthy.store.audit import AuditLog
from shipworthy.store.labels import Label, add_label
from shipworthy.workspace.load import Workspace

if TYPE_CHECKING:
    from shipworthy.scorers._rubric import Rubric


class AdjudicationDesk:
    """Settles what people disagree on, by the word of somebody who did not label it.

    Args:
        items: disagreements of one metric; those that are settled are passed over.
        comments: on each attempt, what those who labelled it wrote, with their word and without their names.

    Raises:
        UsageError: `by` gave one of the words.
    """

    def __init__(
        self,
        items: Sequence[OpenItem],
        by: str,
        showing: Showing,
        audit: AuditLog,
        comments: Callable[[str], list[str]],
    ) -> None:
        for item in items:
            check_adjudicator(item, by)
        self.showing, self.by, self._audit, self._comments = showing, by, audit, comments
        self._items = items
        self._said: dict[int, bool] = {n: one.settled for n, one in enumerate(items) if one.settled is not None}
        self._passed: set[int] = set()
        self._stack: list[int] = []
        self._next: int | None = None
        self._rubric = _adjudicated(showing.rubric)

    def current(self) -> int | None:
        if self._next is not None:
            again, self._next = self._next, None
            return again
        return next((n for n in range(len(self._items)) if n not in self._said and n not in self._passed), None)

    def show(self, item: int) -> ShownItem:
        attempt = self._items[item].attempt
        said = self._items[item].said.values()
        split = f"{sum(said)} said hit, {len(said) - sum(said)} no-hit"
        told = "\n".join([split, *self._comments(attempt)])
        return ShownItem((*self.showing.attempt(attempt).parts, ("They disagree", told)))

    def give(self, item: int, hit: bool | None, seconds: float, comment: str) -> None:
        self._stack.append(item)
        if hit is None:
            self._passed.add(item)
            return
        self._said[item] = hit
        self._keep(item, hit, comment)

    def undo(self) -> bool:
        if not self._stack:
            return False
        self._next = item = self._stack.pop()
        self._passed.discard(item)
        if self._said.pop(item, None) is not None:
            self._keep(item, None, "")
        return True

    def standing(self) -> tuple[int, int]:
        return len(self._said), len(self._items)

    def _keep(self, item: int, hit: bool | None, comment: str) -> None:
        label = Label(
            system=self.showing.run.manifest.system, run=self.showing.run.id, attempt=self._items[item].attempt,
            metric=self._items[item].metric, hit=hit, rubric=self._rubric, by=self.by, at=now(), comment=comment,
        )  # fmt: skip
        add_label(self._audit, label, secrets=self.showing.secrets)


def check_adjudicator(item: OpenItem, by: str) -> None:
    """Refuse somebody who is one of those that disagree.

    Raises:
        UsageError: they are.
    """
    if by in item.said:
        raise UsageError(f"{by} labelled {item.attempt}: somebody else must settle what {by} is one side of")


def settle(
    audit: AuditLog,
    items: Sequence[OpenItem],
    words: Sequence[Label],
    workspace: Workspace,
    run: Run,
    *,
    secrets: Sequence[str] = (),
) -> int:
    """Settle disagreements by labels from a file, all of them or none. Returns how many.

    A word that settles an attempt already is passed over.

    Args:
        items: all disagreements of the run, settled ones as well.
        secrets: as for `add_label`.

    Raises:
        UsageError: nobody disagrees on an attempt, or the word is that of somebody who does.
    """
    known = {(item.attempt, item.metric): item for item in items}
    suites = {row.id: row.suite for row in run.rows(superseded=True)}
    new = []
    for word in words:
        item = known.get((word.attempt, word.metric))
        if item is None:
            raise UsageError(f"nobody disagrees on {word.attempt} ({word.metric}): nothing was settled")
        check_adjudicator(item, word.by)
        if item.settled != word.hit:
            rubric = rubric_of(workspace, suites[word.attempt], word.metric)
            new.append(replace(word, rubric=_adjudicated(rubric)))
    for word in new:
        add_label(audit, word, secrets=secrets)
    return len(new)


def _adjudicated(rubric: Rubric | None) -> str:
    return str(LabelOrigin(rubric.name.replace(";", ",") if rubric else "", adjudicated=True))
