"""The same short conversation as a span in every dialect."""

from __future__ import annotations

import json
from base64 import b64encode

from shipworthy.telemetry import otlp

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
