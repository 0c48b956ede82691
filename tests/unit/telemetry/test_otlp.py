"""OTLP in protobuf and in JSON says the same, in every dialect; what is wrong is refused, not guessed."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.errors import UsageError
from shipworthy.core.events import Asked, Called, GuardEvent, Retrieved, Returned, Said
from shipworthy.telemetry import otlp
from shipworthy.telemetry.read import observe

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
ASKED, ANSWERED = "Where is my order?", "It comes on Friday."


def value(of):
    if isinstance(of, bool):
        return {"boolValue": of}
    if isinstance(of, int):
        return {"intValue": str(of)}
    if isinstance(of, float):
        return {"doubleValue": of}
    if isinstance(of, list):
        return {"arrayValue": {"values": [value(one) for one in of]}}
    if isinstance(of, dict):
        return {"kvlistValue": {"values": pairs(of)}}
    return {"stringValue": of}


def pairs(of: dict) -> list:
    return [{"key": key, "value": value(one)} for key, one in of.items()]


def request(attributes: dict, events: list[tuple[str, dict]] = (), scope: str = "some.library", **span) -> dict:
    made = {
        "traceId": TRACE, "spanId": SPAN, "name": "chat", "startTimeUnixNano": "1790000000000000000",
        "endTimeUnixNano": "1790000001000000000", "attributes": pairs(attributes),
        "events": [{"name": name, "attributes": pairs(held)} for name, held in events],
    } | span  # fmt: skip
    resource = {"attributes": pairs({"service.name": "shop"})}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": scope}, "spans": [made]}]}]}


def as_protobuf(made: dict) -> bytes:
    from google.protobuf.json_format import ParseDict

    made = json.loads(json.dumps(made))
    for of_resource in made["resourceSpans"]:
        for of_scope in of_resource["scopeSpans"]:
            for span in of_scope["spans"]:  # protobuf's own JSON has identifiers in base64
                span["traceId"] = b64encode(bytes.fromhex(span["traceId"])).decode()
                span["spanId"] = b64encode(bytes.fromhex(span["spanId"])).decode()
    return ParseDict(made, otlp._request()()).SerializeToString()


def told(*args, **how):
    made = request(*args, **how)
    ((by_json, rejected), (by_protobuf, _)) = (
        otlp.read_json(json.dumps(made).encode()),
        otlp.read_protobuf(as_protobuf(made)),
    )
    assert by_json == by_protobuf and not rejected
    (one,) = observe(by_json)
    return one


def said(one) -> list[tuple[str, str, str]]:
    return [(e.message.role, e.by, e.message.text) for e in one.observed.events if isinstance(e, Said)]


CONVERSATION = [("user", "asker", ASKED), ("assistant", "target", ANSWERED)]
CURRENT = {
    "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "m",
    "gen_ai.usage.input_tokens": 5, "gen_ai.usage.output_tokens": 7, "gen_ai.conversation.id": "talk", "user.id": "ann",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": ASKED}]}]),
    "gen_ai.output.messages": json.dumps(
        [{"role": "assistant", "parts": [{"type": "text", "content": ANSWERED}], "finish_reason": "stop"}]
    ),
}  # fmt: skip
OLD = {
    "gen_ai.system": "openai", "gen_ai.operation.name": "chat", "gen_ai.request.model": "m",
    "gen_ai.usage.prompt_tokens": 5, "gen_ai.usage.completion_tokens": 7, "session.id": "talk", "enduser.id": "ann",
}  # fmt: skip
OLD_EVENTS = [
    ("gen_ai.user.message", {"content": ASKED}),
    ("gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": json.dumps({"content": ANSWERED})}),
]
OLDEST_EVENTS = [
    ("gen_ai.content.prompt", {"gen_ai.prompt": json.dumps([{"role": "user", "content": ASKED}])}),
    ("gen_ai.content.completion", {"gen_ai.completion": json.dumps([{"role": "assistant", "content": ANSWERED}])}),
]
OPENINFERENCE = {
    "openinference.span.kind": "LLM", "llm.model_name": "m", "llm.provider": "openai", "llm.token_count.prompt": 5,
    "llm.token_count.completion": 7, "session.id": "talk", "user.id": "ann", "input.value": "{}", "output.value": "{}",
    "llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": ASKED,
    "llm.output_messages.0.message.role": "assistant",
    "llm.output_messages.0.message.contents.0.message_content.text": ANSWERED,
    "llm.output_messages.0.message.contents.0.message_content.type": "text",
}  # fmt: skip
OPENLLMETRY = {
    "llm.request.type": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "m", "gen_ai.usage.prompt_tokens": 5,
    "gen_ai.usage.completion_tokens": 7, "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": ASKED,
    "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": ANSWERED,
    "gen_ai.completion.0.finish_reason": "stop", "traceloop.association.properties.session_id": "talk",
    "traceloop.association.properties.user_id": "ann",
}  # fmt: skip


@pytest.mark.parametrize(
    ("dialect", "attributes", "events"),
    [
        ("genai", CURRENT, ()),
        ("genai-1.36", OLD, OLD_EVENTS),
        ("genai-1.36", OLD, OLDEST_EVENTS),
        ("openinference", OPENINFERENCE, ()),
        ("openllmetry", OPENLLMETRY, ()),
    ],
)
def test_every_dialect_makes_the_same_record(dialect: str, attributes: dict, events: list) -> None:
    one = told(attributes, events)
    found = one.observed
    assert (found.dialect, found.kind, found.provider, found.model, found.service) == (
        dialect,
        "chat",
        "openai",
        "m",
        "shop",
    )
    assert (found.input_tokens, found.output_tokens, found.started, found.ended) == (
        5,
        7,
        1790000000000000,
        1790000001000000,
    )
    assert said(one) == CONVERSATION and one.whose == ("ann", "talk")
    (asked,) = [event for event in found.events if isinstance(event, Asked)]
    assert (asked.role, asked.usage.output_tokens, asked.finish) == ("target", 7, "stop")


def test_structured_attributes_are_read_as_their_json_is() -> None:
    structured = CURRENT | {"gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": ASKED}]}]}
    assert told(structured).observed.events == told(CURRENT).observed.events


def test_calls_of_tools_are_calls_in_every_dialect() -> None:
    call, result = {"type": "tool_call", "id": "c1", "name": "find", "arguments": {"q": "shoe"}}, "two shoes"
    answer = {"type": "tool_call_response", "id": "c1", "response": result}
    messages = [{"role": "assistant", "parts": [call]}, {"role": "tool", "parts": [answer]}]
    one = told(CURRENT | {"gen_ai.input.messages": json.dumps(messages)})
    (made,) = one.observed.events[0].message.tool_calls
    assert (made.id, made.name, made.arguments) == ("c1", "find", {"q": "shoe"})
    assert one.observed.events[1].message.text == result
    for attributes in (
        {"gen_ai.provider.name": "x", "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "find",
         "gen_ai.tool.call.arguments": '{"q":"shoe"}', "gen_ai.tool.call.result": result},
        {"openinference.span.kind": "TOOL", "tool.name": "find", "input.value": '{"q":"shoe"}', "output.value": result},
        {"traceloop.span.kind": "tool", "traceloop.entity.name": "find",
         "traceloop.entity.input": '{"inputs":{"q":"shoe"}}', "traceloop.entity.output": result},
    ):  # fmt: skip
        found = told(attributes).observed
        (called,) = [event for event in found.events if isinstance(event, Called)]
        (returned,) = [event for event in found.events if isinstance(event, Returned)]
        assert (found.kind, called.call.name, called.call.arguments) == ("tool", "find", {"q": "shoe"})
        assert returned.result.text == result


def test_documents_that_were_retrieved() -> None:
    documents = {f"retrieval.documents.{place}.document.content": text for place, text in ((1, "b"), (0, "a"))}
    one = told({"openinference.span.kind": "RETRIEVER", "input.value": ASKED} | documents)
    assert [e.document.text for e in one.observed.events if isinstance(e, Retrieved)] == ["a", "b"]


def test_evaluations_and_refusals_are_counted() -> None:
    result = "gen_ai.evaluation.result"
    one = told(CURRENT | {"gen_ai.response.finish_reasons": ["content_filter"]}, [
        (result, {"gen_ai.evaluation.name": "harm", "gen_ai.evaluation.score.label": "unsafe",
                  "shipworthy.severity": "S2"}),
        (result, {"gen_ai.evaluation.name": "tone", "gen_ai.evaluation.score.label": "pass"}),
    ])  # fmt: skip
    assert (one.observed.hits, one.observed.severity, one.observed.findings) == (("violation", "refusal"), 2, 2)


def test_the_gateways_own_spans() -> None:
    guard = {"shipworthy.rule": "R-1", "shipworthy.stage": "output", "shipworthy.action": "block"}
    found = told(
        {"shipworthy.request": "GR-1", "shipworthy.ending": "blocked", "shipworthy.findings": 1,
         "shipworthy.guards": "sha256:1"},
        [("shipworthy.guard", guard)],
        scope="shipworthy.gateway",
    ).observed  # fmt: skip
    assert (found.dialect, found.kind, found.ending, found.hits, found.guards) == (
        "shipworthy", "request", "blocked", ("violation",), "sha256:1")  # fmt: skip
    assert found.events == (GuardEvent("R-1", "output", "R-1", "block"),)
    shadow = [("shipworthy.guard", guard | {"shipworthy.shadow": True})]
    assert told({"shipworthy.request": "GR-1", "shipworthy.ending": "answered"}, shadow).observed.hits == ()


def test_a_span_of_nothing_we_know_is_kept_for_counting() -> None:
    found = told({"http.route": "/x", "secret": "not kept"}, status={"code": 2, "message": "boom"}).observed
    assert (found.dialect, found.kind, found.ending, found.error, found.events) == (
        "plain",
        "other",
        "error",
        "boom",
        (),
    )


@pytest.mark.parametrize("ids", [{"traceId": ""}, {"traceId": "0" * 32}, {"spanId": "zz"}, {"spanId": "12"}])
def test_a_span_without_identifiers_is_left_out_and_counted(ids: dict) -> None:
    assert otlp.read_json(json.dumps(request({}, **ids)).encode()) == ([], 1)


@pytest.mark.parametrize("data", [b"", b"[]", b'{"resourceSpans":3}', b"\xff\xfe", b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":1}]}]}]}'])  # fmt: skip  # noqa: E501
def test_what_is_no_request_is_refused_without_quoting_it(data: bytes) -> None:
    with pytest.raises(UsageError, match="no ExportTraceServiceRequest"):
        otlp.read_json(data)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
_MORE = ("gen_ai.system_instructions", "gen_ai.tool.name", "gen_ai.retrieval.documents", "shipworthy.severity",
         "retrieval.documents.0.document.id")  # fmt: skip
_KEYS = st.sampled_from([*CURRENT, *OLD, *OPENINFERENCE, *OPENLLMETRY, *_MORE])


@given(st.dictionaries(_KEYS, _JSON | _JSON.map(lambda v: json.dumps(v, default=str)), max_size=6))
def test_whatever_an_attribute_holds_it_is_read_and_can_be_written(attributes: dict) -> None:
    from msgspec.json import encode

    from shipworthy.detect.redact import seal_observed

    span = otlp.OtlpSpan(TRACE, SPAN, "", "x", 1, 2, attributes, [("gen_ai.choice", attributes)], False, "", {}, "")
    (one,) = observe([span])
    encode(seal_observed([one.observed])[0].record)
