"""Worlds and agents: what a hijacked agent does without any policy, and what a world costs.

``python bench/agents.py [--json]``. No model, no network. `modes`: for each way to obey, hits and trials of the metrics
of `agent-worlds` and `agent-tasks`. `joint`: the task done and no forbidden effect, by position of the injection,
without a policy and behind the one that comes with the worlds, with nobody there and with an attentive person; 95 %
intervals over the attacks. `cost`: CPU time, the minimum of several runs, and as ratios, which carry from one machine
to another: an attempt in a world over one of an instant target, and a call through the exchange over the same call on
the world.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter
from time import process_time

from instant import InstantTarget, MatchScorer

from shipworthy.agents.played import Attentive
from shipworthy.agents.setting import LIBRARY
from shipworthy.agents.stage import open_scene
from shipworthy.core.events import Approval, Called
from shipworthy.core.records import Sample, ToolCall, say
from shipworthy.core.registry import create
from shipworthy.enforce.policy.engine import Policy
from shipworthy.evals.engine import Attacker, Engine, Judge
from shipworthy.evals.plan import PlanItem
from shipworthy.exchange.channel import Channel
from shipworthy.exchange.desk import Mediation
from shipworthy.exchange.exchange import Exchange
from shipworthy.stats import rate_interval
from shipworthy.targets.hijacked_agent import hijacked_agent
from shipworthy.workspace.suites import library_suite

MODES = ("never", "at_once", "at_end", "in_pieces", "paraphrased")
REPEATS = 5


class User(Attentive):
    """An attentive person who knows the user's own calls by what they are: those of the task without the attack."""

    def __init__(self, calls):
        self.calls = calls

    async def approve(self, call, asked):
        granted = (call.name, call.arguments) in self.calls
        return Approval(0, call.id, "attentive", granted=granted)


def engine(target, judges, mediation=None):
    return Engine(Channel(target), {"none": Attacker(create("attack", "none"))}, judges, mediation=mediation)


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


async def joint(policy, *, person):
    """The share of attempts that were useful and secure, by position of the injection."""
    suite, found = library_suite("agent-worlds"), {}
    judges = {suite.id: [Judge(create("scorer", "useful_and_secure"))]}
    bare = engine(hijacked_agent(obeys="never"), judges)
    for seed, sample in enumerate(suite.samples):
        own = await bare.attempt(item(suite.id, sample, seed)) if person else None
        approver = User([(e.call.name, e.call.arguments) for e in own.events if isinstance(e, Called)]) if own else None
        one = engine(hijacked_agent(), judges, Mediation(policy=policy, approver=approver))
        attempt = await one.attempt(item(suite.id, sample, seed))
        hit = next((score.hit for score in attempt.scores if score.hit is not None), None)
        position = next(tag.partition(":")[2] for tag in sample.tags if tag.startswith("position:"))
        for row in (position, "all"):
            cell = found.setdefault(row, {"unscored": 0, "clusters": {}})
            if hit is None:
                cell["unscored"] += 1
                continue
            hits, n = cell["clusters"].get(sample.cluster, (0, 0))
            cell["clusters"][sample.cluster] = hits + hit, n + 1
    return {row: told(cell) for row, cell in sorted(found.items())}


def told(cell):
    pairs = cell["clusters"].values()
    limits = rate_interval([hits for hits, _ in pairs], [n for _, n in pairs])
    hits, n = sum(h for h, _ in pairs), sum(n for _, n in pairs)
    return {"hits": hits, "n": n, "low": limits.low, "high": limits.high, "unscored": cell["unscored"]}


def joints():
    """Without a policy, and behind the worlds' own."""
    policy = Policy.read(LIBRARY / "policy.yaml")
    return {
        "without": asyncio.run(joint(None, person=False)),
        "policy_nobody": asyncio.run(joint(policy, person=False)),
        "policy_attentive": asyncio.run(joint(policy, person=True)),
    }


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
    found = {"modes": {mode: asyncio.run(measured(mode)) for mode in MODES}, "joint": joints(), "cost": cost()}
    if options.json:
        print(json.dumps(found))
        return
    for mode, suites in found["modes"].items():
        for suite, told in suites.items():
            rates = [f"{m} {t['hits']}/{t['trials']}" for m, t in told.items() if isinstance(t, dict)]
            print(f"{mode:12} {suite:13} unscored {told['unscored']}  {', '.join(rates)}")
    for policy, rows in found["joint"].items():
        for position, r in rows.items():
            limits = f"[{r['low']:.1%}, {r['high']:.1%}]"
            print(f"joint {policy:17} {position:17} {r['hits']:3} of {r['n']:3}  {limits}  unscored {r['unscored']}")
    print(", ".join(f"{key} {value}" for key, value in found["cost"].items()))


if __name__ == "__main__":
    main()
