"""The OpenAI chat-completions wire: messages and tools out, whole answers in. Shared by everything that speaks it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from shipworthy.net.answer import error_kind, error_within, read_json

MISSHAPEN = (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)
"""What reading an answer of another shape raises. Numbers may be infinite there, and texts nested without end."""

MOST_TOKENS = 2**53
"""Of one answer; an endpoint that says more, or less than none, would put a run's limits out of use."""

FILTERED = frozenset({"content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation"})
"""Codes by which a provider's own filter refuses a prompt; where it cuts an answer, it is the finish reason."""

_STOPS = (
    "content_filter content_filtered contentfilter filtered refusal safety recitation blocklist prohibited_content "
    "spii image_safety image_prohibited_content model_armor guardrail guardrails guardrail_intervened sensitive "
    "moderation blocked policy_violation content_policy_violation responsibleaipolicyviolation risk_control "
    "error_toxic"
)
STOPPED = frozenset(_STOPS.split())
"""Finish reasons, in lower case, of a provider that stopped its own model: OpenAI, Azure, Anthropic, Gemini,
Bedrock, GLM, Cohere and the gateways before them."""

_STOPPING = re.compile(r"filter|safety|moderat|guardrail|prohibited|blocked|censor|policy_|_policy|toxic")
_FAILING = re.compile(r"error|fail|malformed|abort|cancel|timeout|overload|exception")
"""Of words that are in none of the lists: what they are about."""

_FAILURES = (
    "error failed failure model_error server_error network_error insufficient_system_resource malformed_function_call "
    "unexpected_tool_call too_many_tool_calls missing_thought_signature malformed_response cancelled canceled aborted "
    "abort timeout overloaded unknown_error error_limit user_cancel other language no_image image_other"
)
FAILED = frozenset(_FAILURES.split())
"""Finish reasons, in lower case, of an answer that broke off: what came before them is no answer."""

_CUTS = (
    "length max_tokens max_output_tokens max_completion_tokens max_length token_limit model_context_window_exceeded "
    "context_length_exceeded context_window_exceeded model_length incomplete"
)
CUT = frozenset(_CUTS.split())
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
    """Read a chat completion of one answer.

    A refusal is what was said, so it is text. Reasoning is kept as a part of its own, which is no text. Some gateways
    deal one answer out to several choices of one index: they are put together.

    Raises:
        TargetFiltered: the provider stopped its own model.
        TargetError: the answer broke off, the body is an error, or it is not a chat completion. No message carries text
            of the answer.
    """
    try:
        if error := error_within(body):
            raise _refused(error)
        choices = body["choices"]
        if len({choice.get("index") or 0 for choice in choices}) > 1:
            raise TargetError(f"the answer holds {len(choices)} answers, and one is judged: take `n` out of `extra`")
        reason, parts = "stop", list[MessagePart]()
        for choice in choices or [choices[0]]:
            said = finish_of(choice)
            reason = said or reason
            check_finish(reason)
            if error := error_within({"error": choice.get("error"), "choices": choices}):
                raise _refused(error)
            message = choice["message"]
            calls = sum(isinstance(part, ToolCall) for part in parts)
            made = [read_call(c, n) for n, c in enumerate(message.get("tool_calls") or (), start=calls + 1)]
            if old := message.get("function_call"):
                made.append(read_call({"function": old}, calls + len(made) + 1))
            parts += [*_spoken(message), *made]
        calls = sum(isinstance(part, ToolCall) for part in parts)
        usage = body.get("usage") or {}
        return Reply(
            messages=(Message("assistant", tuple(parts) or (Text(""),)),),
            usage=Usage(
                tokens(usage.get("prompt_tokens")), tokens(usage.get("completion_tokens")), _cost(usage.get("cost"))
            ),
            finish="length" if _word(reason) in CUT else "tool_calls" if calls else "stop",
            model=str(body.get("model") or ""),
            fingerprint=str(body.get("system_fingerprint") or ""),
        )
    except MISSHAPEN as error:
        raise TargetError(f"the answer is not a chat completion ({type(error).__name__} while reading it)") from None


def check_finish(reason: str) -> None:
    """Hold a finish reason against those that mean no answer.

    Raises:
        TargetFiltered: the provider stopped its own model.
        TargetError: the answer broke off.
    """
    word = _word(reason)
    if word in STOPPED or (word not in CUT and _STOPPING.search(word)):
        raise TargetFiltered(f"the provider's filter cut the answer (finish reason {reason})")
    if word in FAILED or (word not in CUT and _FAILING.search(word)):
        raise TargetError(f"the answer broke off (finish reason {reason})")


def _word(reason: str) -> str:
    """Return a finish reason as the lists above have it."""
    return re.sub(r"[^a-z0-9]+", "_", reason.lower().rpartition(".")[2]).removeprefix("finish_reason_")


def finish_of(choice: Mapping[str, Any]) -> str:
    """Return why a choice ended. A router may call it by the common word, and keep the provider's own beside it."""
    details = choice.get("finish_details")
    said = choice.get("finish_reason") or (details.get("type") if isinstance(details, Mapping) else "")
    native = str(choice.get("native_finish_reason") or "")
    if native and (_word(native) in STOPPED or _word(native) in FAILED):
        return native
    return str(said or "")


