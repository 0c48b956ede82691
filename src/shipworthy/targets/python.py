"""A Python callable: an app's own function, called in this process."""

from __future__ import annotations

import ast
import asyncio
import inspect
import sys
import typing
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from shipworthy.core.carries import EVERYTHING, Need
from shipworthy.core.digests import file_digest
from shipworthy.core.errors import ShipworthyError, TargetError, TargetTimeout, UsageError, did_you_mean
from shipworthy.core.protocols import Tools
from shipworthy.core.records import Message, Reply, Request, say
from shipworthy.core.registry import imports, operational, target
from shipworthy.dialects import plain
from shipworthy.dialects.documents import DOCUMENTS, DocumentsTemplate

TEXT: frozenset[Need] = frozenset({"documents"})
"""What a function of a text is given besides the user's words."""


def carries(params: Mapping[str, Any]) -> frozenset[Need] | None:
    """Say what the function can be given, read from its source without running it; None where that cannot be told."""
    call = params.get("call")
    first = _first_annotation(call) if isinstance(call, str) else None
    if first is None:
        return None
    return EVERYTHING if first.rpartition(".")[2] == "Request" else TEXT


class PythonCallable:
    """The target behind `python`. A plain function runs in a thread, so that it does not hold up the others.

    Args:
        function: takes a `str` (the user's text) or a `Request`; returns a `str`, a `Message` or a `Reply`, or an
            awaitable of one.
        name: ``module:function``.
        whole: True where it takes a `Request`.
    """

    def __init__(
        self, function: Callable[..., Any], *, name: str, whole: bool, timeout: float, template: str, version: str
    ) -> None:
        self.carries = EVERYTHING if whole else TEXT
        self._function, self._name, self._whole, self._timeout = function, name, whole, timeout
        self._version, self._template, self._documents = version, template, DocumentsTemplate(template)
        self._source = _source_digest(function)

    def describe(self) -> Mapping[str, Any]:
        about = {"target": "python", "call": self._name, "version": self._version, "source": self._source}
        return about if self._whole else {**about, "documents_template": self._template}

    async def send(self, request: Request) -> Reply:
        """Call the function.

        Raises:
            TargetTimeout: it took longer than `timeout` seconds. A plain function cannot be stopped: its thread goes
                on to its end.
            TargetError: it raised, or returned something else than an answer. Its message is not passed on: it may
                hold text of the conversation.
        """
        given: Any = request
        if not self._whole:
            if request.tools:
                raise TargetError(f"{self._name}(str) cannot be offered tools: take a Request, and tools beside it")
            given = plain.only_text(request, self._documents, taker=f"{self._name}(str)")
        return await self._checked(given)

    async def _checked(self, *given: Any) -> Reply:
        try:
            async with asyncio.timeout(self._timeout) as limit:
                answer = await self._call(*given)
        except ShipworthyError:
            raise
        except Exception as error:
            if isinstance(error, TimeoutError) and limit.expired():
                raise TargetTimeout(f"{self._name} did not return within {self._timeout:g} s") from None
            raise TargetError(f"{self._name} raised {type(error).__name__} {_where(error)}") from None
        match answer:
            case Reply():
                return answer
            case Message(role="assistant"):
                return Reply(messages=(answer,))
            case str():
                return Reply(messages=(say("assistant", answer),))
            case _:
                raise TargetError(f"{self._name} returned a {type(answer).__name__}, not a str, Message or Reply")

    async def close(self) -> None:
        """Nothing to let go of."""

    def _plain(self, *given: Any) -> Any:
        try:
            return self._function(*given)
        except StopIteration as error:
            # No future can carry it: the call would never end.
            raise RuntimeError("StopIteration") from error

    async def _call(self, *given: Any) -> Any:
        if inspect.iscoroutinefunction(self._function):
            return await self._function(*given)
        answer = await asyncio.to_thread(self._plain, *given)
        return await answer if inspect.isawaitable(answer) else answer


class PythonAgent(PythonCallable):
    """The target behind `python` where the function takes tools: it calls them through the exchange."""

    async def send(self, request: Request, tools: Tools) -> Reply:  # type: ignore[override]
        """Call the function with the request and the way to its tools; errors as for `PythonCallable.send`."""
        return await self._checked(request, tools)


