"""A Python callable: an app's own function, called in this process or in processes of its own."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from shipworthy.core.carries import EVERYTHING, Need
from shipworthy.core.digests import file_digest
from shipworthy.core.errors import ShipworthyError, TargetError, TargetTimeout, UsageError
from shipworthy.core.foreign import kind_of, must_pass, same_interpreter
from shipworthy.core.protocols import Tools
from shipworthy.core.records import Reply, Request
from shipworthy.core.registry import imports, operational, target
from shipworthy.core.threads import Threads
from shipworthy.dialects import plain
from shipworthy.dialects.documents import DOCUMENTS, DocumentsTemplate
from shipworthy.targets import _isolated, _wire
from shipworthy.targets._callables import (
    check_name,
    first_annotation,
    load,
    reply_of,
    source_file,
    takes_request,
    takes_tools,
    where,
)

TEXT: frozenset[Need] = frozenset({"documents"})
"""What a function of a text is given besides the user's words."""


def carries(params: Mapping[str, Any]) -> frozenset[Need] | None:
    """Say what the function can be given, read from its source without running it; None where that cannot be told."""
    call = params.get("call")
    first = first_annotation(call) if isinstance(call, str) else None
    if first is None:
        return None
    return EVERYTHING if first.rpartition(".")[2] == "Request" else TEXT


def sends_to(params: Mapping[str, Any]) -> str:
    """Return where the variables under `keys` go: to the code itself."""
    return str(params.get("call", "python")).casefold()


class PythonCallable:
    """The target behind `python`. A plain function runs in a thread, so that it does not hold up the others.

    Args:
        function: takes a `str` (the user's text) or a `Request`; returns a `str`, a `Message` or a `Reply`, or an
            awaitable of one. None where `_checked` is another class's own.
        name: ``module:function``.
        whole: True where it takes a `Request`.
        file: path of the file that it is written in.
        concurrency: calls at one time; the engine's if None.
    """

    def __init__(
        self,
        function: Callable[..., Any] | None,
        *,
        name: str,
        whole: bool,
        file: str,
        timeout: float,
        template: str,
        version: str,
        concurrency: int | None,
    ) -> None:
        self.carries = EVERYTHING if whole else TEXT
        self.concurrency = concurrency
        self._function, self._name, self._whole, self.timeout = function, name, whole, timeout
        self._version, self._template, self._documents = version, template, DocumentsTemplate(template)
        self._source = file_digest(Path(file)) if file else ""
        self._threads = Threads(name)

    def describe(self) -> Mapping[str, Any]:
        about = {"target": "python", "call": self._name, "version": self._version, "source": self._source}
        return about if self._whole else {**about, "documents_template": self._template}

    async def send(self, request: Request) -> Reply:
        """Call the function.

        Raises:
            TargetTimeout: it took longer than `timeout` seconds. A plain function in this process cannot be stopped:
                its thread goes on to its end.
            TargetError: it raised, or returned something else than an answer. Its message is not passed on: it may
                hold text of the conversation.
        """
        given: Any = request
        if not self._whole:
            if request.tools:
                raise TargetError(f"{self._name}(str) cannot be offered tools: take a Request, and tools beside it")
            given = plain.only_text(request, self._documents, taker=f"{self._name}(str)")
        return await self._checked(given)

    async def _checked(self, given: Any, *tools: Tools) -> Reply:
        try:
            async with asyncio.timeout(self.timeout) as limit:
                answer = await self._call(given, *tools)
        except ShipworthyError:
            raise
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError) or must_pass(error):
                raise
            if isinstance(error, TimeoutError) and limit.expired():
                raise TargetTimeout(f"{self._name} did not return within {self.timeout:g} s") from None
            raise TargetError(f"{self._name} raised {kind_of(error)} {where(error)}") from None
        return reply_of(answer, self._name)

    async def close(self) -> None:
        """Let the threads end."""
        self._threads.close()

    async def _call(self, *given: Any) -> Any:
        function = self._function
        if function is None:
            raise TypeError("no function")
        if inspect.iscoroutinefunction(function):
            with same_interpreter():
                return await function(*given)
        answer = await self._threads.call(function, *given)
        return await answer if inspect.isawaitable(answer) else answer


