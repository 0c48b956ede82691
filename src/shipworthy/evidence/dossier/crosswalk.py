"""Crosswalks: what the files refer to in others' catalogues, which evidence stands under it, and what nothing leads to.

Everything comes from references in the workspace. A catalogue of which a product needs all (the OWASP lists) has its
gaps named one by one; of one that is for choosing from (ATLAS) what is referred to is told, and how much is not.
"""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.evidence.dossier.fact import Group, Item, MissingFact
from shipworthy.evidence.dossier.section import table
from shipworthy.evidence.dossier.source import DossierSource, ToldEntity
from shipworthy.workspace.taxonomies import taxonomies

_WHOLE = ("owasp-llm", "owasp-asi")
_REFER = ("risk", "threat", "requirement", "clause", "data", "suite")


def references(source: DossierSource) -> dict[str, dict[str, list[ToldEntity]]]:
    """Return who refers to what: catalogue -> entry's id -> entities."""
    found: dict[str, dict[str, list[ToldEntity]]] = {}
    for kind in _REFER:
        for one in source.all(kind):
            for ref in one.says.get("refs") or ():
                key, _, rest = ref.partition(":")
                name = rest.rpartition("@")[0]
                entry = name.partition("(")[0] if key == "eu-ai-act" else name
                found.setdefault(key, {}).setdefault(entry, []).append(one)
    return found


def crosswalks(source: DossierSource) -> Iterator[Item]:
    """Yield a group for each catalogue that anything refers to, and for each that asks for all of it."""
    found = references(source)
    for key, catalogue in taxonomies().items():
        used = found.get(key, {})
        if not used and key not in _WHOLE:
            continue
        rows = []
        for entry, by in sorted(used.items()):
            criteria = sorted({c.id for one in by for c in _criteria(source, one)})
            verdicts = [f"{id}: {source.results[id].verdict}" for id in criteria if id in source.results]
            title = catalogue.entries[entry].title if entry in catalogue.entries else ""
            rows.append(
                source.row(
                    (f"{entry}\n{title}".strip(), ", ".join(dict.fromkeys(one.id for one in by)),
                     ", ".join(verdicts) or "no evidence"),
                    *(one.ref for one in by), *(id for id in criteria if id in source.known), open=True,
                )
            )  # fmt: skip
        items = table(("Entry", "Referred to by", "Evidence"), rows)
        lacking = [entry for entry in catalogue.entries.values() if entry.id not in used]
        if key in _WHOLE:
            items += [
                _gap(source, f"Nothing refers to {entry.id} {entry.title}: whether it matters here is not said.")
                for entry in lacking
            ]
        elif lacking:
            all_ = len(catalogue.entries)
            told = f"{len(lacking):,} of {all_:,} entries of {catalogue.name} are referred to by nothing."
            items.append(_gap(source, told))
        yield Group(f"{catalogue.name} ({', '.join(catalogue.versions[:1])})", tuple(items))  # type: ignore[arg-type]


def _gap(source: DossierSource, text: str) -> MissingFact:
    return source.gap(text, source.system.ref, open=True)


def _criteria(source: DossierSource, one: ToldEntity) -> list[ToldEntity]:
    """Return the criteria that speak to what an entity is about."""
    if one.kind == "requirement":
        return source.criteria_of(one)
    if one.kind == "suite":
        return [c for c in source.all("criterion") if c["suite"] == one.id]
    if one.kind == "clause":
        required = source.into("clause", one.id, "clauses", "requirement")
    elif one.kind == "risk":
        required = source.into("risk", one.id, "mitigates", "requirement")
    elif one.kind == "threat":
        risks = source.to("threat", one.id, "risks", "risk")
        required = [r for risk in risks for r in source.into("risk", risk.id, "mitigates", "requirement")]
    else:
        required = []
    return [criterion for requirement in required for criterion in source.criteria_of(requirement)]
