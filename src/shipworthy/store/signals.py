"""Signals in the control state: taken once each, redacted first, and recorded in the audit chain."""

from __future__ import annotations

import secrets as random
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from shipworthy.core.calendar import read_moment
from shipworthy.core.errors import UsageError
from shipworthy.core.severity import Severity
from shipworthy.core.signal import Signal, SignalKind, fingerprint, signal_id
from shipworthy.core.signal_entry import RECORDED, SIGNAL_KINDS
from shipworthy.detect.redact import redact, redact_text
from shipworthy.store.audit import AuditLog
from shipworthy.store.happened import enter, entered

LONGEST_TITLE = 300
"""Characters of a title that are kept; `LONGEST_TEXT` of a text, `LONGEST_NAME` of a source, a feature, a code."""
LONGEST_TEXT = 20_000
LONGEST_NAME = 200
MOST_REFS = 50
"""References that a signal may have."""

_FACTS = ("id", "system", "at", "kind", "source", "severity", "feature", "subject_digest")


class TakenSignals(NamedTuple):
    """What became of signals that were given: those that are new, and those that were there already, as kept then."""

    new: tuple[Signal, ...]
    known: tuple[Signal, ...]


def make_signal(
    *,
    system: str,
    at: str,
    kind: SignalKind,
    source: str,
    title: str,
    source_id: str = "",
    text: str = "",
    severity: Severity | None = None,
    feature: str = "",
    subject_digest: str = "",
    who: str = "",
    refs: Sequence[str] = (),
    sample: str = "",
    target: str = "",
    scorer: str = "",
    secrets: Sequence[str] = (),
) -> Signal:
    """Return a signal that may be kept: redacted, cut to size, with its id and fingerprint.

    Args:
        source_id: its id at the source. Without one it is another signal each time it is given.
        who: a code. What looks like an address, a number or a secret is refused: hash it where it comes from.
        secrets: strings that are secret here, taken out of the text.
        (the rest): see `Signal`.

    Raises:
        UsageError: something in it cannot be; says what.
    """
    if kind not in SIGNAL_KINDS:
        raise UsageError(f"a signal's kind is one of {', '.join(SIGNAL_KINDS)}, not {kind!r}")
    if severity not in (None, "S1", "S2", "S3", "S4"):
        raise UsageError(f"a signal's severity is S1 (worst) to S4, or none, not {severity!r}")
    try:
        read_moment(at)
    except ValueError as error:
        raise UsageError(f"when a signal was seen: {error}") from None
    title = " ".join(title.split())
    if not title:
        raise UsageError("a signal needs a title: one line that says what was seen")
    for name, value in (("system", system), ("source", source)):
        if not value:
            raise UsageError(f"a signal needs its {name}: it is empty")
    names = {"source": source, "feature": feature, "who": who, "target": target, "scorer": scorer}
    for name, value in names.items():
        if len(value) > LONGEST_NAME or not value.isprintable():
            raise UsageError(f"a signal's {name} is one line of at most {LONGEST_NAME} characters")
        if redact_text(value, secrets) != value:
            raise UsageError(
                f"a signal's {name} looks like an address, a number or a secret, and is kept as it is: give a code"
            )
    if len(refs) > MOST_REFS:
        raise UsageError(f"a signal has at most {MOST_REFS} references, not {len(refs)}")
    made = Signal(
        id=signal_id(system, kind, source, source_id or random.token_hex(16)),
        system=system,
        at=at,
        kind=kind,
        source=source,
        source_id=source_id,
        title=title,
        text=text.strip(),
        severity=severity,
        feature=feature,
        subject_digest=subject_digest,
        who=who,
        refs=tuple(refs),
        sample=sample,
        target=target,
        scorer=scorer,
    )
    kept = redact(made, secrets)
    # Cut only now: half an address is not found, and would be kept.
    title, text, sample = kept.title[:LONGEST_TITLE], kept.text[:LONGEST_TEXT], kept.sample[:LONGEST_TEXT]
    return replace(kept, title=title, text=text, sample=sample, fingerprint=fingerprint(title, text))


def add_signals(audit: AuditLog, signals: Iterable[Signal]) -> TakenSignals:
    """Append signals, all in one transaction; durable when this returns. One that is there already is not appended.

    Two processes that take in the same thing at once keep it once.

    Args:
        signals: from `make_signal`.

    Raises:
        UsageError: a value has no canonical form.
        IntegrityError: a row that is there is not what was recorded.
        StoreError: the database cannot be written.
    """
    new, known = list[Signal](), list[Signal]()
    try:
        with audit.appending() as appender:
            for signal in signals:
                there = entered(appender, {RECORDED: Signal}, about=signal.id)
                if there:
                    known.append(there[0].row)
                else:
                    enter(appender, RECORDED, signal, key="id", facts=_FACTS)
                    new.append(signal)
    except ValueError as error:
        raise UsageError(f"the signals cannot be kept: {error}") from error
    return TakenSignals(tuple(new), tuple(known))


def read_signals(audit: AuditLog, system: str = "", *, until: int | None = None) -> list[Signal]:
    """Return the signals of a system, or of all, in the order in which they were taken. The chain is not verified here.

    Args:
        until: number of the last entry that is read; all of them if left out.

    Raises:
        IntegrityError: a row is gone, or is not what was recorded.
        StoreError: the database cannot be read.
    """
    found = [one.row for one in entered(audit, {RECORDED: Signal}, until=until)]
    return [one for one in found if not system or one.system == system]


def find_signal(audit: AuditLog, wanted: str) -> Signal:
    """Return a signal by its id, or the beginning of one.

    Raises:
        UsageError: there is none, or there are several.
        IntegrityError, StoreError: as for `read_signals`.
    """
    found = [one for one in read_signals(audit) if wanted and one.id.startswith(wanted)]
    if len(found) != 1:
        raise UsageError(
            f"there is no signal {wanted!r}: `shipworthy signals list` shows them"
            if not found
            else f"{wanted!r} could be any of {', '.join(one.id for one in found[:5])}"
        )
    return found[0]
