"""Requests of Anthropic messages as the gateway reads them, and answers as it writes them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shipworthy.core.records import Delta, Image, Message, Text, ToolCall, ToolResult, Usage, say
from shipworthy.dialects.anthropic_serve import AnthropicAnswering, broken, error, read
from shipworthy.dialects.served import BadBody


def body(*messages: Any, **more: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 9, "messages": list(messages) or [{"role": "user", "content": "Hi"}], **more}


def test_a_conversation_is_read_whole() -> None:
    use = {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}
    thought = {"type": "thinking", "thinking": "hm", "signature": "x"}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "no"}], "is_error": True}
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
    asking = read(
        body({"role": "user", "content": [{"type": "text", "text": "Look"}, picture]},
             {"role": "assistant", "content": [thought, {"type": "text", "text": "ok"}, use]},
             {"role": "user", "content": [{"type": "text", "text": "and?"}, result]},
             system=[{"type": "text", "text": "Be kind."}], stop_sequences=["X"], temperature=0.5,
             tools=[{"name": "f", "description": "d", "input_schema": {"type": "object"}}],
             tool_choice={"type": "tool", "name": "f", "disable_parallel_tool_use": True})
    )  # fmt: skip
    assert asking.messages == (
        say("system", "Be kind."),
        Message("user", (Text("Look"), Image("image/png", data="AAAA"))),
        Message("assistant", (Text("ok"), ToolCall("t1", "f", {"a": 1}))),
        Message("tool", (ToolResult("t1", "", "no", is_error=True),)),
        say("user", "and?"),
    )
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, "description": "d"}}
    assert asking.fields == {
        "max_tokens": 9, "temperature": 0.5, "stop": ["X"], "tools": [tool], "parallel_tool_calls": False,
        "tool_choice": {"type": "function", "function": {"name": "f"}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ("text", ""),
        ({"model": "m", "messages": [{"role": "user", "content": "a"}]}, "max_tokens"),
        (body(max_tokens=True), "max_tokens"),
        (body(messages=[]), "messages"),
        (body({"role": "system", "content": "a"}), "messages[0].role"),
        (body({"role": "user", "content": [{"type": "document"}]}), "messages[0]"),
        (body({"role": "user", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]}), "messages[0]"),
        (body({"role": "user", "content": [{"type": "tool_result", "content": "a"}]}), "messages[0]"),
        (body(tools=[{"type": "web_search_20250305", "name": "web_search"}]), "tools"),
        (body(thinking={"type": "enabled", "budget_tokens": 1024}), "thinking"),
        (body(mcp_servers=[]), "mcp_servers"),
    ],
)
def test_what_is_not_served_is_named(wrong: Any, field: str) -> None:
    with pytest.raises(BadBody) as caught:
        read(wrong)
    assert caught.value.field == field


def test_pieces_are_blocks_one_after_the_other() -> None:
    answering = AnthropicAnswering(read(body()), "msg_ab")
    pieces = [
        Delta("hm", "reasoning"),
        Delta("Yes"),
        Delta(", sir"),
        Delta('{"a":1}', "tool_call", 0, "theirs", "f"),
        Delta("{}", "tool_call", 1, "theirs", "g"),
        Delta("No.", "refusal"),
    ]
    data = b"".join(event for piece in pieces for event in answering.piece(piece))
    data += b"".join(answering.end(["end_turn"], Usage(1, 2)))
    assert b"theirs" not in data
    values = [json.loads(event.partition("data: ")[2]) for event in data.decode().strip().split("\n\n")]
    kinds = [(v["type"], v.get("index")) for v in values]
    assert kinds[0] == ("message_start", None)
    assert kinds[-2:] == [("message_delta", None), ("message_stop", None)]
    starts = [(v["index"], v["content_block"]["type"]) for v in values if v["type"] == "content_block_start"]
    assert starts == [(0, "thinking"), (1, "text"), (2, "tool_use"), (3, "tool_use"), (4, "text")]
    open_ = None
    for kind, index in kinds[1:-2]:  # every block is closed before the next one begins
        if kind == "content_block_start":
            assert open_ is None
            open_ = index
        assert index == open_
        open_ = None if kind == "content_block_stop" else open_
    assert open_ is None


def test_an_error_is_one_of_theirs() -> None:
    assert error("no", 429)["error"]["type"] == "rate_limit_error"
    assert error("no", 502)["error"]["type"] == "api_error"
    assert broken("no", 503).startswith(b"event: error\ndata: ")
