"""Parameter values against the types of a factory's signature, without running the factory."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import PydanticSchemaGenerationError, TypeAdapter, ValidationError

_PLAIN = (str, int, float, bool, type(None))


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
            message = error.errors(include_url=False, include_input=False)[0]["msg"]
            wrong[key] = f"{key!r}: {message[0].lower()}{message[1:]}"
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
