"""The process of an isolated callable: calls it, one call at a time, and says what it gave or how it failed.

Nothing in here protects anything: code in the same process may change all of it. What is believed is decided on the
other side of the wire.
"""

from __future__ import annotations

import asyncio
import ctypes
import inspect
import os
import resource
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from shipworthy.core.errors import PolicyRefused, ShipworthyError, TargetError
from shipworthy.core.foreign import forks, kind_of, leave_if_forked, message_of
from shipworthy.core.records import ToolCall, ToolResult, ToolSpec
from shipworthy.targets import _wire
from shipworthy.targets._callables import load, reply_of, source_file, takes_request, takes_tools, where

_PDEATHSIG = 1


def main(descriptor: int) -> None:
    """Serve until the other side closes the wire."""
    os.set_inheritable(descriptor, False)
    wire = socket.socket(fileno=descriptor)
    setup = _wire.read(wire)
    if not isinstance(setup, _wire.Setup):
        return
    _bounded(setup)
    since = forks()
    try:
        function = load(setup.call)
        about = _wire.Greeting(takes_request(function), takes_tools(function), source_file(function))
    except ShipworthyError as error:
        about = _wire.Greeting(refused=message_of(error))
    leave_if_forked(since)
    wire.sendall(_wire.pack(about))
    if about.refused:
        return
    with asyncio.Runner() as runner:
        while (ask := _wire.read(wire)) is not None:
            answer = _answered(runner, wire, setup.call, function, ask)
            leave_if_forked(since)
            wire.sendall(_packed(answer, setup.call))


def _bounded(setup: _wire.Setup) -> None:
    """Die with whoever started us, before others when memory runs out, and never take all of it."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != setup.parent:  # it died before we asked to be told
            os._exit(1)
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    if setup.memory:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_DATA, (setup.memory, setup.memory))


def _packed(answer: _wire.WireAnswer, name: str) -> bytes:
    try:
        return _wire.pack(answer)
    except Exception as error:
        said = f"{name} returned a Reply that is not one ({kind_of(error)}: {message_of(error)})"
        return _wire.pack(_wire.WireAnswer(answer.number, failed="TargetError", said=said))


def _answered(
    runner: asyncio.Runner, wire: socket.socket, name: str, function: Callable[..., Any], ask: _wire.WireAsk
) -> _wire.WireAnswer:
    try:
        return _wire.WireAnswer(ask.number, reply_of(_called(runner, wire, function, ask), name))
    except ShipworthyError as error:
        return _wire.WireAnswer(ask.number, failed=kind_of(error), said=message_of(error))
    except BaseException as error:
        said = f"{name} raised {kind_of(error)} {where(error)}".rstrip()
        return _wire.WireAnswer(ask.number, failed="TargetError", said=said)


def _called(runner: asyncio.Runner, wire: socket.socket, function: Callable[..., Any], ask: _wire.WireAsk) -> Any:
    given = ask.request if ask.text is None else ask.text
    if ask.tools:
        return runner.run(_with_tools(wire, function, ask))
    if inspect.iscoroutinefunction(function):
        return runner.run(function(given))
    answer = function(given)
    return runner.run(_awaited(answer)) if inspect.isawaitable(answer) else answer


async def _awaited(answer: Awaitable[Any]) -> Any:
    return await answer


async def _with_tools(wire: socket.socket, function: Callable[..., Any], ask: _wire.WireAsk) -> Any:
    tools = _Tools(wire, ask)
    loop = asyncio.get_running_loop()
    loop.add_reader(wire.fileno(), tools.read)
    try:
        return await function(ask.request, tools)
    finally:
        loop.remove_reader(wire.fileno())


class _Tools:
    """`Tools` whose every call goes to the other side, where guards and policy see it."""

    def __init__(self, wire: socket.socket, ask: _wire.WireAsk) -> None:
        self.specs: Sequence[ToolSpec] = ask.specs
        self._wire, self._number = wire, ask.number
        self._waiting: dict[int, tuple[asyncio.Future[ToolResult], Any]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._last = 0

    async def call(self, call: ToolCall, run: Any = None) -> ToolResult:
        """See `Tools.call`."""
        self._last += 1
        future: asyncio.Future[ToolResult] = asyncio.get_running_loop().create_future()
        self._waiting[self._last] = future, run
        self._wire.sendall(_wire.pack(_wire.Call(self._number, self._last, call, run is not None)))
        return await future

    def read(self) -> None:
        """Take one message from the other side."""
        try:
            message = _wire.read(self._wire)
        except (OSError, TargetError):
            message = None
        if message is None:  # there is nobody to work for
            os._exit(1)
        if isinstance(message, _wire.RunTool):
            task = asyncio.ensure_future(self._run(message))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        elif isinstance(message, _wire.Result):
            future, _ = self._waiting.pop(message.id)
            if future.done():
                return
            if message.result is not None:
                future.set_result(message.result)
            else:
                future.set_exception(PolicyRefused(message.stopped))

    async def _run(self, message: _wire.RunTool) -> None:
        try:
            given = await self._waiting[message.id][1](message.call)
            if isinstance(given, ToolResult):
                ran = _wire.ToolRan(self._number, message.id, result=given)
            else:
                ran = _wire.ToolRan(self._number, message.id, text=str(given))
            data = _wire.pack(ran)
        except BaseException as failure:
            failed = _wire.ToolRan(self._number, message.id, failed=kind_of(failure), said=message_of(failure))
            data = _wire.pack(failed)
        self._wire.sendall(data)