def _refused(error: Any) -> TargetError:
    """Return what an error object inside an answer means, without its sentence, which may quote the prompt."""
    if is_filtered({"error": error}):
        return TargetFiltered("the provider's filter refused the prompt")
    kind = error_kind(error)
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
    error = error_within(body)
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
    function = call.get("function") or call.get("custom") or call
    given = next((function[k] for k in ("arguments", "input", "parameters") if function.get(k) is not None), "{}")
    if isinstance(given, str) and "custom" in call:
        given = {"input": given}  # a tool that takes a text and no JSON
    for _ in range(2):  # some endpoints write the JSON as a text once more
        if isinstance(given, str):
            given = read_json((given.strip() or "{}").encode("utf-8", "surrogatepass"))
    parsed = {} if given is None else given
    if not isinstance(parsed, dict):
        raise ValueError("tool arguments are not an object")
    return ToolCall(str(call.get("id") or f"call-{number}"), str(function["name"]), parsed)


THOUGHTS = ("reasoning_content", "reasoning", "reasoning_details", "reasoning_text", "thinking", "thinking_blocks",
             "thoughts", "thought", "reasoning_summary")  # fmt: skip
"""Fields of a message that hold reasoning, first come: several names of the same are common."""
_THINKING = ("thinking", "reasoning", "thought", "reasoning_text", "summary_text", "redacted_thinking")
_CALLS = ("tool_use", "tool_call", "function_call", "function")
_BESIDE = ("reference", "citation", "citations", "annotation", "annotations", "search_results", "source", "sources")
"""Types of content parts: that reason, that are calls, and that say nothing themselves."""


def _spoken(message: Mapping[str, Any]) -> list[MessagePart]:
    """Return reasoning, text, refusal, pictures and sounds of a message, in this order, those that there are.

    Raises:
        TargetError: a part of the answer is of a kind that cannot be read: what it says is not known.
    """
    told: dict[str, list[str]] = {"reasoning": [], "text": [], "refusal": []}
    told["reasoning"] += [next((said for name in THOUGHTS if (said := text_of(message.get(name)))), "")]
    told["refusal"] += [text_of(message.get("refusal"))]
    shown: list[MessagePart] = [found for part in message.get("images") or () if (found := _picture(part))]
    content = message.get("content")
    # Some endpoints answer with a list of parts, as they are asked.
    for part in content if isinstance(content, list) else [content]:
        if part is None or isinstance(part, str):
            told["text"] += [part] if part else []
        elif part.get("type") in _CALLS:
            shown.append(read_call(part, len(shown) + 1))
        elif found := _picture(part):
            shown.append(found)
        else:
            for channel, said in part_of(part):
                told[channel].append(said)
    sound = message.get("audio")
    if isinstance(sound, Mapping):
        told["text"] += [said] if (said := text_of(sound.get("transcript"))) else []
        shown += [Audio("audio/wav", str(sound["data"]))] if sound.get("data") else []
    thought, text, refusal = "".join(told["reasoning"]), "\n".join(told["text"]), "".join(told["refusal"])
    spoken: list[MessagePart] = [Reasoning(thought)] if thought else []
    return [*spoken, *(Text(said) for said in (text, refusal) if said), *shown]


def part_of(part: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield channel and text of a part of an answer's content that says something in words.

    Raises:
        TargetError: it is of a kind that cannot be read: what it says is not known.
        TypeError: it is a text without one.
    """
    kind = part.get("type")
    if kind in _THINKING or part.get("thought") is True:
        channel, said = "reasoning", text_of(part)
    elif kind == "refusal":
        channel, said = "refusal", text_of(part.get("refusal"))
    else:
        channel, said = "text", _whole(part["text"]) if kind in ("text", "output_text", None) else text_of(part)
        if not said and kind not in ("text", "output_text", None, *_BESIDE):
            raise TargetError(f"the answer holds a part of type {_named(kind)}, which cannot be read")
    if said:
        yield channel, said


def text_of(value: Any) -> str:
    """Return a text, or those in an object or a list of parts; the empty string where there is none."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        names = ("text", "thinking", "reasoning", "summary", "content", "transcript", "refusal")
        return next((said for name in names if (said := text_of(value.get(name)))), "")
    return "".join(map(text_of, value)) if isinstance(value, list) else ""


def _whole(value: Any) -> str:
    """Return a text.

    Raises:
        TypeError: it is none, or an object around none.
    """
    said = value.get("value") if isinstance(value, Mapping) else value
    if not isinstance(said, str):
        raise TypeError("content that is no text")
    return said


def _picture(part: Any) -> Image | None:
    """Return the picture that a part is, as an address or as data; None where it is none."""
    if not isinstance(part, Mapping) or part.get("type") not in ("image_url", "image", "output_image"):
        return None
    found = part.get("image_url", part.get("image", part.get("url")))
    url = found.get("url") if isinstance(found, Mapping) else found
    if isinstance(url, str) and (data := re.fullmatch(r"data:(image/[\w.+-]+);base64,(.*)", url, re.DOTALL)):
        return Image(data[1], data=data[2])
    return Image("image/*", url=url) if isinstance(url, str) and url else None


def _named(kind: Any) -> str:
    """Return a type's name, if it is one and no sentence."""
    return repr(kind) if isinstance(kind, str) and re.fullmatch(r"[A-Za-z][\w.-]{0,40}", kind) else "without a name"


def _cost(said: Any) -> float:
    """Return what an endpoint says that an answer cost, in USD: some routers do."""
    return float(said) if isinstance(said, int | float) and not isinstance(said, bool) and 0 < said < 1e6 else 0.0
