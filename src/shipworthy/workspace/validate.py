"""Pydantic's complaints, turned into problems: file, line, the offending key, the nearest valid one."""

from __future__ import annotations

import types
from collections.abc import Sequence
from itertools import islice
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from shipworthy.core.errors import Problem, did_you_mean
from shipworthy.workspace.builder import MAX_PROBLEMS
from shipworthy.workspace.fields import Loc
from shipworthy.workspace.nodes import YamlFile

M = TypeVar("M", bound=BaseModel)


def validate(model: type[M], source: YamlFile, loc: Loc, problems: list[Problem], value: Any = None) -> M | None:
    """Validate what a path in a file leads to.

    Args:
        model: what it must be.
        source: the file.
        loc: the path; ``()`` for the whole file.
        problems: what is wrong is appended here.
        value: the value at the path, if the caller changed it.

    Returns:
        The entity, or None if there was a problem.
    """
    if value is None:
        value = at(source.value, loc)
    if not isinstance(value, dict):
        name = model.__name__.lower()
        problems.append(
            source.problem(loc, f"{_where(loc)}must be a mapping of keys to values ({name}), not {_kind(value)}")
        )
        return None
    try:
        return model.model_validate(value)
    except ValidationError as error:
        seen: dict[Loc, list[Any]] = {}
        # So many are enough: each is compared with the others below.
        for detail in islice(error.errors(include_url=False), MAX_PROBLEMS):
            seen.setdefault(_strip(detail["loc"], value), []).append(detail)
        for inner, details in seen.items():
            # Several complaints about one place come from the members of a union: the one about the value's own kind
            # is the one to show, and if there is no telling, the last (the general form).
            if any(other != inner and other[: len(inner)] == inner for other in seen):
                continue
            problems.append(_problem(model, source, loc, inner, _pick(details)))
    return None


def at(value: Any, loc: Sequence[str | int]) -> Any:
    """Return what a path leads to; None if nowhere."""
    for segment in loc:
        try:
            value = value[segment]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _strip(loc: Sequence[str | int], value: Any) -> Loc:
    """Drop the segments that pydantic adds: names of union members and validators."""
    kept: list[str | int] = []
    for position, segment in enumerate(loc):
        inside = isinstance(segment, int) and isinstance(value, list) and segment < len(value)
        if inside or (isinstance(value, dict) and segment in value):
            kept.append(segment)
            value = value[segment]
        elif position == len(loc) - 1 and isinstance(value, dict) and isinstance(segment, str):
            kept.append(segment)  # a missing key
    return tuple(kept)


def _pick(details: list[Any]) -> Any:
    return next((d for d in details if d["type"] not in ("literal_error", "string_type", "none_required")), details[-1])


def _problem(model: type[BaseModel], source: YamlFile, loc: Loc, inner: Loc, detail: Any) -> Problem:
    kind, full = detail["type"], loc + inner
    key = next((s for s in reversed(inner) if isinstance(s, str)), None)
    named = f"{key!r} " if key else ""
    shown = _shown(detail["input"])
    if kind == "extra_forbidden":
        hint = did_you_mean(str(inner[-1]), _keys(model, inner[:-1]))
        return source.problem(full, f"unknown key {inner[-1]!r}", hint)
    if kind == "missing":
        return source.problem(full, f"the key {inner[-1]!r} is missing" if inner else "a value is missing")
    if kind == "too_long" and isinstance(detail["input"], list | tuple):
        most, found = detail["ctx"]["max_length"], len(detail["input"])
        return source.problem(full, f"{named}has {found:,} entries, and may have {most:,}")
    if kind == "literal_error":
        allowed = _allowed(model, inner)
        text = str(detail["input"])
        hint = did_you_mean(text, allowed) if allowed and isinstance(detail["input"], str) else ""
        hint = hint if hint.startswith("did") else ""
        expected = _either(allowed) or detail["ctx"]["expected"]
        return source.problem(full, f"{named}must be {expected}, not {shown}", hint)
    if kind == "string_pattern_mismatch":
        return source.problem(full, f"{named}must {_pattern(detail['ctx']['pattern'])}, not {shown}")
    if kind == "value_error":
        return source.problem(full, f"{named}{detail['ctx']['error']}" if named else str(detail["ctx"]["error"]))
    message = detail["msg"].removeprefix("Input should ").removeprefix("Value error, ")
    message = (
        message.replace("valid tuple", "list").replace("valid dictionary", "mapping").replace("valid string", "text")
    )
    message = message.replace("valid list", "list").replace("be a tuple", "be a list")
    message = message if message.startswith(("be ", "have ", "match ")) else f"be right: {message}"
    return source.problem(full, f"{named}must {message}, not {shown}")


def _either(words: Sequence[str]) -> str:
    *first, last = dict.fromkeys(repr(word) for word in words) or ("",)
    return f"{', '.join(first)} or {last}" if first else last


def _pattern(pattern: str) -> str:
    prefix = pattern[1 : pattern.find("-[") + 1]
    if prefix.endswith("-") and prefix[:-1].isupper():
        return f"be an id such as '{prefix}1' or '{prefix}leak'"
    if pattern.startswith("^library:"):
        return "be 'library:' and the id of a suite of the library"
    return "be lower case letters, digits, '.', '_' or '-'"


def _where(loc: Loc) -> str:
    key = next((s for s in reversed(loc) if isinstance(s, str)), None)
    return f"{key!r} " if key else "the file " if not loc else ""


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    return {"str": "text", "list": "a list", "dict": "a mapping", "bool": "true/false"}.get(
        type(value).__name__, "a number"
    )


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return _kind(value)
    if value is None:
        return "nothing"
    text = repr(value) if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _keys(annotation: Any, loc: Loc) -> list[str]:
    """Return the keys that are valid at a path below a model, as a file writes them, of all the models that may stand
    there."""
    return sorted(
        {field.alias or name for model in _models(annotation, loc) for name, field in model.model_fields.items()}
    )


def _models(annotation: Any, loc: Loc) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not loc:
            return [annotation]
        inner = annotation.model_fields.get(str(loc[0]))
        return _models(inner.annotation, loc[1:]) if inner else []
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _models(args[0], loc)
    if origin in (Union, types.UnionType):
        return [model for arg in args for model in _models(arg, loc)]
    if origin in (tuple, list) and args:
        return _models(args[0], loc[1:]) if loc and isinstance(loc[0], int) else []
    if origin is dict and loc:
        return _models(args[1], loc[1:])
    return []


def _allowed(model: type[BaseModel], loc: Loc) -> list[str]:
    """Return the words a literal at a path may be."""
    names = [i for i, s in enumerate(loc) if isinstance(s, str)]
    if not names:
        return []
    last = names[-1]
    found: list[str] = []
    for owner in _models(model, loc[:last]):
        if inner := owner.model_fields.get(str(loc[last])):
            found += _words(inner.annotation)
    return found


def _words(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return [str(a) for a in get_args(annotation)]
    return [word for arg in get_args(annotation) for word in _words(arg)]
