"""Print the measured error rates of the gate's tests: coverage, wrongly-ship rates, power.

python bench/error_rates.py              # 20,000 replicates a cell, about half an hour
python bench/error_rates.py --replicates 100000
python bench/error_rates.py --json       # the same figures as one JSON object; rates.most: the worst of each family
"""

from __future__ import annotations

import argparse
import json
import time
from itertools import product

from shipworthy.stats import achieved_power, required_clusters
from shipworthy.stats.audit_simulation import AuditDesign, passes_audited
from shipworthy.stats.judge_simulation import JudgeDesign, judged_shares
from shipworthy.stats.mean_simulation import LAWS, MeanDesign, mean_coverage, mean_passes, mean_passes_paired
from shipworthy.stats.run_simulation import RunDesign, alarms
from shipworthy.stats.sequential_simulation import stops
from shipworthy.stats.simulation import Design, coverage, passes, passes_paired


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicates", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object")
    options = parser.parse_args()
    run = {"replicates": options.replicates, "seed": options.seed}
    if options.json:
        found = {"rates": rates(run), "audited": audited(run), "judged": judged(run), "comparisons": comparisons(run)}
        found["sequential"] = sequential(run)
        print(json.dumps({**means(run), **found}))
        return
    began = time.perf_counter()
    error = (0.05 * 0.95 / options.replicates) ** 0.5
    print(f"{options.replicates:,} replicates a cell, seed {options.seed}; Monte-Carlo error near 5 %: {error:.4f}\n")

    print_rates(rates(run))
    print("\nPower, ICC 0.3: how often it ships when the true rate is a quarter of the threshold")
    limits = (0.01, 0.02, 0.05, 0.1, 0.2)
    print(f"{'clusters x attempts':>20} " + " ".join(f"{f'limit {v:g}':>10}" for v in limits))
    for size, attempts in ((60, 1), (60, 5), (200, 1), (200, 5), (400, 5)):
        icc = 0.3 if attempts > 1 else 0.0
        row = " ".join(f"{achieved_power(size, v, v / 4, attempts=attempts, icc=icc):>10.2f}" for v in limits)
        print(f"{f'{size} x {attempts}':>20} {row}")
    print("\nAudited by labels, truth at the limit of 5 %: wrongly ships")
    for cell in audited(run):
        print(f"{cell['wrong']:.4f}  {cell['design']}")
    print("\nBehind a calibrated judge, truth at the limit of 5 %; power: the truth is a quarter of it")
    for cell in judged(run):
        print(f"ships {cell['ships']:.4f}  fails {cell['fails']:.4f}  power {cell['power']:.2f}  {cell['design']}")
    print_sequential(sequential(run))
    print_means(means(run))
    print_comparisons(comparisons(run))
    print(f"\n{time.perf_counter() - began:.0f} s")


UNEQUAL = ((190, 1, 10, 20), (95, 1, 5, 20), (50, 3, 5, 30))


def designs():
    """Yield each truth with the family it belongs to."""
    for n, m, share in product((30, 100, 200), (3, 9, 20), (0.3, 0.6, 0.9)):
        yield "background and wholly weak", Design(n, m, 0.0, background=share)
    for (n, m, large, more), share in product(UNEQUAL, (0.3, 0.6, 1.0)):
        yield "unequal clusters", Design(n, m, 0.0, background=share, large=large, large_attempts=more)
    for (n, m, large, more), icc in product(UNEQUAL, (0.3, 1.0)):
        yield "unequal clusters", Design(n, m, icc, large=large, large_attempts=more)
    for (n, m), icc in product(((200, 5), (400, 5), (60, 2), (60, 5), (30, 10)), (0.1, 0.3, 0.8, 1.0)):
        yield "beta-binomial", Design(n, m, icc)
    for n in (30, 100, 200):
        yield "one attempt", Design(n, 1, 0.0)


