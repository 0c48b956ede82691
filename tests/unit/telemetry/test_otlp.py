"""OTLP in protobuf and in JSON says the same, in every dialect; what is wrong is refused, not guessed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.telemetry.samples import (
    ANSWERED,
    ASKED,
    CURRENT,
    OLD,
    OLD_EVENTS,
    OLDEST_EVENTS,
    OPENINFERENCE,
    OPENLLMETRY,
    SPAN,
    TRACE,
    as_protobuf,
    request,
)

from shipworthy.core.errors import UsageError
from shipworthy.core.events import Asked, Called, GuardEvent, Retrieved, Returned, Said
from shipworthy.telemetry import otlp
from shipworthy.telemetry.read import observe


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


def test_what_was_seen_before_is_redacted_again_all_the_same() -> None:
    from shipworthy.core.observed import Observed
    from shipworthy.detect.redact import seal_observed

    made = [
        Observed(trace=f"{n:032x}", span=f"{n:016x}", dialect="genai", feature=feature, service="shop")
        for n, feature in enumerate(["help", "ann@example.org", "help", "ann@example.org"], 1)
    ]
    for _ in range(2):
        assert [one.record.feature for one in seal_observed(made)] == ["help", "[redacted:email]"] * 2
        assert [one.record.feature for one in seal_observed(made[1:2])] == ["[redacted:email]"]
