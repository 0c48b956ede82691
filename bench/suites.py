"""Every suite of the library on SmolLM2, through the shipped helpdesk and the real engine.

python bench/suites.py [SUITE ...] [--plain] [--attacks all|ID,ID] [--guards] [--samples N] [--workspace DIR]
                       [--hits] [--json]

Prints, per suite, metric and attack, the rate with its 95 % interval, hits and trials, clusters and what has
no score; a star marks an interval that lies wholly inside (5 %, 95 %). Without --attacks only `none` is run.
The workspace is kept (default: bench/results/suites), so replies are cached and a second call only scores again.
With --plain the model itself is asked, without the helpdesk around it: for suites with system messages of their own.
Needs the extra `local` and `shipworthy model pull smollm2`; about a second an attempt on two quiet cores.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from shipworthy.evals.api import evaluate
from shipworthy.evals.results import Run
from shipworthy.stats import mean_interval, rate_interval
from shipworthy.workspace.library import library_suites
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.scaffold import scaffold
from shipworthy.workspace.suites import library_suite

INSIDE = 0.05, 0.95


def main() -> int:
    """Measure, print, and return 1 where an attempt ended in an error."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="*", metavar="SUITE")
    parser.add_argument("--attacks", default="none")
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--guards", action="store_true")
    parser.add_argument("--samples", type=int)
    parser.add_argument("--workspace", type=Path, default=Path(__file__).parent / "results" / "suites")
    parser.add_argument("--hits", action="store_true", help="print the hits themselves")
    parser.add_argument("--json", action="store_true", help="one object, and nothing beside it")
    wanted = parser.parse_args()
    # Agents are measured by bench/agents.py: the helpdesk's model calls no tools that it is offered.
    suites = wanted.suites or [n for n in library_suites() if not any(s.scene for s in library_suite(n).samples)]
    if not (wanted.workspace / "system.yaml").is_file():
        scaffold(wanted.workspace, "minimal" if wanted.plain else "helpdesk-rag")
        if wanted.plain:
            (wanted.workspace / "targets.yaml").write_text("targets: {default: {use: smollm2}}\n", encoding="utf-8")
    for name in suites:
        # The library as it is now, not the template's changes to it.
        (wanted.workspace / "suites" / f"{name}.yaml").write_text(f"use: library:{name}\n", encoding="utf-8")
    plan = {"id": "bench", "title": "bench/suites.py", "seed": 1, "suites": [_part(name, wanted) for name in suites]}
    (wanted.workspace / "include").mkdir(exist_ok=True)
    (wanted.workspace / "include" / "bench.yaml").write_text(yaml.safe_dump({"plans": [plan]}), encoding="utf-8")

    started = time.monotonic()
    run = evaluate(Workspace.load(wanted.workspace), "bench", guards=wanted.guards, progress=not wanted.json)
    rows = list(_rows(run))
    inside = sum(row["metric"] == library_suite(row["suite"]).metric and row["inside"] for row in rows)
    if wanted.json:
        told = {"run": run.id, "subject": run.manifest.subject_digest, "rows": rows, "informative": inside}
        print(json.dumps(told))
        return 1 if run.errors else 0
    print(f"\n{run.id}, {len(run)} attempts, {time.monotonic() - started:.0f} s, subject {run.manifest.subject_digest}")
    print(f"guards {run.manifest.guards or 'none'}\n")
    print(
        f"{'suite':<20} {'attack':<32} {'metric':<15} {'rate':>6}  {'95 % interval':<17} {'hits':>9}"
        "  clusters  unscored"
    )
    for row in rows:
        _print(row)
    print(f"\n{inside} intervals of a main metric lie wholly inside (5 %, 95 %), marked *")
    if wanted.hits:
        _hits(run)
    return 1 if run.errors else 0


def _part(name: str, wanted: argparse.Namespace) -> dict[str, object]:
    part: dict[str, object] = {"suite": name}
    if wanted.samples:
        part["samples"] = wanted.samples
    if wanted.attacks != "all":
        part["attacks"] = wanted.attacks.split(",")
    return part


def _rows(run: Run) -> Iterator[dict[str, Any]]:
    """Yield the metrics of each suite by attack and over all, its main one first."""
    for use in run.manifest.suites:
        main = library_suite(use.id).metric
        for metric in (main, *(other for other in run.metrics(use.id) if other != main)):
            for attack in (*use.attacks, *((None,) if len(use.attacks) > 1 else ())):
                yield _row(run, use.id, metric, attack)


def _row(run: Run, suite: str, metric: str, attack: str | None) -> dict[str, Any]:
    counts, declared = run.counts(suite, metric, attack), run.metric(suite, metric)
    row: dict[str, Any] = {
        "suite": suite, "attack": attack or "all attacks", "metric": metric, "kind": declared.kind,
        "total": float(sum(counts.totals)), "trials": int(sum(counts.trials)), "clusters": len(counts.clusters),
        # Errors and what a scorer gave no word on: in no rate.
        "unscored": len(counts.blanks),
        "inside": False,
    }  # fmt: skip
    if not row["trials"]:
        return row
    if declared.kind == "value":
        mean = mean_interval(counts.totals, counts.trials, low=declared.low, high=declared.high)
        return row | {"estimate": mean.mean, "low": mean.low, "high": mean.high}
    rate = rate_interval(counts.totals, counts.trials)
    inside = rate.low > INSIDE[0] and rate.high < INSIDE[1] and attack in ("none", None)
    return row | {"estimate": rate.rate, "low": rate.low, "high": rate.high, "inside": inside}


def _print(row: dict[str, Any]) -> None:
    label = f"{row['suite']:<20} {row['attack']:<32} {row['metric']:<15} "
    if not row["trials"]:
        print(f"{label}   n/a  {'':<17} {'0/0':>9}  {0:>8} {row['unscored']:>9}")
        return
    form, of = (
        ("{:6.1%}", f"{row['total']:.0f}/{row['trials']}") if row["kind"] == "event" else ("{:6.2f}", row["trials"])
    )
    interval = f"{form.format(row['low'])} to {form.format(row['high'])}"
    tail = f"{of:>9}  {row['clusters']:>8} {row['unscored']:>9}{' *' if row['inside'] else ''}"
    print(f"{label}{form.format(row['estimate'])}  {interval:<17} {tail}")


def _hits(run: Run) -> None:
    for attempt in run.attempts():
        hit = [s for s in attempt.scores if s.hit]
        asked = next((m.text for m in reversed(attempt.messages) if m.role == "user"), "")
        mark = ",".join(f"{s.metric}:{s.label}" for s in hit) or ("ERROR" if attempt.outcome != "scored" else "-")
        calls = [(c.name, c.arguments) for m in attempt.messages for c in m.tool_calls]
        print(f"{mark:<24} {attempt.sample} {attempt.attack} | {asked!r} => {attempt.answer!r} {calls or ''}")


if __name__ == "__main__":
    raise SystemExit(main())
