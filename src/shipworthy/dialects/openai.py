"""The OpenAI chat-completions wire: messages and tools out, whole answers in. Shared by everything that speaks it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shipworthy.core.errors import TargetError, TargetFiltered
from shipworthy.core.records import (
    Audio,
    Image,
    Message,
    MessagePart,
    Reasoning,
    Reply,
    Request,
    Text,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
)
from shipworthy.net.answer import error_kind

MISSHAPEN = (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)
"""What reading an answer of another shape raises. Numbers may be infinite there, and texts nested without end."""

MOST_TOKENS = 2**53
"""Of one answer; an endpoint that says more, or less than none, would put a run's limits out of use."""

FILTERED = frozenset({"content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation"})
"""Codes by which a provider's own filter refuses a prompt; where it cuts an answer, it is the finish reason."""

_STOPS = (
    "content_filter content_filtered contentfilter filtered refusal safety recitation blocklist prohibited_content "
    "spii image_safety image_prohibited_content model_armor guardrail guardrails guardrail_intervened sensitive "
    "moderation blocked policy_violation content_policy_violation responsibleaipolicyviolation risk_control"
)
STOPPED = frozenset(_STOPS.split())
"""Finish reasons, in lower case, of a provider that stopped its own model: OpenAI, Azure, Anthropic, Gemini,
Bedrock, GLM and the gateways before them."""

_FAILURES = (
    "error failed failure model_error server_error network_error insufficient_system_resource malformed_function_call "
    "unexpected_tool_call too_many_tool_calls missing_thought_signature malformed_response cancelled canceled aborted "
    "abort timeout overloaded unknown_error"
)
FAILED = frozenset(_FAILURES.split())
"""Finish reasons, in lower case, of an answer that broke off: what came before them is no answer."""

CUT = frozenset({"length", "max_tokens", "max_output_tokens", "model_context_window_exceeded", "model_length"})
"""Finish reasons, in lower case, of an answer that was cut off at a limit."""


# ---- out -------------------------------------------------------------------------------------------------------


