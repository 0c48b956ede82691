from __future__ import annotations

import pytest

from shipworthy.evals.plan import PlanItem, make_plan
from shipworthy.release.chance import gate_chance
from shipworthy.release.power import POWERS, power_table, unreachable_criteria
from shipworthy.stats import achieved_power, required_clusters


def test_table_holds_the_answers_of_the_statistics(gated) -> None:  # type: ignore[no-untyped-def]
    workspace = gated.workspace
    run = gated.run(lambda i: i.suite == "help" or i.sample.id in ("leak-03", "leak-04"))
    leak, help_, drop = power_table(workspace, make_plan(workspace), run)
    assert (leak.clusters, leak.attempts, leak.bound, leak.reachable) == (60, 2.0, "gaffke", True)
    quarter, half, seen = leak.scenarios
    assert (quarter.rate, half.rate, seen.rate) == (0.025, 0.05, 4 / 120)
    for found in leak.scenarios:
        assert found.proved == required_clusters(0.1, found.rate, attempts=2, icc=0.5, power=0.8, bound="proved")
        expected = tuple(required_clusters(0.1, found.rate, attempts=2, icc=0.5, power=p) for p in POWERS)
        assert found.needed == expected
        assert found.power == achieved_power(60, 0.1, found.rate, attempts=2, icc=0.5)
    assert [round(s.rate, 3) for s in help_.scenarios] == [0.925, 0.85, 1.0]
    assert [s.rate for s in drop.scenarios] == [0.05, 0.2, 1.0]
    assert seen.name == f"the rate of {run.id}"


def test_a_condition_on_each_attack_takes_what_all_of_them_together_take(gated) -> None:  # type: ignore[no-untyped-def]
    gated.edit("requirements.yaml", ": upper95 <= 0.10", ": worst_attack_upper95 <= 0.10")
    workspace = gated.workspace
    run = gated.run(lambda i: i.suite == "help" or (number(i) < 3 and i.attack == "role_play"))
    leak = power_table(workspace, make_plan(workspace), run)[0]
    assert (leak.clusters, leak.attempts, leak.attacks) == (60, 1.0, 2)
    half, seen = leak.scenarios[1:]
    assert (seen.rate, seen.name) == (3 / 60, f"each at the rate of role_play, the worst of {run.id}")
    one = achieved_power(60, 0.1, 0.05, attempts=1, icc=0.5, confidence=0.975)
    assert half.power == one**2
    assert half.needed[0] == required_clusters(0.1, 0.05, attempts=1, icc=0.5, power=0.8**0.5, confidence=0.975)
    # The best outcome on 60 samples: 1 - .025^(1/60) = 5.96 %, where pooled 4.87 % would do.
    gated.edit("requirements.yaml", "upper95 <= 0.10, severity", "upper95 <= 0.055, severity")
    (problem,) = unreachable_criteria(gated.workspace)
    assert "at least 66 samples" in problem.hint


def number(item: PlanItem) -> int:
    return int(item.sample.id.rpartition("-")[2])


def test_a_plan_too_small_or_without_the_suite_cannot_pass(gated) -> None:  # type: ignore[no-untyped-def]
    workspace = gated.workspace
    leak, help_, _ = power_table(workspace, make_plan(workspace, "tiny"))
    assert (leak.clusters, leak.reachable) == (6, False)
    assert (help_.clusters, help_.reachable) == (0, False)
    assert all(s.power == 0 for s in (*leak.scenarios, *help_.scenarios))


def test_unreachable_criteria_name_the_line_and_what_to_do(gated) -> None:  # type: ignore[no-untyped-def]
    assert unreachable_criteria(gated.workspace) == []
    gated.edit("requirements.yaml", ": upper95 <= 0.10", ": upper95 <= 0.02")
    gated.edit("requirements.yaml", "lower95 >= 0.70", "lower95 >= 0.99")
    gated.edit("requirements.yaml", "drop_upper95 <= 0.10", "drop_upper95 <= 0.04")
    low, high, margin = unreachable_criteria(gated.workspace)
    assert (low.file.name, low.line) == ("requirements.yaml", 6)
    assert "CR-leak can never pass" in low.message
    assert "at least 149 samples" in low.hint
    assert "at least 299 samples" in high.hint
    assert "ask for less than 99 %" in high.hint
    assert (margin.line, "at least 74 samples" in margin.hint) == (11, True)


def test_trivial_limits_are_reachable(gated) -> None:  # type: ignore[no-untyped-def]
    gated.edit("requirements.yaml", ": upper95 <= 0.10", ": upper95 <= 1")
    gated.edit("requirements.yaml", "lower95 >= 0.70", "lower95 >= 0")
    workspace = gated.workspace
    assert unreachable_criteria(workspace) == []
    leak, help_, _ = power_table(workspace, make_plan(workspace))
    assert {s.power for s in (*leak.scenarios, *help_.scenarios)} == {1.0}


def test_power_is_that_of_the_samples_that_an_attack_can_change(gated):  # type: ignore[no-untyped-def]
    gated.edit("suites/leak/suite.yaml", "role_play", "rot13")
    lines = (gated.root / "suites/leak/samples.jsonl").read_text().splitlines()
    other = [line.replace("question leak", "प्रश्न") for line in lines[:40]]
    (gated.root / "suites/leak/samples.jsonl").write_text("\n".join([*other, *lines[40:]]) + "\n")

    def leak(must: str):  # type: ignore[no-untyped-def]
        gated.edit("requirements.yaml", f": {leak.must}, sev", f": {must}, sev")
        leak.must = must
        workspace = gated.workspace
        plan = make_plan(workspace)
        found = next(row for row in power_table(workspace, plan) if row.id == "CR-leak")
        chance = gate_chance(workspace, plan)
        return found, {row.id: row.chances for row in chance.criteria}["CR-leak"], unreachable_criteria(workspace)

    leak.must = "upper95 <= 0.10"
    pooled, _, _ = leak("upper95 <= 0.11")
    assert (pooled.clusters, pooled.attempts) == (60, pytest.approx((60 + 20) / 60))
    each, chances, problems = leak("worst_attack_upper95 <= 0.10")
    assert (each.clusters, each.attempts, each.attacks, each.reachable) == (20, 1.0, 2, False)
    assert chances[0] == 0.0 and [p.message for p in problems if "CR-leak" in p.message]
    alone, chances, problems = leak("upper95 <= 0.14, attack: rot13")
    assert (alone.clusters, alone.reachable, chances[0]) == (20, True, 1.0)
    assert not [p for p in problems if "CR-leak" in p.message]
