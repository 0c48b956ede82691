"""For readers outside: the letter to customers, and the memo for researchers."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.core import signoff
from shipworthy.evidence.dossier.fact import Item
from shipworthy.evidence.dossier.paper import paper
from shipworthy.evidence.dossier.section import table
from shipworthy.evidence.dossier.source import DossierSource
from shipworthy.evidence.sections.wording import interval_of, rate_of


@paper("customer-letter", "Assurance letter", "to a customer: what was tested, what was found, what is not claimed",
       views=("customer",), brief=True)  # fmt: skip
def letter(source: DossierSource) -> Iterator[Item]:
    """Tell what was decided and measured, what protects, and what a reader may not take from it."""
    made, system = source.decision, source.system
    yield source.fact(
        f"This letter is about {system['title']}, which {system['owner']} answers for.", system.ref, open=True
    )
    if made is None:
        yield source.gap("It was not decided on yet, so this letter assures of nothing.", system.ref, open=True)
        return
    scored = sum(one.trials for one in made.criteria)
    yield source.fact(
        f"On {made.created[:10]} its release gate said {made.verdict}, on {len(made.criteria)} criteria with "
        f"{scored:,} scores in all.", made.id, open=True,
    )  # fmt: skip
    go = [one for one in source.signed if one[1]["verdict"] != signoff.NO_GO]
    for ref, said in go:
        until = f"; this holds until {said['expires']}" if said["expires"] else ""
        yield source.fact(
            f"People with the right to decide signed its release for {said['market']}{until}.", ref, open=True
        )
    if not go:
        yield source.gap("Nobody has signed its release.", made.id, open=True)
    rows = [
        source.row((_text(source, one.requirement), one.verdict, f"{rate_of(one)}\n{interval_of(one)}"),
                   *source.evidence(one), open=True)
        for one in made.criteria
    ]  # fmt: skip
    yield from table(("What must hold", "Found", "Measured\n95 % interval"), rows, "", (2,))
    yield source.fact(
        "What was measured holds for the version and the tests named here. It does not say that nothing can go wrong, "
        "and it is no certificate.", made.id, open=True,
    )  # fmt: skip


def _text(source: DossierSource, requirement: str) -> str:
    one = source.get("requirement", requirement)
    return one["text"] if one else requirement


@paper("research-memo", "Research memo", "what runs found, with method and limits, for readers of numbers", 7, 8, 9, 12,
       views=("internal",))  # fmt: skip
def memo(source: DossierSource) -> Iterator[Item]:
    """Tell question, method and finding of each run that was decided on."""
    if not source.manifests:
        yield source.gap("No run was decided on yet.", source.system.ref)
        return
    for run, manifest in source.manifests.items():
        suites = ", ".join(f"{use['id']}@{use['version']}" for use in manifest["suites"])
        made = f"subject {manifest['subject_digest'][:19]}, made by {manifest.get('engine', 'shipworthy')}"
        yield source.fact(f"{run} asked {suites}: {manifest['planned']:,} attempts, {made}.", run)
    for one in source.results.values():
        yield source.fact(
            f"{one.metric} on {one.suite}: {rate_of(one)} ({interval_of(one)}), {one.hits:,} hits among {one.trials:,} "
            f"scored attempts on {one.clusters:,} independent samples.", *source.evidence(one),
        )  # fmt: skip
    yield source.fact(
        "The estimand is the rate over samples like these, each sample counted once; attempts of one sample are one "
        "cluster. Bounds hold for that population, and not for one that adapts to the system.",
        *source.manifests,
    )  # fmt: skip
