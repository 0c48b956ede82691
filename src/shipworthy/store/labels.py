"""Labels: what a person says of one attempt, to be held against what a scorer says."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from shipworthy.core.errors import UsageError
from shipworthy.core.label_draw import LABELLED
from shipworthy.detect.redact import redact_text
from shipworthy.store import rows, tables
from shipworthy.store.audit import AuditLog
from shipworthy.store.entry import Entry

LABEL_GIVEN = LABELLED


class Label(Struct, frozen=True, kw_only=True):
    """One person's word on one metric of one attempt. A correction is a new label; the last one by a person counts.

    Attributes:
        system: id of the system that was measured.
        run, attempt: ids.
        metric: what is judged.
        hit: whether the counted event happened; None where the metric does not apply, or has a `value` instead.
        value: of a metric that is a number.
        rubric: by which instructions the person judged, such as ``harm@2``; may be empty.
        by: who.
        at: when, ISO 8601, UTC.
        comment: why; redacted before it is kept, and not repeated in the audit log.
    """

    system: str
    run: str
    attempt: str
    metric: str
    hit: bool | None = None
    value: float | None = None
    rubric: str = ""
    by: str
    at: str
    comment: str = ""


def add_label(audit: AuditLog, label: Label, *, secrets: Sequence[str] = ()) -> Entry:
    """Append a label, and record it in the audit log: all of it but `by` and `comment`, which only its row holds.

    Args:
        secrets: strings that are secret here, taken out of the comment.

    Raises:
        UsageError: the label says of nothing, or of nobody, or twice what it says.
        StoreError: the database cannot be written.
    """
    for name in ("system", "run", "attempt", "metric", "by", "at"):
        if not getattr(label, name):
            raise UsageError(f"a label needs {name}: it is empty")
    if label.hit is not None and label.value is not None:
        raise UsageError(f"a label has a hit or a value, not both (attempt {label.attempt}, metric {label.metric})")
    label = replace(label, comment=redact_text(label.comment, secrets))
    facts = ("system", "run", "attempt", "metric", "hit", "value", "rubric", "at")
    try:
        return rows.add(audit, tables.labels, LABEL_GIVEN, label, key="run", facts=facts)
    except ValueError as error:
        raise UsageError(f"the label of {label.attempt} cannot be kept: {error}") from error


def read_labels(audit: AuditLog, run: str) -> list[Label]:
    """Return a run's labels, oldest first.

    Raises:
        IntegrityError: a label was edited or taken away since it was given.
        StoreError: the database cannot be read.
    """
    return rows.read(audit, tables.labels, LABEL_GIVEN, Label, run)
