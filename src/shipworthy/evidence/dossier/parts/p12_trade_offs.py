"""What was traded for what, and what it cannot do."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.evidence.dossier.fact import Item
from shipworthy.evidence.dossier.section import Absent, section, table
from shipworthy.evidence.dossier.source import DossierSource
from shipworthy.evidence.sections.wording import interval_of, rate_of


@section(12, "trade-offs", "Trade-offs and known limits")
def trade_offs(source: DossierSource) -> Iterator[Item | Absent]:
    """Tell what safety took of helpfulness, as far as it was measured, and what did not hold."""
    changes = [
        source.row((one.id, f"{one.suite}, {one.metric}", f"{rate_of(one)}\n{interval_of(one)}", one.must, one.verdict),
                   *source.evidence(one), open=True)
        for one in source.results.values()
        if one.test == "noninferiority"
    ]  # fmt: skip
    caption = "Changes against the baseline: what guards, or a new version, took or gave."
    yield from table(("Criterion", "What", "Change", "Must", "Verdict"), changes, caption, (2,))
    for one in source.results.values():
        if one.verdict != "ship":
            yield source.fact(f"Known limit: {one.id} was not shown to hold ({one.must}; {one.verdict}).",
                              *source.evidence(one), open=True)  # fmt: skip
    for risk in source.all("risk"):
        left = source.left(risk)
        if not left.measured:
            yield source.gap(f"How often {source.title('risk', risk.id)} happens is not known: {left.basis}.",
                             risk.ref, open=True)  # fmt: skip
    if source.results and not changes:
        yield source.gap("No criterion compares with a baseline: what safety took of helpfulness was not measured.",
                         source.decision.id if source.decision else source.system.ref, open=True)  # fmt: skip
