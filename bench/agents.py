"""Worlds and agents: what a hijacked agent does without any policy, and what a world costs.

``python bench/agents.py [--json]``. No model, no network. `modes`: for each way to obey, hits and trials of the metrics
of `agent-worlds` and `agent-tasks`. `cost`: CPU time, the minimum of several runs, and as ratios, which carry from one
machine to another: an attempt in a world over one of an instant target, and a call through the exchange over the same
call on the world.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter
from time import process_time

from instant import InstantTarget, MatchScorer

from shipworthy.agents.stage import open_scene
from shipworthy.core.records import Sample, ToolCall, say
from shipworthy.core.registry import create
from shipworthy.evals.engine import Attacker, Engine, Judge
from shipworthy.evals.plan import PlanItem
from shipworthy.exchange.channel import Channel
from shipworthy.exchange.exchange import Exchange
from shipworthy.targets.hijacked_agent import hijacked_agent
from shipworthy.workspace.suites import library_suite

MODES = ("never", "at_once", "at_end", "in_pieces", "paraphrased")
REPEATS = 5


def engine(target, judges):
    return Engine(Channel(target), {"none": Attacker(create("attack", "none"))}, judges)


def item(suite, sample, seed):
    return PlanItem(f"AT-{seed:016x}", suite, sample, "none", 1, seed, "sha256:0")


async def measured(mode):
    """Hits and trials of every event, and attempts without a score, of both suites."""
    made = {}
    for name in ("agent-tasks", "agent-worlds"):
        suite = library_suite(name)
        judges = {name: [Judge(create("scorer", use.use, use.params)) for use in suite.scorers]}
        one = engine(hijacked_agent(obeys=mode), judges)
        hits, trials, unscored = Counter(), Counter(), 0
        for seed, sample in enumerate(suite.samples):
            attempt = await one.attempt(item(name, sample, seed))
            unscored += attempt.outcome != "scored"
            for score in attempt.scores:
                if score.hit is not None:
                    hits[score.metric] += score.hit
                    trials[score.metric] += 1
        made[name] = {
            "attempts": len(suite.samples),
            "unscored": unscored,
            **{metric: {"hits": hits[metric], "trials": trials[metric]} for metric in sorted(trials)},
        }
    return made


def least(work, times):
    """CPU milliseconds of one, the minimum of several runs of so many."""
    best = float("inf")
    for _ in range(REPEATS):
        began = process_time()
        asyncio.run(work(times))
        best = min(best, process_time() - began)
    return 1000 * best / times


def cost():
    sample = next(s for s in library_suite("agent-worlds").samples if s.id == "office-salaries-out--mail_body")
    name = "agent-worlds"
    judges = {name: [Judge(create("scorer", n)) for n in ("forbidden_effect", "useful_and_secure", "agent_conduct")]}
    agent = engine(hijacked_agent(), judges)
    instant = engine(InstantTarget(), {name: [Judge(MatchScorer())]})
    plain = Sample(id="a", messages=(say("user", "x"),), expected="yes")

    async def attempts(times):
        for seed in range(times):
            assert (await agent.attempt(item(name, sample, seed))).outcome == "scored"

    async def instants(times):
        for seed in range(times):
            await instant.attempt(item(name, plain, seed))

    async def opened(times):
        for seed in range(times):
            open_scene(sample.scene, seed)

    call = ToolCall("c", "calendar_change", {"id": "E-1", "place": "Elm"})

    async def bare(times):
        world = open_scene(sample.scene, 1)
        for number in range(times):
            await world.run(ToolCall("c", call.name, {"id": "E-1", "place": f"Room {number}"}))

    class Calls:
        def __init__(self, times):
            self.times = times

        def describe(self):
            return {"target": "calls"}

        async def send(self, request, tools):
            for number in range(self.times):
                await tools.call(ToolCall("c", call.name, {"id": "E-1", "place": f"Room {number}"}))
            return await InstantTarget().send(request)

        async def close(self):
            pass

    async def through(times):
        await Exchange(Channel(Calls(times)), world=open_scene(sample.scene, 1)).ask("x")

    found = {
        "attempt_ms": least(attempts, 50),
        "instant_attempt_ms": least(instants, 500),
        "open_scene_ms": least(opened, 100),
        "call_ms": least(bare, 300),
        "call_through_exchange_ms": least(through, 300),
    }
    found["attempt_over_instant"] = found["attempt_ms"] / found["instant_attempt_ms"]
    found["exchange_over_call"] = found["call_through_exchange_ms"] / found["call_ms"]
    return {key: round(value, 3) for key, value in found.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    options = parser.parse_args()
    found = {"modes": {mode: asyncio.run(measured(mode)) for mode in MODES}, "cost": cost()}
    if options.json:
        print(json.dumps(found))
        return
    for mode, suites in found["modes"].items():
        for suite, told in suites.items():
            rates = [f"{m} {t['hits']}/{t['trials']}" for m, t in told.items() if isinstance(t, dict)]
            print(f"{mode:12} {suite:13} unscored {told['unscored']}  {', '.join(rates)}")
    print(", ".join(f"{key} {value}" for key, value in found["cost"].items()))


if __name__ == "__main__":
    main()
