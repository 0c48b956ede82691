"""What a client sends on each route of a gateway. A new route is a function here, and a word in `cells.Route`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from shipworthy.conformance.cells import MatrixCell

QUESTION = "Please say something about letters."
_SCHEMA: dict[str, Any] = {"type": "object", "properties": {"text": {"type": "string"}}}
_ABOUT = "Send a text."
_WITH_TOOLS = frozenset({"arguments", "parallel_arguments", "tool_name", "tool_id", "function_call", "tool_result",
                         "tool_definition", "earlier_call"})  # fmt: skip
"""Places that need a tool: a gateway that takes none can be asked for all others."""


class ClientRoute(NamedTuple):
    """A way into a gateway: its path, and the body for a cell."""

    path: str
    body: Callable[[MatrixCell], dict[str, Any]]


def _question(cell: MatrixCell) -> str:
    # The cell's name is in its words, too, for a gateway that asks its upstream for a model of its own choice.
    asked = cell.said() if cell.place == "user" else QUESTION
    return f"[{cell.model}] {asked}"


def _about(cell: MatrixCell) -> str:
    return cell.said() if cell.place == "tool_definition" else _ABOUT


def _chat(cell: MatrixCell) -> dict[str, Any]:
    question: Any = _question(cell)
    if cell.place == "user_parts":
        question = [{"type": "text", "text": question}, {"type": "text", "text": cell.said()}]
    messages: list[dict[str, Any]] = [{"role": "user", "content": question}]
    match cell.place:
        case "system":
            messages.insert(0, {"role": "system", "content": cell.said()})
        case "earlier_user":
            messages[:0] = [{"role": "user", "content": cell.said()}, {"role": "assistant", "content": "I see."}]
        case "earlier_answer":
            messages[:0] = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": cell.said()}]
        case "tool_result" | "earlier_call":
            arguments = {"text": cell.said() if cell.place == "earlier_call" else "hi"}
            function = {"name": "send", "arguments": json.dumps(arguments)}
            call = {"id": "call_1", "type": "function", "function": function}
            result = cell.said() if cell.place == "tool_result" else "sent"
            messages += [
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "call_1", "content": result},
            ]
    made: dict[str, Any] = {"model": cell.model, "stream": cell.ask, "messages": messages}
    made |= {"n": cell.choices} if cell.choices > 1 else {}
    if cell.place not in _WITH_TOOLS:
        return made
    tool = {"name": "send", "description": _about(cell), "parameters": _SCHEMA}
    if cell.place == "function_call":
        return {**made, "functions": [tool]}
    return {**made, "tools": [{"type": "function", "function": tool}]}


def _messages(cell: MatrixCell) -> dict[str, Any]:
    question: Any = _question(cell)
    if cell.place == "user_parts":
        question = [{"type": "text", "text": question}, {"type": "text", "text": cell.said()}]
    elif cell.place == "document":
        source = {"type": "text", "media_type": "text/plain", "data": cell.said()}
        question = [{"type": "document", "source": source}, {"type": "text", "text": question}]
    messages: list[dict[str, Any]] = [{"role": "user", "content": question}]
    made: dict[str, Any] = {"model": cell.model, "stream": cell.ask, "max_tokens": 100}
    match cell.place:
        case "system":
            made["system"] = cell.said()
        case "earlier_user":
            messages[:0] = [{"role": "user", "content": cell.said()}, {"role": "assistant", "content": "I see."}]
        case "earlier_answer":
            messages[:0] = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": cell.said()}]
        case "tool_result" | "earlier_call":
            words = {"text": cell.said() if cell.place == "earlier_call" else "hi"}
            result = cell.said() if cell.place == "tool_result" else "sent"
            call = {"type": "tool_use", "id": "toolu_1", "name": "send", "input": words}
            given = {"type": "tool_result", "tool_use_id": "toolu_1", "content": result}
            messages += [{"role": "assistant", "content": [call]}, {"role": "user", "content": [given]}]
    made["messages"] = messages
    if cell.place not in _WITH_TOOLS:
        return made
    return {**made, "tools": [{"name": "send", "description": _about(cell), "input_schema": _SCHEMA}]}


def _responses(cell: MatrixCell) -> dict[str, Any]:
    parts = [{"type": "input_text", "text": _question(cell)}]
    if cell.place == "user_parts":
        parts.append({"type": "input_text", "text": cell.said()})
    items: list[dict[str, Any]] = [{"role": "user", "content": parts}]
    made: dict[str, Any] = {"model": cell.model, "stream": cell.ask, "store": False}
    match cell.place:
        case "system":
            made["instructions"] = cell.said()
        case "earlier_user":
            items[:0] = [{"role": "user", "content": cell.said()}, {"role": "assistant", "content": "I see."}]
        case "earlier_answer":
            items[:0] = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": cell.said()}]
        case "tool_result" | "earlier_call":
            arguments = json.dumps({"text": cell.said() if cell.place == "earlier_call" else "hi"})
            result = cell.said() if cell.place == "tool_result" else "sent"
            items += [
                {"type": "function_call", "call_id": "call_1", "name": "send", "arguments": arguments},
                {"type": "function_call_output", "call_id": "call_1", "output": result},
            ]
    made["input"] = items
    if cell.place not in _WITH_TOOLS:
        return made
    function = {"name": "send", "description": _about(cell), "parameters": _SCHEMA, "strict": False}
    return {**made, "tools": [{"type": "function", **function}]}


CLIENT_ROUTES: dict[str, ClientRoute] = {
    "chat": ClientRoute("/v1/chat/completions", _chat),
    "messages": ClientRoute("/v1/messages", _messages),
    "responses": ClientRoute("/v1/responses", _responses),
}
