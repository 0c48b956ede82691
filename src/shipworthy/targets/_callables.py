"""Callables that a workspace names: found, looked at, described. Used by the target `python` and by its worker."""

from __future__ import annotations

import ast
import inspect
import sys
import typing
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from shipworthy.core.errors import TargetError, UsageError, did_you_mean
from shipworthy.core.foreign import kind_of, message_of
from shipworthy.core.records import Message, Reply, Request, say


def check_name(call: str) -> tuple[str, str]:
    """Return the module and the path in it.

    Raises:
        UsageError: it is no ``module:function``, or of the standard library.
    """
    module_name, _, path = call.partition(":")
    if not module_name or not path:
        raise UsageError(f"call must be 'module:function', not {call!r}")
    if module_name.partition(".")[0] in sys.stdlib_module_names:
        raise UsageError(f"{call}: a function of Python's own library is no system under test")
    return module_name, path


def load(call: str) -> Callable[..., Any]:
    """Import ``module:function``.

    Raises:
        UsageError: it cannot be imported, is not callable, or belongs to the standard library, which is no system under
            test. Whether a workspace may name it at all is for its user to say, before (`workspace.wants`).
    """
    module_name, path = check_name(call)
    try:
        found: Any = import_module(module_name)
    except ImportError as error:
        hint = "it must be installed, lie where PYTHONPATH says, or in the workspace and be run with --allow-code"
        raise UsageError(f"cannot import {module_name!r} ({error}): {hint}") from error
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        said = f"{kind_of(error)} {where(error)}: {message_of(error)}"
        raise UsageError(f"importing {module_name!r} raised {said}") from error
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


def first_annotation(call: str) -> str | None:
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


def takes_request(function: Callable[..., Any]) -> bool:
    """Say whether a function is given a whole `Request`; refuse one that takes nothing."""
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


def takes_tools(function: Callable[..., Any]) -> bool:
    """Say whether a function is given tools; refuse one that could not use them."""
    try:
        second = [*inspect.signature(function).parameters.values()][1:2]
    except (TypeError, ValueError):
        return False
    if not second or second[0].name != "tools" or second[0].default is not inspect.Parameter.empty:
        return False
    inner = function if inspect.isroutine(function) else type(function).__call__
    if not inspect.iscoroutinefunction(inner) or not takes_request(function):
        name = getattr(function, "__name__", "the function")
        raise UsageError(f"{name} takes tools: it must be async, and its first parameter annotated as a Request")
    return True


def source_file(function: Callable[..., Any]) -> str:
    """Return the path of the file that a callable is written in; empty where there is none."""
    try:
        file = inspect.getsourcefile(inspect.unwrap(function)) or ""
    except TypeError:
        file = getattr(sys.modules.get(type(function).__module__), "__file__", None) or ""
    return file if file and Path(file).is_file() else ""


def where(error: BaseException) -> str:
    """Return the place that an exception came from, such as ``at app.py:12``; empty where that cannot be told."""
    frame = BaseException.__dict__["__traceback__"].__get__(error)
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return f"at {Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame else ""


def reply_of(answer: Any, name: str) -> Reply:
    """Return what a callable returned as a reply.

    Raises:
        TargetError: it is none.
    """
    if isinstance(answer, Reply):
        return answer
    if isinstance(answer, Message) and answer.role == "assistant":
        return Reply(messages=(answer,))
    if isinstance(answer, str):
        return Reply(messages=(say("assistant", str.__add__("", answer)),))
    raise TargetError(f"{name} returned a {kind_of(answer)}, not a str, Message or Reply")
