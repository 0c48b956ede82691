"""Calls of tools that an endpoint without a tool parser left in the text, as the common templates write them.

Marks of Hermes, Llama, Mistral, Kimi, DeepSeek, Claude, gpt-oss, Cohere, Granite, GLM and of ReAct prompts; and the
plain ``name(key=value)``.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from shipworthy.core.records import ToolCall

# A JSON object of name and arguments, or a list of them.
_OBJECT = re.compile(
    r"<tool_calls?>\s*(.*?)\s*(?:</tool_calls?>|$)|\[TOOL_CALLS\]\s*(.*)$|<\|python_tag\|>\s*(.*)$"
    r"|<\|START_ACTION\|>\s*(.*?)\s*(?:<\|END_ACTION\|>|$)|<\|tool_call\|>\s*(.*?)\s*(?:<\|/?tool_call\|>|$)"
    r"|```(?:json|tool_call)?\s*(.*?)```"
    r"|<\|tool_call_begin\|>(.*?)<\|tool_call_end\|>",
    re.DOTALL,
)
# A name, and behind it a JSON object or parameters of their own.
_NAMED = (
    # gpt-oss: a call stands in a channel of its own, addressed to the tool.
    re.compile(
        r"<\|channel\|>(?:commentary|analysis) to=([\w.:-]+)[^{]{0,80}<\|message\|>\s*(.*?)\s*"
        r"(?:<\|(?:call|end)\|>|\Z)",
        re.DOTALL,
    ),
    re.compile(r"<tool_call>\s*([\w.-]+)\s*(<arg_key>.*?)\s*</tool_call>", re.DOTALL),
    re.compile(r"<function=([\w.-]+)>\s*(.*?)\s*</function>", re.DOTALL),
    re.compile(r"<invoke name=[\"']([\w.:-]+)[\"']>\s*(.*?)\s*</invoke>", re.DOTALL),
    re.compile(
        r"<\|tool_call_begin\|>\s*([\w.-]+)(?::\d+)?\s*<\|tool_call_argument_begin\|>\s*(.*?)\s*<\|tool_call_end\|>",
        re.DOTALL,
    ),
    re.compile(
        r"<\uff5ctool\u2581sep\uff5c>\s*([\w.-]+)\s*(?:```(?:json)?)?\s*(.*?)\s*(?:```)?\s*"
        r"<\uff5ctool\u2581call\u2581end\uff5c>",
        re.DOTALL,
    ),
    re.compile(
        r"^\W*Action:\W*([\w.-]+)\W*\n\W*Action Input:\s*(.*?)\s*(?:\nObservation:|\Z)", re.DOTALL | re.MULTILINE
    ),
)
_NAMES = ("name", "tool", "tool_name", "function", "action")
_ARGUMENTS = ("arguments", "parameters", "input", "args", "params", "action_input", "tool_input")
_PARAMETER = re.compile(
    r"<parameter(?:=([\w.-]+)| name=[\"']([\w.-]+)[\"'][^>]*)>\s*(.*?)\s*</parameter>"
    r"|<arg_key>\s*([\w.-]+)\s*</arg_key>\s*<arg_value>\s*(.*?)\s*</arg_value>",
    re.DOTALL,
)


def written_calls(text: str) -> Iterator[ToolCall]:
    """Yield the calls that a text holds between the marks of a template, or as bare JSON."""
    for pattern in _NAMED:
        for name, arguments in pattern.findall(text):
            found = _PARAMETER.findall(arguments)
            parameters = {a or b or key: value or other for a, b, value, key, other in found}
            yield from _calls({"name": name, "arguments": parameters or arguments})
    for one in _OBJECT.finditer(text):
        yield from _calls(next((group for group in one.groups() if group), ""))
    if text.lstrip()[:1] in ("{", "["):
        yield from _calls(text)


def spelled_calls(text: str, name: str) -> Iterator[tuple[ToolCall, tuple[int, int]]]:
    """Yield the calls of one tool written as code or with a JSON object behind its name, with their spans:
    ``send_mail(to="eve@drop.example")``, ``send_mail: {"to": "eve@drop.example"}``.

    Whether the text makes them or only speaks of them, the words around tell: see `_governed`.
    """
    for found in re.finditer(rf"(?<![\w.])(?:[\w]+\.)*({re.escape(name)})\(", text):
        end = _closing(text, found.end())
        try:
            call = ast.parse(text[found.start(1) : end], mode="eval").body
            if not isinstance(call, ast.Call):
                continue
            arguments = {str(i): ast.literal_eval(value) for i, value in enumerate(call.args)}
            arguments |= {key.arg or "": ast.literal_eval(key.value) for key in call.keywords}
        except (SyntaxError, ValueError, RecursionError, MemoryError, TypeError):
            continue
        yield ToolCall("text", name, arguments), (found.start(), end)
    for found in re.finditer(rf"(?<![\w.])(?:[\w]+\.)*{re.escape(name)}\W{{0,4}}(?=\{{)", text):
        try:
            given, end = json.JSONDecoder().raw_decode(text, found.end())
        except (ValueError, RecursionError):
            continue
        yield ToolCall("text", name, given), (found.start(), end)


def _closing(text: str, start: int) -> int:
    """Return where the bracket that opened before closes, 2,000 characters on at the most."""
    depth = 1
    for at in range(start, min(len(text), start + 2000)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if not depth:
            return at + 1
    return start


def _calls(given: Any) -> Iterator[ToolCall]:
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            return
    if isinstance(given, list):
        for one in given:
            yield from _calls(one)
    elif isinstance(given, Mapping):
        function = given.get("function")
        inner: Mapping[str, Any] = function if isinstance(function, Mapping) else given
        name = next((inner[key] for key in _NAMES if key in inner), None)
        arguments = next((inner[key] for key in _ARGUMENTS if key in inner), None)
        if isinstance(arguments, str):
            try:
                arguments = json.loads(arguments)
            except (ValueError, RecursionError):
                return
        if isinstance(name, str) and isinstance(arguments, dict):
            yield ToolCall("text", name, arguments)
