"""What roles were asked, added up over attempts."""

from __future__ import annotations

from shipworthy.core.events import EventTime, Timing, Usage
from shipworthy.core.roles import RoleTally, RoleUse


def test_calls_failures_and_cached_replies_are_counted_apart_for_each_role() -> None:
    tally = RoleTally()
    timing = Timing(0.0, 9.0, 0.0, (EventTime(0, 0.25), EventTime(2, 1.5, cached=True)))
    for place, role, usage in ((0, "attacker", Usage(1, 2, 0.5)), (2, "target", Usage(10, 20)), (3, "target", None)):
        tally.add(place, role, usage, timing)
    tally.add(1, "target", Usage(5, 5, 0.25, 0.25), Timing(0.0, 1.0, 0.0, (EventTime(1, 0.5),)))
    assert tally.uses == {
        "attacker": RoleUse(1, 0, 0, Usage(1, 2, 0.5), 0.25),
        "target": RoleUse(3, 1, 1, Usage(15, 25, 0.25, 0.25), 2.0),
    }
    assert list(tally.uses) == ["attacker", "target"]


def test_a_failure_of_the_evaluation_itself_is_no_role() -> None:
    tally = RoleTally()
    for place, name in enumerate(("scorer", "guard", "policy")):
        tally.add(place, name, None, Timing())
    assert tally.uses == {}


def test_uses_add_up() -> None:
    one = RoleUse(1, 1, 0, Usage(1, 2, 0.5), 0.25)
    assert one + one == RoleUse(2, 2, 0, Usage(2, 4, 1.0), 0.5)
    assert one + RoleUse() == one
