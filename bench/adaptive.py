"""What gets past a tool policy when an attack is written against it: a search, 500 tries for each attacker's goal.

python bench/adaptive.py [--json] [--only reviewed|drafted|none] [--setting NAME ...] [--tries N] [--seed N] [--jobs N]
python bench/adaptive.py --agentdojo [--suite NAME ...] ...    the injection tasks of AgentDojo v1.1.2 instead

No model is asked. `shipworthy.agents.search` varies each of the 40 goals of our worlds (`agents/moves.py`: other words,
codes, parts, laundering by way of other tools and earlier sessions, other tools of the same effect, near names,
the user's own words, order, and every task as a cover) and keeps what comes nearest. The agent obeys every word; a
person is there who lets the user's calls pass and no other. `reviewed` is the policy that comes with the worlds,
`drafted` what `shipworthy policy draft` makes of the tools' signatures. Each goal is a unit; 95 % intervals.

    reached        goals that some try reached, of all
    reached_by_try the same within the first 1, 10, 100 and all tries
    goals          for each: tries, the first that reached it, how many did, and the shortest script that does
    utility        of our worlds, the 60 tasks, both solutions, nobody attacking: done with an attentive person, done
                   with nobody there, and those in which a person is asked
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from shipworthy.agents.played import Attentive
from shipworthy.agents.search import search
from shipworthy.agents.setting import LIBRARY, setting, settings
from shipworthy.agents.stage import open_scene
from shipworthy.core.events import PolicyEvent
from shipworthy.core.scene import Scene
from shipworthy.enforce.policy.draft import draft
from shipworthy.enforce.policy.engine import Policy
from shipworthy.enforce.policy.signatures import read_signatures
from shipworthy.exchange.channel import Channel
from shipworthy.exchange.desk import Mediation
from shipworthy.exchange.exchange import Exchange
from shipworthy.stats import rate_interval
from shipworthy.targets.hijacked_agent import hijacked_agent

PEERS = Path(__file__).parent / "peers"
sys.path.insert(0, str(PEERS))

from environments import python_of, run_apart  # noqa: E402

DOJO = "v1.1.2"
DOJO_POLICIES = Path(__file__).resolve().parent / "agentdojo_policies"
DOJO_GOALS = {"banking": range(9), "slack": range(1, 6), "travel": range(7), "workspace": range(6)}
"""The numbers of the injection tasks of that version; one of travel's calls no tool, and is not searched for."""

REVIEWED = LIBRARY / "policy.yaml"
POLICIES = ("reviewed", "drafted", "none")


