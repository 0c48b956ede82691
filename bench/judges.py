"""Measure judges beside simpler scorers and people. Run: python bench/judges.py [--data DIR] [--answers N] [--json]

Labelled answers are XSTest's completions (Röttger et al. 2024): did the answer decline, wholly or in part? Judges are a
recorded one (GPT-4, from the benchmark's own repository), and SmolLM2 on this machine, asked once and three times;
beside them string matching, our trained scorer out of fold, a judge by likeness (scorer `embedding`, extra `embed`)
that learned from 400 answers to other requests, and a second person against the first.
The recorded ones and the trained one are measured on all answers and on the drawn ones, SmolLM2 on the drawn ones.

Each row says sensitivity and specificity with exact limits (one answer a request), kappa with its interval over
requests, and whether `shipworthy judge calibrate` would let it count under the rubric's bar.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import train_refusal

from shipworthy.core.errors import MissingExtra
from shipworthy.core.registry import create
from shipworthy.evals.calibrate import Bench, calibrate, judge_one
from shipworthy.evals.calibration import CalibrationReport, Checks, JudgeNames, report
from shipworthy.evals.judged_answer import JudgedAnswer
from shipworthy.evals.judging import ScorerChoice, open_bench
from shipworthy.exchange.budget import Budget
from shipworthy.exchange.channel import Channels
from shipworthy.scorers import _refusal_model as model
from shipworthy.scorers._rubric import read_rubric
from shipworthy.workspace.labelled import LabelledAnswer
from shipworthy.workspace.use import Use

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared/data"
FILE = "judge_human.jsonl.gz"
RECORDED = {"1_full_compliance": False, "2_full_refusal": True, "3_partial_refusal": True}
RUBRIC = read_rubric("refusal")
LOCAL: dict[str, dict[str, Any]] = {
    "judge SmolLM2, asked once": {"model": {"use": "smollm2"}},
    "judge SmolLM2, three votes": {"model": {"use": "smollm2"}, "votes": 3},
}


def answers(data: Path) -> list[tuple[LabelledAnswer, dict[str, Any]]]:
    """Return XSTest's completions with what people say, and the rows they are from."""
    found = []
    for line in gzip.decompress((data / FILE).read_bytes()).decode().split("\n"):
        if line.strip() and (row := json.loads(line))["source"] == "xstest_completions_human":
            made = LabelledAnswer(
                id=row["id"], cluster=row["prompt"], request=row["prompt"], documents=(), expected=(),
                answer=row["response"], hit=row["label"] != "compliance", more={"model": row["model"]},
            )  # fmt: skip
            found.append((made, row))
    return found


def drawn(some: Sequence[LabelledAnswer], many: int) -> list[LabelledAnswer]:
    """Return so many answers to different requests, half of them labelled hits."""
    chance = random.Random(13)
    mixed = sorted(some, key=lambda one: one.id)
    chance.shuffle(mixed)
    chosen: list[LabelledAnswer] = []
    seen: set[str] = set()
    for hit in (True, False):
        for one in (one for one in mixed if one.hit is hit):
            if sum(c.hit is hit for c in chosen) < many // 2 and one.cluster not in seen:
                chosen.append(one)
                seen.add(one.cluster)
    return chosen


def held(name: str, some: Sequence[LabelledAnswer], said: Sequence[bool | None]) -> dict[str, Any]:
    """Return what is known of words that were said before."""
    names = JudgeNames(
        judge=name, model="", metric="refusal", rubric=RUBRIC.name, data="",
        least_sensitivity=RUBRIC.bar.sensitivity, least_specificity=RUBRIC.bar.specificity, days=RUBRIC.days,
    )  # fmt: skip
    judged = [JudgedAnswer(one, word) for one, word in zip(some, said, strict=True)]
    return figures(report(names, judged, Checks()))


def figures(of: CalibrationReport) -> dict[str, Any]:
    told: dict[str, Any] = {"n": of.labels, "clusters": of.clusters}
    for name, share in (("sensitivity", of.found), ("specificity", of.cleared)):
        if share is not None:
            told |= {name: round(share.rate, 4), f"{name}_low": round(share.low, 4), f"{name}_of": share.of}
    if of.agreement is not None:
        kappa, low, _ = of.agreement
        told |= {"kappa": round(kappa, 4), "kappa_low": round(low, 4)}
    if of.ac1 is not None:
        told |= {"ac1": round(of.ac1[0], 4), "ac1_low": round(of.ac1[1], 4)}
    tried = ("order", of.position), ("again", of.again), ("unswayed", of.swayed), ("padded", of.padded)
    for name, share in tried:
        if share is not None:
            told[name] = round(share.rate, 4)
    told["no_word"] = of.silent_hits + of.silent_others
    return {**told, "passes": not of.lacks, "lacks": of.lacks}


def trained(data: Path) -> dict[str, bool]:
    """Return the trained scorer's words out of fold, by the row's place among XSTest's."""
    made = train_refusal.Data(train_refusal.gathered(data), model.load().vectors)
    said = made.out_of_fold(0)
    return {
        f"{made.rows[i]['request']}\n{made.rows[i]['text']}": str(said[i]) in {"refusal", "partial_refusal"}
        for i in range(len(said))
        if made.source[i] == "xstest"
    }


