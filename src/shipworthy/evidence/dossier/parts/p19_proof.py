"""What the evidence is made of, and how it is checked."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.core.digests import bytes_digest
from shipworthy.evidence.dossier.fact import Item
from shipworthy.evidence.dossier.section import Absent, section, table
from shipworthy.evidence.dossier.source import DossierSource


@section(19, "proof", "Manifest and how to verify")
def proof(source: DossierSource) -> Iterator[Item | Absent]:
    """Tell what a pack holds, by digest, the head of the audit log, and what to run."""
    made = source.decision
    if made is None:
        yield source.gap("There is no decision, so there is no pack to verify.", source.system.ref, open=True)
        return
    digest = bytes_digest(source.members["decision.json"])
    yield source.fact(f"The decision {made.id} is {digest}.", made.id, open=True)
    count = len(source.entries)
    last = f"audit:{source.entries[-1]['number']}"
    yield source.fact(f"The audit log up to it has {count:,} entries, each chained to the one before.", last, open=True)
    names = [name for name in sorted(source.members) if name in source.known]
    rows = [
        source.row((name, f"{len(source.members[name]):,}", bytes_digest(source.members[name])), name)
        for name in names
        if not name.startswith("dossier/")
    ]
    yield from table(("Member", "Bytes", "SHA-256"), rows, "What the pack holds beside this dossier.", (1,))
    yield source.fact(
        "`shipworthy evidence verify PACK.zip --trust trust.json` checks it offline; whom to believe is the verifier's "
        "own choice, and no file in a pack can make it.", made.id, open=True,
    )  # fmt: skip
