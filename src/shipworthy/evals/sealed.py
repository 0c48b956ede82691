"""The sealed part of a bank: who used it, and by how much its rate differs from the visible one's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from shipworthy.core.errors import UsageError
from shipworthy.core.ledger import DECLARED
from shipworthy.evals.results import Run
from shipworthy.stats import UnpairedDifference, unpaired_difference
from shipworthy.store.audit import AuditLog
from shipworthy.store.register import DECISION_MADE

if TYPE_CHECKING:
    from shipworthy.workspace.load import Workspace


class SealedUse(NamedTuple):
    """A run that used sealed samples, as the audit chain has it, with the verdict on it where one was given."""

    run: str
    at: str
    suites: tuple[str, ...]
    verdict: str


def sealed_suites(workspace: Workspace, plan: str, suites: Sequence[str] | None = None) -> list[str]:
    """Return the ids of the sealed parts that a plan measures."""
    entries = workspace.plan(plan).suites
    wanted = [entry.suite for entry in entries if suites is None or entry.suite in suites]
    return [name for name in wanted if name in workspace.suites and workspace.suites[name].part == "sealed"]


def refuse_unsealed(workspace: Workspace, plan: str, suites: Sequence[str] | None, *, sealed: bool) -> list[str]:
    """Return the sealed parts that a plan measures, if whoever runs it says that they are meant.

    Raises:
        UsageError: the plan measures sealed samples and `sealed` is false.
    """
    found = sealed_suites(workspace, plan, suites)
    if found and not sealed:
        names = ", ".join(found)
        raise UsageError(
            f"the plan {plan!r} measures sealed samples ({names}), which are for release decisions alone: "
            "--sealed says that this is one, and the audit log keeps it"
        )
    return found


def sealed_uses(audit: AuditLog) -> list[SealedUse]:
    """Return every run that was declared on sealed samples, oldest first. The chain is verified.

    Raises:
        IntegrityError: the audit log is not what was written.
        StoreError: it cannot be read.
    """
    audit.verify()
    verdicts: dict[str, str] = {}
    for entry in audit.of_kinds(DECISION_MADE):
        verdicts |= dict.fromkeys(entry.body.get("runs") or entry.body["heads"], str(entry.body["verdict"]))
    return [
        SealedUse(str(e.body["run"]), e.at, tuple(e.body["sealed"]), verdicts.get(str(e.body["run"]), "not decided"))
        for e in audit.of_kinds(DECLARED)
        if e.body.get("sealed")
    ]


def sealed_gap(
    run: Run, visible: str, sealed: str, metric: str = "", *, sealed_run: Run | None = None
) -> UnpairedDifference:
    """Return the sealed part's rate less the visible one's, with its interval.

    Where nobody tuned on the visible part, seeds were dealt to the parts at random and the two rates differ by chance.
    A gap to the bad side, clear of 0, says that the visible rate flatters.

    Args:
        visible, sealed: ids of the two suites in the run.
        metric: an event; the visible suite's main one if left out.
        sealed_run: where the sealed part was measured, if in another run.

    Raises:
        UsageError: a suite or metric is not in the run, or nothing of it was scored.
    """
    other = sealed_run or run
    name = metric or run.suite(visible).metric
    if run.metric(visible, name).kind != "event":
        raise UsageError(f"the metric {name!r} is a value: the gap is told of an event")
    counts = other.counts(sealed, name), run.counts(visible, name)
    for suite, found in zip((sealed, visible), counts, strict=True):
        if not any(found.trials):
            raise UsageError(f"the suite {suite!r} has no attempt with a score of {name!r}")
    (new, old) = counts
    return unpaired_difference(new.totals, new.trials, old.totals, old.trials)
