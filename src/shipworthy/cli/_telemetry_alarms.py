"""The verbs of `telemetry alarms`."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shipworthy.cli._options import form_option
from shipworthy.cli._telemetry import config_option, read_config, reason_option, severity_of

if TYPE_CHECKING:
    from shipworthy.core.alarm import Alarm
    from shipworthy.store.alarms import HeldAlarm


@click.group(no_args_is_help=True)
def alarms() -> None:
    """See what is watched and what is wrong, look now, and close what was dealt with."""


@alarms.command("list")
@config_option
@click.option("--all", "closed", is_flag=True, help="Also those that were closed.")
@form_option
def list_(*, config: Path | None, closed: bool, form: str) -> None:
    """List the alarms that are open, oldest first."""
    import msgspec

    from shipworthy.cli._tables import table

    found = [held for held in _held(config) if closed or held.open]
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode([_told(held) for held in found]), indent=2).decode())
        return
    if not found:
        click.echo("No alarm is open." if not closed else "There is no alarm.")
        return
    rows = [
        (
            held.alarm.id,
            held.alarm.kind,
            severity_of(held.alarm.severity),
            held.alarm.since or held.alarm.day,
            f"{held.alarm.stream}: {held.alarm.told}" + ("" if held.open else " (closed)"),
        )
        for held in found
    ]
    click.echo(table(("alarm", "kind", "severity", "since", "what"), rows))


@alarms.command()
@config_option
@click.argument("alarm", metavar="[ALARM]", default="latest")
@form_option
def show(*, config: Path | None, alarm: str, form: str) -> None:
    """Show ALARM (an id, the beginning or the end of one, or `latest`): its numbers, and the facts behind it.

    What was said in these facts, `shipworthy telemetry show` shows, to who says why.
    """
    import msgspec

    from shipworthy.cli._tables import table
    from shipworthy.store.alarms import choose_alarm
    from shipworthy.telemetry.alarm_facts import facts_behind

    read = read_config(config)
    held = choose_alarm(_held(config), alarm)
    facts = facts_behind(read.state, held.alarm)
    if form == "json":
        told = _told(held) | {"facts": [fact._asdict() for fact in facts]}
        click.echo(msgspec.json.format(msgspec.json.encode(told), indent=2).decode())
        return
    click.echo(_words(held))
    if facts:
        rows = [(f.time[:19], f.trace, f.feature, f.model, severity_of(f.severity), f.decision) for f in facts]
        click.echo(table(("time", "trace", "feature", "model", "severity", "decision"), rows))


@alarms.command()
@config_option
@form_option
def check(*, config: Path | None, form: str) -> int:
    """Look now, as a server does by itself, and say how each stream stands.

    Exit codes: 0 no alarm is open; 1 one is; 2 usage error; 4 failure.
    """
    import msgspec

    from shipworthy.cli._tables import table
    from shipworthy.store.alarms import read_alarms
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout
    from shipworthy.telemetry.alarm_pass import alarm_pass
    from shipworthy.telemetry.alarm_signals import tell_triage

    read = read_config(config)
    with AuditLog(Layout(read.workspace).control_url) as audit:
        found = alarm_pass(read, audit)
        opened = [held for held in read_alarms(audit).alarms if held.open]
        tell_triage(audit, read, [held.alarm for held in opened])
    if form == "json":
        told = {
            "raised": found.raised,
            "days": found.days,
            "late": found.late._asdict(),
            "streams": [state._asdict() for state in found.streams],
            "open": [held.alarm.id for held in opened],
        }
        click.echo(msgspec.json.format(msgspec.json.encode(told), indent=2).decode())
        return int(bool(opened))
    if read.spec.alarms is None:
        lacks = "No file was named (--config serve.yaml)" if config is None else f"{config} has no section 'alarms'"
        click.echo(f"{lacks}: nothing is watched.", err=True)
    rows = [
        (
            state.stream,
            f"{state.learnt} of {state.needed} days" if state.normal_per is None else f"{state.baseline_per:.1f}",
            "" if state.normal_per is None else f"{state.normal_per:.1f}",
            f"{state.value:.3g} of {state.height:g}",
        )
        for state in found.streams
    ]
    if rows:
        click.echo(table(("stream", "baseline", "normal up to", "evidence"), rows, right=(1, 2, 3)))
    click.echo(f"{len(found.days)} days looked at, {len(found.raised)} alarms raised, {len(opened)} open")
    if any(found.late):
        click.echo(
            f"{found.late.sessions:,} sessions, {found.late.events:,} of them with a hit, came late: counted now"
        )
    for name, canary in found.canaries.items():
        click.echo(f"canary {name}: {canary.verdict} (worse {canary.worse:.3g}, fine {canary.fine:.3g})")
    for done in found.held:
        click.echo(done)
    for alarm in found.raised:
        click.echo(f"{alarm.id} {alarm.stream}: {alarm.told}")
    return int(bool(opened))


@alarms.command()
@config_option
@click.argument("alarm", metavar="ALARM")
@reason_option
@click.option("--relearn", is_flag=True, help="What happens now is normal: learn the baseline anew from here on.")
def close(*, config: Path | None, alarm: str, reason: str, relearn: bool) -> None:
    """Close ALARM. The same trouble raises another one when it is seen again."""
    from shipworthy.core.errors import UsageError
    from shipworthy.detect.redact import redact_text
    from shipworthy.store.alarms import choose_alarm, close_alarm
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout

    if not reason.strip():
        raise UsageError("say why it is closed: whoever reads the audit log will ask")
    held = choose_alarm(_held(config), alarm)
    with AuditLog(Layout(read_config(config).workspace).control_url) as audit:
        close_alarm(audit, held.alarm, by=getpass.getuser(), reason=redact_text(reason.strip()), relearn=relearn)
    click.echo(f"{held.alarm.id} is closed")


def _held(config: Path | None) -> list[HeldAlarm]:
    from shipworthy.store.alarms import read_alarms
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout

    with AuditLog(Layout(read_config(config).workspace).control_url) as audit:
        return list(read_alarms(audit).alarms)


def _told(held: HeldAlarm) -> dict[str, Any]:
    import msgspec

    told: dict[str, Any] = msgspec.to_builtins(held.alarm)
    return told | {"open": held.open, "closed": held.closed._asdict() if held.closed is not None else None}


def _words(held: HeldAlarm) -> str:
    alarm: Alarm = held.alarm
    lines = [f"{alarm.id}: {alarm.kind}, {severity_of(alarm.severity)}, raised {alarm.at[:19]}"]
    lines.append(f"{alarm.stream}: {alarm.told}")
    if alarm.per is not None:
        share = f"{alarm.per:.1f} of 10,000 [{alarm.low:.1f}, {alarm.high:.1f}] at {alarm.confidence:.0%}"
        lines.append(f"since {alarm.since}: {alarm.events:,} of {alarm.sessions:,} sessions, {share}")
    if alarm.baseline_per is not None:
        of = f"{alarm.baseline_events:,} of {alarm.baseline_sessions:,} sessions on {alarm.baseline_days} days"
        lines.append(f"baseline: {alarm.baseline_per:.1f} of 10,000 ({of}); normal up to {alarm.normal_per:.1f}")
        stands = "stands out among all streams" if alarm.discovered else "does not stand out among all streams (e-BH)"
        lines.append(f"evidence: {alarm.value:.3g} of {alarm.height:g}; {stands}")
    if held.closed is not None:
        lines.append(f"closed {held.closed.at[:19]} by {held.closed.by}: {held.closed.reason}")
    return "\n".join(lines)
