"""The ledger of a decision: the other runs on the same samples and criteria, as the audit chain remembers them."""

from __future__ import annotations

from collections.abc import Sequence

from shipworthy.core import ledger
from shipworthy.core.errors import IntegrityError
from shipworthy.core.ledger import KINDS, RunLine, Scope
from shipworthy.core.records import Ledger, LedgerLine, RunManifest, TriesSaid
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout


def scope(manifest: RunManifest) -> Scope:
    """Return which other runs are about the same samples and criteria as a run."""
    return Scope(manifest.system, manifest.spec_digest, manifest.draws, frozenset(use.id for use in manifest.suites))


def read_ledger(
    audit: AuditLog, layout: Layout, decided: Sequence[RunManifest], baselines: Sequence[str] = ()
) -> Ledger:
    """Return the ledger of the runs that are decided on. The whole chain is verified first.

    Args:
        layout: where the runs lie that are still on the disk.
        decided: manifests of the runs; at least one.
        baselines: ids of the runs that they are compared with.

    Raises:
        IntegrityError: the audit log is not what was written: what is left of it would make a wrong ledger.
        StoreError: it cannot be read.
    """
    until = audit.verify().entries
    entries = [entry for entry in audit.of_kinds(*KINDS) if entry.number <= until]
    own, scopes = {manifest.id for manifest in decided}, [scope(manifest) for manifest in decided]
    told = [(entry.kind, entry.body) for entry in entries]
    try:
        found = ledger.place(ledger.lines(told, scopes, baselines), own)
        often = ledger.tries(told, scopes, decided[0].subject_digest, own)
    except (KeyError, TypeError) as error:  # chained well, by whoever can write the log, and no entry of ours
        raise IntegrityError(f"audit log: an entry about a run lacks what it must say ({error})") from None
    gone = {
        line.run for line in (*found.earlier, *found.later) if not (layout.runs / line.run / "manifest.json").exists()
    }

    def line(one: RunLine) -> LedgerLine:
        return LedgerLine(run=one.run, state=one.state, subject_digest=one.subject, gone=one.run in gone)

    return Ledger(
        entries=until,
        number=found.number,
        sentence=ledger.sentence(found, gone),
        tries=TriesSaid(**often._asdict(), sentence=ledger.tried(often)),
        earlier=tuple(map(line, found.earlier)),
        later=tuple(map(line, found.later)),
    )
