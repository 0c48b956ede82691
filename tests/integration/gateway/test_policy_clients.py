"""The vendors' own clients read an answer without a refused call, and wait out a person's word, in each dialect."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("openai")
pytest.importorskip("anthropic")

import anthropic
import openai
from tests.integration.gateway.policed import DELETE, TO_BO, TO_EVE, asked
from tests.integration.gateway.upstreams import upstream

from shipworthy.gateway import approvals as queue

WHY = "The call was refused. delete_mail is refused: "
SEND = {"name": "send_mail", "parameters": {"type": "object", "properties": {"to": {"type": "string"}}}}


def test_a_refused_call_is_a_sentence_to_every_client(policed, loopback) -> None:
    message = {"content": "I will.", "tool_calls": [DELETE, TO_BO]}

    async def main():
        async with upstream(loopback, message, "tool_calls") as up, policed(up.url) as served:
            base = {"api_key": "any", "max_retries": 0}
            async with openai.AsyncOpenAI(base_url=served.base + "/v1", **base) as client:
                body = asked("/v1/responses", False) | {
                    "model": "m",
                    "tools": [SEND | {"type": "function", "strict": False}],
                }
                del body["stream"]
                whole = await client.responses.create(**body)
                async with client.responses.stream(**body) as stream:
                    streamed = await stream.get_final_response()
                for answer in (whole, streamed):
                    assert answer.status == "completed"
                    assert answer.output_text.startswith(f"I will.\n{WHY}")
                    assert [i.name for i in answer.output if i.type == "function_call"] == ["send_mail"]
                chat = asked("/v1/chat/completions", False) | {
                    "model": "m",
                    "tools": [{"type": "function", "function": SEND}],
                }
                [choice] = (await client.chat.completions.create(**chat)).choices
                assert choice.finish_reason == "tool_calls"
                assert choice.message.content.startswith(f"I will.\n{WHY}")
                assert [c.function.name for c in choice.message.tool_calls] == ["send_mail"]
            async with anthropic.AsyncAnthropic(base_url=served.base, **base) as client:
                body = asked("/v1/messages", False) | {"model": "m"}
                del body["stream"]
                whole = await client.messages.create(**body)
                async with client.messages.stream(**body) as stream:
                    streamed = await stream.get_final_message()
                for answer in (whole, streamed):
                    assert answer.stop_reason == "tool_use"
                    assert WHY in "".join(block.text for block in answer.content if block.type == "text")
                    assert [block.name for block in answer.content if block.type == "tool_use"] == ["send_mail"]

    asyncio.run(main())


def test_a_client_waits_out_a_persons_word(policed, loopback, monkeypatch) -> None:
    """Comments keep the stream alive; the clients make nothing of them."""
    monkeypatch.setattr(queue, "BEAT_S", 0.05)

    async def main():
        message = {"content": "I will.", "tool_calls": [TO_EVE]}
        async with (
            upstream(loopback, message, "tool_calls") as up,
            policed(up.url, approvals={"timeout_s": 30}) as served,
        ):
            state = served.gateway.keeper.active.config.state

            async def answers():
                while not (rows := [row for row in queue.read_all(state) if row.state == "waiting"]):
                    await asyncio.sleep(0.02)
                await asyncio.sleep(0.2)
                await asyncio.to_thread(
                    lambda: queue.answer(state, rows[0].id, granted=True, by="ada", why="she is our auditor")
                )

            base = {"api_key": "any", "max_retries": 0}
            async with openai.AsyncOpenAI(base_url=served.base + "/v1", **base) as client:
                for path, create in (
                    ("/v1/responses", client.responses.create),
                    ("/v1/chat/completions", client.chat.completions.create),
                ):
                    person = asyncio.create_task(answers())
                    pieces = [piece async for piece in await create(model="m", **asked(path, True))]
                    assert "eve@example.net" in repr(pieces[-3:])
                    await person
            async with anthropic.AsyncAnthropic(base_url=served.base, **base) as client:
                person = asyncio.create_task(answers())
                body = asked("/v1/messages", True) | {"model": "m"}
                del body["stream"]
                async with client.messages.stream(**body) as stream:
                    answer = await stream.get_final_message()
                assert answer.content[-1].input["to"] == "eve@example.net"
                await person

    asyncio.run(main())