class PythonAgent(PythonCallable):
    """The target behind `python` where the function takes tools: it calls them through the exchange."""

    async def send(self, request: Request, tools: Tools) -> Reply:  # type: ignore[override]
        """Call the function with the request and the way to its tools; errors as for `PythonCallable.send`."""
        return await self._checked(request, tools)


class IsolatedCallable(PythonCallable):
    """The target behind `python` where the function runs in processes of its own."""

    def __init__(self, pool: _isolated.Pool, **known: Any) -> None:
        super().__init__(None, whole=pool.about.whole, file=pool.about.file, **known)
        self._pool = pool

    async def _checked(self, given: Any, *tools: Tools) -> Reply:
        if isinstance(given, Request):
            specs = tuple(tools[0].specs) if tools else ()
            ask = _wire.WireAsk(0, request=given, tools=bool(tools), specs=specs)
        else:
            ask = _wire.WireAsk(0, text=given)
        return await self._pool.ask(ask, tools[0] if tools else None, self.timeout)

    async def close(self) -> None:
        """End the processes."""
        await self._pool.close()


class IsolatedAgent(IsolatedCallable):
    """The same, where the function takes tools."""

    async def send(self, request: Request, tools: Tools) -> Reply:  # type: ignore[override]
        """Call the function with the request and the way to its tools; errors as for `PythonCallable.send`."""
        return await self._checked(request, tools)


@target
@operational("timeout", "isolate", "concurrency", "memory")
@imports("call")
def python(
    *,
    call: str,
    version: str = "",
    timeout: float = 120.0,
    documents_template: str = DOCUMENTS,
    isolate: bool | None = None,
    concurrency: int | None = None,
    memory: float | None = None,
    keys: Sequence[str] = (),
) -> PythonCallable:
    """Build a target on a callable.

    Args:
        call: ``module:function`` of a module that this Python can import (a workspace's own files are plug-ins). The
            function takes the user's text, or a whole `Request` where its first parameter is annotated so. One that
            calls tools is async and takes `tools` second: see `Tools`.
        version: of what lies behind the function. The function's own source file is hashed into the evidence; the
            modules it imports are not, so name them here.
        timeout: seconds for one answer.
        documents_template: Jinja template that puts planted documents before a `str` function's text.
        isolate: run it in processes of its own, where it cannot touch this one. Left out: where the environment
            variable `CI` is set.
        concurrency: calls at one time; isolated, as many processes (4), else what the engine takes (16).
        memory: gigabytes that a process of its own may take; three quarters of the machine's if left out, 0 for no
            bound.
        keys: variables (``env:NAME``) that a process of its own is given although their names are those of secrets.

    Raises:
        UsageError: there is no such function, or it is one of Python's own.
    """
    if not timeout > 0:
        raise UsageError(f"timeout must be more than 0, not {timeout}")
    if concurrency is not None and concurrency < 1:
        raise UsageError(f"concurrency must be 1 or more, not {concurrency}")
    known: dict[str, Any] = {
        "name": call,
        "timeout": timeout,
        "template": documents_template,
        "version": version,
    }
    if _in_ci() if isolate is None else isolate:
        check_name(call)
        pool = _isolated.Pool(call, granted=[str(key) for key in keys], memory=_bytes(memory))
        kind = IsolatedAgent if pool.about.tools else IsolatedCallable
        return kind(pool, concurrency=concurrency or _isolated.PROCESSES, **known)
    function = load(call)
    made = PythonAgent if takes_tools(function) else PythonCallable
    return made(function, whole=takes_request(function), file=source_file(function), concurrency=concurrency, **known)


def _in_ci() -> bool:
    return os.environ.get("CI", "").strip().lower() not in ("", "0", "false", "no")


def _bytes(gigabytes: float | None) -> int:
    if gigabytes is None:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4 * 3
    if not 0 <= gigabytes < 1_000_000:
        raise UsageError(f"memory is in gigabytes, not {gigabytes}")
    return int(gigabytes * 1e9)
