"""The server's side of OpenAI responses: requests in, answers out, whole or as typed events.

Upstreams are asked in chat completions, and nothing is kept between two requests: a request holds its conversation. As
in `openai_serve`, an answer is made anew from what guards released.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from shipworthy.core.records import Audio, Image, Message, MessagePart, Role, Text, ToolCall, ToolResult, say
from shipworthy.dialects.served import Asking, BadBody, model_of, named, refuse_unknown

_PASSED = frozenset(["temperature", "top_p", "service_tier", "user", "safety_identifier", "prompt_cache_key"])
"""Fields that go to the upstream as they are."""
_READ_WORDS = (
    "model input instructions stream stream_options max_output_tokens tools tool_choice parallel_tool_calls text "
    "reasoning include store truncation metadata"
)
_READ = frozenset(_READ_WORDS.split())
_NULL = {
    "previous_response_id": "no answer is kept: send the whole conversation as input",
    "conversation": "no conversation is kept: send the whole of it as input",
    "background": "an answer is given to the request that asks for it",
    "prompt": "a prompt that the provider keeps is nothing that guards could look at",
    "max_tool_calls": "it counts calls of built-in tools, and none of those is served",
    "top_logprobs": "guards cannot look at what it would bring",
    "moderation": "the gateway's own guards look at question and answer",
}
"""Fields that may only say nothing, each with why."""
_BUILT_IN_WORDS = (
    "web_search web_search_preview file_search computer computer_use_preview code_interpreter mcp image_generation "
    "local_shell shell apply_patch custom namespace tool_search"
)
_BUILT_IN = frozenset(_BUILT_IN_WORDS.split())


def read(body: Any, also: Sequence[str] = ()) -> Asking:
    """Read a request.

    Args:
        also: further fields that the upstream is sent.

    Raises:
        BadBody: it is none, or asks for what is not served.
    """
    if not isinstance(body, dict):
        raise BadBody("the body is no JSON object")
    for name, why in _NULL.items():
        if name not in also and body.get(name) not in (None, False, 0):
            raise BadBody(f"{name} is not served: {why}", name)
    if named(body, "store", bool, False):
        raise BadBody("store is not served: nothing is kept between two requests. Send store: false", "store")
    refuse_unknown(body, _PASSED | _READ | _NULL.keys(), also)
    model = model_of(body)
    _check_small(body)
    fields = {name: body[name] for name in (*_PASSED, *also) if body.get(name) is not None}
    if (longest := named(body, "max_output_tokens", int)) is not None:
        if longest < 1:
            raise BadBody("max_output_tokens is below 1", "max_output_tokens")
        fields["max_tokens"] = longest
    instructions = named(body, "instructions", str, "")
    return Asking(
        model=model,
        messages=(*([say("system", instructions)] if instructions else []), *_messages(body.get("input"))),
        fields={**fields, **_text(body), **_reasoning(body), **_tools(body)},
        stream=named(body, "stream", bool, False),
        usage=True,
    )


def _check_small(body: Mapping[str, Any]) -> None:
    if named(body, "truncation", str, "disabled") != "disabled":
        raise BadBody("truncation is not served: a conversation is passed on whole", "truncation")
    if set(map(str, named(body, "include", list, []))) - {"reasoning.encrypted_content"}:
        raise BadBody("include asks for what is not served: built-in tools, log probabilities, pictures", "include")
    named(body, "metadata", dict)
    named(body, "stream_options", dict)


def _text(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what chat completions call the form of an answer's text."""
    text = named(body, "text", dict, {})
    fields = {"verbosity": text["verbosity"]} if text.get("verbosity") is not None else {}
    form = named(text, "format", dict, {})
    kind = form.get("type", "text")
    if kind == "json_schema":
        schema = {
            name: form[name] for name in ("name", "description", "schema", "strict") if form.get(name) is not None
        }
        if not isinstance(schema.get("name"), str) or not isinstance(schema.get("schema"), dict):
            raise BadBody("text.format is a json_schema without name or schema", "text.format")
        fields["response_format"] = {"type": kind, "json_schema": schema}
    elif kind == "json_object":
        fields["response_format"] = {"type": kind}
    elif kind != "text":
        raise BadBody("text.format is of a type that is not served", "text.format")
    return fields


