"""What must hold, who asks for it, and what is covered."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.evidence.dossier.fact import Item
from shipworthy.evidence.dossier.section import Absent, listed, section, table
from shipworthy.evidence.dossier.source import DossierSource


@section(6, "requirements", "Requirements, policy map and coverage")
def requirements(source: DossierSource) -> Iterator[Item | Absent]:
    """Tell each requirement with its risks, clauses, tests and monitors; each gap by name."""
    rows = []
    for one in source.all("requirement"):
        criteria = source.criteria_of(one)
        watched = source.into("requirement", one.id, "watches", "monitor")
        rows.append(
            source.row(
                (f"{one.id}\n{one['text']}", listed(one["mitigates"]), listed(one["clauses"]),
                 listed([*(c.id for c in criteria), *(m.id for m in watched)], "nothing")),
                one.ref, *(c.ref for c in criteria), open=True,
            )
        )  # fmt: skip
    yield from table(("Requirement", "Mitigates", "Clauses", "Tested or watched by"), rows)
    clauses = []
    for one in source.all("clause"):
        by = source.into("clause", one.id, "clauses", "requirement")
        clauses.append(
            source.row(
                (f"{one.id}\n{one['title']}", one["source"] or "not stated", listed([r.id for r in by], "nothing")),
                one.ref, *(r.ref for r in by),
            )
        )  # fmt: skip
    yield from table(("Clause", "Of", "Carried out by"), clauses, "Policy map.")
    cells = [
        source.row(
            (source.title("journey", one["journey"]), source.title("risk", one["risk"]),
             "critical" if one["critical"] else "", listed(one["suites"], "NO SUITE")),
            one["journey"], one["risk"], *(f"suite:{name}" for name in one["suites"]), open=True,
        )
        for one in source.coverage
    ]  # fmt: skip
    yield from table(("Journey", "Risk", "", "Measured by"), cells, "Coverage: every risk on every journey it is on.")
    yield from _gaps(source)


def _gaps(source: DossierSource) -> Iterator[Item]:
    for one in source.all("risk"):
        if not source.into("risk", one.id, "mitigates", "requirement"):
            yield source.gap(f"No requirement mitigates {source.title('risk', one.id)}.", one.ref, open=True)
    for one in source.all("requirement"):
        if not source.criteria_of(one) and not source.into("requirement", one.id, "watches", "monitor"):
            yield source.gap(f"Nothing tests or watches {one.id}.", one.ref, open=True)
    for cell in source.coverage:
        if cell["critical"] and not cell["suites"]:
            yield source.gap(f"No suite measures {cell['risk']} on the critical journey {cell['journey']}.",
                             cell["journey"], cell["risk"], open=True)  # fmt: skip
    for one in source.all("clause"):
        if not source.into("clause", one.id, "clauses", "requirement"):
            yield source.gap(f"No requirement carries out {one.id}.", one.ref)
