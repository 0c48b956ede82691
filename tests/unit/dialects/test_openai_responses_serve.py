"""Requests of OpenAI responses as the gateway reads them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.records import Audio, Image, Message, Text, ToolCall, ToolResult, say
from shipworthy.dialects.openai import to_wire
from shipworthy.dialects.openai_responses_serve import read
from shipworthy.dialects.served import Asking, BadBody

F = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True}


def body(*items: Any, **more: Any) -> dict[str, Any]:
    return {"model": "m", "input": list(items) or "Hi", **more}


def call(id: str, arguments: str = "{}", **more: Any) -> dict[str, Any]:
    return {"type": "function_call", "call_id": id, "name": "f", "arguments": arguments, **more}


def gave(id: str, output: Any = "done") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": id, "output": output}


def test_a_conversation_is_read_whole() -> None:
    items = [
        {"role": "developer", "content": "Be brief."},
        {"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": "Look"},
            {"type": "input_image", "image_url": "https://x.example/a.png", "detail": "auto"},
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}}]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
        {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed",
         "content": [{"type": "output_text", "text": "Both.", "annotations": []}]},
        call("c1", '{"a": 1}', status="completed"),
        call("c2", ""),
        gave("c1"),
        gave("c2", [{"type": "input_text", "text": "one"}, {"type": "input_text", "text": "two"}]),
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No more."}]},
    ]  # fmt: skip
    asking = read(body(*items, instructions="Be kind."))
    assert asking.messages == (
        say("system", "Be kind."),
        say("system", "Be brief."),
        Message("user", (Text("Look"), Image("image/*", url="https://x.example/a.png"), Audio("audio/mp3", "AAAA"))),
        Message("assistant", (Text("Both."), ToolCall("c1", "f", {"a": 1}), ToolCall("c2", "f"))),
        Message("tool", (ToolResult("c1", "", "done"),)),
        Message("tool", (ToolResult("c2", "", "one\ntwo"),)),
        say("assistant", "No more."),
    )
    assert [m["role"] for m in to_wire(asking.messages)][3:6] == ["assistant", "tool", "tool"]


def test_calls_without_words_are_one_turn_and_their_results_part_two() -> None:
    found = read(body(call("c1"), call("c2"), gave("c1"), gave("c2"), call("c3"), gave("c3"))).messages
    assert [m.role for m in found] == ["assistant", "tool", "tool", "assistant", "tool"]
    assert [c.id for m in found for c in m.tool_calls] == ["c1", "c2", "c3"]


def test_what_shapes_an_answer_is_passed_on_in_the_words_of_chat_completions() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    asking = read(
        body(stream=True, max_output_tokens=7, temperature=0.5, top_p=0.9, parallel_tool_calls=False, tools=[F],
             tool_choice={"type": "function", "name": "f"}, reasoning={"effort": "low", "summary": "auto"},
             text={"format": {"type": "json_schema", "name": "n", "schema": schema, "strict": True},
                   "verbosity": "low"},
             store=False, truncation="disabled", metadata={"a": "b"}, include=["reasoning.encrypted_content"],
             background=False, user="u")
    )  # fmt: skip
    assert asking.stream
    assert asking.fields == {
        "max_tokens": 7, "temperature": 0.5, "top_p": 0.9, "parallel_tool_calls": False, "user": "u",
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, "strict": True}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "reasoning_effort": "low", "verbosity": "low",
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": True}},
    }  # fmt: skip


def test_of_the_tools_those_are_offered_that_are_allowed() -> None:
    choice = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "g"}]}
    fields = read(body(tools=[F, F | {"name": "g"}], tool_choice=choice)).fields
    assert [tool["function"]["name"] for tool in fields["tools"]] == ["g"]
    assert fields["tool_choice"] == "required"


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ([], "", "no JSON object"),
        ({"input": "a"}, "model", "missing"),
        (body(store=True), "store", "nothing is kept"),
        (body(previous_response_id="resp_1"), "previous_response_id", "send the whole conversation"),
        (body(conversation="conv_1"), "conversation", "send the whole"),
        (body(background=True), "background", "not served"),
        (body(prompt={"id": "p"}), "prompt", "not served"),
        (body(max_tool_calls=3), "max_tool_calls", "built-in"),
        (body(top_logprobs=5), "top_logprobs", "guards cannot"),
        (body(truncation="auto"), "truncation", "whole"),
        (body(include=["message.output_text.logprobs"]), "include", "not served"),
        (body(tools=[{"type": "web_search"}]), "tools", "the tool web_search is not served"),
        (body(tools=[{"type": "file_search", "vector_store_ids": []}]), "tools", "file_search"),
        (body(tools=[{"type": "computer_use_preview"}]), "tools", "computer_use_preview"),
        (body(tools=[{"type": "code_interpreter", "container": {}}]), "tools", "code_interpreter"),
        (body(tools=[{"type": "mcp", "server_label": "x"}]), "tools", "mcp"),
        (body(tools=[{"type": "image_generation"}]), "tools", "image_generation"),
        (body(tools=[{"type": "a sentence of theirs"}]), "tools", "a tool of this type"),
        (body(tools=[F], tool_choice={"type": "mcp", "server_label": "x"}), "tool_choice", "tool_choice"),
        (
            body(tools=[F], tool_choice={"type": "allowed_tools", "mode": "auto", "tools": []}),
            "tool_choice",
            "allowed_tools",
        ),
        (body(text={"format": {"type": "grammar"}}), "text.format", "not served"),
        (body(text={"format": {"type": "json_schema", "name": "n"}}), "text.format", "schema"),
        (body(reasoning={"mode": "pro"}), "reasoning", "effort"),
        (body(max_output_tokens=0), "max_output_tokens", "below 1"),
        (body(input=[]), "input", "empty"),
        (body(input=None), "input", "empty"),
        (body({"type": "reasoning", "summary": []}), "input", "nothing but reasoning"),
        (body("text"), "input[0]", "no object"),
        (body({"role": "robot", "content": "a"}), "input[0].role", "not served"),
        (body({"role": "system", "content": [{"type": "input_image", "image_url": "a"}]}), "input[0]", "not served"),
        (body({"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}), "input[0]", "not served"),
        (body({"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}), "input[0]", "not served"),
        (body({"role": "user", "content": 5}), "input[0]", "neither"),
        (body({"type": "item_reference", "id": "msg_1"}), "input[0]", "not kept"),
        (body({"type": "computer_call_output", "call_id": "c"}), "input[0]", "not served"),
        (body(call("c1", "[1]")), "input[0]", "no JSON object"),
        (body(call("")), "input[0]", "call_id"),
        (body(gave("")), "input[0]", "call_id"),
        (body(gave("c", [{"type": "input_image", "image_url": "a"}])), "input[0]", "not served"),
        (body(top_k=5), "top_k", "pass"),
        (body(stream="yes"), "stream", "wrong type"),
    ],
)
def test_what_is_not_served_is_named(wrong: Any, field: str, said: str) -> None:
    with pytest.raises(BadBody, match=said) as caught:
        read(wrong)
    assert caught.value.field == field
    assert "sentence of theirs" not in str(caught.value)


def test_the_operator_may_let_fields_pass() -> None:
    assert read(body(top_k=5, max_tool_calls=2), ("top_k", "max_tool_calls")).fields == {
        "top_k": 5,
        "max_tool_calls": 2,
    }


_WORDS = st.sampled_from(
    [
        "model",
        "input",
        "instructions",
        "role",
        "type",
        "content",
        "user",
        "assistant",
        "system",
        "message",
        "function_call",
        "function_call_output",
        "reasoning",
        "item_reference",
        "call_id",
        "name",
        "arguments",
        "output",
        "input_text",
        "output_text",
        "refusal",
        "text",
        "input_image",
        "image_url",
        "tools",
        "function",
        "tool_choice",
        "allowed_tools",
        "mode",
        "auto",
        "format",
        "json_schema",
        "schema",
        "effort",
        "m",
        "{}",
        "[1]",
        "stream",
    ]
)
_LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.floats(), st.text(max_size=4), _WORDS)
_JSON = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_WORDS | st.text(max_size=3), inner, max_size=6),
    max_leaves=25,
)
_TOP = st.sampled_from(
    ["input", "instructions", "tools", "tool_choice", "text", "reasoning", "include", "store", "stream", "truncation",
     "max_output_tokens", "parallel_tool_calls", "background", "metadata"]
)  # fmt: skip


@given(st.dictionaries(_TOP, _JSON, max_size=5), st.lists(_JSON, max_size=4))
def test_a_hostile_body_is_read_or_refused(fields: dict[str, Any], items: list[Any]) -> None:
    """Whatever a client sends, what comes is a conversation that can be sent on, or a sentence."""
    wrong = {"model": "m", "input": items, **fields}
    try:
        asking = read(wrong)
    except BadBody as error:
        assert str(error)
        return
    assert isinstance(asking, Asking)
    assert asking.messages
    assert len(to_wire(asking.messages)) >= 1