def rates(run):
    """Measure the tests on rates with the truth at the limit or margin; the largest share of each wrong verdict."""
    cells = []
    few = run | {"replicates": max(1, run["replicates"] // 4)}  # a margin takes two searches where a limit takes none
    for family, design in designs():
        for limit, verdict in product((0.01, 0.02, 0.03, 0.05, 0.1), ("pass", "fail")):
            wrong = passes(design, limit, limit, verdict=verdict, **run)
            cells.append(_cell("threshold", family, verdict, design, wrong, limit=limit, **run))
        for base, margin, verdict in product((0.0, 0.02, 0.1), (0.02, 0.05, 0.15), ("pass", "fail")):
            wrong = passes_paired(design, base, margin, margin, verdict=verdict, **few)
            cells.append(_cell("noninferiority", family, verdict, design, wrong, base=base, margin=margin, **few))
    most = {}
    for cell in cells:
        key = f"{cell['test']}, {cell['family']}, wrongly {'ships' if cell['verdict'] == 'pass' else 'fails'}"
        most[key] = max(most.get(key, 0.0), cell["wrong"])
    return {"most": most, "middle": middle(run), "cells": cells}


def audited(run):
    """Measure criteria that are audited by labels, with the truth at the limit, for scorers that miss and invent."""
    few = run | {"replicates": max(1, run["replicates"] // 10)}  # each limit is a simulation of its own
    shapes = ((400, 1, 0.0, 0, 1), (400, 4, 0.3, 0, 1), (400, 4, 1.0, 0, 1), (300, 1, 1.0, 40, 20))
    cells = []
    for (n, m, icc, large, more), hears, clear in product(shapes, (0.5, 0.7, 1.0), (0.97, 1.0)):
        design = AuditDesign(n, m, icc, hears, clear, large=large, large_attempts=more)
        cells.append({"design": design._asdict(), "wrong": passes_audited(design, 0.05, 0.05, **few), **few})
    return cells


def judged(run):
    """Measure criteria behind a calibrated judge, with the truth at the limit and at a quarter of it."""
    few = run | {"replicates": max(1, run["replicates"] // 10)}
    shapes = ((400, 1, 0.0, 0, 1), (400, 4, 0.3, 0, 1), (400, 4, 1.0, 0, 1), (300, 1, 1.0, 40, 20))
    cells = []
    for (n, m, icc, large, more), hears, clear in product(shapes, (0.5, 0.7, 0.95), (0.95, 0.98, 0.999)):
        design = JudgeDesign(n, m, icc, hears, clear, large=large, large_attempts=more)
        found = judged_shares(design, 0.05, 0.05, **few)
        power = judged_shares(design, 0.0125, 0.05, **few | {"replicates": max(1, few["replicates"] // 4)}).ships
        cells.append({"design": design._asdict(), **found._asdict(), "power": power, **few})
    return cells


FIXED_POWER = 0.9
"""What a run of fixed size is planned for: this power at half the limit."""


def sequential(run):
    """Measure runs that are looked at after every wave: wrong verdicts at the limit, and calls saved."""
    few = run | {"replicates": max(1, run["replicates"] // 5)}
    wrong = {}
    for family, design in designs():
        for limit in (0.01, 0.03, 0.1):
            found, most = stops(design, limit, limit, **few), wrong.get(family, (0.0, 0.0))
            wrong[family] = max(most[0], found.ships), max(most[1], found.fails)
    peeking = stops(Design(2000, 1, 0.0), 0.05, 0.05, method="peeking", **few | {"replicates": 300})
    rows = []
    for limit in (0.05, 0.2):
        fixed = required_clusters(limit, limit / 2, power=FIXED_POWER)
        for share in (0.0, 0.25, 0.5, 2.0, 3.0):
            found = stops(Design(fixed, 1, 0.0), limit * share, limit, **few)
            row = {"limit": limit, "rate": limit * share, "fixed": fixed, **found._asdict()}
            rows.append(row | {"saved": 1 - found.mean / fixed})
    return {"wrong": wrong, "peeking": peeking._asdict(), "saved": rows, **few}


def print_sequential(found):
    print("\nSequential, a look after every 20 clusters, truth AT the limit: largest share of wrong verdicts")
    for family, (ships, fails) in found["wrong"].items():
        print(f"{family:<40} ships {ships:.4f}  fails {fails:.4f}")
    print(f"(the fixed bound looked at 100 times: ships {found['peeking']['ships']:.2f})")
    print("Clusters taken, where a run of fixed size is planned for 90 % power at half the limit")
    for row in found["saved"]:
        print(
            f"limit {row['limit']:.0%}, truth {row['rate']:>6.2%}: fixed {row['fixed']:>4}, mean {row['mean']:>4.0f}, "
            f"nine in ten within {row['most']:>4.0f}, saved {row['saved']:>4.0%}; "
            f"ships {row['ships']:.3f}, fails {row['fails']:.3f}"
        )


def middle(run):
    """Measure a design from the middle of the field: how often the interval covers, and the limit is wrongly passed."""
    design = Design(200, 5, 0.3)
    few = run | {"replicates": max(1, run["replicates"] // 5)}  # two limits are searched for in each
    return [
        {"rate": rate, "coverage": coverage(design, rate, **few)[0], "wrongly_ships": passes(design, rate, rate, **run)}
        for rate in (0.01, 0.02, 0.05)
    ]


def _cell(test, family, verdict, design, wrong, *, replicates, seed, **truth):
    return {
        "test": test,
        "family": family,
        "verdict": verdict,
        **truth,
        "design": design._asdict(),
        "wrong": wrong,
        "replicates": replicates,
    }


def print_rates(found):
    print("Truth AT the limit or margin: the largest share of wrong verdicts (at most .050 and twice the error)")
    for name, share in found["most"].items():
        print(f"{name:<66} {share:.4f}")
    print("\n200 samples x 5 attempts, ICC 0.3: the 95 % interval covers; wrongly ships at the limit")
    for row in found["middle"]:
        print(f"rate {row['rate']:g}: {row['coverage']:.4f}, {row['wrongly_ships']:.4f}")
    print("\nThe worst cells")
    for cell in sorted(found["cells"], key=lambda cell: -cell["wrong"])[:12]:
        at = ", ".join(f"{key} {cell[key]:g}" for key in ("limit", "base", "margin") if key in cell)
        print(f"{cell['wrong']:.4f}  {cell['test']}, {cell['verdict']}, {at}: {cell['design']}")


def means(run):
    """Measure the tests on means: each law's coverage, wrongly-ship rates and power."""
    errors, powers = [], []
    for law, clusters, mean in product(LAWS, (30, 60, 200), (0.05, 0.3, 0.7)):
        design = MeanDesign(clusters, 5, law)
        row = {
            "law": law,
            "clusters": clusters,
            "mean": mean,
            "coverage": mean_coverage(design, mean, **run),
            "wrongly_ships": mean_passes(design, mean, mean, **run),
            "wrongly_ships_t": mean_passes(design, mean, mean, method="t", **run),
            "wrongly_ships_paired": mean_passes_paired(design, mean, 0.1, 0.1, **run),
        }
        errors.append(row)
    cases = ((0.05, 0.1), (0.05, 0.2), (0.3, 0.35), (0.3, 0.4), (0.3, 0.5))
    for law, clusters, (mean, limit) in product(("beta", "skewed", "background"), (60, 200, 1000), cases):
        design = MeanDesign(clusters, 5, law)
        ships = {m: mean_passes(design, mean, limit, method=m, **run) for m in ("betting", "hoeffding")}
        powers.append({"law": law, "clusters": clusters, "mean": mean, "limit": limit, **ships})
    return {**run, "errors": errors, "power": powers}


def print_means(found):
    print("\nMeans of 5 values a cluster on [0, 1]: coverage of the 95 % interval; truth AT the limit or margin (0.1):")
    print("how often the test, Student's t in its place, and the paired test wrongly ship (at most .050)")
    print(f"{'law':>12} {'clusters':>8} {'mean':>5} {'covers':>7} {'ships':>7} {'plain t':>8} {'paired':>7}")
    for row in found["errors"]:
        print(
            f"{row['law']:>12} {row['clusters']:>8} {row['mean']:>5} {row['coverage']:>7.3f} "
            f"{row['wrongly_ships']:>7.3f} {row['wrongly_ships_t']:>8.3f} {row['wrongly_ships_paired']:>7.3f}"
        )
    print("\nPower of the test on a mean beside Hoeffding's bound: how often it ships")
    print(f"{'law':>12} {'clusters':>8} {'mean':>5} {'limit':>6} {'betting':>8} {'Hoeffding':>10}")
    for row in found["power"]:
        print(
            f"{row['law']:>12} {row['clusters']:>8} {row['mean']:>5} {row['limit']:>6} "
            f"{row['betting']:>8.2f} {row['hoeffding']:>10.2f}"
        )


SUITES = ((0.03, 0.1), (0.05,), (0.1, 0.3), (0.3,), (0.5,))


def comparisons(run):
    """Measure `runs compare`: any false alarm when whole runs shift, and what a change of one suite's odds raises."""
    found = []
    few = {"repeats": max(1, run["replicates"] // 10), "seed": run["seed"]}
    for clusters, old_runs, shift in product((100, 1000), (1, 4, 6, 9), (0.0, 0.2, 0.4)):
        case = RunDesign(SUITES, clusters=clusters, shift=shift, old_runs=old_runs)
        row = {"clusters": clusters, "old_runs": old_runs, "shift": shift, **few}
        for order in ("primary first", "holm"):
            row[order] = {"any_false_alarm": float(alarms(case, order=order, **few).any(-1).mean())}
            for rise in (1.0, 2.0):
                raised = alarms(case, order=order, rise=lambda suite, _, by=rise: by if suite == 2 else 0.0, **few)
                row[order][f"rise {rise:g}"] = {
                    k: float(raised[:, i].mean()) for k, i in (("primary", 3), ("other", 4))
                }
        found.append(row)
    return found


def print_comparisons(found):
    print(
        "\nA comparison of five suites, seven metrics; each run of a suite shifted by sd on log odds: any false alarm"
    )
    print("(promise .050), and how often the changed suite's primary and other metric raise one (log odds + 2)")
    print(f"{'samples':>8} {'old runs':>8} {'sd':>4} {'false':>7} {'primary':>8} {'other':>7} | Holm over all")
    for row in found:
        first, holm = row["primary first"], row["holm"]
        shown = " | ".join(
            f"{each['any_false_alarm']:>7.3f} {each['rise 2']['primary']:>8.2f} {each['rise 2']['other']:>7.2f}"
            for each in (first, holm)
        )
        print(f"{row['clusters']:>8} {row['old_runs']:>8} {row['shift']:>4} {shown}")


if __name__ == "__main__":
    main()
