"""Alarms by simulation. Run: python bench/alarms.py [--years N] [--json]

False alarms in a stream-year, and days until a rise from 1 to 3 in a thousand at 10,000 sessions a day is found, with
baselines estimated from the stream's own days, Poisson and over-dispersed. `tests/statistics/test_alarms.py` holds a
part of it.
"""

from __future__ import annotations

import argparse
import json
import sys

import numpy as np

from shipworthy.stats.detector_simulation import StreamDesign, delays, false_alarms


def measure(years: int) -> dict[str, object]:
    rows = []
    for rate, sessions in ((0.001, 10_000), (0.0001, 10_000), (0.01, 1_000)):
        for dispersion in (1.0, 2.0, 3.0):
            for days in (14, 28):
                design = StreamDesign(rate, sessions, dispersion, days)
                alarms = false_alarms(design, years=years, seed=1)
                found = delays(design, 3 * rate, repeats=max(50, years // 4), seed=2)
                low, high = np.percentile(found, [50, 95])
                error = float(alarms.std(ddof=1) / np.sqrt(years))
                rows.append(
                    {
                        "rate": rate, "sessions": sessions, "dispersion": dispersion, "baseline_days": days,
                        "false_alarms_per_year": round(float(alarms.mean()), 4), "error": round(error, 4),
                        "median_days": float(low), "days_95": float(high),
                    }
                )  # fmt: skip
    main = [row for row in rows if row["rate"] == 0.001 and row["baseline_days"] == 28]
    by = {row["dispersion"]: row["median_days"] for row in main}
    return {
        "false_alarms_per_stream_year": max(row["false_alarms_per_year"] for row in rows),
        "median_days": by[1.0],
        "median_days_dispersed": by[3.0],
        "years": years,
        "rows": rows,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--years", type=int, default=400, help="stream-years of each row (400)")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    found = measure(args.years)
    if args.json:
        print(json.dumps(found))
        return 0
    print("a rise to three times the rate; baselines from the stream's own days\n")
    print("    rate  sessions  dispersion  baseline  false alarms/year  median days   95 %")
    for row in found["rows"]:  # type: ignore[attr-defined]
        alarms = f"{row['false_alarms_per_year']:8.3f} +- {2 * row['error']:.3f}"
        print(
            f"{row['rate']:8g}  {row['sessions']:8,}  {row['dispersion']:10g}  {row['baseline_days']:8}"
            f"  {alarms}  {row['median_days']:11g}  {row['days_95']:5g}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
