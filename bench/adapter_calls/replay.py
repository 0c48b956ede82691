"""Replay the recorded calls through one adapter, in the framework's own loop, with a model that is a script.

python bench/adapter_calls/replay.py FRAMEWORK [--rounds N]

Prints one JSON object: how many calls there were, on how many the policy's word and rule were those of the record, how
many were to be refused, how many of these did not run, and the CPU time of a call with the adapter and without one.
It runs where the framework is installed: `bench/adapters.py` sees to that. Each framework is driven by the file
``drive_<framework>.py`` beside this one.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import sys
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from shipworthy.adapters.conversation import Conversation
from shipworthy.agents.joined import JoinedWorld
from shipworthy.agents.setting import setting
from shipworthy.core.events import PolicyEvent
from shipworthy.core.messages import ToolCall
from shipworthy.core.records import ToolSpec
from shipworthy.core.registry import create
from shipworthy.enforce.policy.engine import Policy

HERE = Path(__file__).parent
FRAMEWORKS = ("plain", "pydantic_ai", "mcp", "openai_agents", "langchain", "llama_index")

Step = list[dict[str, Any]]
Drive = Callable[["Replayed", Conversation | None], Awaitable[None]]


class ToolBroke(Exception):
    """A tool of the record raised."""


class WatchedConversation(Conversation):
    """A conversation that notes the first word on every call."""

    def __init__(self, policy: Policy, session: Replayed) -> None:
        super().__init__(policy, session.id, ask=session.answer)
        self.words: dict[str, list[tuple[str, str]]] = defaultdict(list)

    def decide(self, call: ToolCall) -> PolicyEvent:
        word = super().decide(call)
        self.words[key(call.name, call.arguments)].append((word.verdict, word.rule))
        return word


class Replayed:
    """One recorded session, and the tools that answer in it as they did then.

    Attributes:
        turns: what the user says, and the steps that the model takes on it: each some calls at a time.
        ran: the calls that ran.
    """

    def __init__(self, line: dict[str, Any]) -> None:
        self.id: str = line["id"]
        self.policy: str = line["policy"]
        self.turns: list[tuple[str, list[Step]]] = [(turn["says"], turn["steps"]) for turn in line["turns"]]
        self.calls = [call for _, steps in self.turns for step in steps for call in step]
        self.ran: list[str] = []
        self._gives: dict[str, deque[dict[str, Any]]] = defaultdict(deque)
        self._answers: dict[str, deque[Any]] = defaultdict(deque)
        for call in self.calls:
            self._gives[key(call["tool"], final(call))].append(call)
            if "answer" in call:
                self._answers[key(call["tool"], call["args"])].append(call["answer"])

    @property
    def specs(self) -> Sequence[ToolSpec]:
        """The tools that are called in it."""
        named = {call["tool"] for call in self.calls}
        return [spec for spec in specs(self.policy) if spec.name in named]

    def run(self, tool: str, args: dict[str, Any]) -> str:
        """Answer as the tool did."""
        one = key(tool, args)
        self.ran.append(one)
        call = self._gives[one].popleft() if self._gives[one] else {}
        if "raises" in call:
            raise ToolBroke(call["raises"])
        given: str = call.get("gave", "{}")
        return given

    def answer(self, call: ToolCall, word: PolicyEvent) -> Any:
        """Answer as the person did."""
        return self._answers[key(call.name, call.arguments)].popleft()


def key(tool: str, args: object) -> str:
    return f"{tool} {json.dumps(args, sort_keys=True)}"


def final(call: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments with which a call was made, or would have been."""
    found: dict[str, Any] = call["answer"] if isinstance(call.get("answer"), dict) else call["args"]
    return found


def runs(call: dict[str, Any]) -> bool:
    """Say whether a recorded call was made."""
    return call["word"] == "allow" or (call["word"] == "ask" and call["answer"] is not False)


@cache
def specs(name: str) -> Sequence[ToolSpec]:
    """Return the tools of a setting."""
    return JoinedWorld([create("world", world, name=world) for world in setting(name).worlds]).specs


@cache
def policy(name: str) -> Policy:
    return Policy.read(HERE / "policies" / f"{name}.yaml")


def recorded() -> list[dict[str, Any]]:
    """Return the lines of the record."""
    return [json.loads(line) for line in (HERE / "sessions.jsonl").read_text("utf-8").splitlines()]


class Compared(NamedTuple):
    """What came of some sessions; `wrong` says which calls came out otherwise, and how."""

    calls: int
    same: int
    refused: int
    refused_not_run: int
    run_as_recorded: int
    wrong: list[str]


async def replayed(drive: Drive, lines: Sequence[dict[str, Any]]) -> Compared:
    """Replay sessions under their policies, and compare."""
    calls = same = refused = held = made = 0
    wrong: list[str] = []
    for line in lines:
        session = Replayed(line)
        watched = WatchedConversation(policy(session.policy), session)
        await drive(session, watched)
        words = {one: deque(said) for one, said in watched.words.items()}
        ran = deque(session.ran)
        for call in session.calls:
            one = key(call["tool"], call["args"])
            said = words[one].popleft() if words.get(one) else ("never asked", "")
            calls += 1
            same += said == (call["word"], call["rule"])
            if said != (call["word"], call["rule"]):
                wrong.append(f"{session.id}: {one[:120]}: {said}, and {call['word']} by {call['rule']} then")
            made_with = key(call["tool"], final(call))
            did = made_with in ran
            if did and runs(call):
                ran.remove(made_with)
                made += 1
            elif runs(call):
                wrong.append(f"{session.id}: {made_with[:120]}: did not run")
            else:
                refused += 1
                held += not did or _also_allowed(session, made_with)
        wrong += [f"{session.id}: {one[:120]}: ran, and did not then" for one in ran]
        held -= min(len(ran), held)
    return Compared(calls, same, refused, held, made, wrong)


def _also_allowed(session: Replayed, one: str) -> bool:
    """Say whether the same call was made at another place of the session; what ran too often is counted apart."""
    return any(runs(call) and key(call["tool"], final(call)) == one for call in session.calls)


async def seconds(drive: Drive, lines: Sequence[dict[str, Any]], *, bare: bool) -> float:
    """Return the CPU time of a call."""
    sessions = [Replayed(line) for line in lines]
    watched = [None if bare else Conversation(policy(s.policy), s.id, ask=s.answer) for s in sessions]
    began = time.process_time()
    for session, conversation in zip(sessions, watched, strict=True):
        await drive(session, conversation)
    return (time.process_time() - began) / sum(len(s.calls) for s in sessions)


def load(framework: str) -> Drive:
    """Return what drives a framework."""
    if str(HERE) not in sys.path:
        sys.path.insert(0, str(HERE))
    drive: Drive = importlib.import_module(f"drive_{framework}").drive
    return drive


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("framework", choices=FRAMEWORKS)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    drive, lines = load(given.framework), recorded()
    tally = await replayed(drive, lines)
    with_adapter, without = [], []
    for _ in range(given.rounds):  # by turns, so that a busy minute meets both
        without.append(await seconds(drive, lines, bare=True))
        with_adapter.append(await seconds(drive, lines, bare=False))
    told = tally._asdict()
    if given.rounds:
        with_us, without_us = min(with_adapter) * 1e6, min(without) * 1e6
        told |= {"us_with": with_us, "us_without": without_us, "ratio": with_us / without_us}
    print(json.dumps(told))


if __name__ == "__main__":
    import replay  # the module that the drivers import, and not a second one

    asyncio.run(replay.main())
