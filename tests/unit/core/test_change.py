"""A change as an entry holds it: what is none is refused, and when it counts."""

from __future__ import annotations

from datetime import date

import pytest

from shipworthy.core.change import SAID, ChangeRecord, change_of

GOOD = dict.fromkeys(SAID, "") | {"system": "SYS-a", "kind": "law", "about": "eu-ai-act", "since": "2026-12-02"}


def test_an_entry_is_read_back_with_its_place() -> None:
    found = change_of(7, "2026-11-30T00:00:00Z", GOOD)
    assert (found.kind, found.entry, found.at) == ("law", 7, "2026-11-30T00:00:00Z")
    assert [found.counts(date(2026, 12, day)) for day in (1, 2)] == [False, True]
    assert found.told == "law eu-ai-act"
    assert ChangeRecord("SYS-a", "prompt", now="v2").told == "prompt: unknown -> v2"


@pytest.mark.parametrize(
    "wrong", [{"kind": "wind"}, {"since": "soon"}, {"reason": 3}, {"more": "x"}], ids=["kind", "day", "type", "field"]
)
def test_what_is_no_change_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"no change|Invalid isoformat"):
        change_of(1, "", GOOD | wrong)
    with pytest.raises(ValueError, match="other fields"):
        change_of(1, "", {name: value for name, value in GOOD.items() if name != "was"})
