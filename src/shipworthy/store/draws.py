"""Draws of attempts to label, and the labels given: entries of the audit chain, as the gate reads them."""

from __future__ import annotations

from typing import Any, NamedTuple

from shipworthy.core.calibration import CALIBRATED, Calibration, calibration_of
from shipworthy.core.errors import IntegrityError
from shipworthy.core.label_draw import DRAWN, LABELLED, Draw, draw_of
from shipworthy.store.audit import AuditLog
from shipworthy.store.entry import Entry
from shipworthy.store.said import append_said


class LabelEntries(NamedTuple):
    """What the audit chain holds of how well scorers agree with people, oldest first.

    Attributes:
        draws: of attempts to label; `labels` the bodies of label entries.
        calibrations: of judges.
    """

    draws: tuple[Draw, ...] = ()
    labels: tuple[dict[str, Any], ...] = ()
    calibrations: tuple[Calibration, ...] = ()


def add_draw(audit: AuditLog, draw: Draw) -> Draw:
    """Append a draw to the audit chain, and return it with the number of its entry.

    Raises:
        UsageError: a value has no canonical form.
        StoreError: the database cannot be written.
    """
    return draw._replace(entry=append_said(audit, DRAWN, draw, key="run").number)


def read_said(audit: AuditLog, *, until: int | None = None) -> LabelEntries:
    """Return draws, labels and calibrations among the first entries of the audit chain. The chain is not verified here.

    Args:
        until: number of the last entry that is read; all of them if left out.

    Raises:
        IntegrityError: an entry is not what was written.
        StoreError: the log cannot be read.
    """
    entries = [e for e in audit.of_kinds(DRAWN, LABELLED, CALIBRATED) if until is None or e.number <= until]
    return LabelEntries(
        tuple(_draw(entry) for entry in entries if entry.kind == DRAWN),
        tuple(dict(entry.body) for entry in entries if entry.kind == LABELLED),
        tuple(_calibration(entry) for entry in entries if entry.kind == CALIBRATED),
    )


def add_calibration(audit: AuditLog, calibration: Calibration) -> Calibration:
    """Append a calibration to the audit chain, and return it with the number of its entry.

    Raises:
        UsageError: a value has no canonical form.
        StoreError: the database cannot be written.
    """
    return calibration._replace(entry=append_said(audit, CALIBRATED, calibration, key="judge").number)


def _calibration(entry: Entry) -> Calibration:
    try:
        return calibration_of(entry.number, entry.body)
    except (KeyError, TypeError, ValueError):
        raise IntegrityError(f"audit log: entry {entry.number} ({CALIBRATED}) is not what was written") from None


def _draw(entry: Entry) -> Draw:
    try:
        return draw_of(entry.number, entry.body)
    except (KeyError, TypeError, ValueError):
        raise IntegrityError(f"audit log: entry {entry.number} ({DRAWN}) is not what was written") from None
