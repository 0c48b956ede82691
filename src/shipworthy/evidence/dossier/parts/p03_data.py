"""Which data the system holds, and which it was tested on."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.evidence.dossier.fact import Item
from shipworthy.evidence.dossier.section import NOTHING, Absent, section, table, yes
from shipworthy.evidence.dossier.source import DossierSource


@section(3, "data", "Data sheet")
def data(source: DossierSource) -> Iterator[Item | Absent]:
    """Tell categories of data, how long they are kept, whether a model is trained on them, and the evaluation sets."""
    rows = [
        source.row(
            (one.id, one["title"], one["sensitivity"],
             f"{one['retention_days']:,} days" if one["retention_days"] else NOTHING, yes(one["training"])),
            one.ref, open=True,
        )
        for one in source.all("data")
    ]  # fmt: skip
    yield from table(("Category", "What it is", "Sensitivity", "Kept for", "A model is trained on it"), rows)
    if not rows:
        yield source.gap("No category of data is written down (`data_categories`).", source.system.ref, open=True)
    for one in source.all("data"):
        if one["training"] is None:
            yield source.gap(f"Whether a model is trained on {one.id} is not stated.", one.ref, open=True)
    sets = [
        source.row(
            (f"{one.id}@{one['version']}\n{one['title']}", f"{one['samples']:,}", one["content"],
             one["license"] or NOTHING, one["digest"]), one.ref, open=True,
        )
        for one in source.all("suite")
    ]  # fmt: skip
    caption = "Evaluation sets; none of their samples is repeated here. A private one is redacted before it is stored."
    yield from table(("Set", "Samples", "Content", "Licence", "Digest"), sets, caption, (1,))
    for run, manifest in source.manifests.items():
        subject = manifest["subject"]
        index = subject.get("target", {}).get("index") if isinstance(subject.get("target"), dict) else None
        if isinstance(index, str):
            yield source.fact(f"The retrieval index that was measured is {index}.", run)
