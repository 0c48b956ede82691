"""What somebody says that happened: which words are taken, and what is said of the others."""

from __future__ import annotations

import pytest

from shipworthy.core.occurrence import FIELDS, WHAT, Occurrence, checked, occurrence_of

GOOD = Occurrence("SYS-a", "survey.answered", "SV-1", "2026-11-01", {"score": "4", "who": "p7"})


def test_a_time_is_kept_in_utc():
    assert checked(GOOD._replace(when="2026-11-01T01:30:00+02:00")).when == "2026-10-31T23:30:00Z"
    assert checked(GOOD).when == "2026-11-01T00:00:00Z"


def test_every_kind_says_what_it_is():
    assert set(FIELDS) == set(WHAT)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "deploy"}, "there is no kind 'deploy'"),
        ({"fields": {}}, "survey.answered needs score"),
        ({"fields": {"score": "4", "mood": "good"}}, "has no field 'mood'; its fields: score, who"),
        ({"fields": {"score": "0"}}, "score must be a whole number from 1 to 5"),
        ({"fields": {"score": "6"}}, "score must be a whole number from 1 to 5"),
        ({"fields": {"score": "4", "who": "ada@example.org"}}, "so no name"),
        ({"about": "a b"}, "say what it is about"),
        ({"when": "yesterday"}, "is no time"),
        ({"kind": "deploy.ga", "fields": {"tier": "highest"}}, "tier must be low, medium or high"),
        (
            {"kind": "sessions.counted", "fields": {"sessions": "9", "from": "2026-11-02", "to": "2026-11-01"}},
            "'from' is after 'to'",
        ),
        (
            {"kind": "sessions.counted", "fields": {"sessions": "9", "from": "2026-02-30", "to": "2026-11-01"}},
            "from must be a day",
        ),
        ({"source": "ci\nx"}, "the source must be"),
    ],
)
def test_what_is_none_is_refused_by_name(change, said):
    with pytest.raises(ValueError, match=said):
        checked(GOOD._replace(**change))


@pytest.mark.parametrize("body", [{}, {**GOOD._asdict(), "fields": []}, {**GOOD._asdict(), "about": 7}])
def test_an_entry_that_holds_none_is_named(body):
    body = {name: value for name, value in body.items() if name not in ("entry", "at")}
    with pytest.raises(ValueError, match="entry 9 is no occurrence"):
        occurrence_of(9, "2026-11-01T00:00:00Z", body)
