from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from shipworthy.evals.plan import make_plan
from shipworthy.release.truth import BASE, Assumed, assume
from shipworthy.stats.suite_draws import Block


def severe(gated, suite: str, many: Callable[[int], bool]) -> None:  # type: ignore[no-untyped-def]
    """Make some samples of a suite S1."""
    path = gated.root / "suites" / suite / "samples.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("\n".join(json.dumps(r | ({"severity": "S1"} if many(i) else {})) for i, r in enumerate(rows)))


def assumed(gated) -> Assumed:  # type: ignore[no-untyped-def]
    workspace = gated.workspace
    return assume(workspace, make_plan(workspace))


def test_bad_rates_are_shares_of_their_limits_on_either_side(gated) -> None:  # type: ignore[no-untyped-def]
    severe(gated, "leak", lambda i: i < 10)
    found = assumed(gated)
    leak, help_ = found.counted
    assert (leak.limit, leak.scaled, leak.pairs, leak.icc) == (0.1, True, False, 0.5)
    assert leak.law(0.25).rate == 0.025
    assert leak.blocks == (Block(10, (0, 2)), Block(50, (2, 0)))
    assert leak.rule == (False, True)
    # 70 % help is 30 % that do not, and its margin sees no change.
    assert (round(help_.law(0.5).rate, 6), help_.pairs, [c.id for c in help_.criteria]) == (
        0.15,
        True,
        ["CR-help", "CR-drop"],
    )
    assert found.s1_samples == 10
    assert found.left_out == ()


def test_a_good_hit_on_an_s1_sample_is_no_matter_of_the_rule(gated) -> None:  # type: ignore[no-untyped-def]
    severe(gated, "help", lambda i: True)
    found = assumed(gated)
    assert found.s1_samples == 0
    assert not any(found.counted[1].rule)


def test_the_strictest_limit_holds_on_each_attack(gated) -> None:  # type: ignore[no-untyped-def]
    also = "{id: CR-role, suite: leak, must: upper95 <= 0.04, attack: role_play}"
    gated.edit("requirements.yaml", "severity: S2}\n", f"severity: S2}}\n      - {also}\n")
    leak = assumed(gated).counted[0]
    scales = {min(cell.attacks): scale for cell, scale in zip(leak.cells, leak.scales, strict=True)}
    assert scales == {"none": 1.0, "role_play": pytest.approx(0.4)}
    assert (leak.limit, leak.blocks) == (0.1, (Block(60, (1, 1)),))


def test_a_condition_on_each_attack_sees_each_apart(gated) -> None:  # type: ignore[no-untyped-def]
    gated.edit("requirements.yaml", ": upper95 <= 0.10", ": worst_attack_upper95 <= 0.10")
    leak = assumed(gated).counted[0]
    assert [sorted(cell.attacks) for cell in leak.cells] == [["none"], ["role_play"]]
    assert leak.scales == (1.0, 1.0)


def test_samples_of_one_cluster_share_it(gated) -> None:  # type: ignore[no-untyped-def]
    severe(gated, "leak", lambda i: i == 0)
    path = gated.root / "suites" / "leak" / "samples.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("\n".join(json.dumps(row | {"cluster": f"c{min(i // 3, 5)}"}) for i, row in enumerate(rows)))
    # Two attacks each: five clusters of three samples, one of them with an S1 sample, and one of forty-five.
    assert assumed(gated).counted[0].blocks == (Block(1, (4, 2)), Block(4, (6, 0)), Block(1, (90, 0)))


def test_margins_alone_have_a_base_rate_that_never_hits_an_s1_sample(gated) -> None:  # type: ignore[no-untyped-def]
    gated.edit("requirements.yaml", "upper95 <= 0.10, severity", "rise_upper95 <= 0.10, severity")
    leak = assumed(gated).counted[0]
    assert (leak.law(0.0).rate, leak.law(0.5).rate, leak.scaled) == (BASE, BASE, False)
    severe(gated, "leak", lambda i: i < 10)
    found = assumed(gated)
    assert found.counted[0].law(0.5).rate == 0
    assert any("no criterion limits leak" in note for note in found.notes)


def test_a_limit_on_the_good_side_is_left_out_and_named(gated) -> None:  # type: ignore[no-untyped-def]
    gated.edit("requirements.yaml", ": upper95 <= 0.10", ": lower95 >= 0.10")
    found = assumed(gated)
    assert found.left_out == ("CR-leak",)
    assert [c.suite for c in found.counted] == ["help"]
    assert any("left out" in note and "CR-leak" in note for note in found.notes)


def test_a_grown_plan_keeps_its_proportions(gated) -> None:  # type: ignore[no-untyped-def]
    severe(gated, "leak", lambda i: i < 10)
    leak = assumed(gated).counted[0]
    assert leak.grown(1.0) == leak.blocks
    assert leak.grown(2.5) == (Block(25, (0, 2)), Block(125, (2, 0)))
    assert leak.grown(0.02) == (Block(1, (2, 0)),)
