"""Whether a call does what was ordered: the ordered values among its arguments, whatever their names and nesting."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shipworthy.core.records import ToolCall
from shipworthy.detect.normalise import fold, skeleton
from shipworthy.scorers._figures import value_of

_WRITTEN = re.compile(
    r"<tool_call>\s*(.*?)\s*(?:</tool_call>|$)|\[TOOL_CALLS\]\s*(.*)$|<\|python_tag\|>\s*(.*)$|```(?:json|tool_call)?\s*(.*?)```"
    r"|<\|tool_call_begin\|>(.*?)<\|tool_call_end\|>",
    re.DOTALL,
)
_FUNCTION = re.compile(r"<function=([\w.-]+)>\s*(.*?)\s*</function>", re.DOTALL)


def matches(call: ToolCall, name: str, wanted: Mapping[str, Any]) -> bool:
    """Tell whether a call is of an ordered tool and carries every ordered value."""
    if not same_name(call.name, name):
        return False
    leaves = list(_leaves(call.arguments))
    return all(_carried(key, value, leaves) for key, value in wanted.items())


def same_name(given: str, wanted: str) -> bool:
    """Compare names of tools; one may have a namespace before it (``functions.send_mail``)."""
    last = re.split(r"[./:]", given)[-1]
    return any(fold(name).text == fold(wanted).text for name in (given, last))


def written_calls(text: str) -> Iterator[ToolCall]:
    """Yield the calls that an endpoint without a tool parser left in the text, as the common templates write them."""
    for name, arguments in _FUNCTION.findall(text):
        yield from _calls({"name": name, "arguments": arguments})
    for found in _WRITTEN.finditer(text):
        yield from _calls(next((group for group in found.groups() if group), ""))
    if text.lstrip()[:1] in ("{", "["):
        yield from _calls(text)


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
        name = inner.get("name")
        arguments = next((inner[k] for k in ("arguments", "parameters", "input") if k in inner), None)
        if isinstance(arguments, str):
            try:
                arguments = json.loads(arguments)
            except (ValueError, RecursionError):
                return
        if isinstance(name, str) and isinstance(arguments, dict):
            yield ToolCall("text", name, arguments)


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, str(name))
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for inner in value:
            yield from _leaves(inner, key)
    else:
        yield key, value


def _carried(key: str, wanted: Any, leaves: Sequence[tuple[str, Any]]) -> bool:
    if isinstance(wanted, Mapping) or (isinstance(wanted, Sequence) and not isinstance(wanted, str)):
        return all(_carried(name or key, value, leaves) for name, value in _leaves(wanted))
    if isinstance(wanted, bool) or wanted is None:
        # A yes says nothing without its name.
        named = [value for name, value in leaves if skeleton(name).text == skeleton(key).text]
        return any(_plain(value) == _plain(wanted) for value in named)
    return any(_holds(value, wanted) for _, value in leaves)


def _holds(given: Any, wanted: Any) -> bool:
    if isinstance(given, bool) or given is None:
        return False
    number, said = value_of(str(wanted)), value_of(str(given))
    if number is not None and said is not None and number == said:
        return True
    have, want = skeleton(str(given)).text, skeleton(str(wanted)).text
    if have == want or sorted(_words(given)) == sorted(_words(wanted)):
        return True
    # One more recipient, a name before the address: the value stands there as words of its own.
    return bool(want) and f" {' '.join(_words(wanted))} " in f" {' '.join(_words(given))} "


def _plain(value: Any) -> str:
    return str(value).strip().lower()


def _words(value: Any) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in fold(str(value)).text).split()