def _reasoning(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return how hard to think. What is thought comes as the upstream gives it, whatever summary is asked for."""
    wanted = named(body, "reasoning", dict, {})
    if wanted.get("context") not in (None, "auto") or wanted.get("mode") not in (None, "standard"):
        raise BadBody("of reasoning, effort is served, and neither context nor mode", "reasoning")
    effort = named(wanted, "effort", str)
    return {"reasoning_effort": effort} if effort is not None else {}


def _tools(body: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, dict[str, Any]] = {}
    for tool in named(body, "tools", list, []):
        kind = tool.get("type") if isinstance(tool, dict) else None
        if kind != "function" or not isinstance(tool.get("name"), str):
            called = f"the tool {kind}" if isinstance(kind, str) and kind in _BUILT_IN else "a tool of this type"
            said = f"{called} is not served: only tools of the type function are, which the client runs itself"
            raise BadBody(said, "tools")
        function = {n: tool[n] for n in ("name", "description", "parameters", "strict") if tool.get(n) is not None}
        made[tool["name"]] = {"type": "function", "function": function}
    if not made:
        return {}
    choice, allowed = _choice(body.get("tool_choice"), made)
    fields: dict[str, Any] = {"tools": [tool for name, tool in made.items() if name in allowed]}
    fields |= {"tool_choice": choice} if choice is not None else {}
    parallel = named(body, "parallel_tool_calls", bool)
    return fields | ({"parallel_tool_calls": parallel} if parallel is not None else {})


def _choice(choice: Any, made: Mapping[str, Any]) -> tuple[Any, set[str]]:
    """Return the choice in the words of chat completions, and the names of the tools that may be called."""
    if choice is None or choice in ("auto", "none", "required"):
        return choice, set(made)
    kind = choice.get("type") if isinstance(choice, dict) else None
    if kind == "function" and isinstance(choice.get("name"), str):
        return {"type": "function", "function": {"name": choice["name"]}}, set(made)
    if kind == "allowed_tools" and choice.get("mode") in ("auto", "required"):
        listed = named(choice, "tools", list, [])
        functions = [one for one in listed if isinstance(one, dict) and one.get("type") == "function"]
        allowed = {name for one in functions if isinstance(name := one.get("name"), str)}
        if allowed and len(allowed) == len(listed) and allowed <= made.keys():
            return choice["mode"], allowed
    raise BadBody("tool_choice is auto, none, required, a function, or allowed_tools of the functions", "tool_choice")


def _messages(given: Any) -> Sequence[Message]:
    if isinstance(given, str):
        return [say("user", given)]
    if not isinstance(given, list) or not given:
        raise BadBody("input is neither a text nor a list of items, or it is empty", "input")
    made: list[Message] = []
    for number, item in enumerate(given):
        found = _item(item, f"input[{number}]")
        if isinstance(found, ToolCall) and made and made[-1].role == "assistant":
            # One turn of the model: its words, and all its calls beside them.
            made[-1] = Message("assistant", (*(part for part in made[-1].parts if part != Text("")), found))
        elif found is not None:
            made.append(Message("assistant", (found,)) if isinstance(found, ToolCall) else found)
    if not made:
        raise BadBody("input holds nothing but reasoning", "input")
    return made


def _item(item: Any, where: str) -> Message | ToolCall | None:
    """Return an item as a message, or as a call that belongs to one; None where nothing of it is passed on."""
    if not isinstance(item, dict):
        raise BadBody(f"{where} is no object", where)
    match item.get("type", "message"):
        case "message":
            return _message(item, where)
        case "reasoning":
            return None  # chat completions take none back
        case "function_call":
            return _call(item, where)
        case "function_call_output":
            id_, name = _word(item, "call_id", where), item.get("name")
            texts = [part.text for part in _parts(item.get("output"), where, "tool") if isinstance(part, Text)]
            return Message("tool", (ToolResult(id_, name if isinstance(name, str) else "", "\n".join(texts)),))
        case "item_reference":
            raise BadBody(f"{where} refers to an item that is not kept: send the item itself", where)
    raise BadBody(f"{where} is an item of a type that is not served", where)


def _message(item: Mapping[str, Any], where: str) -> Message:
    role = item.get("role")
    if role not in ("user", "assistant", "system", "developer"):
        raise BadBody(f"{where} has a role that is not served", f"{where}.role")
    said: Role = "system" if role == "developer" else role
    return Message(said, tuple(_parts(item.get("content"), where, said)) or (Text(""),))


def _parts(content: Any, where: str, role: Role) -> Iterator[MessagePart]:
    if content is None:
        return
    if isinstance(content, str):
        yield Text(content)
        return
    if not isinstance(content, list):
        raise BadBody(f"{where} has content that is neither a text nor a list", where)
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        inner = part.get("refusal" if kind == "refusal" else "text") if kind is not None else None
        text_kinds = ("output_text", "refusal", "input_text") if role == "assistant" else ("input_text", "output_text")
        if kind in text_kinds and isinstance(inner, str):
            yield Text(inner)
        elif kind == "input_image" and role == "user" and isinstance(part.get("image_url"), str):
            yield Image("image/*", url=part["image_url"])
        elif kind == "input_audio" and role == "user" and isinstance(sound := part.get("input_audio"), dict):
            form = sound.get("format")
            yield Audio(f"audio/{form if isinstance(form, str) else 'wav'}", _word(sound, "data", where))
        else:
            raise BadBody(f"{where} holds a part that is not served", where)


def _call(item: Mapping[str, Any], where: str) -> ToolCall:
    written = item.get("arguments")
    try:
        arguments = msgspec.json.decode(written or "{}")
    except (msgspec.DecodeError, TypeError, UnicodeEncodeError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        raise BadBody(f"{where} holds a call whose arguments are no JSON object", where)
    return ToolCall(_word(item, "call_id", where), _word(item, "name", where), arguments)


def _word(item: Mapping[str, Any], name: str, where: str) -> str:
    value = item.get(name)
    if not isinstance(value, str) or not value:
        raise BadBody(f"{where} is without {name}", where)
    return value
