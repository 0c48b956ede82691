"""A tool policy in front of plain Python functions: a decorator.

    @mediated
    def send_mail(to: list[str], body: str) -> str: ...

    with conversing(Conversation(policy, user="ada")) as conversation:
        conversation.hear(["Send ada@example.org a note"])
        send_mail(["ada@example.org"], "Hello")

Outside of a conversation every call is refused. Tasks and `asyncio.to_thread` are inside the conversation that they
were begun in; a thread of another kind is in none.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar, overload

from shipworthy.adapters.conversation import Conversation
from shipworthy.adapters.values import written
from shipworthy.core.errors import CallRefused, UsageError
from shipworthy.core.foreign import kind_of
from shipworthy.core.messages import ToolCall
from shipworthy.enforce.policy.decision import REFUSED

P = ParamSpec("P")
R = TypeVar("R")

_current: ContextVar[Conversation | None] = ContextVar("shipworthy_conversation", default=None)


@contextmanager
def conversing(conversation: Conversation) -> Iterator[Conversation]:
    """Let the tools that are called in a block belong to a conversation."""
    token = _current.set(conversation)
    try:
        yield conversation
    finally:
        _current.reset(token)


@overload
def mediated(tool: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def mediated(*, name: str = ...) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def mediated(tool: Callable[..., Any] | None = None, /, *, name: str = "") -> Any:
    """Put the policy of the open conversation in front of a function, a method or a coroutine function.

    Args:
        name: of the tool in the policy; the function's own if left out.

    Returns:
        The same function, that raises `CallRefused` where the call may not be made.

    Raises:
        UsageError: it is a generator, of which nobody could say what it gave before the model saw it.
    """
    if tool is None:
        return functools.partial(_mediated, name=name)
    return _mediated(tool, name=name)


def _mediated(tool: Callable[..., Any], *, name: str) -> Callable[..., Any]:
    if inspect.isgeneratorfunction(tool) or inspect.isasyncgenfunction(tool):
        raise UsageError(f"{tool.__name__!r} is a generator: give the policy a function that returns all of its answer")
    called = name or getattr(tool, "__name__", kind_of(tool))
    shape = inspect.signature(tool)

    if inspect.iscoroutinefunction(tool):

        @functools.wraps(tool)
        async def run_async(*args: Any, **kwargs: Any) -> Any:
            conversation = _open()
            bound = shape.bind(*args, **kwargs)  # a call of another shape is none, with or without a policy
            call = conversation.call(called, _arguments(bound))
            allowed = await conversation.allowed_async(call)
            with conversation.guarded(call.id):
                _fit(bound, call, allowed)
            with conversation.running(allowed):
                value = await tool(*bound.args, **bound.kwargs)
            conversation.returned(allowed, value)
            return value

        return run_async

    @functools.wraps(tool)
    def run(*args: Any, **kwargs: Any) -> Any:
        conversation = _open()
        bound = shape.bind(*args, **kwargs)
        call = conversation.call(called, _arguments(bound))
        allowed = conversation.allowed(call)
        with conversation.guarded(call.id):
            _fit(bound, call, allowed)
        with conversation.running(allowed):
            value = tool(*bound.args, **bound.kwargs)
            if inspect.isawaitable(value):
                if inspect.iscoroutine(value):
                    value.close()
                raise UsageError(f"{called!r} gives something to wait for: decorate a coroutine function")
        conversation.returned(allowed, value)
        return value

    return run


def _open() -> Conversation:
    conversation = _current.get()
    if conversation is None:
        raise CallRefused(f"{REFUSED} No conversation is open: see shipworthy.adapters.plain.conversing.")
    return conversation


def _arguments(bound: inspect.BoundArguments) -> dict[str, Any]:
    """Return the arguments of a call by their names, as they were given: defaults are the tool's own."""
    found: dict[str, Any] = {}
    for place, (name, value) in enumerate(bound.arguments.items()):
        kind = bound.signature.parameters[name].kind
        if place == 0 and name in ("self", "cls"):
            continue
        if kind is inspect.Parameter.VAR_KEYWORD:
            found |= {key: inner for key, inner in value.items() if key not in found}
        else:
            found[name] = value
    return found


def _fit(bound: inspect.BoundArguments, call: ToolCall, allowed: ToolCall) -> None:
    """Change a call to what may be made: what a person wrote in place of its arguments.

    Raises:
        ValueError: the arguments are no longer those that were decided over.
    """
    if allowed.arguments == call.arguments:
        if written(_arguments(bound)) != written(call.arguments):
            raise ValueError("the arguments were changed while they were being decided over")
        return
    parameters = bound.signature.parameters
    rest = next((n for n, p in parameters.items() if p.kind is inspect.Parameter.VAR_KEYWORD), None)
    keep = {n: v for place, (n, v) in enumerate(bound.arguments.items()) if place == 0 and n in ("self", "cls")}
    named = {n: v for n, v in allowed.arguments.items() if n in parameters and n != rest}
    others = {n: v for n, v in allowed.arguments.items() if n not in named}
    if others and rest is None:
        raise ValueError(f"there is no argument {next(iter(others))!r}")
    bound.arguments = keep | {n: named[n] for n in parameters if n in named} | ({rest: others} if rest else {})
