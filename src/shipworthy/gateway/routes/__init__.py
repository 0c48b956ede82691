"""What the gateway answers: one path a file, found by being here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, NamedTuple

from shipworthy.gateway.dialects import ANTHROPIC, MCP, OPENAI, Errors

if TYPE_CHECKING:
    from aiohttp import web

    from shipworthy.gateway.gateway import Gateway

Answer = Callable[["Gateway", "web.BaseRequest"], Awaitable["web.StreamResponse"]]


class Route(NamedTuple):
    """One path: how it is asked, and what answers it.

    Attributes:
        method: or several, parted by a comma and a blank.
        path: one that ends in ``/NAME`` is of every name in its place.
    """

    method: str
    path: str
    answer: Answer


_NAMED = "/NAME"

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


def route_of(path: str, routes: Mapping[str, Route]) -> Route | None:
    """Return what answers a path; None where nothing does."""
    if (exact := routes.get(path)) is not None:
        return exact
    above, _, name = path.rpartition("/")
    return routes.get(f"{above}{_NAMED}") if name else None


def dialect_of(path: str) -> Errors:
    """Return the dialect that whoever asks for a path speaks, also where the path is not served."""
    if path.startswith("/mcp/"):
        return MCP
    return ANTHROPIC if path.startswith("/v1/messages") else OPENAI
