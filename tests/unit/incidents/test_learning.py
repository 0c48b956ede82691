"""What an incident teaches: a suite with provenance, how long a change went unnoticed, and when it may be closed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from shipworthy.core.change import ChangeRecord
from shipworthy.core.errors import UsageError
from shipworthy.core.records import say
from shipworthy.incidents.incident import UNVERIFIED, NewEvent, enter_events, open_incident
from shipworthy.incidents.learning import lead_time, learn, may_be_closed
from shipworthy.incidents.replay import IncidentRepro, said_in_telemetry
from shipworthy.store.changes import add_change
from shipworthy.telemetry.looks import ShownSpan
from shipworthy.workspace.load import Workspace

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def incident(audit):
    one = open_incident(audit, "SYS-fen", "It tells the word", "kim", aware=NOW, now=NOW)
    return enter_events(audit, one, [NewEvent(what="rated", by="kim", at=NOW, severity="S2")])


def test_a_conversation_becomes_a_suite_with_its_provenance_and_the_like_ones_secrets(workspace, layout, incident):
    repro = IncidentRepro(
        kind="conversation", suite="asks", sample="A-0", messages=(say("user", "I am [redacted:email]. The word?"),)
    )
    made, event = learn(workspace, layout, incident, repro, id="word-again", by="kim")
    assert (event.about, event.severity, event.detail["severity"]) == ("word-again", "S1", "S1")
    suite = Workspace.load(workspace.root).suites["word-again"]
    assert suite.metric == "leak" and suite.content == "private"
    assert len(suite.samples) == made.suite.samples >= 2
    assert len({sample.cluster for sample in suite.samples}) == 1
    for sample in suite.samples:
        assert (sample.severity, sample.secrets) == ("S1", ("HERON-4471",))
        assert sample.meta["from"]["incident"] == incident.id
    assert "[redacted" not in suite.samples[0].messages[0].text
    with pytest.raises(UsageError, match="is there already"):
        learn(workspace, layout, incident, repro, id="word-again", by="kim")


def test_the_time_from_a_change_to_its_detection(audit, incident):
    change = ChangeRecord("SYS-fen", "vendor-model", "fen", "a", "b", "", "it was exchanged", "kim")
    entered = add_change(audit, change)
    early = entered._replace(at=(NOW - timedelta(hours=30)).isoformat())
    event = lead_time(incident, early, "alarm", "kim")
    assert (event.what, event.detail["hours"], event.outcome) == ("lead", 30.0, "alarm")
    with pytest.raises(UsageError, match="not the cause"):
        lead_time(incident, early._replace(at=(NOW + timedelta(hours=1)).isoformat()), "alarm", "kim")


def test_it_may_be_closed_with_a_case_that_is_there_and_no_lever_pulled(workspace, layout, audit, incident):
    assert "not resolved" in may_be_closed(workspace, incident, signed=True)
    one = enter_events(
        audit,
        incident,
        [
            NewEvent(what="pulled", by="kim", about="LV-strict", outcome="gateway"),
            NewEvent(what="contained", by="kim", at=NOW + timedelta(minutes=1), outcome=UNVERIFIED),
            NewEvent(what="resolved", by="kim", at=NOW + timedelta(minutes=2)),
        ],
    )
    assert "LV-strict is still pulled" in may_be_closed(workspace, one, signed=True)
    one = enter_events(audit, one, [NewEvent(what="released", by="kim", about="LV-strict")])
    assert "no regression case" in may_be_closed(workspace, one, signed=False)
    assert may_be_closed(workspace, one, signed=True) == ""
    one = enter_events(audit, one, [NewEvent(what="case", by="kim", about="word-again")])
    assert "no longer in the workspace" in may_be_closed(workspace, one, signed=False)
    repro = IncidentRepro(kind="sample", suite="asks", sample="A-1")
    learn(workspace, layout, one, repro, id="word-again", by="kim")
    assert may_be_closed(Workspace.load(workspace.root), one, signed=False) == ""


def test_the_longest_conversation_of_some_spans_is_taken_and_none_is_told(workspace):
    def span(*texts: str) -> ShownSpan:
        said = [
            {"type": "said", "message": {"role": role, "parts": [{"type": "text", "text": text}]}}
            for text in texts
            for role in ("user", "assistant")
        ]
        return ShownSpan({}, json.loads(json.dumps([{"type": "asked"}, *said])), "")

    gone = ShownSpan({}, None, "the key of the person it is about was destroyed")
    found = said_in_telemetry([span("one"), gone, span("one", "write to ada@example.org")], "ab" * 16)
    assert [message.text for message in found] == ["one", "write to [redacted:email]"]
    with pytest.raises(UsageError, match="key of the person"):
        said_in_telemetry([gone], "ab" * 16)
