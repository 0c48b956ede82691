"""What a decision of the tool policy costs, beside Cedar, Rego and CEL on the same rule.

python bench/policy.py          a table; exit 1 over a limit
python bench/policy.py --json   the same figures as one JSON object
python bench/policy.py --model  also the share of a step of SmolLM2, which takes minutes

Microseconds of CPU time a decision: the least over rounds of many decisions. The rule is the same everywhere: a tool
may be called if its recipient stands in the user's words and the amount is at most 100. Ours looks rules up by the
tool's name; Cedar and Rego are given the whole set, as they are meant to be used; CEL one compiled condition a tool.
`session` is our decision after 200 calls were read, with provenance over everything they gave, for a value that is
there (found) and one that is not (searched); `cold` finds every origin anew, `read` is taking in one more answer.
`share_of_step` is wall time of an agent's step that the engine takes (to decide on its calls, take in what they gave
and look at the answer), in a world of ours behind the policy that comes with them: with a model that answers after
300 ms by the script of a task, and with SmolLM2. `besides_model` is all that is not the model: tools, record and
engine. The other engines run in an environment of their own, made from bench/peers/requirements-policies.txt.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "peers"))

from environments import python_of, run_apart  # noqa: E402

from shipworthy.agents.loop import AgentBounds, AgentLoop  # noqa: E402
from shipworthy.agents.script import Step, filled  # noqa: E402
from shipworthy.agents.setting import LIBRARY, setting  # noqa: E402
from shipworthy.agents.stage import open_scene  # noqa: E402
from shipworthy.core.errors import TargetError  # noqa: E402
from shipworthy.core.events import Approval  # noqa: E402
from shipworthy.core.records import Message, Reply, ToolCall  # noqa: E402
from shipworthy.core.records import answer as say_at_last  # noqa: E402
from shipworthy.core.scene import Scene  # noqa: E402
from shipworthy.enforce.policy.engine import Policy  # noqa: E402
from shipworthy.exchange.channel import Channel  # noqa: E402
from shipworthy.exchange.desk import Mediation  # noqa: E402
from shipworthy.exchange.exchange import Exchange  # noqa: E402
from shipworthy.workspace.policies import PolicyFile  # noqa: E402

LIMITS = {"decision_1000_us": 20.0, "session_found_us": 50.0, "session_searched_us": 50.0}
SHARE = {"stub_300_ms": 0.02, "smollm2": 0.02}
CALLS, ROUNDS = 2_000, 7
SAYS = "Please send 12 to ada@example.org today, and tell me when it is done."


def policy(tools: int) -> Policy:
    """Return a policy of so many tools, all of one rule."""
    rule = {
        "effect": "external",
        "intent": ["send"],
        "args": {"to": {"kind": "recipient"}, "amount": {"kind": "amount", "most": 100}, "note": {"kind": "content"}},
    }
    reads = {
        "effect": "none",
        "args": {"q": "none"},
        "returns": {"trusted": ["[].id", "[].from"], "names": ["[].subject"]},
    }
    return Policy(PolicyFile.model_validate({"tools": {**{f"tool_{i}": rule for i in range(tools)}, "read": reads}}))


def least(work: Callable[[], object], calls: int = CALLS) -> float:
    """Return microseconds of CPU time a call: the least of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(calls):
            work()
        best = min(best, (time.process_time() - began) / calls)
    return best * 1e6


def ours() -> dict[str, float]:
    told: dict[str, float] = {}
    for tools in (1, 50, 1000):
        session = policy(tools).session()
        session.hear([SAYS])
        args = {"to": "ada@example.org", "amount": 12, "note": "Here it is."}
        assert session.decide("tool_0", args).word == "allow"
        told[f"decision_{tools}_us"] = least(lambda s=session, a=args: s.decide("tool_0", a))
    session = policy(1000).session()
    session.hear([SAYS + " Then reply to the one called Budget for week 137."])
    for n in range(200):
        session.returned("read", {"q": "x"}, answer(n))
    found = {"to": "p137@example.org", "amount": 12, "note": "See you then."}
    unknown = {"to": "nobody@example.net", "amount": 12, "note": "See you then."}
    assert session.decide("tool_0", found).word == "allow", session.decide("tool_0", found).sentence
    assert session.decide("tool_0", unknown).word == "ask"
    told["session_found_us"] = least(lambda: session.decide("tool_0", found))
    told["session_searched_us"] = least(lambda: session.decide("tool_0", unknown))
    told["session_cold_us"] = least(lambda: (session.forget(), session.decide("tool_0", found)), 200)
    told["session_read_us"] = least(lambda: session.returned("read", {"q": "x"}, answer(7)), 200)
    return told


def answer(n: int) -> list[dict[str, Any]]:
    """Return what one call of the session gave: three mails of a kilobyte together."""
    return [
        {
            "id": f"{n}-{i}",
            "from": f"p{n if i == 0 else 1000 + 3 * n + i}@example.org",
            "subject": f"Budget for week {n}" if i == 0 else f"Note {n} of {i}",
            "body": " ".join(f"Lorem ipsum{n * i} dolor sit{n + i} amet." for i in range(12)),
        }
        for i in range(3)
    ]


