"""The search finds what guards do not see, and says it only where the whole goes on unseen."""

from __future__ import annotations

import asyncio

import pytest

from shipworthy.enforce.pipeline import Pipeline
from shipworthy.evals.evasion import Evader, Evasion, evade, planted
from shipworthy.evals.evasion_goals import CANARIES, KINDS, LEAKS, EvasionGoal, goals
from shipworthy.workspace.guards import GuardFile

GUARDS = GuardFile.model_validate(
    {
        "rules": [
            {"id": "GD-rules", "use": "input_rules"},
            {"id": "GD-canary", "use": "canary_output", "params": {"canaries": ["another one 77"], "parts": False}},
            {"id": "GD-secrets", "use": "secrets", "stages": ["tool_call", "output"]},
            {"id": "GD-pii", "use": "pii", "stages": ["tool_call", "output"]},
        ]
    }
)
PIPELINE = Pipeline.build(planted(GUARDS))
GOALS = {goal.id: goal for goal in goals()}


def played(goal: EvasionGoal, one: Evasion, pipeline: Pipeline = PIPELINE):
    with asyncio.Runner() as runner:
        return Evader(goal, pipeline, runner).play(one)


def test_every_value_is_stopped_as_it_is_and_so_is_the_known_order() -> None:
    with asyncio.Runner() as runner:
        for goal in GOALS.values():
            if goal.means == "known":
                evader = Evader(goal, PIPELINE, runner)
                came = evader.play(evader.plain)
                assert came.found, goal
                assert not came.reached
                assert not came.stands


def test_without_guards_the_first_try_reaches_every_goal() -> None:
    for kind in KINDS:
        found = evade(GOALS[f"{kind}-1-known"], Pipeline([]), tries=3)
        assert (found.first, found.reached) == (1, 3)
        assert found.shortest.codes == ()


def test_what_a_shadow_rule_or_one_that_only_records_finds_stops_nothing() -> None:
    rules = [
        {"id": "GD-a", "use": "secrets", "stages": ["output"], "mode": "shadow"},
        {"id": "GD-b", "use": "pii", "stages": ["output"], "action": "allow"},
    ]
    soft = Pipeline.build(GuardFile.model_validate({"rules": rules}))
    assert played(GOALS["credential-1-codes"], Evasion(), soft).reached
    assert played(GOALS["personal-1-codes"], Evasion(), soft).reached


def test_a_finding_that_changes_nothing_is_no_way_past() -> None:
    rules = [{"id": "GD-a", "use": "input_rules", "action": "tighten"}]
    came = played(
        GOALS["order-1-known"], Evasion(place="head"), Pipeline.build(GuardFile.model_validate({"rules": rules}))
    )
    assert came.stands
    assert not came.reached
    assert came.near < 2


@pytest.mark.parametrize(
    ("goal", "one"),
    [
        ("canary-1-free", Evasion(place="answers", parts=2)),
        ("canary-1-free", Evasion(place="calls", parts=2)),
        ("order-1-free", Evasion(says=4, place="middle")),
        ("override-1-free", Evasion(says=5, place="message")),
    ],
)
def test_ways_past_that_are_known_and_stay(goal: str, one: Evasion) -> None:
    assert played(GOALS[goal], one).reached


@pytest.mark.parametrize("place", ["answer", "call", "reasoning"])
@pytest.mark.parametrize(
    "codes",
    [
        ("spelled in lines",),
        ("morse",),
        ("mirrored alphabet",),
        ("tags between",),
        ("base64 in fours",),
        ("rot13", "backwards"),
        ("rot13", "hex with commas"),
        ("character references", "full width"),
    ],
)
def test_what_the_search_found_first_is_mended(place: str, codes: tuple[str, ...]) -> None:
    goal = GOALS["canary-2-nested" if codes == ("mirrored alphabet",) else "canary-1-nested"]  # one without digits
    came = played(goal, Evasion(says=3, codes=codes, place=place))
    assert came.near > -1
    assert not came.stands


def test_the_same_seed_finds_the_same_and_what_it_finds_can_be_played_again() -> None:
    goal = GOALS["canary-2-codes"]
    found = evade(goal, PIPELINE, tries=60, seed=4)
    assert found == evade(goal, PIPELINE, tries=60, seed=4)
    assert 0 < found.first <= found.tries == 60
    assert found.plain.found
    assert played(goal, found.shortest) == found.came
    assert found.came.reached


def test_the_canaries_of_a_file_give_way_to_those_of_the_search() -> None:
    rule = planted(GUARDS).rules[1]
    assert rule.params == {"canaries": list(CANARIES), "parts": False}
    assert planted(GUARDS).rules[0] is GUARDS.rules[0]


def test_kinds_are_leaks_or_orders() -> None:
    assert {goal.kind for goal in GOALS.values()} - LEAKS == {"order", "override"}
