"""Approvals: who signed off what, in which role."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from msgspec import Struct
from msgspec.structs import replace

from shipworthy.core.errors import UsageError
from shipworthy.detect.redact import redact_text
from shipworthy.store import rows, tables
from shipworthy.store.audit import AuditLog
from shipworthy.store.entry import Entry

APPROVAL_GIVEN = "approval.given"

Answer = Literal["approved", "rejected"]


class Vote(Struct, frozen=True, kw_only=True):
    """One person's yes or no to one thing. Who thinks better of it gives another; the last one by a person counts.

    Attributes:
        system: id of the system that it is about.
        what: id of what is signed off: a decision, a waiver, a change.
        digest: of its content as it was then, ``sha256:<64 hex>``: nobody has approved what it may become.
        verdict: ``approved`` or ``rejected``.
        by: who.
        role: in which role, such as ``safety lead``.
        at: when, ISO 8601, UTC.
        comment: why; redacted before it is kept, and not repeated in the audit log.
    """

    system: str
    what: str
    digest: str
    verdict: Answer
    by: str
    role: str
    at: str
    comment: str = ""


def add_approval(audit: AuditLog, approval: Vote, *, secrets: Sequence[str] = ()) -> Entry:
    """Append an approval, and record it in the audit log: all of it but its comment.

    The name of who approved stays in the audit log for ever, and gets into evidence packs: it is what an auditor asks
    for.

    Args:
        secrets: strings that are secret here, taken out of the comment.

    Raises:
        UsageError: something is empty, or the verdict is no answer.
        StoreError: the database cannot be written.
    """
    for name in ("system", "what", "digest", "by", "role", "at"):
        if not getattr(approval, name):
            raise UsageError(f"an approval needs {name}: it is empty")
    if approval.verdict not in get_args(Answer):
        raise UsageError(f"an approval is 'approved' or 'rejected', not {approval.verdict!r}")
    approval = replace(approval, comment=redact_text(approval.comment, secrets))
    facts = ("system", "what", "digest", "verdict", "by", "role", "at")
    return rows.add(audit, tables.approvals, APPROVAL_GIVEN, approval, key="what", facts=facts)


def read_approvals(audit: AuditLog, what: str) -> list[Vote]:
    """Return the approvals of one thing, oldest first.

    Raises:
        IntegrityError: one was edited or taken away since it was given.
        StoreError: the database cannot be read.
    """
    return rows.read(audit, tables.approvals, APPROVAL_GIVEN, Vote, what)
