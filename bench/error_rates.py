"""Print the measured error rates of the gate's tests: coverage, wrongly-ship rates, power.

python bench/error_rates.py              # 20,000 replicates a cell, a minute or two
python bench/error_rates.py --replicates 100000
"""

from __future__ import annotations

import argparse
import time

from shipworthy.stats import achieved_power
from shipworthy.stats.simulation import Design, coverage, passes, passes_paired


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicates", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    run = {"replicates": options.replicates, "seed": options.seed}
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
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
