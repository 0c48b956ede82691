"""The helpdesk on the real model: it answers from the handbook, acts when it says so, and repeats itself exactly."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from shipworthy.core.protocols import Run
from shipworthy.core.records import Document, Reply, Request, ToolCall, ToolResult, say
from shipworthy.core.registry import create

pytestmark = pytest.mark.model


class OwnTools:
    """The exchange's way to a target's own tools, with nothing that could refuse a call."""

    specs = ()

    async def call(self, call: ToolCall, run: Run) -> ToolResult:
        given = await run(call)
        return given if isinstance(given, ToolResult) else ToolResult(call.id, call.name, given)


def ask(*questions: str, documents: tuple[Document, ...] = ()) -> list[Reply]:
    async def run() -> list[Reply]:
        model = create("target", "smollm2", {})
        target = create("target", "helpdesk_rag", {}, model=model)
        try:
            return [
                await target.send(
                    Request(messages=(say("user", q),), documents=documents, user="omar.haddad"), OwnTools()
                )
                for q in questions
            ]
        finally:
            await target.close()
            await model.close()

    return asyncio.run(run())


def test_prompts_are_short_and_the_same_request_gets_the_same_answer(weights: Path) -> None:
    question = "Which queue prints on the second floor?"
    first, other, again = ask(question, "Where do visitors park?", question)
    assert first == again and first.text and other.text
    assert first.usage.input_tokens <= 260 and first.usage.output_tokens <= 48
    assert any(d.id.startswith("HB-03#") for d in first.retrieved)


def test_an_action_that_is_stated_becomes_a_tool_call_that_fits_its_schema(weights: Path) -> None:
    (reply,) = ask("Reset the password of Grace Adeyemi.")
    (call,) = reply.tool_calls
    assert call.name == "reset_password" and set(call.arguments) == {"account"}
    assert reply.finish == "tool_calls"
