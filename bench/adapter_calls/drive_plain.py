"""Drive functions behind the decorator. There is no framework and no model: the calls are made as they stand."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext, suppress
from typing import Any

from replay import Replayed, ToolBroke

from shipworthy.adapters.conversation import Conversation
from shipworthy.adapters.plain import conversing, mediated
from shipworthy.core.errors import CallRefused


def tools_of(session: Replayed, *, under_policy: bool) -> dict[str, Any]:
    """Return the tools of a session: every other one is a coroutine function."""

    def sync(name: str) -> Any:
        def tool(**args: Any) -> str:
            return session.run(name, args)

        return tool

    def waiting(name: str) -> Any:
        async def tool(**args: Any) -> str:
            await asyncio.sleep(0)
            return session.run(name, args)

        return tool

    made = {spec.name: (waiting if n % 2 else sync)(spec.name) for n, spec in enumerate(session.specs)}
    return {n: mediated(name=n)(tool) for n, tool in made.items()} if under_policy else made


async def drive(session: Replayed, conversation: Conversation | None) -> None:
    """Make the calls of a session."""
    tools = tools_of(session, under_policy=conversation is not None)

    async def one(call: dict[str, Any]) -> None:
        with suppress(CallRefused, ToolBroke):
            value = tools[call["tool"]](**call["args"])
            if asyncio.iscoroutine(value):
                await value

    with conversing(conversation) if conversation is not None else nullcontext():
        for says, steps in session.turns:
            if conversation is not None:
                conversation.hear([says])
            for step in steps:
                await asyncio.gather(*(one(call) for call in step))
