"""Requests of chat completions as the gateway reads them, and answers as it writes them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shipworthy.core.records import Audio, Delta, Image, Message, Reasoning, Text, ToolCall, ToolResult, Usage, say
from shipworthy.dialects.openai import to_wire
from shipworthy.dialects.openai_serve import OpenAIAnswering, error, read
from shipworthy.dialects.served import BadBody

PICTURE = {"type": "image_url", "image_url": {"url": "a"}}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}


def body(*messages: Any, **more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": list(messages) or [{"role": "user", "content": "Hi"}], **more}


def test_a_conversation_is_read_whole() -> None:
    wire = [
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "text", "text": "here"}]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "done"}]},
        {"role": "assistant", "content": "Fine.", "refusal": None},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x.example/a.png"}},
                                     {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]},
    ]  # fmt: skip
    found = read(body(*wire)).messages
    assert found == (
        say("system", "Be kind."),
        Message("user", (Text("Look"), Text("here"))),
        Message("assistant", (ToolCall("c1", "f", {"a": 1}),)),
        Message("tool", (ToolResult("c1", "", "done"),)),
        say("assistant", "Fine."),
        Message("user", (Image("image/*", url="https://x.example/a.png"), Audio("audio/wav", "AAAA"))),
    )
    assert [m["role"] for m in to_wire(found)] == ["system", "user", "assistant", "tool", "assistant", "user"]


def test_the_older_functions_become_tools() -> None:
    old = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}
    asking = read(
        body({"role": "user", "content": "Hi"}, old, {"role": "function", "name": "f", "content": "done"},
             functions=[{"name": "f"}], function_call={"name": "f"})
    )  # fmt: skip
    assert asking.legacy
    assert asking.fields["tools"] == [{"type": "function", "function": {"name": "f"}}]
    assert asking.fields["tool_choice"] == {"type": "function", "function": {"name": "f"}}
    [_, call, result] = asking.messages
    assert call.tool_calls[0].id == result.parts[0].id  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ([], ""),
        ({"messages": [{"role": "user", "content": "a"}]}, "model"),
        (body(stream="yes"), "stream"),
        (body(n=0), "n"),
        (body(n=17), "n"),
        (body(messages=[]), "messages"),
        (body("text"), "messages[0]"),
        (body({"role": "robot", "content": "a"}), "messages[0].role"),
        (body({"role": "user", "content": 5}), "messages[0].content"),
        (body({"role": "user", "content": [{"type": "file", "file": {}}]}), "messages[0].content"),
        (body({"role": "system", "content": [PICTURE]}), "messages[0].content"),
        (body({"role": "assistant", "tool_calls": [{"type": "custom", "custom": {}}]}), "messages[0].tool_calls"),
        (body({"role": "assistant", "tool_calls": [CALL | {"id": ""}]}), "messages[0].tool_calls"),
        (body({"role": "assistant", "tool_calls": True}), "messages[0].tool_calls"),
        (body({"role": "assistant", "tool_calls": [CALL | {"function": {"name": "f", "arguments": "[1]"}}]}),
         "messages[0].tool_calls"),
        (body({"role": "tool", "content": "a"}), "messages[0]"),
        (body(tools=[{"type": "web_search"}]), "tools"),
        (body(logprobs=True), "logprobs"),
        (body(modalities=["text", "audio"]), "modalities"),
        (body(top_k=5), "top_k"),
        (body(**{"a sentence that somebody wrote": 1}), "of that name"),
    ],
)  # fmt: skip
def test_what_is_not_served_is_named(wrong: Any, field: str) -> None:
    with pytest.raises(BadBody) as caught:
        read(wrong)
    assert caught.value.field == field
    assert "sentence" not in str(caught.value)


def test_the_operator_may_let_fields_pass() -> None:
    assert read(body(top_k=5, logprobs=False, modalities=["text"]), ("top_k",)).fields == {"top_k": 5}


def test_an_answer_has_nothing_of_the_upstreams() -> None:
    asking = read(body(n=2))
    answering = OpenAIAnswering(asking, "chatcmpl-ab12", 7)
    first = Message("assistant", (Reasoning("hm"), Text("Yes"), ToolCall("theirs", "f", {"é": "😀"})))
    made = answering.whole(
        [[first], [say("assistant", ""), say("assistant", "I won't")]], ["tool_calls", "stop"], Usage(1, 2)
    )
    assert "theirs" not in json.dumps(made)
    assert made["choices"][0]["message"]["tool_calls"][0]["id"] == "call_ab12_0_0"
    assert made["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == '{"é":"😀"}'
    assert made["choices"][0]["message"]["reasoning_content"] == "hm"
    assert (made["choices"][1]["message"]["content"], made["choices"][1]["message"]["refusal"]) == (None, "I won't")
    assert made["usage"] == {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


def test_pieces_name_their_choice_and_their_call() -> None:
    answering = OpenAIAnswering(read(body(n=2, stream_options={"include_usage": True})), "chatcmpl-ab", 7)
    pieces = [
        Delta("Hi", "text", 1),
        Delta('{"a":1}', "tool_call", 0, "x", "f", 0),
        Delta("{}", "tool_call", 2, "y", "g", 0),
        Delta("{}", "tool_call", 1, "z", "h", 1),
    ]
    data = b"".join(event for piece in pieces for event in answering.piece(piece))
    data += b"".join(answering.end(["tool_calls", "tool_calls"], Usage(1, 1)))
    *events, done = data.decode().strip().split("\n\n")
    assert done == "data: [DONE]"
    choices = [choice for event in events for choice in json.loads(event[6:])["choices"]]
    calls = [(c["index"], call["index"], call["id"]) for c in choices for call in c["delta"].get("tool_calls", ())]
    assert calls == [(0, 0, "call_ab_0_0"), (0, 1, "call_ab_0_1"), (1, 0, "call_ab_1_0")]
    assert [c["index"] for c in choices if c["delta"].get("role")] == [1, 0]
    assert json.loads(events[-1][6:])["usage"]["total_tokens"] == 2


def test_an_error_is_one_of_theirs() -> None:
    assert error("no", "x") == {"error": {"message": "no", "type": "x", "param": None, "code": None}}
