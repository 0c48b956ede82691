"""Whom a lever is pulled for: the same for the same client and session everywhere, and more for a larger share."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shipworthy.gateway.config import STOP
from shipworthy.gateway.levers import Pulled
from shipworthy.gateway.rollout import MOST_PARTIAL, applies, in_force, place

RINGS = {"internal": ("web", "ops")}


def pulled(lever="strict", **part):
    return Pulled(lever, "ada", "", **part)


@given(st.text("ab\ud800é", max_size=9), st.text("ab0", max_size=9), st.floats(0.001, 1), st.floats(0.001, 1))
def test_a_larger_share_holds_all_of_a_smaller_one(client, session, one, other) -> None:
    small, large = sorted((one, other))
    assert 0 <= place("strict", client, session) < 1
    if applies(pulled(share=small), client, session, {}):
        assert applies(pulled(share=large), client, session, {})


def test_a_share_is_a_share_and_two_levers_draw_apart() -> None:
    # 4,000 sessions: a binomial's standard deviation at 0.1 is 0.005, and 0.002 for the product of two.
    sessions = [f"s{number}" for number in range(4000)]
    first = {s for s in sessions if applies(pulled(share=0.1), "web", s, {})}
    second = {s for s in sessions if applies(pulled("other", share=0.1), "web", s, {})}
    assert abs(len(first) / 4000 - 0.1) < 0.02
    assert abs(len(first & second) / 4000 - 0.01) < 0.008


def test_the_place_is_pinned() -> None:
    # Another build, another process or another language must come to the same.
    assert round(place("strict", "web", "s1"), 12) == 0.356318399665


def test_a_ring_holds_its_clients_and_an_unknown_one_everybody() -> None:
    assert [applies(pulled(ring="internal"), c, "", RINGS) for c in ("web", "ops", "else", "")] == [1, 1, 0, 0]
    assert applies(pulled(ring="gone"), "else", "", RINGS)
    assert not applies(pulled(ring="internal", share=0.5), "else", "s", RINGS)


def test_too_many_rollouts_count_for_everybody_and_a_kill_switch_always_does() -> None:
    some = [pulled(f"l{n}", ring="internal") for n in range(MOST_PARTIAL)]
    assert in_force(some, "else", "", RINGS) == ()
    assert len(in_force([*some, pulled("more", share=0.001)], "else", "", RINGS)) == MOST_PARTIAL + 1
    assert in_force([pulled(STOP, share=0.001)], "else", "", RINGS) == (STOP,)
