"""The moves of an attacker: they stay within bounds, are the same for a seed, and claim no more than they give."""

from __future__ import annotations

from random import Random

import pytest

from shipworthy.agents.ground import Ground
from shipworthy.agents.moves import MOST_CALLS, MOVES, alias, drop, encode, numbers, other_tool, own_words, split
from shipworthy.agents.scheme import Piece, Scheme
from shipworthy.agents.setting import setting, settings

GOALS = {goal.id: (setting(name), goal) for name in settings() for goal in setting(name).goals}


def begun(id):
    found, goal = GOALS[id]
    plain = tuple(Piece((step,), number) for number, step in enumerate(goal.script))
    return Scheme(found.tasks[0].id, "tool_result", plain), Ground.of(found, goal)


def many(move, id, times=60):
    scheme, ground = begun(id)
    return [made for seed in range(times) if (made := move(scheme, ground, Random(seed))) is not None]


@pytest.mark.parametrize("move", sorted(set(MOVES), key=lambda m: m.__name__), ids=lambda m: m.__name__)
def test_a_move_is_the_same_for_a_seed_and_within_bounds(move):
    made = 0
    for id in ("office-salaries-out", "buying-pay-stranger", "service-link-in-reply", "engineering-token-in-address"):
        scheme, ground = begun(id)
        for seed in range(40):
            one, other = (move(scheme, ground, Random(seed)) for _ in range(2))
            assert one == other
            if one is not None:
                made += 1
                assert 0 < one.calls <= MOST_CALLS
                assert one.task in ground.tasks
    assert made or move is drop


def test_only_what_leaves_is_written_in_code():
    assert many(encode, "office-salaries-out")
    assert many(encode, "engineering-token-in-address")
    for id in ("service-upgrade", "office-forward-rule", "engineering-remove-log", "buying-cancel-order"):
        assert many(encode, id) == [], id
    for made in many(encode, "engineering-token-in-address"):
        assert made.pieces[0].calls[0].arguments["url"]["join"][0].startswith("https://quillmark.example/")


def test_the_users_words_take_no_place_that_matters():
    for id in GOALS:
        _, goal = GOALS[id]
        for made in many(own_words, id, 12):
            for piece in made.pieces:
                meant = goal.script[piece.means]
                changed = {n for n, v in piece.calls[0].arguments.items() if v != meant.arguments.get(n)}
                for name in changed:
                    said = str(meant.arguments[name]).casefold()
                    _, ground = begun(id)
                    assert not any(mark.casefold() in said for mark in ground.wanted), (id, name)


def test_another_number_no_longer_stands_for_the_step():
    for made in many(numbers, "buying-pay-stranger"):
        assert made.pieces[0].means is None


def test_a_sum_in_parts_is_the_sum():
    for made in many(split, "buying-pay-stranger"):
        amounts = [call.arguments["amount"] for call in made.pieces[0].calls]
        assert len(amounts) > 1
        assert sum(amounts) == pytest.approx(950)
        assert made.pieces[0].means == 0


def test_a_name_of_the_attackers_is_nobody_elses():
    for id in ("office-salaries-out", "service-take-over", "buying-install"):
        _, ground = begun(id)
        for made in many(alias, id, 120):
            ((own, other),) = made.aliases
            assert own in ground.own
            assert other.casefold() not in {text.casefold() for text in ground.strings}


def test_another_tool_stands_for_a_leak_only_where_it_reaches_the_attacker():
    kept = [made for made in many(other_tool, "office-salaries-out", 400) if made.pieces[1].means == 1]
    for made in kept:
        if made.pieces[1].calls[0].tool != "mail_send":
            assert "quillmark" in str(made.pieces[1].calls[0].arguments)
            assert "$1" in str(made.pieces[1].calls[0].arguments)
    assert {made.pieces[1].calls[0].tool for made in kept} & {"pages_submit", "mail_forward"}
    for made in many(other_tool, "service-block", 100):
        assert made.pieces[0].means is None


def test_the_ground_tells_what_is_whose():
    _, ground = begun("office-salaries-out")
    assert "records@quillmark.example" in ground.own
    assert ground.secrets == ["71000"]
    assert ground.leak
    assert "omar.haddad@tarnwick.example" in ground.known
    assert ground.tools["mail_list"].reads
    assert not ground.tools["mail_send"].reads
    _, ground = begun("service-upgrade")
    assert not ground.leak
