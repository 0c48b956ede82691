"""What is watched once it runs."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.evidence.dossier.fact import Item
from shipworthy.evidence.dossier.section import Absent, listed, section, table
from shipworthy.evidence.dossier.source import DossierSource
from shipworthy.workspace.law import clocks


@section(14, "monitoring", "Monitoring, logs and retention")
def monitoring(source: DossierSource) -> Iterator[Item | Absent]:
    """Tell monitors with their limits, requirements that nothing watches, and how long logs are to be kept."""
    rows = [
        source.row(
            (f"{one.id}\n{one['title']}", one["metric"], one["must"], one["window"], listed(one["watches"], "nothing"),
             one["owner"] or "nobody"), one.ref, open=True,
        )
        for one in source.all("monitor")
    ]  # fmt: skip
    yield from table(("Monitor", "Metric", "Must", "Over", "Watches", "Owner"), rows)
    if not rows:
        yield source.gap("No monitor is written down: nothing tells whether what was measured still holds.",
                         source.system.ref, open=True)  # fmt: skip
    watched = {id for one in source.all("monitor") for id in one["watches"]}
    for one in source.all("requirement"):
        if rows and one.id not in watched:
            yield source.gap(f"No monitor watches {one.id}.", one.ref)
    act = source.system["ai_act"]
    if act and act["risk_class"] == "high":
        for clock in clocks():
            if clock.id in ("art26-logs", "art18-papers"):
                yield source.fact(f"{clock.what} ({clock.days:,} days).", f"law:{clock.id}", clock.article, open=True)
