from __future__ import annotations

import json
from math import log
from pathlib import Path

import numpy as np
import pytest

from shipworthy.evals.plan import make_plan
from shipworthy.release.chance import SHARES, GateChance, gate_chance
from shipworthy.release.power import power_table
from shipworthy.stats import achieved_power, achieved_power_for_mean, noninferiority_test, threshold_test
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.scaffold import scaffold


def severe(gated, suite: str, many: int, of: int = 60) -> None:  # type: ignore[no-untyped-def]
    """Give a suite so many samples, the first of them S1."""
    path = gated.root / "suites" / suite / "samples.jsonl"
    row = json.loads(path.read_text().splitlines()[0])
    rows = ({**row, "id": f"{suite}-{i:04d}", "severity": "S1" if i < many else "S3"} for i in range(of))
    path.write_text("\n".join(map(json.dumps, rows)))


def chance_of(gated, plan: str = "full") -> GateChance:  # type: ignore[no-untyped-def]
    workspace = gated.workspace
    found = gate_chance(workspace, make_plan(workspace, plan))
    assert found is not None
    return found


def by_hand(share: float, replicates: int) -> dict[str, float]:
    """The gate of `gated` with 12 S1 samples, measured and decided again and again by the public tests."""
    rng, rate, miss = np.random.default_rng(31), 0.1 * share, 0.3 * share
    found = {"CR-leak": 0, "CR-help": 0, "CR-drop": 0, "S1": 0, "whole": 0}
    for _ in range(replicates):
        # An ICC of .5 is a beta law whose parameters sum to one. Two attacks on each of the 60 samples of `leak`.
        hits = rng.binomial(2, rng.beta(rate, 1 - rate, 60))
        old = rng.beta(1 - miss, miss, 60)
        new = np.where(rng.random(60) < 0.5, old, rng.beta(1 - miss, miss, 60))
        helped, before = rng.binomial(1, new), rng.binomial(1, old)
        said = {
            "CR-leak": threshold_test(hits, [2] * 60, 0.1).verdict == "pass",
            "CR-help": threshold_test(helped, [1] * 60, 0.7, must="at_least").verdict == "pass",
            "CR-drop": noninferiority_test(helped, [1] * 60, before, [1] * 60, 0.2, worse="lower").verdict == "pass",
            "S1": not hits[:12].any(),
        }
        for name, passed in (said | {"whole": all(said.values())}).items():
            found[name] += passed
    return {name: n / replicates for name, n in found.items()}


def test_the_chance_is_that_of_measuring_and_deciding_again_and_again(gated) -> None:  # type: ignore[no-untyped-def]
    share = 0.25
    severe(gated, "leak", 12)
    gated.edit("requirements.yaml", "drop_upper95 <= 0.10", "drop_upper95 <= 0.20")
    found, place, replicates = chance_of(gated), SHARES.index(share), 300
    printed = {row.id: row.chances[place] for row in found.criteria}
    printed |= {"S1": found.s1_rule[place], "whole": found.whole[place]}
    assert (found.s1_samples, found.draws) == (12, 2000)
    for name, seen in by_hand(share, replicates).items():
        chance = printed[name]
        error = (max(chance * (1 - chance), 0.01) * (1 / replicates + 1 / found.draws)) ** 0.5
        assert seen == pytest.approx(chance, abs=4 * error), name


@pytest.fixture(scope="module")
def helpdesk(tmp_path_factory) -> Workspace:  # type: ignore[no-untyped-def]
    root: Path = tmp_path_factory.mktemp("helpdesk")
    scaffold(root / "w", "helpdesk-rag")
    return Workspace.load(root / "w")


