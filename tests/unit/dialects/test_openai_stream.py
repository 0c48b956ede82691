from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.errors import TargetError, TargetFiltered
from shipworthy.core.records import Delta, Message, Reasoning, Reply, Text, ToolCall, Usage
from shipworthy.dialects.openai import from_wire
from shipworthy.dialects.openai_stream import Completion, deltas
from shipworthy.net.events import EventReader


def piece(delta: dict[str, Any] | None = None, finish: str | None = None, index: int = 0) -> str:
    return json.dumps({"model": "m", "choices": [{"index": index, "delta": delta, "finish_reason": finish}]})


def call(index: int | None, arguments: Any = "", **named: str) -> str:
    function = {"arguments": arguments} | ({"name": named["name"]} if "name" in named else {})
    wire = {"function": function} | ({"id": named["id"]} if "id" in named else {})
    return piece({"tool_calls": [wire | ({"index": index} if index is not None else {})]})


def take(*data: str) -> tuple[list[Delta], Reply]:
    completion = Completion()
    found = [delta for each in data for delta in completion.take(each)]
    return found, completion.reply()


END = (piece({}, "stop"), "[DONE]")
CALLED = (piece({}, "tool_calls"), "[DONE]")


def test_channels_are_told_apart():
    found, reply = take(
        piece({"role": "assistant", "content": ""}),
        piece({"reasoning_content": "h"}),
        piece({"reasoning": "m"}),
        piece({"content": "Well."}),
        piece({"refusal": "No."}),
        *END,
    )
    assert [(d.channel, d.text) for d in found] == [
        ("reasoning", "h"),
        ("reasoning", "m"),
        ("text", "Well."),
        ("refusal", "No."),
    ]
    assert reply.messages == (Message("assistant", (Reasoning("hm"), Text("Well."), Text("No."))),)


def test_the_same_reasoning_under_two_names_is_taken_once():
    found, reply = take(piece({"reasoning": "hm", "reasoning_content": "hm"}), piece({"content": "a"}), *END)
    assert [d.text for d in found] == ["hm", "a"]
    assert reply.messages[0].parts[0] == Reasoning("hm")


def test_choices_that_come_interleaved():
    found, reply = take(
        piece({"content": "a"}), piece({"content": "x"}, index=1), piece({"content": "b"}), piece({}, "stop", 1), *END
    )
    assert [(d.index, d.text) for d in found] == [(0, "a"), (1, "x"), (0, "b")]
    assert reply.text == "ab"


def test_parallel_calls_in_pieces():
    found, reply = take(
        call(0, id="a", name="f"),
        call(1, '{"x"', id="b", name="g"),
        call(0, '{"y": '),
        call(1, ": 1}"),
        call(0, "2}"),
        *CALLED,
    )
    assert reply.tool_calls == (ToolCall("a", "f", {"y": 2}), ToolCall("b", "g", {"x": 1}))
    assert reply.finish == "tool_calls"
    assert [(d.index, d.id, d.name) for d in found] == [
        (0, "a", "f"),
        (1, "b", "g"),
        (0, "", ""),
        (1, "", ""),
        (0, "", ""),
    ]


@pytest.mark.parametrize(
    "pieces",
    [
        # every call under index 0, whole (Ollama)
        (call(0, '{"x": 1}', id="a", name="f"), call(0, '{"x": 2}', id="b", name="f")),
        # no index at all
        (call(None, '{"x": 1}', id="a", name="f"), call(None, '{"x": 2}', id="b", name="f")),
        (call(None, '{"x"', id="a", name="f"), call(None, ": 1}"), call(None, '{"x": 2}', id="b", name="f")),
        # arguments as an object
        (call(0, {"x": 1}, id="a", name="f"), call(1, {"x": 2}, id="b", name="f")),
        # the id with every piece
        (call(0, '{"x"', id="a", name="f"), call(0, ": 1}", id="a"), call(1, '{"x": 2}', id="b", name="f")),
    ],
)
def test_what_endpoints_make_of_parallel_calls(pieces):
    _, reply = take(*pieces, *CALLED)
    assert reply.tool_calls == (ToolCall("a", "f", {"x": 1}), ToolCall("b", "f", {"x": 2}))


def test_the_older_function_call():
    pieces = [piece({"function_call": f}) for f in ({"name": "f", "arguments": '{"x"'}, {"arguments": ": 1}"})]
    _, reply = take(*pieces, piece({}, "function_call"), "[DONE]")
    assert reply.tool_calls == (ToolCall("call-1", "f", {"x": 1}),)


def test_usage_comes_last_and_may_be_missing():
    usage = json.dumps({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}})
    assert take(piece({"content": "a"}), piece({}, "stop"), usage, "[DONE]")[1].usage == Usage(3, 4)
    assert take(piece({"content": "a"}), *END)[1].usage == Usage()


@pytest.mark.parametrize("ending", [(piece({}, "stop"),), ("[DONE]",), (piece(None, "stop"),), (" [DONE]\n",)])
def test_either_word_ends_an_answer(ending):
    assert take(piece({"content": "a"}), *ending)[1].text == "a"


