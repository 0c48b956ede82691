"""Where sentinels are: a file for the plan and one for each look, whose digests stand in the audit chain.

A look counts once its entry is there. A file without one was cut short, and is written anew by the next look; a file
that is missing, or is another one than its entry says, was taken away, edited or put back.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from shipworthy.core.change import CHANGED, ChangeRecord
from shipworthy.core.digests import bytes_digest
from shipworthy.core.errors import IntegrityError, StoreError, UsageError, did_you_mean
from shipworthy.core.sentinel import SentinelLook, SentinelPlan
from shipworthy.core.sentinel_entry import ENROLLED, LOOKED, check_body
from shipworthy.store.audit import AuditLog
from shipworthy.store.files import make_directory, write_atomic
from shipworthy.store.layout import Layout
from shipworthy.store.said import append_said

T = TypeVar("T", SentinelPlan, SentinelLook)

FOLDER = "sentinels"
PLAN = "plan.json"


def save_look(
    layout: Layout, audit: AuditLog, plan: SentinelPlan, look: SentinelLook, change: ChangeRecord | None = None
) -> ChangeRecord | None:
    """Write a look, the enrolment with its plan, and enter it in the audit chain: durable when this returns.

    Args:
        change: that it found, entered in the same transaction.

    Returns:
        The change with its entry.

    Raises:
        StoreError: the disk or the database refuses.
        UsageError: another process entered this look meanwhile.
    """
    folder = layout.state / FOLDER / plan.id
    data = msgspec.json.encode(look, order="sorted")
    written = msgspec.json.encode(plan, order="sorted")
    errors = sum(bool(answer.error) for answer in look.answers)
    body = {
        "sentinel": plan.id,
        "system": plan.system,
        "target": plan.target,
        "look": look.number,
        "digest": bytes_digest(data + (written if look.number == 0 else b"")),
        "verdict": look.verdict,
        "answers": len(look.answers) - errors,
        "errors": errors,
    }
    try:
        make_directory(folder)
        if look.number == 0:
            write_atomic(folder / PLAN, written)
        write_atomic(folder / _name(look.number), data)
    except OSError as error:
        raise StoreError(f"the look cannot be written to {folder}: {error.strerror or error}") from error
    with audit.appending() as appender:
        if any(there.body.get("look") == look.number for there in appender.about(plan.id)):
            raise UsageError(f"another process looked at {plan.id} meanwhile, so this look was not entered")
        appender.append(LOOKED if look.number else ENROLLED, body, key="sentinel")
        if change is None:
            return None
        entry = append_said(appender, CHANGED, change, key="system", without=("entry", "at"))
        return change._replace(entry=entry.number, at=entry.at)


def sentinel_ids(audit: AuditLog, system: str) -> list[str]:
    """Return the sentinels of a system that were enrolled, oldest first. The chain is not verified here."""
    return [str(e.body["sentinel"]) for e in audit.of_kinds(ENROLLED) if e.body.get("system") == system]


def choose_sentinel(audit: AuditLog, system: str, wanted: str) -> str:
    """Return the id of a sentinel: by its id, the beginning of one, or ``latest``.

    Raises:
        UsageError: there is none, or there are several.
    """
    known = sentinel_ids(audit, system)
    if not known:
        raise UsageError("there is no sentinel here yet: `shipworthy sentinel enrol` makes one")
    if wanted == "latest":
        return known[-1]
    found = [one for one in known if wanted and one.startswith(wanted)]
    if len(found) != 1:
        said = did_you_mean(wanted, known) if not found else f"it could be any of {', '.join(found)}"
        raise UsageError(f"there is no sentinel {wanted!r}: {said}")
    return found[0]


def read_looks(layout: Layout, audit: AuditLog, sentinel: str) -> tuple[SentinelPlan, list[SentinelLook]]:
    """Return a sentinel's plan and its looks, each held against the entry of the audit chain. It is not verified here.

    Raises:
        IntegrityError: a file is missing, or is not what was entered.
        StoreError: the audit log cannot be read.
    """
    folder = layout.state / FOLDER / sentinel
    entries = [entry for entry in audit.about(sentinel) if entry.kind in (ENROLLED, LOOKED)]
    plan: SentinelPlan | None = None
    looks: list[SentinelLook] = []
    for number, entry in enumerate(entries):
        try:
            check_body(entry.body)
        except ValueError as error:
            raise IntegrityError(f"audit log: entry {entry.number} is no look of a sentinel: {error}") from None
        path = folder / _name(number)
        try:
            data = path.read_bytes()
            written = (folder / PLAN).read_bytes() if number == 0 else b""
        except OSError as error:
            raise IntegrityError(
                f"{path}: the audit log holds this look (entry {entry.number}), and it cannot be read "
                f"({error.strerror}): it was taken away, or the workspace was put back to an earlier copy"
            ) from error
        if entry.body["look"] != number or bytes_digest(data + written) != entry.body["digest"]:
            raise IntegrityError(f"{path} is not what the audit log holds (entry {entry.number}): it was changed since")
        looks.append(_decoded(data, SentinelLook, path.name))
        if number == 0:
            plan = _decoded(written, SentinelPlan, PLAN)
    if plan is None:
        raise IntegrityError(f"audit log: there is no enrolment of {sentinel}")
    return plan, looks


def _decoded(data: bytes, kind: type[T], name: str) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise IntegrityError(f"{name} does not hold what it should: {error}") from None


def _name(number: int) -> str:
    return f"look-{number:06}.json"
