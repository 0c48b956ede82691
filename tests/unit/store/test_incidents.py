"""Rows of incidents: redacted, in the chain by their facts, and never changed unnoticed, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sql
from msgspec.structs import replace

from shipworthy.core.calendar import write_moment
from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.core.incident import IncidentEvent, LeverDrill, TabletopRecord
from shipworthy.store.audit import AuditLog
from shipworthy.store.incidents import (
    add_drill,
    add_event,
    add_tabletop,
    choose_incident,
    read_drills,
    read_events,
    read_tabletops,
)

ID = "INC-20261201T080000Z-00ff00"
OPENED = IncidentEvent(
    incident=ID, system="SYS-x", what="opened", at="2026-12-01T00:00:00Z", by="kim", text="Ask bob@example.org"
)


def test_an_event_comes_back_redacted_and_its_entry_has_no_words(url: str) -> None:
    with AuditLog(url) as log:
        kept = add_event(log, replace(OPENED, detail={"to": "bob@example.org", "n": 3}))
        (found,) = read_events(log, ID)
        assert log.verify().entries == 1
        entry = next(log.entries())
    assert found.row == kept
    assert (kept.text, kept.detail) == ("Ask [redacted:email]", {"to": "[redacted:email]", "n": 3})
    assert entry.body.keys() == {"incident", "system", "what", "at", "by", "severity", "about", "outcome", "row"}
    assert "Ask" not in str(entry.body)


def test_an_edited_event_is_noticed(url: str) -> None:
    with AuditLog(url) as log:
        add_event(log, OPENED)
        with log.database.writing() as connection:
            connection.execute(sql.text("UPDATE happened SET row = replace(row, 'kim', 'tim')"))
        with pytest.raises(IntegrityError, match="entry 1"):
            read_events(log)


def test_an_incident_is_chosen_by_the_beginning_of_its_id(url: str) -> None:
    other = ID.replace("00ff00", "11ff00")
    with AuditLog(url) as log:
        with pytest.raises(UsageError, match="no incident here"):
            choose_incident(log, "SYS-x", "latest")
        for event in (OPENED, replace(OPENED, incident=other), replace(OPENED, incident="INC-y", system="SYS-y")):
            add_event(log, event)
        assert choose_incident(log, "SYS-x", "latest") == other
        assert choose_incident(log, "SYS-x", ID[:22]) == ID
        with pytest.raises(UsageError, match="could be any of"):
            choose_incident(log, "SYS-x", "INC-")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"by": " "}, "'by': it is empty"),
        ({"what": "vanished"}, "nothing called"),
        ({"at": "2026-12-01"}, "no moment"),
        ({"at": write_moment(datetime.now(UTC) + timedelta(days=1))}, "is ahead"),
        ({"about": "a\nb"}, "one line"),
    ],
)
def test_what_cannot_be_an_event_is_refused(url: str, change: dict[str, str], said: str) -> None:
    with AuditLog(url) as log:
        with pytest.raises(UsageError, match=said):
            add_event(log, replace(OPENED, **change))
        assert log.verify().entries == 0


def test_drills_and_exercises_are_rows_of_their_own(url: str) -> None:
    drill = LeverDrill(
        system="SYS-x", lever="LV-a", at="2026-12-01T00:00:00Z", by="kim", seconds=0.5, worked=True, within=ID
    )
    held = TabletopRecord(
        id="TT-1", system="SYS-x", scenario="pii-leak", digest="sha256:" + "0" * 64, at="2026-12-01T00:00:00Z",
        by="kim", points=3, most=9, minutes=40.0, detail={"decisions": []},
    )  # fmt: skip
    with AuditLog(url) as log:
        add_drill(log, drill)
        add_tabletop(log, held)
        assert (read_drills(log, "SYS-x"), read_drills(log, "SYS-y")) == ([drill], [])
        assert read_tabletops(log, "SYS-x") == [held]
        assert read_events(log) == []
        log.verify()
