"""Entering a change that the files do not show: what is told is held against the workspace first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from shipworthy.core.change import CHANGE_KINDS, ChangeRecord
from shipworthy.core.errors import UsageError, did_you_mean
from shipworthy.release.current import reach_of
from shipworthy.release.signing import check_clock, log_at, text
from shipworthy.store.changes import add_change
from shipworthy.store.layout import Layout
from shipworthy.workspace.load import Workspace

_NEEDS_ABOUT = ("suite", "other")
_LONGEST = 200


def enter(
    workspace: Workspace, layout: Layout, change: ChangeRecord, *, secrets: Sequence[str] = (), now: datetime
) -> tuple[ChangeRecord, frozenset[str] | None]:
    """Append a change to the audit chain.

    Args:
        change: without entry and time; its texts are redacted first.

    Returns:
        It as it was entered, and the criteria that it reaches; None for all.

    Raises:
        UsageError: there is no such kind; nothing here is what it is about; a text is too long, or missing; the day is
            none; or the clock was set back.
        IntegrityError: the audit log is not what was written.
        StoreError: it cannot be written.
    """
    if change.kind not in CHANGE_KINDS:
        raise UsageError(f"no kind of change {change.kind!r}: {did_you_mean(change.kind, list(CHANGE_KINDS))}")
    if change.kind in _NEEDS_ABOUT and not change.about:
        raise UsageError(f"a change of the kind {change.kind} needs what it is about: an id of the workspace")
    if change.since:
        try:
            date.fromisoformat(change.since)
        except ValueError:
            raise UsageError(f"--since {change.since!r} is no day, such as 2026-12-02") from None
    for name in ("about", "was", "now"):
        if len(getattr(change, name)) > _LONGEST:
            raise UsageError(f"{name} has more than {_LONGEST} characters: give a digest or a version")
    reached = reach_of(workspace, change, strict=True)
    kept = change._replace(
        was=text(change.was, "--was", secrets, empty=True),
        now=text(change.now, "--now", secrets, empty=True),
        reason=text(change.reason, "--reason", secrets),
    )
    with log_at(layout.control_url, now) as audit:
        audit.verify()
        check_clock(audit, now)
        return add_change(audit, kept), reached
