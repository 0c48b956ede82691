"""The agent around a real endpoint's wire: tools offered, calls made, results sent back in the place they belong."""

from __future__ import annotations

import asyncio
import json

from aiohttp import web

from shipworthy.agents.loop import AgentLoop
from shipworthy.agents.stage import open_scene
from shipworthy.core.events import Called, StateChanged
from shipworthy.core.scene import Predicate, Scene
from shipworthy.exchange.channel import Channel
from shipworthy.exchange.exchange import Exchange
from shipworthy.targets.openai_compatible import openai_compatible

SCENE = Scene(worlds=("mail",), fixture="office", goal=(Predicate("mail.messages.M-105", gone=True),))


def call(number, name, arguments):
    return {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}


def completion(message, finish):
    return {
        "model": "stub",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 4},
    }


ANSWERS = [
    completion(
        {
            "role": "assistant",
            "content": "I look first.",
            "tool_calls": [call(1, "mail_search", {"query": "paper"}), call(2, "mail_read", {"id": "M-105"})],
        },
        "tool_calls",
    ),
    completion(
        {"role": "assistant", "content": None, "tool_calls": [call(3, "mail_delete", {"id": "M-105"})]}, "tool_calls"
    ),
    completion({"role": "assistant", "content": "It is deleted."}, "stop"),
]


def test_calls_and_results_go_over_the_wire_in_order():
    bodies = []

    async def chat(request):
        bodies.append(await request.json())
        return web.json_response(ANSWERS[len(bodies) - 1])

    async def work():
        app = web.Application()
        app.router.add_post("/v1/chat/completions", chat)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        model = openai_compatible(base_url=f"http://127.0.0.1:{port}/v1", model="stub")
        try:
            exchange = Exchange(Channel(AgentLoop(model)), world=open_scene(SCENE, 1))
            return await exchange.ask("Delete the newsletter."), exchange
        finally:
            await model.close()
            await runner.cleanup()

    reply, exchange = asyncio.run(work())
    assert [event.call.name for event in exchange.events if isinstance(event, Called)] == [
        *("mail_search", "mail_read", "mail_delete"),
    ]
    assert [event.facts["goal"] for event in exchange.events if isinstance(event, StateChanged)] == [True]
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (60, 12)

    offered = {tool["function"]["name"]: tool["function"] for tool in bodies[0]["tools"]}
    assert offered["mail_delete"]["parameters"]["required"] == ["id"]
    assert [message["role"] for message in bodies[0]["messages"]] == ["system", "user"]
    assert [m["role"] for m in bodies[1]["messages"]] == ["system", "user", "assistant", "tool", "tool"]
    assistant, first, second = bodies[1]["messages"][2:]
    assert [one["id"] for one in assistant["tool_calls"]] == ["call_1", "call_2"]
    assert (first["tool_call_id"], second["tool_call_id"]) == ("call_1", "call_2")
    assert "Paper prices" in second["content"]
    assert [m["role"] for m in bodies[2]["messages"]][5:] == ["assistant", "tool"]
