"""Upstreams of chat completions that say one thing, for tests of what becomes of it."""

from __future__ import annotations

import json


def upstream(loopback, message, finish="stop", chunks=7):
    """An upstream that gives one message, whole or in pieces of some characters."""

    async def handler(request, writer):
        n = request.json.get("n", 1)
        if not request.json.get("stream"):
            choices = [
                {"index": i, "message": {"role": "assistant", **message}, "finish_reason": finish} for i in range(n)
            ]
            usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
            loopback.respond(writer, {"id": "x", "model": "up", "choices": choices, "usage": usage})
            return
        events = []
        for i in range(n):
            for name in ("reasoning_content", "content", "refusal"):
                text = message.get(name) or ""
                events += [{"index": i, "delta": {name: text[at : at + chunks]}} for at in range(0, len(text), chunks)]
            for number, call in enumerate(message.get("tool_calls", ())):
                arguments = call["function"]["arguments"]
                begin = {**call, "index": number, "function": {"name": call["function"]["name"], "arguments": ""}}
                events.append({"index": i, "delta": {"tool_calls": [begin]}})
                for at in range(0, len(arguments), chunks):
                    part = {"index": number, "function": {"arguments": arguments[at : at + chunks]}}
                    events.append({"index": i, "delta": {"tool_calls": [part]}})
            events.append({"index": i, "delta": {}, "finish_reason": finish})
        lines = [f"data: {json.dumps({'model': 'up', 'choices': [event]})}\n\n" for event in events]
        usage = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}}
        data = "".join(lines) + f"data: {json.dumps(usage)}\n\ndata: [DONE]\n\n"
        loopback.respond(writer, data.encode(), content_type="text/event-stream")

    return loopback.serve(handler)


def call(number, **arguments):
    function = {"name": "send", "arguments": json.dumps(arguments)}
    return {"id": f"up_{number}", "type": "function", "function": function}
