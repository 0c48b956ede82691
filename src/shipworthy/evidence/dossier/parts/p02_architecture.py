"""Parts, boundaries, sub-processors, and where the model comes from."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.evidence.dossier.fact import Item
from shipworthy.evidence.dossier.section import Absent, listed, section, table, yes
from shipworthy.evidence.dossier.source import DossierSource


@section(2, "architecture", "Architecture, supply chain and provenance")
def architecture(source: DossierSource) -> Iterator[Item | Absent]:
    """Tell the parts, what flows between them, who runs them, and which versions are fixed."""
    rows = [
        source.row(
            (one.id, f"{one['title']}\n{one['kind']}", listed(one["sends_to"]), listed(one["holds"]),
             source.title("subprocessor", one["run_by"]) if one["run_by"] else "the owner", yes(one["pinned"])),
            one.ref,
        )
        for one in source.all("component")
    ]  # fmt: skip
    yield from table(
        ("Part", "What it is", "Sends to", "Holds", "Run by", "Version fixed"), rows, "Parts and data flow."
    )
    public = [source.row((one["title"], one["kind"]), one.ref, open=True) for one in source.all("component")]
    yield from table(("Part", "Kind"), public, "Of what the system is made.")
    yield from _records(source)
    bounds = [
        source.row((one.id, one["title"], listed(one["components"]), one["inside"] or "nothing"), one.ref)
        for one in source.all("boundary")
    ]
    yield from table(("Boundary", "What it is", "Holds the parts", "Inside"), bounds, "Boundaries of trust.")
    ways = [
        source.row((one.id, one["title"], one["component"], listed(one["open_to"])), one.ref)
        for one in source.all("entry")
    ]
    yield from table(("Way in", "What it is", "Leads to", "Open to"), ways)
    others = [
        source.row(
            (source.title("subprocessor", one.id), one["place"] or "not stated", listed(one["data"]),
             yes(one["trains_on_it"])), one.ref, open=True,
        )
        for one in source.all("subprocessor")
    ]  # fmt: skip
    yield from table(("Sub-processor", "Place", "Data that reaches it", "May train on it"), others)
    if not others and rows:
        yield source.fact("No sub-processor is written down: every part is run by the owner.", source.system.ref,
                          open=True)  # fmt: skip
    for one in source.all("component"):
        if one["kind"] == "model" and not one["pinned"]:
            yield source.gap(
                f"The version of the model {one.id} is not fixed: another one can come in unseen.", one.ref, open=True
            )
    yield from _subjects(source)


_UPDATES = {
    "never": "never under this version", "announced": "with notice", "unannounced": "without notice",
    "unknown": "not known",
}  # fmt: skip


def _records(source: DossierSource) -> Iterator[Item]:
    """Tell what was found out about parts of others before they were taken."""
    known = [(one, record) for one in source.all("component") if (record := one.says.get("record"))]
    rows = [
        source.row(
            (one.id, record["version"] or "not stated", record["license"] or "not stated",
             record["source"] or "not stated", record["digest"] or "none", _UPDATES[record["updates"]]), one.ref,
        )
        for one, record in known
    ]  # fmt: skip
    yield from table(
        ("Part", "Version", "Licence", "From", "Digest", "Changed by its maker"), rows, "Provenance of parts of others."
    )
    found = [
        source.row(
            (one.id, record["trained_on"] or "nothing said", record["limits"] or "nothing said",
             record["findings"] or "none written", record["by"], f"{record['on']} to {record['until']}"), one.ref,
        )
        for one, record in known
    ]  # fmt: skip
    yield from table(
        ("Part", "Made from, as its maker says", "Limits, as its maker says", "Found", "Assessed by", "Holds"),
        found,
        "Assessments of parts of others.",
    )
    for one in source.all("component"):
        if one["kind"] == "model" and not one.says.get("record"):
            yield source.gap(f"No assessment of the model {one.id} is on record.", one.ref)


def _subjects(source: DossierSource) -> Iterator[Item]:
    rows = [
        source.row((role["role"], role["digest"]), run)
        for run, manifest in source.manifests.items()
        for role in manifest.get("models", ())
    ]
    yield from table(("Role", "Digest of what the model says of itself"), rows, "Models besides the system's own.")
