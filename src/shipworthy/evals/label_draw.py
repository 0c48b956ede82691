"""Drawing attempts of a run for people to label: which there are, the draw in the audit chain, the file to fill in."""

from __future__ import annotations

from shipworthy.core.attack_name import select
from shipworthy.core.cells import sheet_of
from shipworthy.core.errors import UsageError
from shipworthy.core.label_draw import Candidate, Draw, Drawn, standing, take
from shipworthy.evals.labels import COLUMNS
from shipworthy.evals.results import Run
from shipworthy.store.audit import AuditLog
from shipworthy.store.draws import add_draw, read_said
from shipworthy.store.layout import Layout
from shipworthy.store.register import register_run


def candidates(run: Run, suite: str, metric: str, attack: str | None = None) -> list[Candidate]:
    """Return the attempts of a run that a scorer gave a score, last tries only.

    Args:
        attack: only this one: an id (with any parameters) or a full name.

    Raises:
        IntegrityError: the run's log is not what was written.
    """
    wanted = set(select(attack, run.suite(suite).attacks))
    return [
        Candidate(row.id, row.cluster, score.hit)
        for row in run.rows()
        if row.suite == suite and row.attack in wanted and row.outcome == "scored"
        for score in row.scores
        if score.metric == metric and score.hit is not None
    ]


def draw_labels(
    layout: Layout, run: Run, suite: str, metric: str, attack: str | None, *, positives: int, negatives: int, seed: int
) -> tuple[Draw, Drawn]:
    """Draw attempts to label, and enter the draw in the audit chain; one that was entered is returned again.

    Args:
        positives, negatives: how many of those that the scorer called a hit, and of the others; fewer where there are
            fewer samples.

    Raises:
        UsageError: the run has no such suite, metric or attack, the metric is no event of single attempts, nothing was
            scored, or attempts were drawn already in another way.
        IntegrityError: the run's log is not what was written.
        StoreError: the audit log cannot be read or written.
    """
    declared = run.metric(suite, metric)
    if declared.kind != "event" or declared.reducer == "any":
        what = "a value" if declared.kind != "event" else "counted once a sample, whichever attempt it happened in"
        raise UsageError(f"{metric!r} is {what}: labels audit an event of single attempts")
    run.counts(suite, metric, attack)  # refuses an attack that the run did not use
    known = candidates(run, suite, metric, attack)
    if not known:
        raise UsageError(
            f"nothing was scored for {metric!r} in the suite {suite!r} of {run.id}: there is nothing to label"
        )
    wanted = Draw(run.id, suite, metric, attack or "", seed, positives, negatives)
    # The head of the run stands in the chain before the draw: nobody can replace the records afterwards.
    register_run(layout, layout.run_directory(run.id))
    with AuditLog(layout.control_url) as audit:
        draws = read_said(audit).draws
    if (found := standing(draws, wanted.about, known)) is not None:
        draw, drawn = found
        if (draw.seed, draw.positives, draw.negatives) != (seed, positives, negatives):
            raise UsageError(
                f"attempts of {run.id} were drawn for {metric} already (entry {draw.entry} of the audit log), and the "
                f"first draw counts\nWrite it again: --seed {draw.seed} --positives {draw.positives} "
                f"--negatives {draw.negatives}"
            )
        return draw, drawn
    drawn = take(known, wanted)
    with AuditLog(layout.control_url) as audit:
        return add_draw(audit, wanted._replace(digest=drawn.digest)), drawn


def sheet(draw: Draw, drawn: Drawn) -> str:
    """Return the file to fill in: in no order that shows what the scorer said, and without its word."""
    ids = sorted((*drawn.positives, *drawn.negatives))
    return sheet_of([COLUMNS, *((id, draw.metric, "", "", "") for id in ids)])
