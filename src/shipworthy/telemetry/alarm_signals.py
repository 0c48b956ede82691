"""Alarms as signals, so that triage sees them beside what people report."""

from __future__ import annotations

from collections.abc import Iterable

from shipworthy.core.alarm import Alarm
from shipworthy.core.errors import ShipworthyError, UsageError
from shipworthy.core.severity import Severity
from shipworthy.core.signal import Signal
from shipworthy.store.audit import AuditLog
from shipworthy.store.signals import TakenSignals, add_signals, make_signal
from shipworthy.telemetry.config import ServeConfig

_SEVERITIES: tuple[Severity | None, ...] = (None, "S1", "S2", "S3", "S4")


def tell_triage(audit: AuditLog, config: ServeConfig, alarms: Iterable[Alarm]) -> TakenSignals:
    """Enter alarms as signals, each once however often it is given.

    Raises:
        StoreError: the database cannot be written; give them again.
    """
    alarms = list(alarms)
    if not alarms:
        return TakenSignals((), ())
    system = system_of(config)
    return add_signals(audit, [_signal(alarm, system) for alarm in alarms])


def system_of(config: ServeConfig) -> str:
    """Return the system that the store's alarms are about: as the file says, as the workspace does, or their name."""
    if config.alarms.system:
        return config.alarms.system
    from shipworthy.workspace.load import Workspace

    try:
        return Workspace.load(config.workspace).system.id
    except ShipworthyError:
        return config.alarms.name


def _signal(alarm: Alarm, system: str) -> Signal:
    numbers = ""
    if alarm.sessions and alarm.per is not None:
        numbers = (
            f"{alarm.events:,} of {alarm.sessions:,} sessions from {alarm.since} to {alarm.day}: {alarm.per:.1f} in"
            f" 10,000 [{alarm.low:.1f}, {alarm.high:.1f}]"
        )
    about = {"source": f"alarm:{alarm.stream}"[:200], "feature": alarm.feature[:200]}
    for known in (about, {"source": f"alarm:{alarm.kind}"}):
        try:
            return make_signal(
                system=system,
                at=alarm.at,
                kind="sentinel" if alarm.kind == "vendor" else "alarm",
                source_id=alarm.id,
                title=f"{alarm.stream}: {alarm.told}",
                text=numbers,
                severity=_SEVERITIES[alarm.severity],
                refs=[alarm.id, *alarm.spans[:20]],
                **known,
            )
        except UsageError:
            # A feature's name may be one that a signal does not keep. The alarm has it.
            continue
    raise UsageError(f"the alarm {alarm.id} cannot be a signal")