def test_an_all_s1_suite_hardly_ever_ships_at_a_rate_that_its_criterion_allows(helpdesk: Workspace) -> None:
    """74 S1 samples x 8 attacks, limit 6 %: at 1.5 and 3 % the criterion alone looked likely to pass."""
    found = gate_chance(helpdesk, make_plan(helpdesk, suites=["secret-leakage"]))
    assert found is not None
    assert found.s1_samples == 74
    quarter, half = SHARES.index(0.25), SHARES.index(0.5)
    assert round(found.s1_rule[quarter], 3) == 0.013
    assert round(found.s1_rule[half], 4) == 0.0002
    (secret,) = (row for row in found.criteria if row.id == "CR-secret")
    assert secret.chances[quarter] > 0.5
    # What `power_table` says of the criterion alone, within the noise of two sets of draws.
    for place, rate in ((quarter, 0.015), (half, 0.03)):
        alone = achieved_power(74, 0.06, rate, attempts=8, icc=0.3)
        assert secret.chances[place] == pytest.approx(alone, abs=0.05)


def test_no_size_of_the_helpdesk_suites_has_the_promised_power_unless_nothing_is_hit(helpdesk: Workspace) -> None:
    found = gate_chance(helpdesk, make_plan(helpdesk))
    assert found is not None
    nothing, *hit = found.sizes
    assert nothing.least is not None
    assert (nothing.most, nothing.s1_cap) == (None, None)
    assert nothing.least < 1 < found.whole[0] / 0.8
    assert [sizes.least for sizes in hit] == [None] * 4
    assert [sizes.s1_cap for sizes in hit] == sorted((s.s1_cap for s in hit), reverse=True)  # type: ignore[type-var]
    assert all("S1 rule alone" in sizes.why and "CR-secret cannot pass on fewer than 49" in sizes.why for sizes in hit)
    assert all(whole <= min(rule, 1.0) for whole, rule in zip(found.whole, found.s1_rule, strict=True))


def test_the_sizes_printed_are_those_where_the_promise_begins_and_ends(gated) -> None:  # type: ignore[no-untyped-def]
    gated.edit("requirements.yaml", "drop_upper95 <= 0.10", "drop_upper95 <= 0.30")
    severe(gated, "leak", 3)
    sizes = chance_of(gated).sizes[2]
    assert sizes.least is not None and sizes.most is not None and sizes.s1_cap is not None
    assert sizes.most > 2 * sizes.least
    assert sizes.s1_most is not None and sizes.s1_most <= sizes.s1_cap + 1

    def whole(times: float) -> float:
        for suite, some in (("leak", 3), ("help", 0)):
            severe(gated, suite, round(some * times), round(60 * times))
        return chance_of(gated).whole[2]

    assert whole(sizes.least * 1.15) >= 0.8 > whole(sizes.least * 0.8)
    assert whole(sizes.most * 0.85) >= 0.8 > whole(sizes.most * 1.25)


def test_without_s1_samples_more_is_better(gated) -> None:  # type: ignore[no-untyped-def]
    found = chance_of(gated)
    assert found.s1_samples == 0
    assert found.s1_rule == (1.0,) * len(SHARES)
    least = [s.least for s in found.sizes]
    assert all(least)
    assert least[1:] == sorted(least[1:])  # type: ignore[type-var]
    assert {(s.most, s.s1_least, s.s1_most, s.s1_cap, s.why) for s in found.sizes} == {(None, None, None, None, "")}


def test_a_suite_outside_the_plan_and_too_few_samples_never_ship(gated) -> None:  # type: ignore[no-untyped-def]
    found = chance_of(gated, "tiny")
    assert set(found.whole) == {0.0}
    assert {s.why for s in found.sizes} == {"the plan does not run the suite of CR-help"}
    gated.edit("requirements.yaml", "lower95 >= 0.70}", "lower95 >= 0.70, min_clusters: 60}")
    severe(gated, "leak", 0, 40)
    assert chance_of(gated).criteria[1].chances[0] == 1
    gated.edit("requirements.yaml", "severity: S2}\n", "severity: S2, min_clusters: 40}\n")
    gated.edit("plans.yaml", "samples: 6}", "samples: 39}\n      - {suite: help}")
    found = chance_of(gated, "tiny")
    assert found.criteria[0].chances == (0.0,) * len(SHARES)
    assert found.sizes[0].least == pytest.approx(40 / 39, rel=0.03)


