"""Mitigations of bias, before and after, on SmolLM2. Run: python bench/bias.py [--json] [--workspace DIR]

Suites `stereotypes` and `fairness`, visible and sealed parts, one attempt a sample, no guards, temperature 0. The model
itself is asked, without the helpdesk, and answers are bound to a letter, or to yes and no, by a grammar: unbound, it
often says several at once, which counts for neither arm. Before: the model. After: the prompt block `even_handed`; the
target `counterfactual`, which asks again with options moved by one letter, and in `fairness` about Jack Carter instead.

Prints rates, and the paired change of each with its 95 % interval (cases are the clusters). Nothing here was tuned on
an answer of these suites. The workspace is kept (default: bench/results/bias), so a second call only scores again.
Needs the extra `local` and `shipworthy model pull smollm2`.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from shipworthy.cli._suites_found import one_suite
from shipworthy.core.records import Sample
from shipworthy.evals.api import evaluate
from shipworthy.evals.group_pairs import group_pairs
from shipworthy.evals.results import Run
from shipworthy.stats import paired_difference, rate_interval
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.scaffold import scaffold

REFERENCE = "Jack Carter"
NAMES = ("Emily Carter", "Aisha Rahman", "Omar Rahman", "Lakisha Jefferson", "Jamal Jefferson", "Guadalupe Hernández",
         "Miguel Hernández", "Ioana Popescu", "Mihai Popescu")  # fmt: skip
MODELS = {
    "stereotypes": {"use": "smollm2", "grammar": 'root ::= ("A" | "B" | "C")', "max_tokens": 4},
    "fairness": {"use": "smollm2", "grammar": 'root ::= ("Yes" | "No")', "max_tokens": 4},
}
ARMS = ("before", "even_handed", "counterfactual")
Cells = dict[str, list[bool]]


def target(suite: str, arm: str) -> dict[str, Any]:
    """Return a target of `targets.yaml`."""
    model = MODELS[suite]
    if arm == "even_handed":
        return model | {"harden": ["even_handed"]}
    if arm == "counterfactual":
        swaps = [[name, REFERENCE] for name in NAMES] if suite == "fairness" else []
        return {"use": "counterfactual", "model": model, "swaps": swaps, "options": suite == "stereotypes"}
    return model


def runs(folder: Path) -> dict[tuple[str, str], Run]:
    """Return the run of each suite and arm."""
    if not (folder / "system.yaml").is_file():
        scaffold(folder, "minimal")
    targets = {f"{suite}-{arm}": target(suite, arm) for suite in MODELS for arm in ARMS}
    targets["default"] = targets["stereotypes-before"]
    text = yaml.safe_dump({"targets": targets}, allow_unicode=True)
    (folder / "targets.yaml").write_text(text, encoding="utf-8")
    plans = []
    for suite in MODELS:
        (folder / "suites" / f"{suite}.yaml").write_text(f"use: library:{suite}\n")
        sealed = f"use: library:{suite}\nid: {suite}-sealed\npart: sealed\n"
        (folder / "suites" / f"{suite}-sealed.yaml").write_text(sealed)
        parts = [{"suite": suite}, {"suite": f"{suite}-sealed"}]
        plans.append({"id": suite, "title": "bench/bias.py", "seed": 1, "suites": parts})
    (folder / "include").mkdir(exist_ok=True)
    (folder / "include" / "bias.yaml").write_text(yaml.safe_dump({"plans": plans}), encoding="utf-8")
    workspace = Workspace.load(folder)
    return {
        (suite, arm): evaluate(workspace, suite, guards=False, target=f"{suite}-{arm}", progress=False)
        for suite in MODELS
        for arm in ARMS
    }


def cells(run: Run, samples: dict[str, Sample], metric: str, chosen: Callable[[Sample], bool]) -> Cells:
    """Return the hits of each case, over both parts."""
    found: Cells = defaultdict(list)
    for row in run.rows():
        if chosen(samples[row.sample]):
            found[row.cluster] += [bool(s.hit) for s in row.scores if s.metric == metric and s.hit is not None]
    return {case: hits for case, hits in found.items() if hits}


def figures(old: Cells, new: Cells) -> dict[str, Any]:
    """Return the rate of `new` with its interval, and its change against `old` on the cases of both."""
    totals, trials = [sum(v) for v in new.values()], [len(v) for v in new.values()]
    rate = rate_interval(totals, trials)
    told = {"hits": sum(totals), "n": sum(trials), "rate": rate.rate, "low": rate.low, "high": rate.high}
    both = sorted(old.keys() & new.keys())
    counts = [[f(side[case]) for case in both] for side in (new, old) for f in (sum, len)]
    change = paired_difference(*counts)
    return told | {"change": change.difference, "change_low": change.low, "change_high": change.high,
                   "p": change.p_value}  # fmt: skip


def tagged(*tags: str) -> Callable[[Sample], bool]:
    return lambda sample: all(tag in sample.tags for tag in tags)


def measured(folder: Path, found: dict[tuple[str, str], Run]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    suites = {name: one_suite(folder, False, name)[1] for suite in MODELS for name in (suite, f"{suite}-sealed")}
    samples = {s.id: s for suite in suites.values() for s in suite.samples}
    wanted: Sequence[tuple[str, str, tuple[str, ...]]] = (
        ("stereotypes", "stereotyped", ()),
        ("stereotypes", "stereotyped", ("reading:open",)),
        ("stereotypes", "stereotyped", ("reading:told",)),
        ("stereotypes", "right_choice", ()),
        ("stereotypes", "right_choice", ("reading:open",)),
        ("stereotypes", "right_choice", ("reading:told",)),
        ("fairness", "favoured", ()),
        ("fairness", "favoured", ("stratum:names",)),
        ("fairness", "favoured", ("stratum:names", "role:reference")),
        ("fairness", "favoured", ("stratum:names", "role:compared")),
    )
    for suite, metric, tags in wanted:
        sides = {arm: cells(found[suite, arm], samples, metric, tagged(*tags)) for arm in ARMS}
        table[" ".join((suite, metric, *tags))] = {arm: figures(sides["before"], sides[arm]) for arm in ARMS}
    gaps = {}
    for arm in ARMS:
        run = found["fairness", arm]
        pairs = group_pairs(run, suites["fairness"])
        gaps[arm] = {p.group: {"cases": p.cases, "rate": p.rate, "reference": p.reference_rate} for p in pairs}
    return {"rates": table, "fairness_visible_groups": gaps}


def main() -> int:
    """Measure, print, and return 1 where an attempt ended in an error."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, default=Path(__file__).parent / "results" / "bias")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    found = runs(args.workspace)
    table = measured(args.workspace, found)
    if args.json:
        print(json.dumps(table))
    else:
        for name, arms in table["rates"].items():
            print(name)
            for arm, of in arms.items():
                print(
                    f"  {arm:15} {of['hits']:3} of {of['n']:3}  {of['rate']:.3f} [{of['low']:.3f}, {of['high']:.3f}]"
                    f"  change {100 * of['change']:+.1f} [{100 * of['change_low']:+.1f},"
                    f" {100 * of['change_high']:+.1f}] p {of['p']:.4f}"
                )
        print("fairness, visible part: rate of each group on its cases, and that of the reference on the same")
        for arm, groups in table["fairness_visible_groups"].items():
            far = {g: f"{o['rate']:.2f}/{o['reference']:.2f}" for g, o in groups.items() if o["rate"] != o["reference"]}
            print(f"  {arm:15} {len(far)} of {len(groups)} groups differ: {far}")
    return 1 if any(run.errors for run in found.values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
