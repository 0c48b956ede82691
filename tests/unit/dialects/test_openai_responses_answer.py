"""Answers of OpenAI responses: whole ones, and the events that add up to the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.records import Delta, Message, Reasoning, Text, ToolCall, Usage, say
from shipworthy.dialects.openai_responses_answer import ResponsesAnswering
from shipworthy.dialects.served import Asking

ASKING = Asking(model="m", messages=(say("user", "Hi"),))


def answering() -> ResponsesAnswering:
    return ResponsesAnswering(ASKING, "ab12", 7)


def events(data: bytes) -> list[dict[str, Any]]:
    found = []
    for event in data.decode().strip().split("\n\n"):
        name, told = event.split("\n")
        found.append(json.loads(told.removeprefix("data: ")))
        assert name == f"event: {found[-1]['type']}"
    return found


def streamed(pieces: list[Delta], finish: str = "stop") -> list[dict[str, Any]]:
    made = answering()
    data = b"".join(event for piece in pieces for event in made.piece(piece))
    return events(data + b"".join(made.end([made.finish(0, finish, calls=False)], Usage(3, 4))))


def test_a_whole_answer() -> None:
    first = Message("assistant", (Reasoning("hm"), Text("Yes"), Text("sir"), ToolCall("theirs", "f", {"é": "😀"})))
    made = answering().whole([[first, say("assistant", "Not that.")]], ["completed"], Usage(3, 4))
    assert "theirs" not in json.dumps(made)
    assert (made["status"], made["error"], made["incomplete_details"]) == ("completed", None, None)
    thought, said, called = made["output"]
    assert thought["content"] == [{"type": "reasoning_text", "text": "hm"}]
    assert [part.get("text", part.get("refusal")) for part in said["content"]] == ["Yes\nsir", "Not that."]
    assert [part["type"] for part in said["content"]] == ["output_text", "refusal"]
    assert (called["call_id"], called["arguments"]) == ("call_ab12_0", '{"é":"😀"}')
    assert made["usage"]["total_tokens"] == 7


def test_events_of_an_answer() -> None:
    pieces = [
        Delta("h", "reasoning"),
        Delta("m", "reasoning"),
        Delta("Ye", "text"),
        Delta("s", "text"),
        Delta('{"a":1}', "tool_call", 0, "x", "f"),
        Delta("{}", "tool_call", 1, "y", "g"),
    ]
    told = streamed(pieces)
    assert [event["sequence_number"] for event in told] == list(range(len(told)))
    assert [event["type"].removeprefix("response.") for event in told] == [
        "created", "in_progress",
        "output_item.added", "content_part.added", "reasoning_text.delta", "reasoning_text.delta",
        "output_item.added", "content_part.added", "output_text.delta", "output_text.delta",
        "output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done",
        "output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done",
        "reasoning_text.done", "content_part.done", "output_item.done",
        "output_text.done", "content_part.done", "output_item.done",
        "completed",
    ]  # fmt: skip
    output = told[-1]["response"]["output"]
    assert [item["type"] for item in output] == ["reasoning", "message", "function_call", "function_call"]
    assert [item["call_id"] for item in output[2:]] == ["call_ab12_0", "call_ab12_1"]


@pytest.mark.parametrize(
    ("finish", "kind", "details"),
    [("length", "incomplete", "max_output_tokens"), ("content_filter", "incomplete", "content_filter")],
)
def test_an_answer_that_is_not_whole_says_why(finish: str, kind: str, details: str) -> None:
    last = streamed([Delta("Yes")], finish)[-1]
    assert last["type"] == f"response.{kind}"
    assert last["response"]["incomplete_details"] == {"reason": details}
    assert last["response"]["output"][0]["status"] == "incomplete"


def test_an_answer_that_breaks_off_says_so_with_what_there_is_of_it() -> None:
    made = answering()
    begun = b"".join(made.piece(Delta("Half of")))
    last = events(begun + made.failed("the upstream failed", "api_error", "upstream"))[-1]
    assert last["type"] == "response.failed"
    assert last["response"]["error"] == {"code": "upstream", "message": "the upstream failed"}
    assert last["response"]["output"][0]["content"][0]["text"] == "Half of"
    assert next(e["type"] for e in events(answering().failed("no", "x"))) == "response.created"


_PIECES = st.lists(
    st.tuples(
        st.sampled_from(["text", "reasoning", "refusal", "tool_call"]), st.text("ab é😀", min_size=1, max_size=3)
    ),
    max_size=12,
)


@given(_PIECES)
def test_events_add_up_to_the_answer(given_: list[tuple[Any, str]]) -> None:
    """However channels are mixed, what the deltas say by item and part is what the last event says of them."""
    pieces = [
        Delta(json.dumps({"a": text}), "tool_call", number, "x", "f")
        if channel == "tool_call"
        else Delta(text, channel)
        for number, (channel, text) in enumerate(given_)
    ]
    told = streamed(pieces)
    heard: dict[tuple[int, int], str] = {}
    open_items: dict[int, str] = {}
    for event in told:
        if event["type"] == "response.output_item.added":
            assert event["output_index"] == len(open_items)
            open_items[event["output_index"]] = event["item"]["id"]
        elif event["type"].endswith(".delta"):
            assert open_items[event["output_index"]] == event["item_id"]
            at = event["output_index"], event.get("content_index", 0)
            heard[at] = heard.get(at, "") + event["delta"]
    output = told[-1]["response"]["output"]
    said = {
        (place, number): text
        for place, item in enumerate(output)
        for number, text in enumerate(
            [item["arguments"]] if item["type"] == "function_call"
            else [part.get("text", part.get("refusal")) for part in item["content"]]
        )
    }  # fmt: skip
    assert heard == said
    assert [item["id"] for item in output] == list(open_items.values())