@pytest.mark.parametrize("data", [(), ("[DONE]",), (piece({"content": "a"}),), (piece({"content": "x"}, "stop", 1),)])
def test_half_an_answer_is_none(data):
    with pytest.raises(TargetError, match=f"mid-answer, after {int('a' in str(data) or 'x' in str(data))} characters"):
        take(*data)


def test_length_is_said():
    assert take(piece({"content": "a"}), piece({}, "length"))[1].finish == "length"


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (
            {"code": "content_filter", "message": "secret text"},
            TargetFiltered,
            "filter stopped the answer after 5 char",
        ),
        (
            {"code": "server_error", "message": "secret text"},
            TargetError,
            r"error \(server_error\), after 5 characters",
        ),
        ("secret text", TargetError, "with an error, after 5 characters"),
    ],
)
def test_an_error_in_mid_stream_says_how_much_had_come(error, kind, says):
    completion = Completion()
    completion.take(piece({"content": "hello"}))
    with pytest.raises(TargetError, match=says) as caught:
        completion.take(json.dumps({"error": error}))
    assert type(caught.value) is kind
    assert "secret text" not in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        "{",
        "5",
        "[]",
        '"text"',
        "null",
        '{"choices": 5}',
        '{"choices": [5]}',
        piece({"content": 5}),
        piece({"tool_calls": [5]}),
        piece({"tool_calls": [{"index": 0, "function": 5}]}),
        "[" * 100_000,
    ],
)
def test_what_is_no_piece_is_an_error_without_text(data):
    with pytest.raises(TargetError, match="stream is not a chat completion"):
        take(piece({"content": "a"}), data)


@given(st.text())
def test_any_text_is_taken_or_refused(data):
    completion = Completion()
    try:
        completion.take(data)
        completion.reply()
    except TargetError:
        pass


# ---- the property ----------------------------------------------------------------------------------------------

words = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
json_values = st.integers(-9, 9) | words | st.lists(words, max_size=2)
called = st.fixed_dictionaries(
    {"name": words.filter(bool), "arguments": st.dictionaries(words, json_values, max_size=2)}
)
answers = st.fixed_dictionaries(
    {
        "reasoning": words,
        "content": words,
        "refusal": words,
        "calls": st.lists(called, max_size=3),
        "finish": st.sampled_from(["stop", "length", "tool_calls"]),
    }
)


def cut(value: Any, places: list[int]) -> list[Any]:
    edges = sorted({0, len(value), *(place % (len(value) + 1) for place in places)})
    return [value[a:b] for a, b in pairwise(edges)]


def streamed(answer: dict[str, Any], places: list[int], data: st.DataObject) -> list[str]:
    """Cut a whole answer into pieces, those of parallel calls interleaved."""
    pieces = [piece({"role": "assistant"})]
    for name in ("reasoning", "content", "refusal"):
        pieces += [piece({name: part}) for part in cut(answer[name], places)]
    queues = []
    for number, made in enumerate(answer["calls"]):
        arguments = json.dumps(made["arguments"])
        begin = call(number, id=f"id-{number}", name=made["name"])
        queues.append([begin, *(call(number, part) for part in cut(arguments, places))])
    while queues := [queue for queue in queues if queue]:
        pieces.append(data.draw(st.sampled_from(queues)).pop(0))
    return [*pieces, piece({}, answer["finish"])]


@given(answers, st.lists(st.integers(0, 50), max_size=8), st.lists(st.integers(0, 5000), max_size=30), st.data())
def test_any_chunking_gives_the_reply_of_the_same_answer_in_one_piece(answer, places, bytes_at, data):
    pieces = streamed(answer, places, data)
    end = data.draw(st.sampled_from(["\n\n", "\r\n\r\n", "\r\r", "\n\n: keep-alive\n\n"]))
    wire = "".join(f"data: {p}{end}" for p in [*pieces, "[DONE]"]).encode()
    reader, completion = EventReader(), Completion()
    events = [event for part in cut(wire, bytes_at) for event in reader.feed(part)] + reader.end()
    found = [delta for event in events for delta in completion.take(event.data)]
    calls = [
        {"id": f"id-{n}", "function": {"name": c["name"], "arguments": json.dumps(c["arguments"])}}
        for n, c in enumerate(answer["calls"])
    ]
    message = {name: answer[name] for name in ("reasoning", "content", "refusal")} | {"tool_calls": calls}
    whole = from_wire({"model": "m", "choices": [{"message": message, "finish_reason": answer["finish"]}]})
    assert completion.reply() == whole
    for channel, name in (("reasoning", "reasoning"), ("text", "content"), ("refusal", "refusal")):
        assert "".join(d.text for d in found if d.channel == channel) == answer[name]
    for number, made in enumerate(calls):
        mine = [d for d in found if d.channel == "tool_call" and d.index == number]
        assert "".join(d.text for d in mine) == made["function"]["arguments"]


