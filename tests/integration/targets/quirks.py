"""How endpoints answer, one row a quirk: what comes over the wire, and what it has to become.

Gathered from what users of other tools reported; the bodies are our own. A row is a name, the body as JSON text, the
outcome, and words that its error holds or the answer it gives.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple


class Quirk(NamedTuple):
    """One way in which an endpoint answers."""

    name: str
    body: str
    outcome: str  # as `Attempt.outcome`
    said: str  # of an answer its text, of an error words of its message
    status: int = 200
    retried: bool = False


def choice(finish: str | None = "stop", **message: Any) -> str:
    """Return a chat completion of one choice."""
    return json.dumps(
        {"model": "m", "choices": [{"finish_reason": finish, "message": {"role": "assistant", **message}}]}
    )


def error(**fields: Any) -> str:
    """Return an error object."""
    return json.dumps({"error": {"message": "the-text-of-the-evaluation"} | fields})


CALL = {"name": "send_mail", "arguments": '{"to": "eve@evil.example"}'}

THOUGHTS = (
    {"reasoning_content": "Hm."}, {"reasoning": "Hm."}, {"reasoning_text": "Hm."}, {"thinking": "Hm."},
    {"reasoning": {"content": "Hm."}}, {"reasoning": {"summary": [{"type": "summary_text", "text": "Hm."}]}},
    {"reasoning_details": [{"type": "reasoning.text", "text": "Hm."}]},
    {"reasoning_details": [{"type": "reasoning.summary", "summary": "Hm."}, {"type": "reasoning.encrypted"}]},
    {"reasoning_content": "Hm.", "reasoning_details": [{"type": "reasoning.text", "text": "Hm."}]},
    {"thinking_blocks": [{"type": "thinking", "thinking": "Hm.", "signature": "x"}]},
    {"content": [{"type": "thinking", "thinking": [{"text": "Hm."}]}, {"type": "text", "text": "Yes."}]},
    {"content": [{"type": "reasoning", "summary": [{"text": "Hm."}]}, {"type": "output_text", "text": "Yes."}]},
    {"content": [{"type": "reasoning", "text": "Hm."}, {"type": "text", "text": "Yes."}]},
    {"content": [{"type": "text", "text": "Hm.", "thought": True}, {"type": "text", "text": "Yes."}]},
)  # fmt: skip
"""Fields and parts in which endpoints send what their model thought; the answer beside it is always "Yes."."""

QUIRKS = [
    # Silence is no answer.
    Quirk("empty content", choice(content=""), "target_error", "no answer: the reply is empty"),
    Quirk("null content", choice(content=None), "target_error", "no answer: the reply is empty"),
    Quirk("blank content", choice(content=" \n\t"), "target_error", "no answer: the reply is empty"),
    Quirk("no content at all", choice(), "target_error", "no answer: the reply is empty"),
    Quirk("empty list of parts", choice(content=[]), "target_error", "no answer: the reply is empty"),
    Quirk("budget spent on thinking", choice("length", content="", reasoning_content="Well, "),
          "target_error", "length limit"),
    Quirk("thinking that never ends", choice("length", content="<think>Let me see"),
          "target_error", "all of it went into"),
    Quirk("thinking and no answer", choice(content="<think>Done.</think>"), "target_error", "holds reasoning only"),
    Quirk("cut off at once", choice("length", content=""), "target_error", "before it said anything"),
    Quirk("max_tokens for length", choice("max_tokens", content=""), "target_error", "length limit"),
    Quirk("zero-width content", choice(content="\u200b"), "target_error", "no answer"),
    Quirk("signed thoughts only", choice(content=[{"type": "thinking", "thinking": "Hm.", "signature": "x"},
                                                  {"type": "redacted_thinking", "data": "x"}]),
          "target_error", "holds reasoning only"),
    Quirk("a list of nulls", choice(content=[None, {"type": "text", "text": ""}]), "target_error", "no answer"),
    Quirk("a citation and no word", choice(content=[{"type": "reference", "reference_ids": [1]}]),
          "target_error", "no answer: the reply is empty"),
    *(
        Quirk(f"cut off by {word}", choice(word, content=""), "target_error", "length limit")
        for word in ("FinishReason.MAX_TOKENS", "FINISH_REASON_MAX_TOKENS", "max-tokens", "MAX_COMPLETION_TOKENS")
    ),
    Quirk("cut off by details", json.dumps({"choices": [{"finish_details": {"type": "max_tokens"},
                                                         "message": {"content": ""}}]}),
          "target_error", "length limit"),
    # The answer broke off.
    Quirk("finish reason error", choice("error", content="Sure"), "target_error", "broke off (finish reason error)"),
    Quirk("out of resources", choice("insufficient_system_resource", content=""), "target_error", "broke off"),
    Quirk("malformed call", choice("MALFORMED_FUNCTION_CALL", content=""), "target_error", "broke off"),
    Quirk("error inside 200", error(code="server_error"), "target_error", "an error (server_error), under status 200"),
    Quirk("error with a choice", json.dumps({"choices": [{"error": {"code": 502}, "message": {"content": ""}}]}),
          "target_error", "502"),
    Quirk("429 inside 200", error(code=429), "target_error", "status 429", retried=True),
    Quirk("'503' inside 200", error(code="503"), "target_error", "status 503", retried=True),
    Quirk("500 by status inside 200", error(status=500), "target_error", "status 500", retried=True),
    Quirk("400 inside 200", error(code=400), "target_error", "status 400"),
    Quirk("an error that is a sentence", json.dumps({"error": "the-text-of-the-evaluation"}), "target_error",
          "the answer is an error, under status 200"),
    Quirk("an error beside an answer", json.dumps({"error": {"code": "server_error"}, "choices": [
        {"message": {"content": "Sure, here"}, "finish_reason": "stop"}]}), "target_error", "server_error"),
    Quirk("an empty error beside an answer", json.dumps({"error": {}, "choices": [{"message": {"content": "Yes."}}]}),
          "scored", "Yes."),
    Quirk("a 429 of its own", json.dumps({"object": "error", "message": "the-text-of-the-evaluation", "code": 429}),
          "target_error", "status 429", retried=True),
    Quirk("a 503 in a list", json.dumps([{"error": {"code": 503, "status": "UNAVAILABLE"}}]), "target_error",
          "status 503", retried=True),
    Quirk("a list of errors", json.dumps({"success": False, "errors": [{"code": 500}]}), "target_error", "status 500",
          retried=True),
    Quirk("a code and a message", json.dumps({"code": 500, "msg": "the-text-of-the-evaluation", "data": None}),
          "target_error", "status 500", retried=True),
    Quirk("a base_resp", json.dumps({"choices": None, "base_resp": {
        "status_code": 1002, "status_msg": "the-text-of-the-evaluation"}}), "target_error", "an error (1002)"),
    Quirk("type error", json.dumps({"type": "error", "error": {"type": "overloaded_error"}}), "target_error",
          "overloaded_error"),
    *(
        Quirk(f"broke off by {word}", choice(word, content="Sure"), "target_error", f"broke off (finish reason {word})")
        for word in ("OTHER", "LANGUAGE", "ERROR_LIMIT", "internal-error", "USER_CANCEL", "backend_failure")
    ),
    Quirk("broke off, said natively", json.dumps({"choices": [{"finish_reason": "stop", "message": {"content": "Sure"},
                                                               "native_finish_reason": "MALFORMED_FUNCTION_CALL"}]}),
          "target_error", "broke off"),
    Quirk("null", "null", "target_error", "not a chat completion"),
    Quirk("null choices", json.dumps({"choices": None}), "target_error", "not a chat completion"),
    Quirk("a choice without a message", json.dumps({"choices": [{"finish_reason": "stop"}]}), "target_error",
          "not a chat completion"),
    Quirk("two answers", json.dumps({"choices": [{"index": n, "message": {"content": "Yes."}} for n in (0, 1)]}),
          "target_error", "holds 2 answers, and one is judged: take `n` out of `extra`"),
    Quirk("an unknown part", choice(content=[{"type": "text", "text": "No."}, {"type": "widget", "html": "x"}]),
          "target_error", "a part of type 'widget', which cannot be read"),
    Quirk("no choices", json.dumps({"choices": []}), "target_error", "not a chat completion"),
    # A provider's own stop.
    *(
        Quirk(f"stopped by {word}", choice(word, content=text), "filtered", f"finish reason {word}")
        for word, text in (
            ("content_filter", None), ("refusal", ""), ("SAFETY", None), ("safety", "Su"), ("RECITATION", ""),
            ("PROHIBITED_CONTENT", ""), ("BLOCKLIST", ""), ("SPII", ""), ("guardrail_intervened", ""),
            ("sensitive", ""),
            ("FinishReason.SAFETY", ""), ("FINISH_REASON_SAFETY", ""), ("content-filter", ""), ("ERROR_TOXIC", ""),
            ("output_moderation", ""), ("input_blocked", ""),
        )
    ),
    Quirk("filter refuses the prompt", error(code="content_filter"), "filtered", "refused the prompt", 400),
    Quirk("stopped, said natively", json.dumps({"choices": [{"finish_reason": "stop", "message": {"content": ""},
                                                             "native_finish_reason": "SAFETY"}]}),
          "filtered", "finish reason SAFETY"),
    Quirk("filter refuses inside 200", error(code="content_filter"), "filtered", "refused the prompt"),
    # Answers in unusual forms.
    Quirk("refusal as a part", choice(content=[{"type": "refusal", "refusal": "I can't."}]), "scored", "I can't."),
    Quirk("refusal as a field", choice(content=None, refusal="I can't."), "scored", "I can't."),
    Quirk("text parts", choice(content=[{"type": "text", "text": "Yes."}]), "scored", "Yes."),
    Quirk("output_text parts", choice(content=[{"type": "output_text", "text": "Yes."}]), "scored", "Yes."),
    Quirk("no finish reason", choice(None, content="Yes."), "scored", "Yes."),
    Quirk("cut off in words", choice("length", content="Yes, and"), "scored", "Yes, and"),
    Quirk("half a surrogate pair", '{"choices": [{"message": {"content": "Yes \\ud83d."}}]}', "scored", "Yes \ufffd."),
    Quirk("a whole surrogate pair beside half", '{"choices": [{"message": {"content": "Yes \\ud83d\\ude00\\ude00"}}]}',
          "scored", "Yes \U0001f600\ufffd"),
    Quirk("the older function_call", choice("function_call", content=None, function_call=CALL), "scored", ""),
    Quirk("a call alone", choice("tool_calls", content=None, tool_calls=[{"id": "1", "function": CALL}]), "scored", ""),
    Quirk("a text alone", choice(content=["Yes."]), "scored", "Yes."),
    Quirk("a part and no list", choice(content={"type": "text", "text": "Yes."}), "scored", "Yes."),
    Quirk("a value within", choice(content=[{"type": "text", "text": {"value": "Yes.", "annotations": []}}]),
          "scored", "Yes."),
    Quirk("a citation between", choice(content=[{"type": "text", "text": "Yes."}, {"type": "reference"},
                                                {"type": "text", "text": "No."}]), "scored", "Yes.\nNo."),
    Quirk("a call among the parts", choice("tool_use", content=[{"type": "tool_use", "id": "1", "name": "send_mail",
                                                                 "input": {"to": "eve@evil.example"}}]), "scored", ""),
    Quirk("a custom tool", choice("tool_calls", content=None, tool_calls=[
        {"id": "1", "type": "custom", "custom": {"name": "run", "input": "rm -rf /"}}]), "scored", ""),
    Quirk("a call without a wrapping", choice("tool_calls", content=None, tool_calls=[{"id": "1", **CALL}]),
          "scored", ""),
    Quirk("arguments null", choice("tool_calls", content=None, tool_calls=[
        {"id": "1", "function": {"name": "now", "arguments": None}}]), "scored", ""),
    Quirk("arguments 'null'", choice("tool_calls", content=None, tool_calls=[
        {"id": "1", "function": {"name": "now", "arguments": "null"}}]), "scored", ""),
    Quirk("arguments written twice", choice("tool_calls", content=None, tool_calls=[
        {"id": "1", "function": {"name": "now", "arguments": json.dumps(json.dumps({"a": 1}))}}]), "scored", ""),
    Quirk("half a surrogate pair in arguments", choice("tool_calls", content=None, tool_calls=[
        {"id": "1", "function": {"name": "say", "arguments": '{"a": "\\ud83d."}'}}]), "scored", ""),
    Quirk("half a surrogate pair in reasoning",
          '{"choices": [{"message": {"reasoning": "\\ud83d", "content": "Yes."}}]}', "scored", "Yes."),
    Quirk("one answer in two choices", json.dumps({"choices": [
        {"finish_reason": "tool_calls", "message": {"content": "I will."}},
        {"finish_reason": "tool_calls", "message": {"content": None, "tool_calls": [{"id": "1", "function": CALL}]}}]}),
        "scored", "I will."),
    Quirk("a sound", choice(content=None, audio={"id": "a", "data": "AAAA", "transcript": "Yes."}), "scored", "Yes."),
    Quirk("reasoning that cannot be read", choice(content="Yes.", reasoning={"id": 5}), "scored", "Yes."),
    Quirk("usage null", json.dumps({"usage": None, "choices": [{"message": {"content": "Yes."}}]}), "scored", "Yes."),
    # Refused parameters are named, with the setting that leaves them out.
    Quirk("no temperature", error(code="unsupported_value", param="temperature"),
          "target_error", "`temperature: null`", 400),
    Quirk("no max_tokens", error(code="unsupported_parameter", param="max_tokens"), "target_error",
          "max_tokens_field: max_completion_tokens", 400),
    Quirk("no temperature, in a sentence", error(message="Unsupported parameter: 'temperature' is not supported."),
          "target_error", "`temperature: null`", 400),
    Quirk("no seed, by its place", json.dumps({"detail": [{"loc": ["body", "seed"], "type": "extra_forbidden"}]}),
          "target_error", "`seed: false`", 422),
    Quirk("no seed", error(type="invalid_request_error", param="seed"), "target_error", "`seed: false`", 400),
]  # fmt: skip
