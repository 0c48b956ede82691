"""Which risks were taken, by whom, why, and until when."""

from __future__ import annotations

from collections.abc import Iterator

from shipworthy.core import signoff
from shipworthy.evidence.dossier.fact import Item
from shipworthy.evidence.dossier.section import Absent, listed, section, table
from shipworthy.evidence.dossier.source import DossierSource


@section(16, "acceptances", "Risk acceptances and waivers")
def acceptances(source: DossierSource) -> Iterator[Item | Absent]:
    """Tell waivers as they are written, and acceptances as they were signed; or that there is none."""
    rows = [
        source.row(
            (f"{one.id}\n{listed([*one['requirements'], *one['risks']])}", one["reason"], one["compensating"],
             f"{one['by']}\n{one['accepted_by']}", one["ceiling"], f"{one['begins']} to {one['expires']}"), one.ref,
        )
        for one in source.all("waiver")
    ]  # fmt: skip
    yield from table(("Waiver", "Why", "Meanwhile", "Accepted by", "At most", "Holds"), rows)
    open_ = [
        source.row((listed([*one["requirements"], *one["risks"]]), one["ceiling"], one["accepted_by"],
                    f"{one['begins']} to {one['expires']}"), one.ref, open=True)
        for one in source.all("waiver")
    ]  # fmt: skip
    yield from table(("Accepted for a time", "At most", "By the role", "Holds"), open_)
    signed = [
        source.row((said["on"], said["severity"], said["ceiling"], f"{said['by']}\n{said['role']}", said["reason"],
                    f"{said['begins']} to {said['expires']}"), ref)
        for ref, said in source.entered(signoff.ACCEPTED)
    ]  # fmt: skip
    yield from table(("Accepted", "Severity", "At most", "Signed by", "Why", "Holds"), signed)
    if not rows and not signed:
        seen = "no waiver is written down and the audit log holds no acceptance: no risk was taken by anybody"
        yield Absent(source.fact(f"{seen}.", source.system.ref, open=True))
