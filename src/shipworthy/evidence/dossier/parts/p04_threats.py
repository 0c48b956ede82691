"""Who may do what, and what then may go wrong."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.evidence.dossier.fact import Item
from shipworthy.evidence.dossier.section import Absent, listed, section, table
from shipworthy.evidence.dossier.source import DossierSource


@section(4, "threats", "Threat model and risk register")
def threats(source: DossierSource) -> Iterator[Item | Absent]:
    """Tell attackers, assets, threats and the risk register; a customer sees the register."""
    who = [
        source.row((one.id, one["title"], listed(one["can"]), one["goal"]), one.ref) for one in source.all("attacker")
    ]
    yield from table(("Attacker", "Who", "Can", "Wants"), who)
    worth = [
        source.row((one.id, one["title"], one["severity"] or "not stated", listed(one["components"])), one.ref)
        for one in source.all("asset")
    ]
    yield from table(("Asset", "What it is", "Severity of its loss", "Lies in"), worth)
    ways = [
        source.row(
            (f"{one.id}\n{one['title']}", one["vector"] or "not stated", listed(one["components"]),
             listed(one["risks"]), listed(one["refs"])), one.ref,
        )
        for one in source.all("threat")
    ]  # fmt: skip
    yield from table(("Threat", "Vector", "Through", "Leads to", "Catalogues"), ways)
    if not ways:
        yield source.gap("No threat is written down: `shipworthy threat suggest` proposes some.", source.system.ref)
    rows = []
    for one in source.all("risk"):
        required = source.into("risk", one.id, "mitigates", "requirement")
        rows.append(
            source.row(
                (f"{one.id}\n{one['title']}", one["severity"], str(one["likelihood"]), one["owner"] or "nobody",
                 listed([r.id for r in required], "nothing")),
                one.ref, *(r.ref for r in required), open=True,
            )
        )  # fmt: skip
    columns = ("Risk", "Severity", "Likelihood", "Owner", "Requirements against it")
    caption = "Severity S1 (worst) to S4 and likelihood 1 to 5 are inherent: before anything is done against it."
    yield from table(columns, rows, caption, (2,))
