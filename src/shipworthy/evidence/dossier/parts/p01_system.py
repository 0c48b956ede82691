"""What the system is and for whom."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.evidence.dossier.fact import Item
from shipworthy.evidence.dossier.section import Absent, listed, section, table, yes
from shipworthy.evidence.dossier.source import DossierSource


@section(1, "system", "System card")
def system(source: DossierSource) -> Iterator[Item | Absent]:
    """Tell name, owner, purpose, users' journeys, versions and what it is under the AI Act."""
    one = source.system
    yield source.fact(f"{one['title']} ({one.id}) belongs to {one['owner']}; its tier of risk is {one['tier']}.",
                      one.ref, open=True)  # fmt: skip
    if one["purpose"]:
        yield source.fact(f"Purpose: {one['purpose']}", one.ref, open=True)
    else:
        yield source.gap("Its purpose is not written down.", one.ref, open=True)
    act = one["ai_act"]
    if act:
        yield source.fact(
            f"Its owner stands to it as {act['role']} under the EU AI Act, and holds it for a system of the risk class "
            f"{act['risk_class']}.", one.ref, open=True,
        )  # fmt: skip
    else:
        yield source.gap("Role and risk class under the EU AI Act are not declared.", one.ref, open=True)
    for facts in source.all("facts"):
        spoken = listed(facts["languages"], "any")
        yield source.fact(f"It speaks to its users as {facts['persona'] or 'no persona'}, in: {spoken}.",
                          facts.ref, open=True)  # fmt: skip
    rows = [
        source.row((journey.id, journey["title"], yes(journey["critical"])), journey.ref, open=True)
        for journey in source.all("journey")
    ]
    yield from table(("Journey", "What people do", "Critical"), rows, "What it is used for.")
    for run, manifest in source.manifests.items():
        if source.decision is not None and run in source.decision.runs:
            target = manifest["subject"].get("target")
            name = target.get("target", "a target") if isinstance(target, dict) else "a target"
            yield source.fact(
                f"The version that was measured: {name}, {manifest['subject_digest']}, "
                f"{'behind its guards ' + manifest['guards'] if manifest.get('guards') else 'without guards'}.",
                run, open=True,
            )  # fmt: skip
    yield from _faces(source)


def _faces(source: DossierSource) -> Iterator[Item]:
    rows = [
        source.row((part.id, part["title"], listed(part["writers"])), part.ref, open=True)
        for part in source.all("component")
        if part["kind"] == "interface"
    ]
    yield from table(("Interface", "What people see", "Who writes there"), rows)
