"""Messages of every kind that MCP has, with places for a mark in every text: made from the types of the mcp package."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterator
from importlib import metadata
from itertools import count
from typing import Any, Literal, NamedTuple, get_args, get_origin

import pytest
from mcp.types import methods
from pydantic import BaseModel

if tuple(map(int, metadata.version("mcp").split(".")[:2])) < (2, 3):
    pytest.skip("examples are made of the types of mcp 2.3: those before it lack some", allow_module_level=True)

VERSION = "2025-11-25"
NOT_SERVED = {"task", "tasks", "icons", "execution", "experimental"}
"""Fields that are refused or left out: they stand in messages of their own."""
BASE64 = {"data", "blob"}
SLOT = "slot{}slot"

Kind = Literal["asks", "results", "says", "errors"]
Side = Literal["client", "server"]


class Example(NamedTuple):
    """One message: who sends it, its method, and its parameters or its result, with slots for texts."""

    side: Side
    kind: Kind
    method: str
    value: Any

    def marked(self, slot: str, mark: str) -> Any:
        """Return the value with a mark in one place."""
        return json.loads(json.dumps(self.value).replace(f'"{slot}"', json.dumps(mark)))


def examples() -> Iterator[Example]:
    """Yield every message."""
    for table, side in ((methods.CLIENT_REQUESTS, "client"), (methods.SERVER_REQUESTS, "server")):
        for (method, version), model in table.items():
            if version == VERSION:
                yield from _all(side, "asks", method, model.model_fields["params"].annotation)
    for table, side in ((methods.SERVER_RESULTS, "server"), (methods.CLIENT_RESULTS, "client")):
        for (method, version), model in table.items():
            if version == VERSION:
                yield from _all(side, "results", method, model)
    for table, side in ((methods.CLIENT_NOTIFICATIONS, "client"), (methods.SERVER_NOTIFICATIONS, "server")):
        for (method, version), model in table.items():
            if version == VERSION:
                yield from _all(side, "says", method, model.model_fields["params"].annotation)
    for side in ("client", "server"):
        method = "roots/list" if side == "client" else "resources/read"
        for value in _variants(Any, count(), "data"):
            yield Example(side, "errors", method, {"code": -32050, "message": SLOT.format("message"), "data": value})


def cells() -> Iterator[tuple[Example, str, str]]:
    """Yield each message with each of its slots and where that is, every place of a kind of message once."""
    seen: set[tuple[str, ...]] = set()
    for example in examples():
        for slot, path in _places(example.value, ()):
            key = example.side, example.kind, example.method, *path
            if key not in seen:
                seen.add(key)
                yield example, slot, "/".join(path)


def _places(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    if isinstance(value, str) and value.startswith("slot"):
        yield value, path
    elif isinstance(value, dict):
        for key, item in value.items():
            named = "*" if key.startswith("slot") else key
            if named == "*":
                yield key, (*path, "a name")
            yield from _places(item, (*path, named))
    elif isinstance(value, list):
        for item in value:
            yield from _places(item, (*path, "[]"))


def _all(side: Any, kind: Any, method: str, annotation: Any) -> Iterator[Example]:
    for value in _variants(annotation, count(), ""):
        yield Example(side, kind, method, value if isinstance(value, dict) else {})


def _variants(annotation: Any, numbers: Iterator[int], name: str) -> list[Any]:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is typing.Annotated:
        return _variants(inner[0], numbers, name)
    if origin in (typing.Union, types.UnionType):
        return [value for arm in inner if arm is not type(None) for value in _variants(arm, numbers, name)]
    if origin is Literal:
        return [inner[0]]
    if origin is list:
        return [[value] for value in _variants(inner[0], numbers, name)]
    if origin is dict:
        also = {} if inner[1] is str else {"n": 7}
        return [{_slot(numbers): value, **also} for value in _variants(inner[1], numbers, name)]
    if annotation is Any:
        return [_slot(numbers), {_slot(numbers): [_slot(numbers), 7, None, True, {"deep": _slot(numbers)}]}]
    if annotation is str:
        return ["aGk=" if name in BASE64 else _slot(numbers)]
    if annotation in (int, float):
        return [7]
    if annotation is bool:
        return [True]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _of_model(annotation, numbers)
    raise TypeError(annotation)


def _of_model(model: type[BaseModel], numbers: Iterator[int]) -> list[Any]:
    every = {
        field.alias or key: _variants(field.annotation, numbers, field.alias or key)
        for key, field in model.model_fields.items()
    }
    base = {key: values[0] for key, values in every.items() if key not in NOT_SERVED}
    more = [{**base, key: value} for key, values in every.items() for value in values[key not in NOT_SERVED :]]
    return [base, *more]


def _slot(numbers: Iterator[int]) -> str:
    return SLOT.format(next(numbers))
