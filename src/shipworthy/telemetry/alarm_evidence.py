"""Evidence drift: traffic that no valid decision covers; and what sentinels found of a vendor's model."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shipworthy.core.alarm import MOST_SPANS, Alarm
from shipworthy.core.sentinel_entry import LOOKED as SENTINEL_LOOKED
from shipworthy.store.alarms import AlarmEntries, new_alarm_id
from shipworthy.store.audit import AuditLog
from shipworthy.store.standing import DecisionStandings
from shipworthy.telemetry.alarm_config import AlarmsSpec
from shipworthy.telemetry.facts import FactView

_VENDOR_DAYS = 30
_SAID = {
    "changed": "the vendor's model is another one",
    "unanswered": "less than half of the probes were answered, so nobody knows whether the model is another one",
}


def evidence_alarms(spec: AlarmsSpec, standings: DecisionStandings, view: FactView, now: datetime) -> list[Alarm]:
    """Return an alarm for each kind of traffic without a decision that holds, by feature, decision and guards."""
    want = spec.evidence
    since = now - timedelta(hours=want.hours)
    rows = view.query(
        "SELECT feature, decision, guards, bool_or(dialect = 'shipworthy'), count(DISTINCT session),"
        " min(time)::VARCHAR, max(time)::VARCHAR,"
        " list(lower(hex(trace)) || '/' || lower(hex(span)) ORDER BY time DESC)[1:?]"
        " FROM facts WHERE time >= ?::TIMESTAMP AND kind IN ('chat', 'request', 'agent') GROUP BY 1, 2, 3 ORDER BY ALL",
        [MOST_SPANS, since.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")],
    )
    covered = {
        (feature, decision) for feature, decision, *_ in rows if standings.standing(decision, today=now).why == ""
    }
    found = []
    for feature, decision, guards, ours, sessions, began, ended, spans in rows:
        standing = standings.standing(
            decision, guards="" if ours else guards, today=now, max_age_days=want.max_age_days
        )
        # A gateway's own calls of a model carry no decision: the request around them does.
        part = ours and not decision and any(one == feature for one, _ in covered)
        if not standing.why or sessions < want.least or part:
            continue
        where = f"{sessions:,} {'session' if sessions == 1 else 'sessions'} of {feature or 'no feature'}"
        found.append(
            Alarm(
                id=new_alarm_id(),
                kind="evidence",
                stream=f"{spec.name}:evidence",
                about=f"{feature}|{decision}|{guards}|{standing.kind}",
                severity=int(want.worst[1]),
                day=ended[:10],
                since=began[:10],
                told=f"{where}: {standing.why}",
                feature=feature,
                events=sessions,
                sessions=sessions,
                spans=tuple(spans),
            )
        )
    return found


def vendor_alarms(spec: AlarmsSpec, audit: AuditLog, entries: AlarmEntries, now: datetime) -> list[Alarm]:
    """Return an alarm for each look of a sentinel that found another model, or got no answers; each look once."""
    known = {held.alarm.about for held in entries.alarms if held.alarm.kind == "vendor"}
    oldest = (now - timedelta(days=_VENDOR_DAYS)).date().isoformat()
    found = []
    for entry in audit.of_kinds(SENTINEL_LOOKED):
        body = entry.body
        about = f"{body.get('sentinel')}#{body.get('look')}"
        verdict = body.get("verdict")
        if verdict not in _SAID or about in known or entry.at[:10] < oldest:
            continue
        told = f"sentinel {body['sentinel']}, look {body['look']} at {body['target']}: {_SAID[verdict]}"
        found.append(
            Alarm(
                id=new_alarm_id(),
                kind="vendor",
                stream=f"{spec.name}:vendor",
                about=about,
                severity=2 if verdict == "changed" else 3,
                day=entry.at[:10],
                told=f"{told} ({body['answers']} answers, {body['errors']} errors)",
                events=int(body["answers"]),
            )
        )
    return found
