"""Drafts and the post-mortem: filled from rows, a person's words survive, and each says no more than it may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.incidents.clocks import start
from shipworthy.incidents.incident import REPLAYED, NewEvent, enter_events, open_incident
from shipworthy.incidents.papers import PAPERS, write_incident_paper

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def incident(audit):
    one = open_incident(audit, "SYS-fen", "It tells the word", "kim.person", aware=NOW, now=NOW)
    return enter_events(
        audit,
        one,
        [
            NewEvent(what="rated", by="kim.person", at=NOW, severity="S1"),
            NewEvent(what="pulled", by="kim.person", at=NOW, about="LV-strict", outcome="gateway",
                     detail={"seconds": 0.2, "until": "", "changes": ["GD-secret is set to enforce"]}),
            NewEvent(what="tried", by="kim.person", at=NOW, outcome="held",
                     detail={"tries": 20, "hits": 0, "upper": 0.1391}),
            NewEvent(what="contained", by="kim.person", at=NOW + timedelta(minutes=12), outcome=REPLAYED),
            start("gdpr33-authority", "kim.person"),
        ],
    )  # fmt: skip


def write(workspace, incident, paper: str) -> str:
    written, event = write_incident_paper(workspace, incident, paper, "kim.person", NOW + timedelta(hours=1))
    assert event.about == paper
    return written.path.read_text()


def test_what_is_known_is_filled_in(workspace, incident):
    internal = write(workspace, incident, "internal")
    assert "Led by RO-owner" in internal
    assert "| 2026-11-20 12:00:00 | held | 0 of 20 | at most 13.9 % |" in internal
    regulator = write(workspace, incident, "regulator")
    assert "running | 2026-11-23 12:00 UTC" in regulator
    assert "GDPR Article 33(1)" in regulator
    post = write(workspace, incident, "postmortem")
    assert "| To contain (aware to contained) | 12.0 min | 60 min |" in post


def test_the_customer_reads_no_lever_and_nobody_is_named(workspace, incident):
    customer, post = write(workspace, incident, "customer"), write(workspace, incident, "postmortem")
    for word in ("LV-strict", "GD-secret", "S1", "It tells the word"):
        assert word not in customer
    assert "kim.person" not in customer + post


@pytest.mark.parametrize("paper", PAPERS)
def test_a_persons_words_survive_and_other_changes_are_refused(workspace, incident, paper):
    first = write(workspace, incident, paper)
    path = workspace.root / "documents/incidents" / incident.id / f"{paper}.md"
    mark = first.index("-->\n", first.index("<!-- write here:")) + 4
    path.write_text(first[:mark] + "We called them at once.\n" + first[mark:])
    again = write(workspace, incident, paper)
    assert again.count("We called them at once.") == 1
    path.write_text(again.replace("# ", "# Not ", 1))
    with pytest.raises(IntegrityError, match="changed outside of its blocks"):
        write(workspace, incident, paper)


def test_a_document_that_there_is_not(workspace, incident):
    with pytest.raises(UsageError, match="no document 'press'"):
        write(workspace, incident, "press")
