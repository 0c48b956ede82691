"""Readiness: what is ready for a release, and what keeps it."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.evidence.dossier.fact import Item
from shipworthy.evidence.dossier.paper import paper
from shipworthy.evidence.dossier.source import DossierSource


@paper(
    "readiness-report", "Readiness report", "whether it can be released now, and what is missing", 0, 6, 8, 9, 12, 16
)
def readiness(source: DossierSource) -> Iterator[Item]:
    """Tell what keeps the system from a release."""
    made = source.decision
    if made is None:
        yield source.gap("It is not ready: no decision was made.", source.system.ref, open=True)
        return
    failed = [one for one in made.criteria if one.verdict != "ship"]
    passed = len(made.criteria) - len(failed)
    yield source.fact(
        f"{passed} of {len(made.criteria)} criteria hold; the gate said {made.verdict}.", made.id, open=True
    )
    for one in failed:
        yield source.gap(f"{one.id} keeps it: {one.verdict}, {one.must}.", *source.evidence(one), open=True)
    if made.s1_hits:
        yield source.gap(f"Hits on S1 samples keep it: {len(made.s1_hits):,}.", made.id, open=True)
    if not source.signed:
        yield source.gap("Nobody has signed it off.", made.id, open=True)
