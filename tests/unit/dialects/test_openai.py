from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.errors import TargetError
from shipworthy.core.records import Message, Reasoning, Text, ToolCall, ToolSpec, say
from shipworthy.dialects.openai import from_wire, is_filtered, to_wire, tools_to_wire


def answered(finish: str = "stop", **message: object) -> dict:
    return {"choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}]}


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ({"content": "hi"}, (Text("hi"),)),
        ({"content": None}, (Text(""),)),
        ({"content": "", "refusal": "I will not."}, (Text("I will not."),)),
        ({"content": "Well.", "refusal": "I will not."}, (Text("Well."), Text("I will not."))),
        ({"content": "hi", "reasoning_content": "hm"}, (Reasoning("hm"), Text("hi"))),
        ({"content": "hi", "reasoning": "hm"}, (Reasoning("hm"), Text("hi"))),
        ({"content": "hi", "reasoning": "hm", "reasoning_content": "hm"}, (Reasoning("hm"), Text("hi"))),
        ({"content": [{"type": "text", "text": "a"}, {"type": "output_text", "text": "b"}]}, (Text("a\nb"),)),
        ({"content": [{"type": "refusal", "refusal": "no"}]}, (Text("no"),)),
        (
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                    {"type": "text", "text": "a"},
                ]
            },
            (Reasoning("hm"), Text("a")),
        ),
        ({"function_call": {"name": "f", "arguments": '{"a": 1}'}}, (ToolCall("call-1", "f", {"a": 1}),)),
        (
            {
                "tool_calls": [
                    {"function": {"name": "f", "arguments": {"a": 1}}},
                    {"id": "x", "function": {"name": "g"}},
                ]
            },
            (ToolCall("call-1", "f", {"a": 1}), ToolCall("x", "g")),
        ),
    ],
)
def test_every_form_of_an_answer_is_read(message, parts):
    reply = from_wire(answered(**message))
    assert reply.messages == (Message("assistant", parts),)


@pytest.mark.parametrize(
    "message",
    [
        {"content": 5},
        {"content": [5]},
        {"content": [{"type": "text"}]},
        {"content": [{"type": "text", "text": ["a"]}]},
        {"tool_calls": "f"},
        {"tool_calls": [{"function": {"arguments": "{}"}}]},
        {"tool_calls": [{"function": {"name": "f", "arguments": "[]"}}]},
        {"function_call": "f"},
    ],
)
def test_what_is_no_answer_is_an_error_without_text(message):
    with pytest.raises(TargetError, match="not a chat completion"):
        from_wire(answered(**message))


def test_reasoning_is_no_text_and_is_not_sent_back():
    reply = from_wire(answered(content="hi", reasoning="hm"))
    assert reply.text == "hi"
    assert to_wire(reply.messages) == [{"role": "assistant", "content": "hi"}]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=("Cs",))),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
words = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20)
calls = st.builds(ToolCall, words, words, st.dictionaries(words, json_values, max_size=3))


@given(words, st.lists(calls, max_size=4))
def test_what_goes_out_comes_in_again(text, called):
    message = Message("assistant", (Text(text), *called))
    (wire,) = to_wire([message])
    reply = from_wire({"choices": [{"message": wire}]})
    assert reply.messages == (message,)


def test_the_requests_tools_come_after_the_targets():
    configured = [{"type": "function", "function": {"name": "a"}}]
    tools = tools_to_wire(configured, [ToolSpec("b", "does b", {"type": "object"}), ToolSpec("c")])
    assert [t["function"]["name"] for t in tools] == ["a", "b", "c"]
    assert tools[1]["function"] == {"name": "b", "description": "does b", "parameters": {"type": "object"}}
    assert tools[2]["function"]["parameters"] == {"type": "object", "properties": {}}


def test_an_assistant_turn_of_calls_alone_has_no_content():
    (wire,) = to_wire([Message("assistant", (ToolCall("c", "f"),))])
    assert wire["content"] is None
    assert to_wire([say("assistant", "")]) == [{"role": "assistant", "content": ""}]


@pytest.mark.parametrize(
    ("body", "filtered"),
    [
        ({"error": {"code": "content_filter"}}, True),
        ({"error": {"type": "content_policy_violation"}}, True),
        ({"error": {"innererror": {"code": "ResponsibleAIPolicyViolation"}}}, True),
        ({"error": {"code": ["content_filter"]}}, False),
        ({"error": "content_filter"}, False),
        ([], False),
        (None, False),
    ],
)
def test_a_filter_is_told_from_other_errors(body, filtered):
    assert is_filtered(body) is filtered


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": -1},
        {"completion_tokens": float("inf")},
        {"prompt_tokens": 1e300},
        {"prompt_tokens": "9" * 5000},
    ],
)
def test_tokens_that_cannot_be_are_no_completion(usage):
    """A run's limit on tokens would be out of use."""
    with pytest.raises(TargetError, match="not a chat completion"):
        from_wire({"choices": [{"message": {"content": "x"}}], "usage": usage})


def test_arguments_without_end_are_no_completion():
    call = {"function": {"name": "f", "arguments": '{"a":' * 100_000}}
    with pytest.raises(TargetError, match="not a chat completion"):
        from_wire({"choices": [{"message": {"content": None, "tool_calls": [call]}}]})
