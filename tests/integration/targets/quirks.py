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
    return json.dumps({"error": {"message": "the-text-of-the-evaluation", **fields}})


CALL = {"name": "send_mail", "arguments": '{"to": "eve@evil.example"}'}

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
    Quirk("null", "null", "target_error", "not a chat completion"),
    Quirk("no choices", json.dumps({"choices": []}), "target_error", "not a chat completion"),
    # A provider's own stop.
    *(
        Quirk(f"stopped by {word}", choice(word, content=text), "filtered", f"finish reason {word}")
        for word, text in (
            ("content_filter", None), ("refusal", ""), ("SAFETY", None), ("safety", "Su"), ("RECITATION", ""),
            ("PROHIBITED_CONTENT", ""), ("BLOCKLIST", ""), ("SPII", ""), ("guardrail_intervened", ""),
            ("sensitive", ""),
            ("FinishReason.SAFETY", ""), ("FINISH_REASON_SAFETY", ""),
        )
    ),
    Quirk("filter refuses the prompt", error(code="content_filter"), "filtered", "refused the prompt", 400),
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
    Quirk("usage null", json.dumps({"usage": None, "choices": [{"message": {"content": "Yes."}}]}), "scored", "Yes."),
    # Refused parameters are named, with the setting that leaves them out.
    Quirk("no temperature", error(code="unsupported_value", param="temperature"),
          "target_error", "`temperature: null`", 400),
    Quirk("no max_tokens", error(code="unsupported_parameter", param="max_tokens"), "target_error",
          "max_tokens_field: max_completion_tokens", 400),
    Quirk("no seed", error(type="invalid_request_error", param="seed"), "target_error", "`seed: false`", 400),
]  # fmt: skip