class Clocked:
    """Something whose coroutines are timed: `seconds` they took, `calls` they were."""

    def __init__(self, inner: Any, *timed: str) -> None:
        self._inner, self._timed = inner, timed
        self.seconds, self.calls = 0.0, 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in self._timed:
            return found

        async def timed(*args: Any) -> Any:
            began = time.perf_counter()
            try:
                return await found(*args)
            finally:
                self.seconds += time.perf_counter() - began
                self.calls += 1

        return timed


class ClockedPolicy:
    """A policy whose conversations are timed."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.opened: list[Clocked] = []

    def describe(self) -> Any:
        return self._policy.describe()

    def open(self, user: str) -> Clocked:
        self.opened.append(Clocked(self._policy.open(user), "decide", "answered", "returned", "answer"))
        return self.opened[-1]


class Stub:
    """A model that takes 300 ms for the next call of a script."""

    native_tools = True

    def __init__(self, script: tuple[Step, ...]) -> None:
        self._script, self._number = script, 0

    def describe(self) -> Any:
        return {"target": "stub"}

    async def send(self, request: Any) -> Reply:
        await asyncio.sleep(0.3)
        if self._number == len(self._script):
            return say_at_last("It is done.")
        step = self._script[self._number]
        self._number += 1
        given = [r.text for m in request.messages for r in m.parts if hasattr(r, "is_error")]
        call = ToolCall(f"c{self._number}", step.tool, filled(step.arguments, given))
        return Reply(messages=(Message("assistant", (call,)),), finish="tool_calls")

    async def close(self) -> None: ...


class Yes:
    async def approve(self, call: Any, asked: Any) -> Approval:
        return Approval(0, call.id, "yes", granted=True)


def share(model: Any, task_id: str, steps: int) -> dict[str, float]:
    """Return what an agent's steps took in a world of ours, and the engine's share of it."""
    found = setting("office")
    task = next(t for t in found.tasks if t.id == task_id)
    world = open_scene(Scene(worlds=found.worlds, fixture=found.id, goal=task.goal), 1)
    policy, timed = ClockedPolicy(Policy.read(LIBRARY / "policy.yaml")), Clocked(model, "send")
    agent = AgentLoop(timed, bounds=AgentBounds(steps=steps, seconds=550))
    exchange = Exchange(Channel(agent), Mediation(policy=policy, approver=Yes()), world=world, keep=False)
    began = time.perf_counter()
    try:
        asyncio.run(exchange.ask(task.prompt))
    except TargetError as error:  # a weak model may end in none; the steps before it count
        print(f"   the agent ended: {error}", file=sys.stderr)
    whole, engine = time.perf_counter() - began, sum(p.seconds for p in policy.opened)
    return {
        "steps": timed.calls,
        "words": sum(p.calls for p in policy.opened),
        "step_ms": 1000 * whole / max(1, timed.calls),
        "engine_ms": 1000 * engine / max(1, timed.calls),
        "engine": engine / whole,
        "besides_model": (whole - timed.seconds) / whole,
    }


def share_of_step(*, model: bool) -> dict[str, dict[str, float]]:
    """Return the share with the stub, the least of three rounds, and with SmolLM2 if it is asked for."""
    task = next(t for t in setting("office").tasks if t.id == "office-lunch")
    rounds = [share(Stub(task.scripts[1]), task.id, 20) for _ in range(3)]
    told = {"stub_300_ms": min(rounds, key=lambda r: r["engine"])}
    if model:
        from shipworthy.targets.smollm2 import smollm2

        told["smollm2"] = share(smollm2(), task.id, 2)
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--model", action="store_true", help="measure the share of a step of SmolLM2, too")
    parser.add_argument("--no-peers", action="store_true", help="measure ours alone")
    parser.add_argument("--python", help="an interpreter that has the other engines, instead of the locked environment")
    given = parser.parse_args()
    told: dict[str, Any] = {"ours": ours(), "share_of_step": share_of_step(model=given.model)}
    if not given.no_peers:
        command = [given.python or python_of("policies"), str(HERE / "peers" / "policies_job.py")]
        done = run_apart(command, capture_output=True)
        if done.returncode:
            raise RuntimeError(done.stderr[-3000:])
        told |= json.loads(done.stdout)
    over = {key: told["ours"][key] for key, most in LIMITS.items() if told["ours"][key] > most}
    over |= {f"share_of_step.{k}": v["engine"] for k, v in told["share_of_step"].items() if v["engine"] > SHARE[k]}
    told["limits"], told["over"] = LIMITS | {f"share_of_step.{key}": most for key, most in SHARE.items()}, over
    if given.json:
        print(json.dumps(told, indent=2))
    else:
        for engine, figures in {**told, **told["share_of_step"]}.items():
            if engine not in ("limits", "over", "share_of_step"):
                for key, value in figures.items():
                    print(f"{engine:12} {key:24} {value:12.4g}")
        print(f"over a limit: {', '.join(over) or 'none'}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