def likeness(some: Sequence[LabelledAnswer]) -> dict[str, bool | None]:
    """Return the words of a judge by likeness, by id: each half of the requests by what it learned from the other."""
    requests = sorted({one.cluster for one in some})
    random.Random(5).shuffle(requests)
    half = set(requests[: len(requests) // 2])
    said: dict[str, bool | None] = {}
    for first in (True, False):
        learn = [one for one in some if (one.cluster in half) is first]
        random.Random(1).shuffle(learn)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "labels.jsonl"
            rows = ({"answer": one.answer, "label": one.hit} for one in learn[:400])
            file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
            made: Any = create("scorer", "embedding", {"examples": str(file), "metric": "refusal"})
        bench = Bench(made, made.metrics[0], "", "", (0, 0), 1, (), ())
        for one in some:
            if (one.cluster in half) is not first:
                said[one.id] = asyncio.run(judge_one(bench, one)).hit
    return said


async def local(some: Sequence[LabelledAnswer], params: dict[str, Any], checks: int) -> dict[str, Any]:
    """Have a local model judge."""
    channels, opened = Channels(budget=Budget()), []
    choice = ScorerChoice("bench", Use.of("judge", rubric="refusal", **params), "refusal")
    try:
        bench = open_bench(choice, channels, opened)
        return figures(await calibrate(bench, some, "bench", checks=checks))
    finally:
        for one in opened:
            await one.close()


def measure(data: Path, many: int, checks: int, *, without: bool = False) -> dict[str, Any]:
    pairs = answers(data)
    all_answers = [one for one, _ in pairs]
    by_id = {one.id: row for one, row in pairs}
    few = drawn(all_answers, many)
    ours = trained(data)

    def person(one: LabelledAnswer, number: int) -> bool:
        return bool(by_id[one.id]["annotations"][number] != "compliance")

    def gpt4(one: LabelledAnswer) -> bool | None:
        # What is none of the three words is no verdict, as with every judge here.
        return RECORDED.get(by_id[one.id]["auto"]["gpteval"]["gpt4_label"])

    def strings(one: LabelledAnswer) -> bool | None:
        return RECORDED[by_id[one.id]["auto"]["streval"]["strmatch_label"]]

    def out_of_fold(one: LabelledAnswer) -> bool | None:
        return ours.get(f"{one.request}\n{one.answer}")

    words: dict[str, Callable[[LabelledAnswer], bool | None]] = {
        "trained scorer, out of fold": out_of_fold,
        "string matching": strings,
        "judge GPT-4, recorded": gpt4,
    }
    try:
        like = likeness(all_answers)
        words["judge by likeness, 400 examples"] = lambda one: like[one.id]
    except MissingExtra as error:
        print(f"not measured: {error}", file=sys.stderr)
    found: dict[str, Any] = {"all": {}, "drawn": {}}
    for part, some in (("all", all_answers), ("drawn", few)):
        # Against the first person: the label itself was settled with the second one's word.
        first = [one._replace(hit=person(one, 0)) for one in some]
        found[part]["a second person"] = held("a second person", first, [person(one, 1) for one in some])
    for name, word in words.items():
        found["all"][name] = held(name, all_answers, [word(one) for one in all_answers])
        found["drawn"][name] = held(name, few, [word(one) for one in few])
    if not without:
        for name, params in LOCAL.items():
            found["drawn"][name] = asyncio.run(local(few, params, checks))
            print(f"{name} is done", file=sys.stderr)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of labelled public text")
    parser.add_argument("--answers", type=int, default=80, help="answers that the local model judges (80)")
    parser.add_argument("--checks", type=int, default=10, help="of them, those on which order and repetition are tried")
    parser.add_argument("--without-local", action="store_true", help="leave out the local model")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if not (args.data / FILE).is_file():
        print(f"not measured: {args.data / FILE} is not there", file=sys.stderr)
        return 1
    begun = time.process_time()
    found = measure(args.data, args.answers, args.checks, without=args.without_local)
    found["cpu_s"] = round(time.process_time() - begun, 1)
    if args.json:
        print(json.dumps(found))
        return 0
    for part in ("all", "drawn"):
        rows = found[part]
        first = next(iter(rows.values()))
        print(f"\n{part}: {first['n']:,} answers to {first['clusters']:,} requests")
        print(f"  {'':30} {'sensitivity':>22} {'specificity':>22} {'kappa':>18}  no word  counts")
        for name, row in rows.items():
            cells = [
                f"{row[k]:.3f} (>= {row[k + '_low']:.3f})" if k in row else ""
                for k in ("sensitivity", "specificity", "kappa")
            ]
            counts = row["lacks"] or "yes"
            print(f"  {name:30} {cells[0]:>22} {cells[1]:>22} {cells[2]:>18}  {row['no_word']:>7}  {counts}")
    print(f"\n{found['cpu_s']} CPU-seconds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
