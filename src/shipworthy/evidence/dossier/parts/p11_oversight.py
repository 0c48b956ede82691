"""How people oversee it."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.core.confirmation import CONFIRMED
from shipworthy.evidence.dossier.fact import Item
from shipworthy.evidence.dossier.section import Absent, section, table
from shipworthy.evidence.dossier.source import DossierSource
from shipworthy.release.wording import count


@section(11, "oversight", "Human oversight and limits of use")
def oversight(source: DossierSource) -> Iterator[Item | Absent]:
    """Tell what people do, which tools ask a person, how it can be stopped, and how people read what it did."""
    rows = [
        source.row((f"{one.id}\n{one['title']}", one["process"], one["owner"] or "nobody"), one.ref, open=True)
        for one in source.all("control")
        if one["process"] and one["status"] == "in-place"
    ]
    yield from table(("Control", "What people do", "Who"), rows)
    asking = [
        (policy, name) for policy in source.all("policy") for name, rule in policy["tools"].items() if rule["ask"]
    ]
    for policy, name in asking:
        yield source.fact(f"A person is asked before every call of {name}.", policy.ref, open=True)
    irreversible = [one for one in source.all("component") if one["kind"] == "tool" and one["effect"] == "irreversible"]
    for tool in irreversible:
        if not any(tool["title"] == name for _, name in asking):
            yield source.gap(f"Calls of {tool['title']} cannot be taken back, and no person is asked before one.",
                             tool.ref)  # fmt: skip
    stops = source.all("lever")
    if stops:
        yield source.fact(f"It can be stopped or held back by {', '.join(one['title'] for one in stops)}.",
                          *(one.ref for one in stops), open=True)  # fmt: skip
    said = [ref for ref, _ in source.entered(CONFIRMED)]
    if said:
        yield source.fact(
            f"People read {count(len(said), 'hit')} on S1 samples and said what they are.", *said, open=True
        )
