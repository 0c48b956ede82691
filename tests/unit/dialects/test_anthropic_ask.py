from __future__ import annotations

import json

import pytest

from shipworthy.core.errors import TargetError, TargetFiltered
from shipworthy.core.records import Image, Message, Text, ToolCall, ToolResult, say
from shipworthy.dialects import anthropic_serve
from shipworthy.dialects.anthropic_ask import MessageStream, body_of, completion_of
from shipworthy.dialects.openai import from_wire, to_wire
from shipworthy.dialects.openai_stream import Completion

ASKED = {
    "model": "m",
    "max_tokens": 9,
    "system": "Be kind.",
    "stop_sequences": ["END"],
    "temperature": 0.5,
    "messages": [
        {"role": "user", "content": [
            {"type": "text", "text": "Look:"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
        ]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "send", "input": {"to": "a"}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t1", "content": "done"},
            {"type": "text", "text": "And now?"},
        ]},
    ],
    "tools": [{"name": "send", "description": "Sends.", "input_schema": {"type": "object"}}],
    "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
}  # fmt: skip


def test_a_request_goes_out_as_it_came_in() -> None:
    asking = anthropic_serve.read(ASKED)
    assert body_of({"model": asking.model, "messages": to_wire(asking.messages), **asking.fields}) == ASKED


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        ({}, None),
        ({"tool_choice": "none"}, {"type": "none"}),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, {"type": "tool", "name": "f"}),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
    ],
)
def test_choices_of_tools(choice, written) -> None:
    body = body_of({"messages": [], "tools": [{"function": {"name": "f"}}], **choice})
    assert body.get("tool_choice") == written and body["tools"] == [{"name": "f", "input_schema": {"type": "object"}}]


def test_results_and_words_after_a_call_are_one_turn() -> None:
    calls = (ToolCall("a", "f", {}), ToolCall("b", "f", {}))
    said = [say("user", "Hi"), Message("assistant", calls), Message("tool", (ToolResult("a", "f", "1"),)),
            Message("tool", (ToolResult("b", "f", "2"),)), Message("user", (Text("So?"), Image("image/*", url="https://x.example/a.png")))]  # fmt: skip # noqa: E501
    turns = body_of({"messages": to_wire(said)})["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert [block["type"] for block in turns[2]["content"]] == ["tool_result", "tool_result", "text", "image"]
    assert turns[2]["content"][3]["source"] == {"type": "url", "url": "https://x.example/a.png"}


WHOLE = {
    "content": [
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "text", "text": "Fi"},
        {"type": "text", "text": "ne."},
        {"type": "tool_use", "id": "t1", "name": "send", "input": {"to": "a"}},
        {"type": "tool_use", "id": "t2", "name": "look", "input": {}},
    ],
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 3, "cache_read_input_tokens": 2, "output_tokens": 4},
}


def events():
    yield {"type": "message_start", "message": {"usage": {"input_tokens": 3, "cache_read_input_tokens": 2}}}
    yield {"type": "ping"}
    for n, block in enumerate(WHOLE["content"]):
        kind = block["type"]
        begin = {"tool_use": {**block, "input": {}}, "redacted_thinking": block}.get(kind, {"type": kind})
        yield {"type": "content_block_start", "index": n, "content_block": begin}
        said = {"tool_use": json.dumps(block["input"]) if block.get("input") else ""}.get(kind, block.get(kind, ""))
        name, field = {"tool_use": ("input_json_delta", "partial_json")}.get(kind, (f"{kind}_delta", kind))
        if kind != "redacted_thinking":
            for piece in (said[:2], said[2:]):
                yield {"type": "content_block_delta", "index": n, "delta": {"type": name, field: piece}}
        yield {"type": "content_block_stop", "index": n}
    yield {"type": "something_new", "text": "unseen"}
    yield {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 4}}
    yield {"type": "message_stop"}


def streamed(some):
    stream, completion = MessageStream(), Completion()
    for event in some:
        for data in stream.take(json.dumps(event)):
            completion.take(data)
    return completion


def test_a_stream_comes_to_what_the_whole_answer_is() -> None:
    whole = from_wire(completion_of(WHOLE))
    completion = streamed(events())
    assert completion.done and completion.reply() == whole
    assert whole.text == "Fine." and [c.name for c in whole.tool_calls] == ["send", "look"]
    assert (whole.usage.input_tokens, whole.usage.output_tokens) == (5, 4)
    assert "unseen" not in repr(whole)


@pytest.mark.parametrize(
    "body",
    [
        None, [], {}, {"content": "x"}, {"content": [{}], "stop_reason": "end_turn"},
        {"content": [{"type": "text"}], "stop_reason": "end_turn"}, {"content": [], "stop_reason": "said by others"},
        {"content": [], "stop_reason": None}, {"content": [{"type": "image"}], "stop_reason": "end_turn"},
        {"content": [], "stop_reason": "end_turn", "usage": {"input_tokens": "x"}},
    ],
)  # fmt: skip
def test_what_is_no_message(body) -> None:
    with pytest.raises(TargetError) as raised:
        completion_of(body)
    assert "said by others" not in str(raised.value)


@pytest.mark.parametrize(
    "data",
    [
        "", "x", "[]", "{}",
        '{"type": "content_block_start", "index": 0, "content_block": {"type": "server_tool_use"}}',
        '{"type": "content_block_delta", "index": 0, "delta": {"type": "image_delta"}}',
        '{"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "x"}}',
        '{"type": "message_delta", "delta": {"stop_reason": "no such"}}',
    ],
)  # fmt: skip
def test_what_is_no_event(data) -> None:
    with pytest.raises(TargetError):
        MessageStream().take(data)


def test_an_answer_that_ends_early_is_an_error() -> None:
    some = list(events())
    with pytest.raises(TargetError, match="mid-answer"):
        streamed(some[:9]).reply()
    with pytest.raises(TargetError, match="overloaded_error"):
        streamed([*some[:9], {"type": "error", "error": {"type": "overloaded_error", "message": "quoted"}}])
    with pytest.raises(TargetFiltered):
        from_wire(completion_of(WHOLE | {"stop_reason": "refusal"}))
