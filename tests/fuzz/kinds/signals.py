"""Files of signals: CSV, SARIF, and reports of users: signals that may be kept, or refused by line or field."""

from pathlib import Path
from typing import Any

from shipworthy.core.errors import UsageError
from shipworthy.core.signal import is_signal_id
from shipworthy.findings.intake import sarif, table
from shipworthy.store.audit import AuditLog
from shipworthy.store.signals import add_signals, make_signal, read_signals
from shipworthy.telemetry.user_report import read_report

NOW = "2026-12-01T10:00:00Z"


def prepare(folder: Path) -> Any:
    return folder


def _read(data: bytes, folder: Path) -> Any:
    if data.startswith(b"report "):
        one = read_report(data.removeprefix(b"report "))
        told = {"title": one.title, "text": one.text, "severity": one.severity, "feature": one.feature, "who": one.who}
        return [make_signal(system="S", at=NOW, kind="user_report", source="r", source_id=one.id, **told)]
    path = folder / "signals"
    path.write_bytes(data)
    reader = sarif.read if data.lstrip()[:1] in (b"{", b"[") else table.read
    return reader(path, "S", now=NOW)


def feed(data: bytes, ready: Any) -> str:
    try:
        found = _read(data, ready)
    except UsageError as error:
        assert str(error) and "Traceback" not in str(error)
        return "refused"
    assert all(is_signal_id(one.id) and one.title.strip() and "\n" not in one.title for one in found)
    # What was read can be kept, and comes back as it was.
    control = ready / "control.sqlite"
    for old in ready.glob("control.sqlite*"):
        old.unlink()
    with AuditLog(f"sqlite:///{control}") as audit:
        taken = add_signals(audit, found)
        assert read_signals(audit) == list(taken.new)
    return "accepted"
