"""The state of safety: what stands in it comes from rows, and a slide holds no more than fits."""

from __future__ import annotations

from datetime import UTC, datetime

from shipworthy.core.document import Section, Table
from shipworthy.evidence.kpis.period import period_of
from shipworthy.evidence.kpis.state import slides, state_of_safety
from shipworthy.incidents.incident import NewEvent, enter_events, open_incident
from shipworthy.reports import html, markdown
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout


def made(desk):
    facts = desk.facts()
    return state_of_safety(facts, period_of("90d", facts.now))


def test_it_tells_numbers_risks_incidents_and_what_a_mitigation_brought(desk):
    (desk.root / "controls.yaml").write_text(
        "controls: [{id: CT-1, title: Guards, implements: [RQ-safe], process: They are on.}]\n"
    )
    desk.decided(leaks=True)
    now = datetime.now(UTC)
    desk.says("mitigation.enforced", "CT-1", now.isoformat(), where="chat")
    with AuditLog(Layout(desk.root).control_url) as audit:
        one = open_incident(audit, "SYS-desk", "It told a code", "ada", aware=now)
        enter_events(audit, one, [NewEvent(what="rated", by="ada", severity="S2"),
                                  NewEvent(what="case", by="ada", about="regress-told")])  # fmt: skip
    document = made(desk)
    text = "\n".join(markdown.section(part) for part in document.children if isinstance(part, Section))
    assert [part.title for part in document.children] == [
        "In short", "The sixteen numbers", "Trends", "The greatest risks", "Incidents and lessons", "Findings",
        "What mitigations brought",
    ]  # fmt: skip
    assert "It told a code" in text and "new cases: regress-told" in text
    assert "no decision before and after it measured the same criterion" in text
    assert "<table" in html.page(document, contents=True)


def test_a_slide_holds_what_fits(desk):
    text = slides(made(desk))
    parts = text.split("\n---\n")
    assert len(parts) == 9 and text.startswith("---\nmarp: true")  # front matter, title, and seven sections
    assert "and 8 more" in text
    assert max(part.count("\n|") for part in parts) <= 10


def test_a_table_of_sixteen_has_a_tone_a_row(desk):
    numbers = made(desk).children[1]
    assert isinstance(numbers, Section) and isinstance(numbers.children[0], Table)
    assert len(numbers.children[0].rows) == len(numbers.children[0].tones) == 16
