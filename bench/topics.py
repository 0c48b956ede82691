"""How well the guard `topic` tells a product's questions from others. Run: python bench/topics.py [--data DIR] [--json]

Inside: what is asked of the shipped helpdesk (suite `groundedness`). Outside: what is asked in four suites about other
things, and, where DIR is there, ordinary requests to assistants (WildGuard's harmless ones), which are never learned
from. Five folds over samples; each outside suite is also left out of what is learned. At the default threshold.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path
from typing import Any

from detectors import figure, rows, shown

from shipworthy.detect.topic import TopicModel
from shipworthy.workspace.suites import library_suite

ROOT = Path(__file__).resolve().parent.parent
INSIDE, OUTSIDE = "groundedness", ("high-stakes", "calibration", "sycophancy", "toxicity-benign")
FOLDS, THRESHOLD = 5, 0.9
Cases = list[tuple[str, str]]


def questions(name: str) -> Cases:
    """Return (cluster, last words of the user) of a suite's samples."""
    return [(s.cluster or s.id, next(m.text for m in reversed(s.messages) if m.role == "user"))
            for s in library_suite(name).samples]  # fmt: skip


def told(model: TopicModel, cases: Cases) -> list[tuple[str, bool, bool]]:
    chances = [(cluster, model.chance(text)) for cluster, text in cases]
    return [(cluster, chance is not None and chance >= THRESHOLD, chance is None) for cluster, chance in chances]


def measured(data: Path) -> dict[str, Any]:
    inside, outside = questions(INSIDE), {name: questions(name) for name in OUTSIDE}
    fold = random.Random(1)
    of = {c: fold.randrange(FOLDS) for c in sorted({c for cases in (inside, *outside.values()) for c, _ in cases})}
    others = [(str(r["cluster"]), r["text"]) for r in rows(data / "injection_jailbreak.jsonl.gz")
              if r["source"] == "wildguard_benign"] if data.is_dir() else []  # fmt: skip
    found: dict[str, list[tuple[str, bool, bool]]] = {}
    for n in range(FOLDS):
        others_known = [case for cases in outside.values() for case in cases]
        model = TopicModel(*([t for c, t in cases if of[c] != n] for cases in (inside, others_known)))
        for name, cases in {INSIDE: inside, **outside}.items():
            found.setdefault(f"{name}, known", []).extend(told(model, [case for case in cases if of[case[0]] == n]))
        if n == 0:
            found["WildGuard benign, left out"] = told(model, others)
    for name, cases in outside.items():
        rest = [t for other, its in outside.items() if other != name for _, t in its]
        found[f"{name}, left out"] = told(TopicModel([t for _, t in inside], rest), cases)
    return {
        name: figure([(c, hit) for c, hit, _ in of_it]) | {"undecided": sum(u for *_, u in of_it)}
        for name, of_it in found.items()
        if of_it
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    found = measured(args.data)
    if args.json:
        print(json.dumps(found))
        return
    print(f"share called outside, at {THRESHOLD} (inside: {INSIDE}; it is wrong there)")
    for name, of in found.items():
        print(f"  {name:30} {shown(of)}, undecided {of['undecided']}")


if __name__ == "__main__":
    main()