def test_each_attack_must_pass_by_itself(gated) -> None:  # type: ignore[no-untyped-def]
    pooled = chance_of(gated).criteria[0].chances
    gated.edit("requirements.yaml", ": upper95 <= 0.10", ": worst_attack_upper95 <= 0.10")
    workspace = gated.workspace
    each = chance_of(gated).criteria[0].chances
    assert each[-1] < pooled[-1]
    # Taken as independent the attacks pass together less often than on the same samples.
    half = power_table(workspace, make_plan(workspace))[0].scenarios[1]
    assert half.power - 0.04 <= each[-1] <= half.power**0.5 + 0.04


def test_a_value_passes_as_often_as_its_power_says(gated) -> None:  # type: ignore[no-untyped-def]
    scorer = (gated.root / "plugins" / "gate_flag.py").read_text().replace("good=good)", "good=good, kind='value')")
    (gated.root / "plugins" / "gate_value.py").write_text(scorer)
    for suite in ("leak", "help"):
        gated.edit(f"suites/{suite}/suite.yaml", "use: gate_flag", "use: gate_value")
    found = chance_of(gated)
    mean, spread = 0.05, (0.05 * 0.95) ** 0.5 / 2
    expected = achieved_power_for_mean(60, 0.1, mean, spread, low=0, high=1)
    assert found.criteria[0].chances[-1] == pytest.approx(expected, abs=0.05)
    unchanged = achieved_power_for_mean(60, 0.1, 0.0, 0.25, low=-1, high=1)
    assert found.criteria[2].chances == (pytest.approx(unchanged, abs=0.05),) * len(SHARES)
    assert any("of a value" in note for note in found.assumes)


def test_a_limit_that_no_truth_scales_with_has_no_chance_of_its_own(gated) -> None:  # type: ignore[no-untyped-def]
    gated.edit("requirements.yaml", ": upper95 <= 0.10", ": lower95 >= 0.10")
    assert chance_of(gated).criteria[0].chances == ()


def test_the_same_files_give_the_same_figures(gated) -> None:  # type: ignore[no-untyped-def]
    severe(gated, "leak", 5)
    assert chance_of(gated) == chance_of(gated)


def test_the_theorem_costs_power(gated) -> None:  # type: ignore[no-untyped-def]
    usual = chance_of(gated)
    (gated.root / "gate.yaml").write_text("gate: {id: all, bound: proved}\n")
    proved = chance_of(gated)
    assert all(b.chances[-1] <= a.chances[-1] for a, b in zip(usual.criteria, proved.criteria, strict=True))
    assert proved.whole[-1] < usual.whole[-1]


def test_what_is_in_the_way_is_named(gated) -> None:  # type: ignore[no-untyped-def]
    severe(gated, "leak", 20)
    found = chance_of(gated).sizes[3]
    assert found.least is None
    assert found.s1_cap is not None
    assert f"below 80 % on more than {found.s1_cap} S1 samples, and" in found.why
    severe(gated, "leak", 0)
    gated.edit("requirements.yaml", "drop_upper95 <= 0.10", "drop_upper95 <= 0.005")
    assert chance_of(gated).sizes[3].why.startswith("even 64 times the plan's samples give CR-drop no more than")
    gated.edit("requirements.yaml", "drop_upper95 <= 0.005", "drop_upper95 <= 0.0005")
    assert "CR-drop cannot pass on fewer than 5,990 samples (the plan has 60)" in chance_of(gated).sizes[0].why


def test_up_to_the_last_size_that_the_s1_rule_leaves_a_criterion_can_be_in_the_way(gated) -> None:  # type: ignore[no-untyped-def]
    severe(gated, "leak", 9)
    gated.edit("requirements.yaml", "drop_upper95 <= 0.10", "drop_upper95 <= 0.08")
    found = chance_of(gated).sizes[2]
    # Of two attempts at 1 % with an ICC of .5 none hits with chance 1 - .02 + (.01^2 + .5 x .01 x .99) = .98505.
    assert (found.least, found.s1_cap) == (None, int(log(0.8) / log(0.98505)))
    assert "on more than 14 S1 samples, and up to there CR-drop alone has" in found.why
