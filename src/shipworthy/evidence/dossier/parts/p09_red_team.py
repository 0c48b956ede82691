"""What was tried against it, and what came of that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from shipworthy.evidence.dossier.fact import Item
from shipworthy.evidence.dossier.section import Absent, listed, section, table
from shipworthy.evidence.dossier.source import DossierSource
from shipworthy.release.wording import count


@section(9, "red-team", "Red-team report")
def red_team(source: DossierSource) -> Iterator[Item | Absent]:
    """Tell which attacks ran, the hits on what must never happen, and what was said of each. No attack's text."""
    if source.decision is None:
        yield source.gap("No run was decided on yet.", source.system.ref, open=True)
        return
    rows = []
    for run, manifest in source.manifests.items():
        for use in manifest["suites"]:
            names = sorted({attack.partition("(")[0] for attack in use.get("attacks", ())})
            ref = f"suite:{use['id']}"
            rows.append(
                source.row((run, use["id"], listed(names), f"{use['attempts']:,}"), run,
                           *([ref] if ref in source.known else []))
            )  # fmt: skip
    yield from table(("Run", "Suite", "Attacks", "Attempts"), rows, "What was tried.", (3,))
    kinds = {a.partition("(")[0] for m in source.manifests.values() for u in m["suites"] for a in u.get("attacks", ())}
    tried = len(kinds - {"none"})
    yield source.fact(f"Kinds of attack that were tried beside plain requests: {tried}.", *source.manifests, open=True)
    if not tried:
        yield source.gap("Only plain requests were tried: the rates say nothing of somebody who tries harder.",
                         *source.manifests, open=True)  # fmt: skip
    hits = source.decision.s1_hits
    yield source.fact(
        f"{count(len(hits), 'hit')} on samples of severity S1 counted; one is a no-ship whatever the rates say.",
        source.decision.id, open=True,
    )  # fmt: skip
    yield from table(("Attempt",), [source.row((hit,), source.decision.id) for hit in hits], "Hits that stand.")
    said = [
        source.row((one.attempt, one.said, one.by, one.because or "no reason"), one.run, f"audit:{one.entry}")
        for one in source.decision.confirmations
    ]
    yield from table(("Attempt", "Said to be", "By", "Because"), said, "What was said of hits on S1 samples.")
    yield from _findings(source)


def _findings(source: DossierSource) -> Iterator[Item]:
    """Tell what was found, who mends it by when, and what shows that it is mended."""
    if source.decision is None:
        return
    found = source.findings
    if not found:
        yield source.fact("No finding was on record when it was decided.", source.decision.id)
        return
    at = source.decision.created
    states = Counter(one.state for one, _, _ in found)
    late = sum(one.overdue(at) for one, _, _ in found)
    told = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
    yield source.fact(
        f"{count(len(found), 'finding')} on record when it was decided: {told}; {late} past the deadline. Only a "
        "re-run that passes and a regression case close one; an accepted one is not closed.",
        source.decision.id, open=True,
    )  # fmt: skip
    rows = []
    for one, title, owner in found:
        state = f"{one.state} until {one.expires}" if one.state == "accepted" else one.state
        marks = ["overdue"] if one.overdue(at) else []
        marks += ["seen again"] if one.recurred else []
        cells = (
            one.id, title or "withheld", one.severity, listed([state, *marks]), one.due[:10], owner or "nobody",
            one.suite or "none", one.run or "none",
        )  # fmt: skip
        rows.append(source.row(cells, f"audit:{one.entry}"))
    columns = ("Finding", "Title", "Severity", "State", "Due", "Owner", "Regression case", "Passing re-run")
    yield from table(columns, rows, "Findings, and what closed them.")
