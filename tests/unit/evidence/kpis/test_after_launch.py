"""Numbers of production: incidents, containment, coverage; what is missing is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shipworthy.incidents.incident import NewEvent, enter_events, open_incident
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout

NOW = datetime.now(UTC)


def incident(desk, severity: str, aware_ago: int, contained_after: int | None) -> None:
    aware = NOW - timedelta(minutes=aware_ago)
    with AuditLog(Layout(desk.root).control_url) as audit:
        one = open_incident(audit, "SYS-desk", "It tells", "ada", began=aware - timedelta(minutes=5), aware=aware)
        new = [NewEvent(what="rated", by="ada", severity=severity)]
        if contained_after is not None:
            at = aware + timedelta(minutes=contained_after)
            new.append(NewEvent(what="contained", by="ada", at=at, outcome="replayed"))
        enter_events(audit, one, new)


def test_incidents_per_sessions_with_exact_limits(desk):
    incident(desk, "S1", 600, 30)
    incident(desk, "S3", 500, None)
    assert "nobody counted sessions" in desk.ask("incident-rate").why
    day = f"{NOW - timedelta(days=10):%Y-%m-%d}"
    desk.says("sessions.counted", "chat", day, **{"sessions": "100000", "from": day, "to": day})
    found = desk.ask("incident-rate")
    assert (found.hits, found.of) == (1, 100_000)
    assert round(found.value, 3) == 0.1 and found.low < 0.1 < found.high
    assert found.parts[0].value == (100 + 5) / 10
    assert len(found.records) == 2
    desk.says("sessions.counted", "chat", day, **{"sessions": "50000", "from": day, "to": day})
    assert desk.ask("incident-rate").of == 50_000, "what was said last of the same days"


def test_what_is_not_contained_is_named_and_in_no_median(desk):
    incident(desk, "S1", 600, 30)
    incident(desk, "S2", 500, 90)
    incident(desk, "S2", 400, None)
    incident(desk, "S4", 400, 5)
    found = desk.ask("time-to-contain")
    assert (found.value, found.of, found.left_out) == (60.0, 2, {"not contained": 1})
    assert found.parts[0].value is None and "under five" in found.parts[0].note
    assert found.parts[1].value == 5.0


def test_coverage_of_today_is_a_census_and_of_the_past_unknown(desk):
    desk.gated.edit("risks.yaml", "severity: S2", "severity: S2, journeys: [UJ-ask]")
    (desk.root / "journeys.yaml").write_text("journeys: [{id: UJ-ask, title: Ask, critical: true}]\n")
    found = desk.ask("eval-coverage")
    assert (found.hits, found.of, found.low) == (0, 1, None)
    assert "was not kept" in desk.ask("eval-coverage", "2025").why


def test_closure_counts_deadlines_that_ended(desk):
    found = desk.ask("finding-closure")
    assert found.value is None and "no deadline" in found.why
