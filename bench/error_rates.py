"""Print the measured error rates of the gate's tests: coverage, wrongly-ship rates, power.

python bench/error_rates.py              # 20,000 replicates a cell, a minute or two
python bench/error_rates.py --replicates 100000
python bench/error_rates.py --json       # the section on means alone, as one JSON object
"""

from __future__ import annotations

import argparse
import json
import time
from itertools import product

from shipworthy.stats import achieved_power
from shipworthy.stats.mean_simulation import LAWS, MeanDesign, mean_coverage, mean_passes, mean_passes_paired
from shipworthy.stats.simulation import Design, coverage, passes, passes_paired


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicates", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="measure the section on means and print it as JSON")
    options = parser.parse_args()
    run = {"replicates": options.replicates, "seed": options.seed}
    if options.json:
        print(json.dumps(means(run)))
        return
    began = time.perf_counter()
    error = (0.05 * 0.95 / options.replicates) ** 0.5
    print(f"{options.replicates:,} replicates a cell, seed {options.seed}; Monte-Carlo error near 5 %: {error:.4f}\n")

    print("Two-sided 95 % interval, no planned floor: coverage (mean width in percentage points)")
    rates = (0.01, 0.02, 0.05, 0.2, 0.5)
    print(f"{'clusters x attempts':>20} {'ICC':>4} " + " ".join(f"{f'rate {r:g}':>15}" for r in rates))
    for size, attempts in ((200, 5), (60, 2), (60, 5), (30, 10)):
        for icc in (0.0, 0.3, 0.8, 1.0):
            cells = (coverage(Design(size, attempts, icc), r, **run) for r in rates)
            row = " ".join(f"{f'{c:.3f} ({100 * w:.2f})':>15}" for c, w in cells)
            print(f"{f'{size} x {attempts}':>20} {icc:>4} {row}")

    print("\nThreshold test, true rate AT the threshold: how often it wrongly ships (at most .050)")
    limits = (0.01, 0.02, 0.05, 0.1, 0.2)
    print(f"{'clusters x attempts':>20} {'ICC':>4} {'floor':>8} " + " ".join(f"{f'limit {v:g}':>10}" for v in limits))
    for size, attempts in ((200, 5), (400, 5), (60, 2), (60, 5), (30, 10)):
        for icc in (0.1, 0.3, 0.8, 1.0):
            design = Design(size, attempts, icc)
            for name, floor in (("none", 1.0), ("planned", design.design_effect)):
                row = " ".join(f"{passes(design, v, v, floor=floor, **run):>10.3f}" for v in limits)
                print(f"{f'{size} x {attempts}':>20} {icc:>4} {name:>8} {row}")

    print("\nNon-inferiority test, true rise AT the margin: how often it wrongly ships (at most .050)")
    print(f"{'clusters x attempts':>20} {'ICC':>4} {'drift':>5} {'base':>5} {'margin':>6} {'here':>7} {'plain t':>8}")
    for size, attempts in ((200, 5), (200, 1), (60, 2), (30, 10)):
        for icc in (0.3, 1.0) if attempts > 1 else (0.0,):
            for drift in (0.0, 0.5):
                design = Design(size, attempts, icc, drift)
                for base, margin in ((0.0, 0.02), (0.0, 0.05), (0.02, 0.02), (0.02, 0.05), (0.3, 0.1)):
                    pair = [passes_paired(design, base, margin, margin, method=m, **run) for m in ("recovery", "t")]
                    shown = f"{size} x {attempts}"
                    print(f"{shown:>20} {icc:>4} {drift:>5} {base:>5} {margin:>6} {pair[0]:>7.3f} {pair[1]:>8.3f}")

    print("\nPower, ICC 0.3, planned floor: how often it ships when the true rate is a quarter of the threshold")
    print(f"{'clusters x attempts':>20} " + " ".join(f"{f'limit {v:g}':>10}" for v in limits))
    for size, attempts in ((60, 1), (60, 5), (200, 1), (200, 5), (400, 5)):
        icc = 0.3 if attempts > 1 else 0.0
        row = " ".join(f"{achieved_power(size, v, v / 4, attempts=attempts, icc=icc):>10.2f}" for v in limits)
        print(f"{f'{size} x {attempts}':>20} {row}")
    print_means(means(run))
    print(f"\n{time.perf_counter() - began:.0f} s")


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


if __name__ == "__main__":
    main()