@target
@operational("timeout")
@imports("call")
def python(
    *, call: str, version: str = "", timeout: float = 120.0, documents_template: str = DOCUMENTS
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

    Raises:
        UsageError: there is no such function, or it is one of Python's own.
    """
    if not timeout > 0:
        raise UsageError(f"timeout must be more than 0, not {timeout}")
    function = load(call)
    made = PythonAgent if _takes_tools(function) else PythonCallable
    return made(
        function,
        name=call,
        whole=_takes_request(function),
        timeout=timeout,
        template=documents_template,
        version=version,
    )


def load(call: str) -> Callable[..., Any]:
    """Import ``module:function``.

    Raises:
        UsageError: it cannot be imported, is not callable, or belongs to the standard library, which is no system under
            test. Whether a workspace may name it at all is for its user to say, before (`workspace.wants`).
    """
    module_name, _, path = call.partition(":")
    if not module_name or not path:
        raise UsageError(f"call must be 'module:function', not {call!r}")
    if module_name.partition(".")[0] in sys.stdlib_module_names:
        raise UsageError(f"{call}: a function of Python's own library is no system under test")
    try:
        found: Any = import_module(module_name)
    except ImportError as error:
        hint = "it must be installed, lie where PYTHONPATH says, or in the workspace and be run with --allow-code"
        raise UsageError(f"cannot import {module_name!r} ({error}): {hint}") from error
    except Exception as error:
        raise UsageError(f"importing {module_name!r} raised {type(error).__name__} {_where(error)}: {error}") from error
    for name in path.split("."):
        if not hasattr(found, name):
            names = [n for n in vars(found) if not n.startswith("_") and callable(getattr(found, n))]
            raise UsageError(f"{module_name} has no {name!r}: {did_you_mean(name, names)}")
        found = getattr(found, name)
    if not callable(found):
        raise UsageError(f"{call} is a {type(found).__name__}, which cannot be called")
    if (getattr(found, "__module__", None) or "builtins").partition(".")[0] in sys.stdlib_module_names:
        raise UsageError(f"{call}: a function of Python's own library is no system under test")
    function: Callable[..., Any] = found
    return function


def _first_annotation(call: str) -> str | None:
    """Return the annotation of a function's first parameter as it is written, "" where there is none.

    Importing a module runs it, which `shipworthy check` does not do. None where the function is not written plainly in
    a file that is found along ``sys.path``: it may be imported there from elsewhere, decorated or made.
    """
    module, _, name = call.partition(":")
    places = (Path(place or ".").joinpath(*module.split(".")) for place in sys.path)
    files = (file for place in places for file in (place / "__init__.py", place.with_suffix(".py")))
    try:
        file = next((file for file in files if file.is_file()), None)
        body = ast.parse(file.read_bytes()).body if file is not None else []
    except (OSError, SyntaxError, ValueError):
        return None
    found = [node for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name]
    if not found or found[-1].decorator_list:
        return None
    taken = [*found[-1].args.posonlyargs, *found[-1].args.args]
    if not taken:
        return None
    annotation = taken[0].annotation
    if isinstance(annotation, ast.Constant):
        return str(annotation.value)
    return ast.unparse(annotation) if annotation is not None else ""


def _takes_request(function: Callable[..., Any]) -> bool:
    try:
        first = next(iter(inspect.signature(function).parameters.values()), None)
    except (TypeError, ValueError):
        return False
    if first is None:
        raise UsageError(f"{getattr(function, '__name__', 'the function')} takes no argument: it needs the user's text")
    inner = function if inspect.isroutine(function) else type(function).__call__
    try:
        annotation = typing.get_type_hints(inner).get(first.name, first.annotation)
    except Exception:  # an annotation that only a type checker can resolve
        annotation = first.annotation
    return annotation is Request or (isinstance(annotation, str) and annotation.rpartition(".")[2] == "Request")


def _takes_tools(function: Callable[..., Any]) -> bool:
    try:
        second = [*inspect.signature(function).parameters.values()][1:2]
    except (TypeError, ValueError):
        return False
    if not second or second[0].name != "tools" or second[0].default is not inspect.Parameter.empty:
        return False
    inner = function if inspect.isroutine(function) else type(function).__call__
    if not inspect.iscoroutinefunction(inner) or not _takes_request(function):
        name = getattr(function, "__name__", "the function")
        raise UsageError(f"{name} takes tools: it must be async, and its first parameter annotated as a Request")
    return True


def _source_digest(function: Callable[..., Any]) -> str:
    try:
        file = inspect.getsourcefile(inspect.unwrap(function)) or ""
    except TypeError:
        file = getattr(sys.modules.get(type(function).__module__), "__file__", None) or ""
    return file_digest(Path(file)) if file and Path(file).is_file() else ""


def _where(error: BaseException) -> str:
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return f"at {Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame else ""
