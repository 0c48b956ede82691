"""What changed since the last decision, and what may change without a new one."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.core.ledger import DELETED
from shipworthy.evidence.dossier.fact import Item
from shipworthy.evidence.dossier.section import Absent, section, table
from shipworthy.evidence.dossier.source import DossierSource
from shipworthy.store.register import DECISION_MADE


@section(13, "changes", "Changes")
def changes(source: DossierSource) -> Iterator[Item | Absent]:
    """Tell the decisions before this one, the runs beside it, and what is compared."""
    made = source.decision
    if made is None:
        yield Absent(source.fact("no decision was made yet, so nothing changed since one.", source.system.ref,
                                 open=True))  # fmt: skip
        return
    rows = [
        source.row((body["decision"], body["verdict"], body.get("subject_digest", "not recorded")), ref)
        for ref, body in source.entered(DECISION_MADE)
    ]
    yield from table(("Decision", "Verdict", "Subject"), rows, "Decisions in the audit log, oldest first.")
    earlier = [ref for ref, body in source.entered(DECISION_MADE) if body["decision"] != made.id]
    if not earlier:
        yield source.fact("It is the first decision in this audit log.", made.id, open=True)
    if made.baseline_runs:
        runs = [run for run in made.baseline_runs if run in source.known]
        yield source.fact(f"It is compared with {', '.join(made.baseline_runs)}.", made.id, *runs, open=True)
    else:
        yield source.fact("It is compared with nothing.", made.id, open=True)
    if made.ledger is not None:
        yield source.fact(f"Runs on the same samples: {made.ledger.sentence}.", made.id, open=True)
        if made.ledger.tries is not None:
            yield source.fact(f"How often it was tried: {made.ledger.tries.sentence}.", made.id, open=True)
    for ref, body in source.entered(DELETED):
        yield source.fact(f"The run {body['run']} was deleted.", ref, open=True)
    yield source.fact(
        "Any change of a file, model, prompt, index, guard or policy changes a digest, and the evidence no longer "
        "counts for it; operational settings and prices of a target may change.", made.id, open=True,
    )  # fmt: skip
