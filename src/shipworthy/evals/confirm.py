"""Confirming a hit on a sample of severity S1: finding the run that has it, and entering what is said of it."""

from __future__ import annotations

from collections.abc import Sequence

from shipworthy.core.confirmation import HitWord
from shipworthy.core.errors import UsageError
from shipworthy.core.finished import PLANNED
from shipworthy.evals.results import Run
from shipworthy.store.audit import AuditLog
from shipworthy.store.confirmations import confirm
from shipworthy.store.layout import Layout
from shipworthy.store.register import register_run


def find_s1_hit(layout: Layout, attempt: str, run: str | None = None) -> tuple[Run, str]:
    """Return the run in which an attempt is a hit on a sample of severity S1, and the id of the planned attempt.

    Args:
        attempt: its id, or that of one of its tries.
        run: where to look (an id, the beginning of one, or ``latest``); every run here if left out.

    Raises:
        UsageError: there is no such attempt, it is no S1 hit, or it is one in several runs.
        IntegrityError: a log is not what was written.
    """
    planned, holding, hits = attempt[:PLANNED], [], []
    for name in [run] if run else reversed(layout.run_ids()):
        loaded = Run.load(layout.run_directory(name))
        if loaded.reading.attempt(attempt) is not None:
            holding.append(loaded)
            if planned in loaded.s1_hits:
                hits.append(loaded)
    if len(hits) == 1:
        return hits[0], planned
    names = ", ".join(found.id for found in hits or holding)
    if hits:
        raise UsageError(f"{planned} is a hit in several runs, and a word is about one: pass --run, one of {names}")
    if holding:
        raise UsageError(
            f"{attempt} is no hit on a sample of severity S1 in {names}: there is nothing to confirm\n"
            "A scorer's word on other attempts is held against people's by `shipworthy labels import`"
        )
    where = f"the run {layout.run_directory(run).name}" if run else "no run here"
    raise UsageError(
        f"{where} has {'no' if run else 'an'} attempt {attempt!r}: "
        "`shipworthy gate` and its reports name the S1 hits of a run"
    )


def confirm_hit(
    layout: Layout,
    attempt: str,
    said: str,
    *,
    by: str,
    because: str = "",
    run: str | None = None,
    again: bool = False,
    secrets: Sequence[str] = (),
) -> HitWord:
    """Enter in the audit log what somebody says of an S1 hit; the run as it is now is entered before it.

    Arguments and errors as for `find_s1_hit` and `shipworthy.store.confirmations.confirm`.
    """
    found, planned = find_s1_hit(layout, attempt, run)
    # Whoever replaces the records later on cannot keep the word: the head that it was said under stands before it.
    register_run(layout, layout.run_directory(found.id))
    with AuditLog(layout.control_url) as audit:
        return confirm(
            audit,
            run=found.id,
            attempt=planned,
            said=said,
            by=by,
            tries=found.s1_hits[planned],
            because=because,
            again=again,
            secrets=secrets,
        )
