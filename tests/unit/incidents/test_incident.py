"""An incident as its events fold: times, corrections, order, reopening; and the same from the audit log alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shipworthy.core.errors import UsageError
from shipworthy.core.incident_entry import INCIDENT
from shipworthy.core.incident_standing import standings_of
from shipworthy.incidents.clocks import clocks_of, dismiss, report, start
from shipworthy.incidents.containment_time import containment_times
from shipworthy.incidents.incident import (
    REPLAYED,
    UNVERIFIED,
    Incident,
    NewEvent,
    enter_events,
    list_incidents,
    open_incident,
)

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def opened(audit, minutes: float = 0, **more) -> Incident:
    return open_incident(audit, "SYS-fen", "It tells", "kim", aware=at(minutes), now=at(minutes), **more)


def add(audit, incident: Incident, what: str, minutes: float, **more) -> Incident:
    return enter_events(audit, incident, [NewEvent(what=what, by="kim", at=at(minutes), **more)])  # type: ignore[arg-type]


def test_times_are_rows_and_the_last_word_counts(audit):
    one = opened(audit, began=at(-30))
    assert (one.state, one.mark("began"), one.mark("aware")) == ("open", at(-30), at(0))
    one = add(audit, one, "began", -90, text="the log shows an earlier one")
    one = add(audit, one, "contained", 20, outcome=REPLAYED)
    one = add(audit, one, "resolved", 60)
    assert (one.mark("began"), one.state, one.contained_by) == (at(-90), "resolved", REPLAYED)
    assert [e.at for e in one.of("began")] == ["2026-11-01T11:30:00Z", "2026-11-01T10:30:00Z"]


@pytest.mark.parametrize(
    ("what", "minutes", "said"),
    [
        ("began", 5, "has aware before it"),
        ("contained", -1, "has aware after it"),
        ("resolved", 10, "has contained after it"),
    ],
)
def test_a_time_out_of_order_is_refused_and_nothing_is_entered(audit, what, minutes, said):
    one = add(audit, opened(audit), "contained", 20, outcome=REPLAYED)
    with pytest.raises(UsageError, match=said):
        add(audit, one, what, minutes)
    assert list_incidents(audit, "SYS-fen")[0].events == one.events


def test_reopening_takes_back_what_came_after_and_a_closed_one_takes_no_more(audit):
    one = opened(audit)
    for what, minutes, more in (
        ("contained", 10, {"outcome": REPLAYED}), ("resolved", 20, {}), ("closed", 30, {"outcome": "learned"}),
    ):  # fmt: skip
        one = add(audit, one, what, minutes, **more)
    assert one.state == "closed"
    with pytest.raises(UsageError, match="is closed"):
        add(audit, one, "pulled", 40, about="LV-a")
    one = add(audit, one, "reopened", 50, text="again")
    assert (one.state, one.mark("contained"), one.mark("aware")) == ("open", None, at(0))
    one = add(audit, one, "contained", 70, outcome=UNVERIFIED)
    assert (one.state, one.contained_by) == ("contained", UNVERIFIED)


def test_levers_are_pulled_until_they_are_let_go_of(audit):
    one = add(audit, opened(audit), "pulled", 1, about="LV-a", detail={"until": "2026-11-01T13:00:00Z"})
    one = add(audit, one, "pulled", 2, about="LV-b")
    assert [(p.lever, p.until) for p in one.pulled] == [("LV-a", "2026-11-01T13:00:00Z"), ("LV-b", "")]
    one = add(audit, add(audit, one, "released", 3, about="LV-b"), "expired", 61, about="LV-a")
    assert one.pulled == []


def test_the_audit_log_alone_says_the_same(audit):
    one = opened(audit, began=at(-30))
    for what, minutes, more in (
        ("rated", 1, {"severity": "S2"}), ("contained", 12, {"outcome": REPLAYED}), ("case", 20, {"about": "again"}),
        ("resolved", 30, {}), ("reopened", 31, {}), ("rated", 32, {"severity": "S1"}),
        ("contained", 40, {"outcome": REPLAYED}), ("resolved", 50, {}), ("closed", 51, {}),
    ):  # fmt: skip
        one = add(audit, one, what, minutes, **more)
        (alone,) = standings_of((e.number, e.body) for e in audit.of_kinds(INCIDENT))
        marks = {m: t for m in ("began", "aware", "contained", "resolved") if (t := one.mark(m)) is not None}  # type: ignore[arg-type]
        assert {m: datetime.fromisoformat(t) for m, t in alone.times.items()} == marks
        assert (alone.state, alone.severity) == (one.state, one.severity or "")
        assert alone.cases == tuple(case.about for case in one.cases)
        assert alone.verified == (one.contained_by == REPLAYED)
    assert alone.minutes == 40


def test_times_to_contain_show_every_point_and_no_mean_under_five(audit):
    times = [(4, REPLAYED), (9, REPLAYED), (16, REPLAYED), (30, UNVERIFIED), (None, "")]
    for number, (minutes, how) in enumerate(times):
        one = opened(audit, 1_000 * number, began=at(1_000 * number - 60))
        one = add(audit, one, "rated", 1_000 * number, severity="S1")
        if minutes is not None:
            add(audit, one, "contained", 1_000 * number + minutes, outcome=how)
    found = containment_times(list_incidents(audit, "SYS-fen"))
    assert [one.contain for one in found.points] == [4, 9, 16, None, None]
    assert (found.median, found.mean, found.open, found.unverified) == (9, None, 1, 1)
    assert (found.detect_median, found.detect_mean.n) == (60, 5)
    for number in (7, 8):
        add(audit, opened(audit, 1_000 * number), "contained", 1_000 * number + 9, outcome=REPLAYED)  # never rated
    found = containment_times(list_incidents(audit, "SYS-fen"))
    assert found.mean.n == 5
    assert found.mean.low < found.mean.mean < found.mean.high
    minor = add(audit, opened(audit, 9_000), "rated", 9_000, severity="S4")
    assert minor.id not in {one.incident for one in containment_times(list_incidents(audit, "SYS-fen")).points}
    assert containment_times(list_incidents(audit, "SYS-fen"), since=at(6_000), until=at(7_500)).median == 9


def test_clocks_count_from_aware_and_say_what_is_overdue(audit):
    one = add(audit, opened(audit), "rated", 0, severity="S1", detail={"harms": ["personal-data"]})

    def state(clock: str, hours: float) -> tuple[str, str]:
        found = clocks_of(one, NOW + timedelta(hours=hours), risk_class="high")
        return next((c.state, c.likely) for c in found if c.clock.id == clock)

    assert state("gdpr33-authority", 1) == ("not asked", "it was rated with the harm personal-data")
    assert state("art73-default", 1)[1] == "a high-risk system, and S1"
    one = enter_events(audit, one, [start("gdpr33-authority", "kim"), start("art73-widespread", "kim")], now=NOW)
    assert [c.clock.id for c in clocks_of(one, NOW)][:2] == ["art73-widespread", "gdpr33-authority"]
    assert (state("gdpr33-authority", 72)[0], state("gdpr33-authority", 72.1)[0]) == ("running", "overdue")
    assert (state("art73-widespread", 48)[0], state("art73-widespread", 49)[0]) == ("running", "overdue")
    late = report("gdpr33-authority", "kim", NOW + timedelta(hours=73), text="the authority, 17/26")
    one = enter_events(audit, one, [late, dismiss("art73-widespread", "kim", text="no infrastructure")])
    assert (state("gdpr33-authority", 99)[0], state("art73-widespread", 99)[0]) == ("reported late", "not applicable")
    with pytest.raises(UsageError, match="no clock"):
        start("gdpr33", "kim")
    with pytest.raises(UsageError, match="say why"):
        dismiss("art73-death", "kim", text=" ")