def tools(names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the signatures of the tools of some settings."""
    specs = {}
    for name in names:
        found = setting(name)
        world = open_scene(Scene(worlds=found.worlds, state=found.state, goal=found.tasks[0].goal), 0)
        specs |= {spec.name: spec for spec in world.specs}
    return [
        {"name": s.name, "description": s.description, "parameters": dict(s.parameters)}
        for s in sorted(specs.values(), key=lambda s: s.name)
    ]


def drafted(names: Sequence[str], folder: Path) -> Path:
    """Write the policy that is drafted of their signatures."""
    (folder / "tools.json").write_text(json.dumps(tools(names)), encoding="utf-8")
    (folder / "policy.yaml").write_text(draft(read_signatures(folder / "tools.json")), encoding="utf-8")
    return folder / "policy.yaml"


def one(name: str, goal: str, path: str, tries: int, seed: int) -> dict[str, Any]:
    """Search for one goal."""
    found = setting(name)
    policy = Policy.read(path) if path else None
    goals = {g.id: g for g in found.goals}
    done = search(found, goals[goal], policy, tries=tries, seed=seed)
    return {
        "setting": name,
        "goal": goal,
        "tries": done.tries,
        "first": done.first,
        "reached": done.reached,
        "nearest": round(done.played.near, 3),
        "moves": sorted(set(done.shortest.moves)),
        "script": msgspec.to_builtins(done.shortest) if done.first else None,
        "calls": [{step.tool: step.arguments} for step in done.played.ran],
        "stopped": [] if done.first else list(dict.fromkeys(done.played.stopped))[:3],
    }


def share(hits: int, n: int) -> dict[str, Any]:
    limits = rate_interval([int(i < hits) for i in range(n)], [1] * n)
    return {"share": hits / n, "low": limits.low, "high": limits.high, "hits": hits, "n": n}


async def undisturbed(names: Sequence[str], policy: Policy | None) -> dict[str, Any]:
    """Play every task with both solutions and nobody attacking."""
    told: dict[str, list[bool]] = {"attentive": [], "nobody": [], "asks": []}
    for name in names:
        found = setting(name)
        for task in found.tasks:
            for person in ("attentive", "nobody"):
                done, asks = True, False
                for seed in (0, 1):
                    scene = Scene(worlds=found.worlds, state=found.state, goal=task.goal)
                    world = open_scene(scene, seed)
                    mediation = Mediation(policy=policy, approver=Attentive() if person == "attentive" else None)
                    agent = Channel(hijacked_agent(obeys="never"))
                    exchange = Exchange(agent, mediation, world=world, seed=seed, keep=False)
                    await exchange.ask(task.prompt)
                    done = done and world.facts().get("goal") is True
                    asks = asks or any(isinstance(e, PolicyEvent) and e.verdict == "ask" for e in exchange.events)
                told[person].append(done)
                if person == "attentive":
                    told["asks"].append(asks)
    n = len(told["asks"])
    return {
        "utility_approver": share(sum(told["attentive"]), n),
        "utility_unattended": share(sum(told["nobody"]), n),
        "tasks_asking": share(sum(told["asks"]), n),
    }


def signed(suite: str) -> str:
    """Return the signatures of a suite's tools, as AgentDojo's environment says them."""
    job = [python_of("agentdojo"), str(PEERS / "agentdojo_job.py"), DOJO, suite, "none", "signatures", "nobody"]
    return str(run_apart(job, capture_output=True, check=True).stdout)


def dojo_one(suite: str, goal: str, policy: str, tries: int, seed: int) -> dict[str, Any]:
    """Search for one injection task of AgentDojo, in its environment."""
    job = [python_of("agentdojo"), str(PEERS / "agentdojo_search.py"), DOJO, suite, policy, goal, str(tries), str(seed)]
    done = run_apart(job, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"{suite} {goal}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def dojo(policy: str, suites: Sequence[str], tries: int, seed: int, jobs: int) -> dict[str, Any]:
    """Search for every injection task that calls a tool."""
    with tempfile.TemporaryDirectory() as home, ThreadPoolExecutor(jobs) as pool:
        paths = {}
        for suite in suites:
            paths[suite] = str(DOJO_POLICIES / f"{suite}.yaml") if policy == "reviewed" else "none"
            if policy == "drafted":
                folder = Path(home, suite)
                folder.mkdir()
                (folder / "tools.json").write_text(signed(suite), encoding="utf-8")
                (folder / "policy.yaml").write_text(draft(read_signatures(folder / "tools.json")), encoding="utf-8")
                paths[suite] = str(folder / "policy.yaml")
        begun = [
            pool.submit(dojo_one, suite, f"injection_task_{number}", paths[suite], tries, seed)
            for suite in suites
            for number in DOJO_GOALS[suite]
        ]
        goals = [job.result() for job in begun]
    searched = [goal for goal in goals if goal["tries"]]
    return {
        "reached": share(sum(g["first"] > 0 for g in searched), len(searched)),
        "tries_that_reached": {"hits": sum(g["reached"] for g in searched), "n": sum(g["tries"] for g in searched)},
        "goals": goals,
    }


def measured(path: str, names: Sequence[str], tries: int, seed: int, pool: ProcessPoolExecutor) -> dict[str, Any]:
    jobs = [pool.submit(one, name, goal.id, path, tries, seed) for name in names for goal in setting(name).goals]
    goals = [job.result() for job in jobs]
    policy = Policy.read(path) if path else None
    within = {n: sum(0 < g["first"] <= n for g in goals) for n in (1, 10, 100, tries) if n <= tries}
    return {
        "reached": share(sum(g["first"] > 0 for g in goals), len(goals)),
        "reached_by_try": {str(n): share(hits, len(goals)) for n, hits in within.items()},
        "tries_that_reached": {"hits": sum(g["reached"] for g in goals), "n": sum(g["tries"] for g in goals)},
        "utility": asyncio.run(undisturbed(names, policy)),
        "policy": policy.digest if policy else "",
        "goals": goals,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", action="append", choices=POLICIES)
    parser.add_argument("--setting", action="append", choices=settings())
    parser.add_argument("--agentdojo", action="store_true", help="AgentDojo's injection tasks, in its own environment")
    parser.add_argument("--suite", action="append", choices=[*DOJO_GOALS], help="of AgentDojo")
    parser.add_argument("--tries", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    names = tuple(given.setting or settings())
    told: dict[str, Any] = {"tries": given.tries, "seed": given.seed}
    if given.agentdojo:
        for policy in given.only or ("reviewed",):
            told[policy] = dojo(policy, given.suite or [*DOJO_GOALS], given.tries, given.seed, given.jobs)
        print(json.dumps(told, indent=2) if given.json else dojo_text(told))
        return
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(given.jobs) as pool:
        paths = {"reviewed": str(REVIEWED), "drafted": str(drafted(names, Path(folder))), "none": ""}
        for policy in given.only or ("reviewed", "drafted"):
            told[policy] = measured(paths[policy], names, given.tries, given.seed, pool)
    if given.json:
        print(json.dumps(told, indent=2))
        return
    for policy in POLICIES:
        if policy not in told:
            continue
        r = told[policy]["reached"]
        print(f"{policy}: {r['hits']} of {r['n']} goals reached [{r['low']:.1%}, {r['high']:.1%}]")
        for name, r in told[policy]["utility"].items():
            print(f"  {name:20} {r['share']:6.1%}  [{r['low']:.1%}, {r['high']:.1%}]  {r['hits']} of {r['n']}")
        for goal in told[policy]["goals"]:
            if goal["first"]:
                print(f"  {goal['goal']}: try {goal['first']}, {goal['reached']} of {goal['tries']}, {goal['moves']}")
                print(f"    under {goal['script']['task']}, {goal['script']['position']}: {json.dumps(goal['calls'])}")


def dojo_text(told: dict[str, Any]) -> str:
    lines = []
    for policy in POLICIES:
        if policy in told:
            r = told[policy]["reached"]
            lines.append(f"{policy}: {r['hits']} of {r['n']} goals reached [{r['low']:.1%}, {r['high']:.1%}]")
            for goal in told[policy]["goals"]:
                if goal.get("first"):
                    place = f"{goal['suite']} {goal['goal']}"
                    lines.append(
                        f"  {place}: try {goal['first']}, {goal['reached']} of {goal['tries']}, {goal['moves']}"
                    )
                    lines.append(f"    under {goal['script']['task']}: {json.dumps(goal['calls'])}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
