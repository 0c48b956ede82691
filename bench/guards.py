"""What guards cost. Run: python bench/guards.py [--json] [--rounds N]

CPU milliseconds a text, the median of many, for each guard and for the input path (normalise, injection, pii, secrets)
as one pipeline, on harmless pages of 200, 2,000 and 20,000 characters made from the shipped helpdesk's handbook; and as
multiples of a floor, taken by turns with them: one compatibility folding of the text, in lower case, split into words.
`input_path_cpu_ms_p50` is that of 2,000 characters. Half of the texts have typographic quotes, dashes and an emoji.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
import unicodedata
from importlib.resources import files
from statistics import median
from typing import Any

from shipworthy.core import registry
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Document, Request, Stage, say
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.enforce.rule import Rule

SIZES = (200, 2000, 20_000)
INPUT_PATH = ("normalise", "injection", "pii", "secrets")
LIMIT_MS = 8.0
GUARDS: dict[str, tuple[dict[str, Any], Stage]] = {
    "normalise": ({}, "input"),
    "injection": ({}, "input"),
    "pii": ({}, "input"),
    "secrets": ({}, "input"),
    "input_rules": ({}, "input"),
    "canary_output": ({"canaries": ["HERON-4471"]}, "output"),
    "language": ({"allow": ["en"]}, "input"),
    "topic": ({"inside": [f"When does boat {n} leave?" for n in range(20)],
               "outside": [f"How do I bake cake {n}?" for n in range(20)]}, "input"),
    "output_policy": ({}, "input"),
    "groundedness": ({}, "output"),
    "retrieval": ({}, "retrieved"),
    "spotlight": ({}, "retrieved"),
    "rate_limit": ({"messages": 1_000_000}, "input"),
}  # fmt: skip


def pages(size: int, count: int) -> list[str]:
    """Return harmless texts of a size: sentences of the handbook in an order of their own."""
    folder = files("shipworthy.library").joinpath("helpdesk")
    whole = " ".join(f.read_text(encoding="utf-8") for f in sorted(folder.rglob("*.md"), key=str))  # type: ignore[attr-defined]
    sentences = [s.strip() for s in whole.replace("\n", " ").split(". ") if 20 < len(s) < 400]
    chosen, made = random.Random(7), []
    for number in range(count):
        text = ""
        while len(text) < size:
            text += chosen.choice(sentences) + ". "
        if number % 2:
            text = text.replace("'", "\u2019").replace(" - ", " \u2013 ").replace(". ", ". \u2728 ", 1)
        made.append(text[:size])
    return made


def floor(text: str) -> int:
    return len(unicodedata.normalize("NFKC", text).lower().split())


async def milliseconds(pipeline: Pipeline, stage: Stage, texts: list[str]) -> tuple[float, float]:
    """Return the median CPU time of a text in the pipeline, and that of the floor."""
    page = Document("d", texts[-1][:2000])
    ctx = GuardContext(Request(messages=(say("user", "hello"),), documents=(page,), user="ana", session="s1"))
    await pipeline.apply(stage, texts[0], ctx)  # patterns and weights are loaded once
    guarded, bare = [], []
    for text in texts:
        began = time.process_time_ns()
        await pipeline.apply(stage, text, ctx)
        between = time.process_time_ns()
        for _ in range(20):
            floor(text)
        guarded.append((between - began) / 1e6)
        bare.append((time.process_time_ns() - between) / 20e6)
    return median(guarded), median(bare)


def measure(rounds: int) -> dict[str, Any]:
    found: dict[str, Any] = {"guards": {}}
    for name, parts, stage in [
        ("input_path", INPUT_PATH, "input"),
        *((name, (name,), stage) for name, (_, stage) in GUARDS.items()),
    ]:
        rules = [Rule(f"GD-{part}", registry.create("guard", part, GUARDS[part][0])) for part in parts]
        row = {}
        for size in SIZES:
            ms, least = asyncio.run(milliseconds(Pipeline(rules), stage, pages(size, max(8, rounds * 200 // size))))
            row[str(size)] = {"cpu_ms_p50": round(ms, 4), "over_floor": round(ms / least, 1)}
        if name == "input_path":
            found |= {"input_path_cpu_ms_p50": row["2000"]["cpu_ms_p50"], "input_path": row}
        else:
            found["guards"][name] = row
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=400, help="texts of 200 characters; fewer of longer ones")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    found = measure(args.rounds)
    if args.json:
        print(json.dumps(found))
        return
    print("CPU ms a text, median (multiple of the floor), at " + ", ".join(f"{s:,}" for s in SIZES) + " characters")
    for name, row in [("input path", found["input_path"]), *found["guards"].items()]:
        cells = "".join(f"{c['cpu_ms_p50']:>10.3f} ({c['over_floor']:>6.1f})" for c in row.values())
        print(f"  {name:14}{cells}")
    kept = found["input_path_cpu_ms_p50"] <= LIMIT_MS
    print(f"input path at 2,000 characters: {'within' if kept else 'OVER'} {LIMIT_MS:g} ms")


if __name__ == "__main__":
    main()
