"""Targets, guards and tools whose behaviour a test can script."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Finding, Message, Part, Reply, Request, Stage, Text, ToolCall, Usage, answer
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.enforce.rule import STAGES, Rule
from shipworthy.exchange.cache import ReplyCache
from shipworthy.exchange.channel import Channel
from shipworthy.exchange.desk import Mediation
from shipworthy.exchange.exchange import Exchange


class Scripted:
    """A target that answers by a function, and keeps what it is asked."""

    def __init__(
        self, reply: Callable[[Request], str | Reply] = lambda request: "yes", pause: float = 0.0, name: str = "one"
    ) -> None:
        self.reply, self.pause, self.name = reply, pause, name
        self.requests: list[Request] = []
        self.running = self.most = 0

    @property
    def asked(self) -> Counter[str]:
        return Counter(request.messages[-1].text for request in self.requests)

    def describe(self) -> dict[str, str]:
        return {"target": self.name}

    async def send(self, request: Request) -> Reply:
        self.requests.append(request)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(self.pause)
            given = self.reply(request)
        finally:
            self.running -= 1
        return answer(given, usage=Usage(10, 2, 0.001)) if isinstance(given, str) else given

    async def close(self) -> None: ...


class Agent:
    """A target that makes one call of a tool and tells what it gave."""

    def __init__(
        self,
        call: ToolCall = ToolCall("c1", "lookup", {"key": "abc"}),
        run: Callable[[ToolCall], Awaitable[Any]] | None = None,
        *,
        swallow: bool = False,
    ) -> None:
        self.call, self.run, self.swallow = call, run, swallow
        self.asked = 0
        self.ran: list[ToolCall] = []

    def describe(self) -> dict[str, str]:
        return {"target": "agent"}

    async def look_up(self, call: ToolCall) -> str:
        self.ran.append(call)
        return f"value of {call.arguments['key']}"

    async def send(self, request: Request, tools: Any) -> Reply:
        self.asked += 1
        try:
            result = await tools.call(self.call, self.run or self.look_up)
        except Exception:
            if not self.swallow:
                raise
            return answer("went on all the same")
        return Reply(
            messages=(
                Message("assistant", (Text("I look it up."), self.call)),
                Message("tool", (result,)),
                Message("assistant", (Text(f"It is: {result.text}"),)),
            ),
            usage=Usage(20, 5),
        )

    async def close(self) -> None: ...


class Word:
    """A guard that finds a word, and counts how often it is asked."""

    reach: int | None = 32

    def __init__(self, word: str, action: str = "redact", stages: Sequence[Stage] = STAGES) -> None:
        self.word, self.action, self.stages = word, action, frozenset(stages)
        self.read: list[tuple[str, str]] = []

    def describe(self) -> dict[str, Any]:
        return {"guard": "word", "word": self.word, "action": self.action, "stages": sorted(self.stages)}

    async def check(self, part: Part, ctx: GuardContext) -> Sequence[Finding]:
        self.read.append((part.stage, part.text))
        at, found = -1, []
        while (at := part.text.find(self.word, at + 1)) >= 0:
            found.append(Finding(at, at + len(self.word), "word", self.action, "<r>" * (self.action == "replace")))
        return found


def guards(*some: Word, **options: Any) -> Pipeline:
    return Pipeline([Rule(f"GD-{i}", guard, **options) for i, guard in enumerate(some)])


def exchange(
    target: Any, *some: Word, cache: ReplyCache | None = None, mediation: Any = None, **fields: Any
) -> Exchange:
    """Open an exchange on a target, or on the channel to one."""
    channel = target if isinstance(target, Channel) else Channel(target, cache=cache)
    return Exchange(channel, mediation or Mediation(guards(*some) if some else None), **fields)


@pytest.fixture(scope="session")
def scripted() -> type[Scripted]:
    return Scripted


@pytest.fixture(scope="session")
def agent() -> type[Agent]:
    return Agent


@pytest.fixture(scope="session")
def word() -> type[Word]:
    return Word


@pytest.fixture(scope="session")
def piped() -> Callable[..., Pipeline]:
    return guards


@pytest.fixture(scope="session")
def opened() -> Callable[..., Exchange]:
    return exchange
