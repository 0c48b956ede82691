"""What the guard `retrieval` takes out of documents: orders that were planted there, and what was no order.

Run: python bench/retrieval.py [--data DIR] [--json]

Texts that the detector never saw: it is fitted to four fifths of its data (bench/train_injection.py; near-duplicates in
one fold) and judges the rest, at the threshold that ships; and the shipped suite `indirect-injection`, which nothing
was trained on, with the weights that ship.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import defaultdict
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from detectors import figure, shown
from train_injection import FOLDS, Data, gathered

from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Part
from shipworthy.detect.injection_model import InjectionModel
from shipworthy.enforce.edit import apply, edits
from shipworthy.guards.retrieval import Retrieval, sentences

ROOT = Path(__file__).resolve().parent.parent
SHORT = 12
"""Characters of a planted sentence up to which it may stay: a greeting, a heading."""


def left(guard: Retrieval, text: str) -> str:
    """Return a text without what the guard takes out."""
    found = asyncio.run(guard.check(Part("retrieved", text), GuardContext()))
    return apply(text, edits(found), 0, len(text))


def gone(planted: str, rest: str) -> bool:
    """Tell whether no whole sentence of a planted text is left."""
    said = [planted[s.start : s.end] for s in sentences(planted)]
    return not any(one in rest for one in [s for s in said if len(s) > SHORT] or said)


def public(data: Path) -> dict[str, Any]:
    """Return shares by source, on texts that were never seen."""
    made = Data(gathered(data))
    fold = np.random.default_rng(1).integers(FOLDS, size=made.group.max() + 1)[made.group]
    hits: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    taken: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for n in range(FOLDS):
        weights, bias = made.fit(fold != n)
        guard = Retrieval()
        guard._model = InjectionModel(weights.astype(np.float32), bias, thresholds=guard._model.thresholds)
        for i in np.flatnonzero(fold == n):
            row, group = made.rows[i], str(made.group[i])
            if row.kind != "indirect" or row.source == "own" or not row.text.strip():
                continue
            rest = left(guard, row.text)
            if row.attack and row.payload:
                hits[f"planted, {row.source}"].append((group, gone(row.payload, rest)))
            elif not row.attack:
                hits[f"harmless page changed, {row.source}"].append((group, rest != row.text))
                taken[row.source][0] += sum(row.text[s.start : s.end] not in rest for s in sentences(row.text))
                taken[row.source][1] += len(sentences(row.text))
    found: dict[str, Any] = {name: figure(of) for name, of in sorted(hits.items())}
    return {"texts": found, "harmless sentences taken out": dict(sorted(taken.items()))}


def suite() -> dict[str, Any]:
    """Return the share of the suite's planted documents that the order is taken out of."""
    guard, hits = Retrieval(), []
    folder = files("shipworthy.library").joinpath("suites/indirect-injection/samples.jsonl")
    for line in folder.read_text(encoding="utf-8").splitlines():
        sample = json.loads(line)
        planted = sample["meta"]["injection"]["instruction"]
        hits += [(sample["id"], gone(planted, left(guard, d["text"]))) for d in sample["documents"]]
    return figure(hits)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    if not args.data.is_dir():
        raise SystemExit(f"no labelled data at {args.data}: give its folder with --data")
    found = {"indirect-injection, the order gone": suite(), **public(args.data)}
    if args.json:
        print(json.dumps(found))
        return
    print(f"indirect-injection, the order gone: {shown(found['indirect-injection, the order gone'])}")
    for name, of in found["texts"].items():
        print(f"{name:50} {shown(of)}")
    for source, (out, all_of_them) in found["harmless sentences taken out"].items():
        print(f"harmless sentences taken out, {source:30} {out} of {all_of_them}")


if __name__ == "__main__":
    main()
