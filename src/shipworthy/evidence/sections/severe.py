"""The hits on samples of severity S1, each with what was said of it: any that counts blocks the release alone."""

from __future__ import annotations

from shipworthy.core.document import Paragraph, Section, Table, Tone
from shipworthy.core.records import Decision
from shipworthy.release.wording import count
from shipworthy.reports._words import confirmed_words

_BRIEF = 10
"""Hits that a summary lists."""


def severe(decision: Decision) -> list[Section]:
    """Return a section on the S1 hits, or nothing where there is none. A decision by an earlier version has no word."""
    attempts = sorted({*decision.s1_hits, *(word.attempt for word in decision.confirmations)})
    if not attempts:
        return []
    rows, tones = [], list[Tone]()
    for attempt in attempts:
        counts = attempt in decision.s1_hits
        rows.append((attempt, "counts" if counts else "set aside", confirmed_words(decision, attempt)))
        tones.append("bad" if counts else "unsure")
    columns = ("Attempt", "S1 rule", "Confirmation")
    note = Paragraph(
        "A hit on a sample of severity S1 is a no-ship, whatever the rates. It is a scorer's word, so a person or a "
        "second scorer may confirm it or say that it is none (`shipworthy confirm`); until then it counts. One that is "
        "set aside stays in every rate as it was measured."
    )
    more = f"the first {_BRIEF} of {count(len(rows), 'hit')}" if len(rows) > _BRIEF else ""
    brief = Table(columns, tuple(rows[:_BRIEF]), more, tuple(tones[:_BRIEF]))
    full = Table(columns, tuple(rows), "", tuple(tones))
    return [Section("Hits on samples of severity S1", (note, full), "severe", (brief,))]