def to_wire(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return messages as the chat-completions API wants them, in the same order.

    Tool calls ride on the assistant's turn; a tool's turn becomes one wire message a result. Reasoning is not sent
    back: the API takes none.

    Raises:
        TargetError: a part stands where the API has no place for it.
    """
    wire: list[dict[str, Any]] = []
    for message in messages:
        if message.role == "tool":
            wire += [_result(part) for part in message.parts]
            continue
        said = [p for p in message.parts if not isinstance(p, ToolCall | Reasoning)]
        entry: dict[str, Any] = {"role": message.role, "content": _content(said, message.role)}
        if calls := message.tool_calls:
            if message.role != "assistant":
                raise TargetError(f"a {message.role} turn holds a tool call: only the assistant calls tools")
            entry |= {"tool_calls": [_call(c) for c in calls], "content": entry["content"] or None}
        wire.append(entry)
    return wire


def tools_to_wire(configured: Sequence[Mapping[str, Any]], offered: Iterable[ToolSpec]) -> list[dict[str, Any]]:
    """Return the tools of a request: those that the target always offers, and those that this request does.

    Args:
        configured: as the API wants them.

    Raises:
        TargetError: one name is offered twice, and a call of it could mean either.
    """
    tools = [dict(tool) for tool in configured]
    for spec in offered:
        function: dict[str, Any] = {"name": spec.name}
        function |= {"description": spec.description} if spec.description else {}
        tools.append({"type": "function", "function": {**function, "parameters": spec.parameters or _NOTHING}})
    names = [tool.get("function", {}).get("name") for tool in tools]
    if twice := {name for name in names if name is not None and names.count(name) > 1}:
        raise TargetError(f"the tool {min(twice)!r} is offered twice: by the target and by the request")
    return tools


_NOTHING = {"type": "object", "properties": {}}
"""Arguments of a tool that takes none."""


def fill(request: Request, messages: Sequence[Message], body: Mapping[str, Any], *, limit: str, seed: bool) -> Any:
    """Return the body of a request: what the target always sends, and what this request adds.

    Args:
        messages: the request's, with documents and system prompt in their places.
        body: the target's own fields.
        limit: the wire's name for the longest answer.
        seed: whether the endpoint takes one.
    """
    filled: dict[str, Any] = {**body, "messages": to_wire(messages)}
    if request.tools:
        filled["tools"] = tools_to_wire(body.get("tools", ()), request.tools)
    if request.max_tokens is not None:
        filled[limit] = request.max_tokens
    if request.temperature is not None:
        filled["temperature"] = request.temperature
    if seed:
        filled["seed"] = request.seed & 0x7FFFFFFF
    if request.schema is not None:
        shape = {"name": "answer", "strict": True, "schema": dict(request.schema)}
        filled["response_format"] = {"type": "json_schema", "json_schema": shape}
    return filled


def _content(parts: Sequence[MessagePart], role: str) -> Any:
    if all(isinstance(p, Text) for p in parts):
        return "\n".join(p.text for p in parts if isinstance(p, Text))
    return [_part(p, role) for p in parts]


def _part(part: MessagePart, role: str) -> dict[str, Any]:
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case Image() if role == "user":
            url = part.url or f"data:{part.media_type};base64,{part.data}"
            return {"type": "image_url", "image_url": {"url": url}}
        case Audio() if role == "user":
            form = part.media_type.rpartition("/")[2].removeprefix("x-")
            sound = {"data": part.data, "format": {"mpeg": "mp3"}.get(form, form)}
            return {"type": "input_audio", "input_audio": sound}
        case _:
            raise TargetError(f"a {type(part).__name__} in a turn of the {role} cannot be sent in chat completions")


def _call(call: ToolCall) -> dict[str, Any]:
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _result(part: MessagePart) -> dict[str, Any]:
    if not isinstance(part, ToolResult):
        raise TargetError(f"a turn of the tool holds a {type(part).__name__}: it holds results of calls")
    return {"role": "tool", "tool_call_id": part.id, "content": part.text}


# ---- in --------------------------------------------------------------------------------------------------------


def from_wire(body: Any) -> Reply:
    """Read a chat completion: its first choice.

    A refusal is what was said, so it is text. Reasoning is kept as a part of its own, which is no text.

    Raises:
        TargetFiltered: the provider stopped its own model.
        TargetError: the answer broke off, the body is an error, or it is not a chat completion. No message carries text
            of the answer.
    """
    try:
        if not body.get("choices") and body.get("error"):
            raise _refused(body)
        choice = body["choices"][0]
        message = choice["message"]
        reason = str(choice.get("finish_reason") or "stop")
        check_finish(reason)
        if choice.get("error"):
            raise _refused(choice)
        calls = [read_call(c, n) for n, c in enumerate(message.get("tool_calls") or (), start=1)]
        if old := message.get("function_call"):
            calls.append(read_call({"function": old}, len(calls) + 1))
        parts = [*_spoken(message), *calls]
        usage = body.get("usage") or {}
        return Reply(
            messages=(Message("assistant", tuple(parts) or (Text(""),)),),
            usage=Usage(
                tokens(usage.get("prompt_tokens")), tokens(usage.get("completion_tokens")), _cost(usage.get("cost"))
            ),
            finish="length" if reason.lower() in CUT else "tool_calls" if calls else "stop",
            model=str(body.get("model") or ""),
        )
    except MISSHAPEN as error:
        raise TargetError(f"the answer is not a chat completion ({type(error).__name__} while reading it)") from None


def check_finish(reason: str) -> None:
    """Hold a finish reason against those that mean no answer.

    Raises:
        TargetFiltered: the provider stopped its own model.
        TargetError: the answer broke off.
    """
    word = reason.lower().rpartition(".")[2].removeprefix("finish_reason_")
    if word in STOPPED:
        raise TargetFiltered(f"the provider's filter cut the answer (finish reason {reason})")
    if word in FAILED:
        raise TargetError(f"the answer broke off (finish reason {reason})")


def _refused(body: Mapping[str, Any]) -> TargetError:
    """Return what an error object inside an answer means, without its sentence, which may quote the prompt."""
    if is_filtered(body):
        return TargetFiltered("the provider's filter refused the prompt")
    kind = error_kind(body["error"])
    return TargetError(f"the answer is an error{f' ({kind})' if kind else ''}, under status 200")


def tokens(said: Any) -> int:
    """Return how many tokens an endpoint says that it took; 0 where it says nothing.

    Raises:
        ValueError, TypeError, OverflowError: that is no number of tokens.
    """
    number = int(said or 0)
    if not 0 <= number <= MOST_TOKENS:
        raise ValueError("a number of tokens that cannot be")
    return number


def is_filtered(body: Any) -> bool:
    """Say whether an error object is a provider's own filter refusing the prompt."""
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return False
    inner = error.get("innererror")
    codes = [error.get("code"), error.get("type"), inner.get("code") if isinstance(inner, Mapping) else None]
    return any(isinstance(code, str) and code in FILTERED for code in codes)


def read_call(call: Any, number: int) -> ToolCall:
    """Read one tool call, the `number`-th of its turn: an endpoint that gives it no id gets one made.

    Raises:
        ValueError: its arguments are no JSON object.
        KeyError, TypeError, AttributeError: it is no call.
    """
    function = call["function"]
    arguments = function.get("arguments") or "{}"
    parsed = json.loads(arguments) if isinstance(arguments, str) else arguments
    if not isinstance(parsed, dict):
        raise ValueError("tool arguments are not an object")
    return ToolCall(str(call.get("id") or f"call-{number}"), str(function["name"]), parsed)


def _spoken(message: Mapping[str, Any]) -> list[MessagePart]:
    """Return reasoning, text and refusal of a message, in this order, those that there are."""
    thought = message.get("reasoning_content") or message.get("reasoning") or ""
    if not isinstance(thought, str):
        raise TypeError("reasoning that is no text")
    content, refusal = message.get("content"), str(message.get("refusal") or "")
    if isinstance(content, list):
        # Some endpoints answer with a list of parts, as they are asked.
        thought += "".join(_text(p.get("thinking")) for p in content if p.get("type") in ("thinking", "reasoning"))
        refusal += "".join(str(p["refusal"]) for p in content if p.get("type") == "refusal")
        content = "\n".join(p["text"] for p in content if p.get("type") in ("text", "output_text"))
    if not isinstance(content, str | None):
        raise TypeError("content that is no text")
    said: list[MessagePart] = [Reasoning(thought)] if thought else []
    return said + [Text(text) for text in (content, refusal) if text]


def _text(value: Any) -> str:
    """Return a text, or the texts of a list of parts."""
    return value if isinstance(value, str) else "".join(p.get("text", "") for p in value or ())


def _cost(said: Any) -> float:
    """Return what an endpoint says that an answer cost, in USD: some routers do."""
    return float(said) if isinstance(said, int | float) and not isinstance(said, bool) and 0 < said < 1e6 else 0.0