@given(words, words, st.lists(called, max_size=3))
def test_a_whole_reply_can_be_handed_out_in_pieces(thought, text, made):
    calls = [ToolCall(f"id-{n}", c["name"], c["arguments"]) for n, c in enumerate(made)]
    reply = Reply(messages=(Message("assistant", (Reasoning(thought), Text(text), *calls)),))
    found = list(deltas(reply))
    assert "".join(d.text for d in found if d.channel == "text") == text
    assert "".join(d.text for d in found if d.channel == "reasoning") == thought
    assert [(d.id, d.name, json.loads(d.text)) for d in found if d.channel == "tool_call"] == [
        (c.id, c.name, c.arguments) for c in calls
    ]


def test_a_surrogate_pair_in_two_pieces_is_one_character_and_a_lone_half_none():
    first, second = "\ud83d", "\ude00"
    found, reply = take(piece({"content": "a" + first}), piece({"content": second + "b"}), *END)
    assert [d.text for d in found] == ["a", "\U0001f600b"]
    assert reply.text == "a\U0001f600b"
    _, reply = take(piece({"content": "a" + first}), *END)
    assert reply.text == "a\ufffd"
    _, reply = take(piece({"content": first}), piece({"reasoning": second}), piece({"content": "b" + second}), *END)
    assert (reply.text, reply.messages[0].parts[0]) == ("\ufffdb\ufffd", Reasoning("\ufffd"))
    _, reply = take(call(0, '{"a": "' + first, name="f", id="1"), call(0, second + '"}'), *CALLED)
    assert reply.tool_calls == (ToolCall("1", "f", {"a": "\U0001f600"}),)
    _, reply = take(call(0, "{}", name="f" + first, id=second), *CALLED)
    assert reply.tool_calls == (ToolCall("\ufffd", "f\ufffd", {}),)


@pytest.mark.parametrize(
    ("chunk", "says"),
    [
        ({"object": "error", "message": "secret text", "code": 503}, r"an error \(503\), after 5 characters"),
        ({"type": "error", "error": {"type": "overloaded_error"}}, r"an error \(overloaded_error\)"),
        ({"message": "secret text", "type": "server_error"}, r"an error \(server_error\)"),
        ({"detail": "secret text"}, "an error, after 5 characters"),
        ({"error": "secret text"}, "an error, after 5 characters"),
        ({"errors": [{"code": 500}]}, r"an error \(500\)"),
        (
            {"choices": [{"index": 0, "delta": {}, "error": {"code": 502, "message": "secret text"}}]},
            r"an error \(502\)",
        ),
    ],
)
def test_every_form_of_an_error_ends_the_answer_though_done_comes_after_it(chunk, says):
    completion = Completion()
    completion.take(piece({"content": "hello"}))
    with pytest.raises(TargetError, match=says) as caught:
        completion.take(json.dumps(chunk))
    assert "secret text" not in str(caught.value)


@pytest.mark.parametrize("word", ["SAFETY", "content-filter", "FinishReason.PROHIBITED_CONTENT", "output_moderation"])
def test_a_stream_that_a_provider_stopped_is_no_answer(word):
    with pytest.raises(TargetFiltered, match="filter cut the answer"):
        take(piece({"content": "Sure"}), piece({}, word), "[DONE]")


@pytest.mark.parametrize("name", ["reasoning_text", "thinking", "reasoning_details", "thinking_blocks"])
def test_reasoning_has_many_names(name):
    said = [{"type": "thinking", "thinking": "h"}] if name.endswith(("s", "details")) else "h"
    found, reply = take(piece({name: said}), piece({name: said}), piece({"content": "a"}), *END)
    assert [d.channel for d in found] == ["reasoning", "reasoning", "text"]
    assert reply.messages == (Message("assistant", (Reasoning("hh"), Text("a"))),)


def test_a_part_of_an_unknown_kind_is_not_passed_over():
    with pytest.raises(TargetError, match="a part of type 'widget', which cannot be read"):
        take(piece({"content": [{"type": "text", "text": "a"}, {"type": "widget", "html": "x"}]}), *END)


def test_choices_are_kept_apart() -> None:
    """Interleaved choices, each with calls of its own under the same index: every call says whose it is."""
    completion = Completion()
    call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}
    chunks = [
        {"choices": [{"index": 1, "delta": {"content": "b"}}]},
        {"choices": [{"index": 0, "delta": {"content": "a", "tool_calls": [call]}}]},
        {"choices": [{"index": 1, "delta": {"tool_calls": [call | {"id": "d"}]}, "finish_reason": "tool_calls"}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]},
    ]
    deltas = [delta for chunk in chunks for delta in completion.take(json.dumps(chunk))]
    calls = [(d.index, d.choice, d.id) for d in deltas if d.channel == "tool_call"]
    assert calls == [(0, 0, "c"), (1, 1, "d")]
    assert completion.choices == [0, 1]
    assert completion.finishes == {0: "length", 1: "tool_calls"}
    assert [completion.reply(n).text for n in (0, 1)] == ["a", "b"]
    assert [completion.reply(n).tool_calls[0].id for n in (0, 1)] == ["c", "d"]
