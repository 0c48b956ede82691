"""Plug-ins as the files name them: parameter values against types, and building without starting a model."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import PydanticSchemaGenerationError, TypeAdapter, ValidationError

from shipworthy.core import registry
from shipworthy.core.errors import TargetError
from shipworthy.core.records import Reply, Request
from shipworthy.workspace.use import Use

_PLAIN = (str, int, float, bool, type(None))
_KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "string": "text", "list": "a list"}
"""In our own words, which do not change with pydantic's: ``int_type``, ``int_parsing`` and the like."""


class _NotStarted:
    """Stands in for a plug-in's model while the files are checked and hashed: described, never asked."""

    def __init__(self, use: Use) -> None:
        self._use = use

    def describe(self) -> Mapping[str, Any]:
        return {"target": self._use.use, **self._use.params}

    async def send(self, request: Request) -> Reply:
        raise TargetError("the model is not started while the workspace is read")

    async def close(self) -> None:
        """Nothing is open."""


def build(kind: str, use: Use) -> Any:
    """Build an attack, scorer or guard as the files name it, its model not started.

    Raises:
        PluginError, MissingExtra, CredentialError: it cannot be built; or whatever its own code raises.
    """
    model = use.model
    injected = {"model": _NotStarted(model)} if model else {}
    return registry.create(kind, use.use, use.own_params, **injected)


def check_values(factory: Callable[..., Any], params: Mapping[str, Any]) -> dict[str, str]:
    """Return parameter -> what is wrong with its value. Types other than plain JSON ones are not checked.

    The value itself is not repeated: it may be a pasted secret.
    """
    try:
        typed = vars(factory).get("__init__", factory) if isinstance(factory, type) else factory
        hints = get_type_hints(typed, include_extras=True)
    except Exception:  # an annotation only the type checker can resolve
        return {}
    wrong: dict[str, str] = {}
    for key, value in params.items():
        hint = hints.get(key)
        if hint is None or not _is_plain(hint):
            continue
        try:
            TypeAdapter(hint).validate_python(value, strict=False)
        except PydanticSchemaGenerationError:
            continue
        except ValidationError as error:
            detail = error.errors(include_url=False, include_input=False)[0]
            kind = _KINDS.get(detail["type"].partition("_")[0])
            message = f"must be {kind}" if kind else f"{detail['msg'][0].lower()}{detail['msg'][1:]}"
            wrong[key] = f"{key!r}: {message}"
    return wrong


def _is_plain(hint: Any) -> bool:
    origin = get_origin(hint)
    if origin is Literal:
        return True
    if origin is Annotated:
        return _is_plain(get_args(hint)[0])
    if origin in (Union, types.UnionType):
        return all(_is_plain(arg) for arg in get_args(hint))
    if origin in (list, tuple, Sequence):
        return all(arg is Ellipsis or _is_plain(arg) for arg in get_args(hint))
    return hint in _PLAIN
