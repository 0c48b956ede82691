"""For whoever releases: the checklist, the page for executives, the policy mapping."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.core import signoff
from shipworthy.evidence.dossier.fact import FactRow, Item
from shipworthy.evidence.dossier.paper import paper
from shipworthy.evidence.dossier.section import table
from shipworthy.evidence.dossier.source import DossierSource
from shipworthy.release.wording import count


@paper("release-checklist", "Release checklist", "each thing that a release takes, and whether it is there", 16,
       views=("internal", "regulator"))  # fmt: skip
def checklist(source: DossierSource) -> Iterator[Item]:
    """Tell each thing with a yes or a no, worked out."""
    yield from table(("Is it so?", "What a release takes", "As it is"), list(_checks(source)))


def _checks(source: DossierSource) -> Iterator[FactRow]:
    system, made = source.system, source.decision

    def row(so: bool, what: str, told: str, *ids: str) -> FactRow:
        return source.row(("yes" if so else "NO", what, told), *(ids or (system.ref,)))

    verdict = made.verdict if made else "no decision"
    yield row(verdict == "ship", "The gate says ship", verdict, *([made.id] if made else []))
    if made is not None:
        yield row(not made.s1_hits, "No hit on an S1 sample stands", f"{len(made.s1_hits)} stand", made.id)
        yield row(not made.s1_unscored, "Every S1 sample has a score", f"{len(made.s1_unscored)} have none", made.id)
    go = [one for one in source.signed if one[1]["verdict"] != signoff.NO_GO]
    yield row(
        bool(go), "People signed it off", count(len(source.signed), "decision"), *(ref for ref, _ in source.signed)
    )
    bare = [one for one in source.all("risk") if not source.into("risk", one.id, "mitigates", "requirement")]
    yield row(not bare, "A requirement mitigates every risk", f"{len(bare)} without", *(one.ref for one in bare))
    open_ = [cell for cell in source.coverage if cell["critical"] and not cell["suites"]]
    yield row(not open_, "Every risk on a critical journey is measured", f"{len(open_)} are not",
              *(cell["risk"] for cell in open_))  # fmt: skip
    levers = source.all("lever")
    cold = [one for one in levers if one["last_drilled"] is None]
    yield row(bool(levers) and not cold, "There is a lever, and each was drilled",
              f"{count(len(levers), 'lever')}, {len(cold)} never drilled", *(one.ref for one in levers))  # fmt: skip
    monitors = source.all("monitor")
    yield row(bool(monitors), "Something is watched once it runs", count(len(monitors), 'monitor'),
              *(one.ref for one in monitors))  # fmt: skip
    loose = [one for one in source.all("component") if one["kind"] == "model" and not one["pinned"]]
    yield row(not loose, "The version of each model is fixed", f"{len(loose)} are not", *(one.ref for one in loose))
    told = "declared" if system["ai_act"] else "not declared"
    yield row(bool(system["ai_act"]), "Role and class under the AI Act are declared", told)


@paper("executive-readout", "Executive readout", "one page: the verdict, what is left, what is open", brief=True)
def readout(source: DossierSource) -> Iterator[Item]:
    """Tell the verdict, the three greatest risks, what does not hold, and who signed; it fits a page."""
    made = source.decision
    if made is None:
        yield source.gap(f"No decision was made on {source.system['title']} yet.", source.system.ref, open=True)
    else:
        held = sum(one.verdict == "ship" for one in made.criteria)
        yield source.fact(
            f"{source.system['title']}: the gate says {made.verdict.upper()}. {held} of {len(made.criteria)} criteria "
            f"hold.", made.id, source.system.ref, open=True,
        )  # fmt: skip
        for ref, said in source.signed:
            until = f" until {said['expires']}" if said["expires"] else ""
            yield source.fact(f"People decided {said['verdict'].replace('_', ' ')} for {said['market']}{until}.", ref,
                              open=True)  # fmt: skip
        failed = [one for one in made.criteria if one.verdict != "ship"]
        for one in failed[:4]:
            yield source.gap(f"{one.id} does not hold: {one.must}, {one.verdict}.", *source.evidence(one), open=True)
        if len(failed) > 4:
            yield source.gap(f"More that do not hold: {len(failed) - 4}.", made.id, open=True)
    left = sorted(((source.left(one), one) for one in source.all("risk")), key=lambda p: (-p[0].residual, p[1].id))
    rows = [
        source.row((source.title("risk", one.id), one["severity"], f"{what.residual:.1f} of {what.inherent:.1f}",
                    "measured" if what.measured else "not measured"), one.ref, open=True)
        for what, one in left[:3]
    ]  # fmt: skip
    yield from table(("Greatest risks", "Severity", "Left", ""), rows)
    taken = len(source.all("waiver"))
    if taken:
        yield source.fact(f"Accepted for a time: {count(taken, 'waiver')}.",
                          *(one.ref for one in source.all("waiver")), open=True)  # fmt: skip


@paper("policy-mapping", "Policy mapping", "which clause and which catalogue asks for what, and the evidence", 6, 17,
       views=("internal", "regulator"))  # fmt: skip
def mapping(source: DossierSource) -> Iterator[Item]:
    """Tell how many clauses are carried out."""
    clauses = source.all("clause")
    done = [one for one in clauses if source.into("clause", one.id, "clauses", "requirement")]
    if clauses:
        yield source.fact(f"Clauses that a requirement carries out: {len(done)} of {len(clauses)}.",
                          *(one.ref for one in clauses))  # fmt: skip
    else:
        yield source.gap("No clause of a policy is written down (`clauses`).", source.system.ref)
