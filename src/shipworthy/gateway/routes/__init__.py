"""What the gateway answers: one path a file, found by being here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, NamedTuple

from shipworthy.gateway.dialects import ANTHROPIC, OPENAI, Errors

if TYPE_CHECKING:
    from aiohttp import web

    from shipworthy.gateway.gateway import Gateway

Answer = Callable[["Gateway", "web.BaseRequest"], Awaitable["web.StreamResponse"]]


class Route(NamedTuple):
    """One path: how it is asked, and what answers it."""

    method: str
    path: str
    answer: Answer


_found: dict[str, Route] = {}


def route(method: str, path: str) -> Callable[[Answer], Answer]:
    """Return the decorator that makes a function the answer to a path; one in each file of this folder."""

    def register(answer: Answer) -> Answer:
        _found[path] = Route(method, path, answer)
        return answer

    return register


@cache
def find() -> dict[str, Route]:
    """Return every route by its path."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return dict(_found)


def dialect_of(path: str) -> Errors:
    """Return the dialect that whoever asks for a path speaks, also where the path is not served."""
    return ANTHROPIC if path.startswith("/v1/messages") else OPENAI
