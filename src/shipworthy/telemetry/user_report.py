"""What a product sends when a user of it says that an answer was wrong: a signal, redacted before it is kept."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from shipworthy.core.calendar import write_moment
from shipworthy.core.errors import ShipworthyError, StoreError, UsageError
from shipworthy.core.severity import Severity
from shipworthy.store.audit import AuditLog
from shipworthy.store.signals import TakenSignals, add_signals, make_signal
from shipworthy.workspace.load import Workspace


class UserReport(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a report.

    Attributes:
        title: what is wrong, in one line; `text` in all the user's words.
        id: of the report at its sender, so that it is taken once however often it is sent; may be empty.
        who: a code for the user, no name and no address.
        sample: what the user had asked; `refs` ids of the trace or the session.
    """

    title: str
    text: str = ""
    id: str = ""
    severity: Severity | None = None
    feature: str = ""
    who: str = ""
    sample: str = ""
    refs: tuple[str, ...] = ()


def read_report(data: bytes) -> UserReport:
    """Read a report.

    Raises:
        UsageError: it is none; the field is named.
    """
    try:
        return msgspec.json.decode(data, type=UserReport)
    except UnicodeDecodeError:
        raise UsageError("the body is no UTF-8") from None
    except msgspec.DecodeError as error:
        raise UsageError(f"the body is no report: {error}") from None


def take_report(audit: AuditLog, report: UserReport, *, system: str, client: str) -> TakenSignals:
    """Keep a report as a signal; on the disk when this returns.

    Args:
        client: whose key it came with.

    Raises:
        UsageError: something in it cannot be.
        StoreError: the control state cannot be written.
    """
    signal = make_signal(
        system=system, at=write_moment(datetime.now(UTC)), kind="user_report", source=f"report:{client}",
        source_id=report.id, title=report.title, text=report.text, severity=report.severity, feature=report.feature,
        who=report.who, refs=report.refs, sample=report.sample,
    )  # fmt: skip
    return add_signals(audit, [signal])


def reported_system(folder: Path) -> str:
    """Return the id of the system in a workspace, which reports are about.

    Raises:
        StoreError: there is none.
    """
    try:
        found = Workspace.inspect(folder)[0]
    except ShipworthyError:
        found = None
    if found is None:
        raise StoreError("reports are about a system, and `workspace` in the file of serve names no folder with one")
    return found.system.id
