"""Shapes of MCP: every message of the mcp package's types is of them, and what they do not name is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("mcp.types.methods", reason="mcp is not here: the extra `mcp` brings it")

from tests.unit.gateway.mcp.examples import NOT_SERVED, Example, examples

from shipworthy.dialects.mcp import CLIENT_ASKS, CLIENT_SAYS, ERROR, SERVER_ASKS, SERVER_SAYS
from shipworthy.dialects.mcp_shapes import BadShape, Holds, Shape

SERVED = [e for e in examples() if not any(f"'{name}'" in repr(e.value) for name in NOT_SERVED)]


def shape_of(example: Example) -> Shape:
    if example.kind == "errors":
        return ERROR
    if example.kind == "says":
        return (CLIENT_SAYS if example.side == "client" else SERVER_SAYS)[example.method]
    asks = example.kind == "asks"
    known = (CLIENT_ASKS if (example.side == "client") == asks else SERVER_ASKS)[example.method]
    return known.params if asks else known.result


def test_every_message_of_the_package_is_of_its_shape() -> None:
    assert len(SERVED) > 150
    for example in SERVED:
        value = {k: v for k, v in example.value.items() if (example.kind, k) != ("errors", "code")}
        seen: list[str] = []

        def put(holds: Holds, was: object, seen=seen) -> object:
            seen.append(str(was))
            return was

        made = shape_of(example).made(value, put, "it", media=True)
        if example.method != "initialize":  # what both sides can do is agreed, not passed on
            assert _without_tools_meta(made) == _without_tools_meta(value)


def _without_tools_meta(value: object) -> object:
    if isinstance(value, dict):
        tool = "inputSchema" in value
        return {k: _without_tools_meta(v) for k, v in value.items() if not (tool and k == "_meta")}
    return [_without_tools_meta(v) for v in value] if isinstance(value, list) else value


FREE = {"_meta", "arguments", "data", "input", "inputSchema", "metadata", "outputSchema", "requestedSchema",
        "structuredContent"}  # fmt: skip
"""Fields that hold any JSON, or names that the sender chooses."""


def spoiled(value: Any) -> Iterator[Any]:
    """Yield a message with an unknown field in one of its objects, for each of them."""
    if isinstance(value, dict):
        yield {**value, "unknown": 1}
        for key, item in value.items():
            if key not in FREE:
                for other in spoiled(item):
                    yield {**value, key: other}
    elif isinstance(value, list):
        for at, item in enumerate(value):
            for other in spoiled(item):
                yield [*value[:at], other, *value[at + 1 :]]


def test_an_unknown_field_is_refused_wherever_it_stands() -> None:
    tried = 0
    for example in SERVED:
        free = example.method in ("initialize", "elicitation/create") or example.kind == "errors"
        for value in () if free else spoiled(example.value):
            tried += 1
            with pytest.raises(BadShape):
                shape_of(example).made(value, lambda holds, was: was, "it", media=True)
    assert tried > 500
