"""Findings in the control state: what happened to each, step by step, recorded in the audit chain."""

from __future__ import annotations

import secrets as random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from shipworthy.core.errors import IntegrityError, UsageError, did_you_mean
from shipworthy.core.finding import FindingStep
from shipworthy.core.finding_entry import FACTS, KINDS, FindingStanding, check_body, standings
from shipworthy.detect.redact import redact
from shipworthy.store.audit import Appender, AuditLog
from shipworthy.store.entry import Entry
from shipworthy.store.happened import enter, entered


class KeptFinding(NamedTuple):
    """A finding: where it stands, and its steps with the entry and the time of each, oldest first."""

    standing: FindingStanding
    steps: tuple[tuple[int, str, FindingStep], ...]

    @property
    def first(self) -> FindingStep:
        """The step that opened it."""
        return self.steps[0][2]

    @property
    def owner(self) -> str:
        """Who is to mend it; the last one who was named."""
        return next((step.owner for _, _, step in reversed(self.steps) if step.owner), "")

    @property
    def signals(self) -> tuple[str, ...]:
        """Ids of the signals that led to it."""
        return tuple(dict.fromkeys(signal for _, _, step in self.steps for signal in step.signals))

    @property
    def refs(self) -> tuple[str, ...]:
        """Tickets and other places that it is linked to."""
        return tuple(dict.fromkeys(ref for _, _, step in self.steps for ref in step.refs))


def new_finding_id() -> str:
    """Return ``FD-``, the day, and a random tail."""
    return f"FD-{time.strftime('%Y%m%d', time.gmtime())}-{random.token_hex(4)}"


def add_step(
    audit: AuditLog,
    step: FindingStep,
    *,
    secrets: Sequence[str] = (),
    check: Callable[[FindingStanding | None, str], None] = lambda standing, at: None,
) -> Entry:
    """Append a step, redacted, and the entry that records it; durable when this returns.

    Args:
        secrets: strings that are secret here, taken out of its texts.
        check: is given where the finding stands before the step, None before it was opened, and the moment; in the same
            transaction, so that no other process comes between. It raises where the step may not be taken.

    Raises:
        UsageError: what `check` raises, or a value has no canonical form.
        StoreError: the database cannot be written.
    """
    kept = replace(redact(step, secrets), step=step.step)
    try:
        with audit.appending() as appender:
            at = appender.now()
            there = [(e.number, e.at, e.kind, e.body) for e in appender.about(step.id) if e.kind in KINDS]
            check(standings(there, at).get(step.id), at)
            return enter(appender, f"finding.{step.step}", kept, key="id", facts=FACTS)
    except ValueError as error:
        raise UsageError(f"the finding cannot be kept: {error}") from error


def read_findings(
    audit: AuditLog | Appender, system: str, at: str, *, until: int | None = None
) -> dict[str, KeptFinding]:
    """Return the findings of a system by id, in the order in which they were opened. The chain is not verified here.

    Args:
        at: the moment at which they are looked at, ISO 8601, UTC.
        until: number of the last entry that is read; all of them if left out.

    Raises:
        IntegrityError: a row is gone, or it or an entry is not what was recorded.
        StoreError: the database cannot be read.
    """
    rows = [one for one in entered(audit, dict.fromkeys(KINDS, FindingStep), until=until) if one.row.system == system]
    told = [(one.entry, one.at, one.kind, _facts(one.row)) for one in rows]
    found = standings(told, at, system)
    return {
        id: KeptFinding(standing, tuple((one.entry, one.at, one.row) for one in rows if one.row.id == id))
        for id, standing in found.items()
    }


def standing_findings(audit: AuditLog, system: str, at: str, *, until: int | None = None) -> list[FindingStanding]:
    """Return where the findings of a system stand, from the entries alone, as the verifier of a pack will read them.

    Raises:
        IntegrityError: an entry is not what was written.
        StoreError: the log cannot be read.
    """
    told = []
    for entry in audit.of_kinds(*KINDS):
        if until is not None and entry.number > until:
            break
        try:
            check_body(entry.kind, entry.body)
        except ValueError as error:
            raise IntegrityError(
                f"audit log: entry {entry.number} ({entry.kind}) is no step of a finding: {error}"
            ) from None
        told.append((entry.number, entry.at, entry.kind, entry.body))
    return list(standings(told, at, system).values())


def choose_finding(known: Mapping[str, KeptFinding], wanted: str) -> KeptFinding:
    """Return a finding by its id, the beginning of one, or ``latest``.

    Raises:
        UsageError: there is none, or there are several.
    """
    if not known:
        raise UsageError("there is no finding here yet: `shipworthy finding open` opens one")
    if wanted == "latest":
        return list(known.values())[-1]
    found = [id for id in known if wanted and id.startswith(wanted)]
    if len(found) != 1:
        said = did_you_mean(wanted, list(known)) if not found else f"it could be any of {', '.join(found[:5])}"
        raise UsageError(f"there is no finding {wanted!r}: {said}")
    return known[found[0]]


def _facts(step: FindingStep) -> dict[str, object]:
    return {name: getattr(step, name) for name in FACTS}
