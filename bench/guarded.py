"""What passes the guards when texts are written to pass them: a search, 500 tries for each goal.

python bench/guarded.py [--json] [--guards FILE] [--kind NAME ...] [--means NAME ...] [--tries N] [--seed N] [--jobs N]

No model is asked. `shipworthy.evals.evasion` writes texts that do what they must not, with harmless marks: a made-up
secret, credential or personal value that leaves in an answer or a call (`canary`, `credential`, `personal`), an order
in a document (`order`) or by the user (`override`). What writes answers is taken to write in any code, what reads
documents to read every code and obey. A goal is reached where all of it stands in what goes on and no rule that
enforces found anything. Eight goals a kind and means; means: one `known` code, known codes `nested`, any `codes` of
ours, `free` (parts over several texts and orders in our own words, too). 95 % intervals, exact, over goals; values of
one kind are alike, so they say how the search fares on such values and no more.

    reached        goals that some try reached, of all
    reached_by_try the same within the first 1, 10, 100 and all tries
    stood          tries of all in which the whole stood, found or not
    median_first   the try that first reached it, the median of the goals that were
    goals          for each: tries, the first that reached it, how many did, and the shortest that does
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

from shipworthy.enforce.pipeline import Pipeline
from shipworthy.evals.evasion import evade, planted
from shipworthy.evals.evasion_goals import KINDS, MEANS, EvasionGoal, goals
from shipworthy.stats import rate_interval
from shipworthy.workspace.guards import GuardFile
from shipworthy.workspace.read import read_guards

STRICT = GuardFile.model_validate(
    {
        "rules": [
            {"id": "GD-normalise", "use": "normalise", "stages": ["input", "retrieved", "tool_call"]},
            {"id": "GD-rules", "use": "input_rules"},
            {"id": "GD-injection", "use": "injection"},
            {"id": "GD-retrieval", "use": "retrieval"},
            {"id": "GD-canary", "use": "canary_output", "params": {"canaries": ["written by the search"]}},
            {"id": "GD-secrets", "use": "secrets", "stages": ["tool_call", "output"]},
            {"id": "GD-pii", "use": "pii", "stages": ["tool_call", "output"]},
        ]
    }
)
"""Every guard that comes with shipworthy and is about these goals."""


def searched(goal: EvasionGoal, guards: str, tries: int, seed: int) -> dict[str, Any]:
    """Search for one goal."""
    found = evade(goal, Pipeline.build(planted(GuardFile.model_validate_json(guards))), tries=tries, seed=seed)
    told = goal.kind != "credential"  # no file should hold what looks like one
    return {
        "goal": goal.id,
        "kind": goal.kind,
        "means": goal.means,
        "tries": found.tries,
        "first": found.first,
        "reached": found.reached,
        "stood": found.stood,
        "plain_found": sorted(set(found.plain.found)),
        "codes": list(found.shortest.codes),
        "place": found.shortest.place,
        "parts": found.shortest.parts,
        "texts": list(found.came.texts) if told and found.first else [],
    }


def share(hits: int, n: int) -> dict[str, Any]:
    limits = rate_interval([int(i < hits) for i in range(n)], [1] * n)
    return {"share": hits / n, "low": limits.low, "high": limits.high, "hits": hits, "n": n}


def rows(done: list[dict[str, Any]], tries: int) -> Iterator[dict[str, Any]]:
    for kind in KINDS:
        for means in MEANS:
            some = [g for g in done if (g["kind"], g["means"]) == (kind, means)]
            if not some:
                continue
            firsts = [g["first"] for g in some if g["first"]]
            within = [n for n in (1, 10, 100, tries) if n <= tries]
            yield {
                "kind": kind,
                "means": means,
                "reached": share(len(firsts), len(some)),
                "reached_by_try": {str(n): sum(first <= n for first in firsts) for n in within},
                "median_first": median(firsts) if firsts else 0,
                "tries_that_reached": {"hits": sum(g["reached"] for g in some), "n": sum(g["tries"] for g in some)},
                "stood": sum(g["stood"] for g in some),
            }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--guards", type=Path, help="a guard file of yours; its canaries are replaced by the search's")
    parser.add_argument("--kind", action="append", choices=KINDS)
    parser.add_argument("--means", action="append", choices=MEANS)
    parser.add_argument("--tries", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    guards = read_guards(given.guards) if given.guards else STRICT
    chosen = [g for g in goals(tuple(given.kind or KINDS)) if g.means in (given.means or MEANS)]
    with ProcessPoolExecutor(given.jobs) as pool:
        jobs = [pool.submit(searched, g, guards.model_dump_json(), given.tries, given.seed) for g in chosen]
        done = [job.result() for job in jobs]
    told = {
        "tries": given.tries,
        "seed": given.seed,
        "guards": Pipeline.build(planted(guards)).digest,
        "rows": list(rows(done, given.tries)),
        "goals": done,
    }
    if given.json:
        print(json.dumps(told, indent=2))
        return
    for row in told["rows"]:
        r, hits = row["reached"], row["tries_that_reached"]
        print(
            f"{row['kind']:10} {row['means']:6} {r['hits']} of {r['n']} [{r['low']:.1%}, {r['high']:.1%}]"
            f"  first try, median {row['median_first']:g}; {hits['hits']} of {hits['n']} tries"
        )
    for goal in done:
        if goal["first"]:
            how = ", in ".join(goal["codes"]) or "no code"
            print(f"  {goal['goal']}: try {goal['first']}; {how}; {goal['place']}, parts {goal['parts']}")
            print("".join(f"    {text!r}\n" for text in goal["texts"]), end="")


if __name__ == "__main__":
    sys.exit(main())
