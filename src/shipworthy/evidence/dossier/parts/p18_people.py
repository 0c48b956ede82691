"""Who decides, and what they are known to be able to do."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.core.label_draw import QUEUED
from shipworthy.evidence.dossier.fact import Item
from shipworthy.evidence.dossier.section import Absent, listed, section, table
from shipworthy.evidence.dossier.source import DossierSource
from shipworthy.release.wording import count


@section(18, "people", "Roles, competence and reviews")
def people(source: DossierSource) -> Iterator[Item | Absent]:
    """Tell roles with their rights, who signed, and which links were reviewed; a customer sees no names."""
    rights = ("approve", "override", "accept")
    rows = [
        source.row(
            (f"{one.id}\n{one['title']}", listed(one["holders"], "NOBODY"),
             *(one["may"].get(right) or "nothing" for right in rights)), one.ref,
        )
        for one in source.all("role")
    ]  # fmt: skip
    yield from table(("Role", "Held by", "May approve", "May override", "May accept"), rows,
                     "The worst severity up to which each may decide.")  # fmt: skip
    open_ = [
        source.row((one["title"], *(one["may"].get(right) or "nothing" for right in rights)), one.ref, open=True)
        for one in source.all("role")
    ]
    yield from table(("Role", "May approve", "May override", "May accept"), open_)
    for one in source.all("tier"):
        if one.id == source.system["tier"]:
            told = f"A release of the tier {one.id} takes {count(one['approvals'], 'approval')} of different people"
            yield source.fact(f"{told}, in the roles {listed(one['approvers'])}.", one.ref, open=True)
    if not rows:
        yield source.gap("No role is written down: who may decide is not said.", source.system.ref, open=True)
    for ref, said in source.signed:
        for vote in said["approvals"]:
            yield source.fact(f"{vote['by']} {vote['answer']} as {vote['role']}.", ref, f"audit:{vote['entry']}")
    for one in source.all("review"):
        yield source.fact(f"{one['by']} read {len(one['links'])} links of the chain on {one['on']}.", one.ref)
    queues = [ref for ref, _ in source.entered(QUEUED)]
    if queues:
        yield source.fact(f"Queues of answers that were dealt to people to label: {len(queues):,}.", *queues)
