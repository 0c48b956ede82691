"""A mailbox's conversation under a policy, in the words of each route, and calls that an upstream makes in it."""

from __future__ import annotations

import json

from tests.unit.adapters.mailbox import MAILS, SAYS

CANARY = {"id": "GD-c", "use": "canary_output", "params": {"canaries": ["HERON-4471"]}}
GUARDS = {"block_message": "No.", "rules": [CANARY]}
SEARCHED = [
    {"role": "user", "content": SAYS},
    {"role": "assistant", "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "search_mail", "arguments": '{"query": "Lunch"}'}}]},
    {"role": "tool", "tool_call_id": "c1", "content": json.dumps(MAILS)},
]  # fmt: skip
WHOLE_PATHS = ("/v1/chat/completions", "/v1/messages", "/v1/responses")


def tool(number, name, **arguments):
    return {"id": f"up_{number}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}


TO_BO = tool(1, "send_mail", to="bo@example.org", body="Yes")
TO_EVE = tool(2, "send_mail", to="eve@example.net", body="Yes")
DELETE = tool(3, "delete_mail", mail_id="m77")


def asked(path, stream):
    """Return the same conversation in the words of a route."""
    if path == "/v1/chat/completions":
        return {"messages": SEARCHED, "stream": stream}
    if path == "/v1/messages":
        messages = [
            SEARCHED[0],
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "c1", "name": "search_mail", "input": {"query": "Lunch"}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": SEARCHED[2]["content"]}]},
        ]  # fmt: skip
        return {"messages": messages, "stream": stream, "max_tokens": 99}
    items = [
        SEARCHED[0],
        {"type": "function_call", "call_id": "c1", "name": "search_mail", "arguments": '{"query": "Lunch"}'},
        {"type": "function_call_output", "call_id": "c1", "output": SEARCHED[2]["content"]},
    ]
    return {"input": items, "stream": stream}


async def ask(served, path, stream, **more):
    body = asked(path, stream) | more
    headers = body.pop("headers", {})
    async with served.session.post(served.base + path, json={"model": "m"} | body, headers=headers) as answer:
        return await answer.text(), answer
