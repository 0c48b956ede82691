"""Rewriting the texts of a record, by the types of its fields, whatever the record is.

Redaction is one use of this, making a record fit for a file another. How a class is walked is worked out once, from its
annotations; a field whose type tells nothing about its text is refused then, so no text can be passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import is_
from typing import Any, TypeVar

import msgspec
from msgspec import inspect
from msgspec.structs import replace

from shipworthy.core.text import MARK, TREATMENTS, Treatment

Record = TypeVar("Record", bound=msgspec.Struct)
Rules = Mapping[Treatment, Callable[[Any], Any]]
"""What is done to each kind of text; a kind that is left out is kept."""

DEEPEST = 64
"""Levels of a JSON value that are kept. No tool needs more, and whoever reads a record must have the stack for them."""

_Walk = Callable[[Any, Rules], Any]
"""Returns the rewritten value, or the very same object where nothing changed: most of a record stays as it is."""

_PLAIN = (inspect.NoneType, inspect.BoolType, inspect.IntType, inspect.FloatType, inspect.LiteralType)
_fields: dict[type, list[tuple[str, _Walk]]] = {}
"""Class -> the fields of it that hold text, and how each is walked."""


def rewrite(record: Record, rules: Rules) -> Record:
    """Return a record with its texts rewritten, nested records and JSON values included.

    Args:
        record: any struct; it is returned itself if no text of it changes.
        rules: what to do to each kind of text. Those for JSON are given the whole value.

    Raises:
        TypeError: a field of the record, or of one inside it, is text without a type of `core.text`.
    """
    walked: Record = _struct(record, rules)
    return walked


def rewrite_json(
    value: Any,
    text: Callable[[str], str],
    *,
    number: Callable[[float], Any] = lambda value: value,
    binary: Callable[[Any], Any] = msgspec.to_builtins,
    withheld: str,
    deepest: int = DEEPEST,
) -> Any:
    """Return a JSON value with its texts rewritten, keys included.

    A plug-in may put other things there than JSON has: they are rewritten as what they become in a file.

    Args:
        text: applied to every string and key; `number` to every number that is no bool, `binary` to bytes.
        withheld: what stands in place of what lies deeper than `deepest` levels, or can be in no file.
    """

    def walk(value: Any, left: int) -> Any:
        kind = value.__class__
        if kind is str:
            return text(value)
        if value is None or kind is bool:
            return value
        if kind is int or kind is float:
            return number(value)
        if kind is dict or kind is list or kind is tuple:
            if left == 0:
                return withheld
            if kind is dict:
                return {text(str(key)): walk(inner, left - 1) for key, inner in value.items()}
            return [walk(inner, left - 1) for inner in value]
        if isinstance(value, bytes | bytearray | memoryview):
            return binary(value)
        try:
            plain = str(value) if isinstance(value, str) else msgspec.to_builtins(value, str_keys=True)
        except (TypeError, ValueError, RecursionError):
            return withheld
        return walk(plain, left) if plain.__class__ is not kind else withheld

    return walk(value, deepest)


def check_texts(kind: type[msgspec.Struct]) -> None:
    """Check that every text field of a class of records, and of those inside it, has a type of `core.text`.

    Raises:
        TypeError: one has not; it is named.
    """
    _plan_struct(kind)


def _struct(value: Any, rules: Rules) -> Any:
    # By the class of the object and not of the declaration: a subclass may have more fields.
    plan = _fields.get(value.__class__)
    if plan is None:
        plan = _plan_struct(value.__class__)
    changes = {}
    for name, walk in plan:
        old = getattr(value, name)
        new = walk(old, rules)
        if new is not old:
            changes[name] = new
    return replace(value, **changes) if changes else value


def _plan_struct(kind: type) -> list[tuple[str, _Walk]]:
    if (known := _fields.get(kind)) is not None:
        return known
    described = inspect.type_info(kind)
    if not isinstance(described, inspect.StructType):
        raise TypeError(f"{kind.__qualname__} is no record")
    # Entered before its fields are looked at: a record may hold records of its own kind.
    plan = _fields[kind] = []
    try:
        for field in described.fields:
            walk = _plan(field.type, f"{kind.__qualname__}.{field.name}")
            if walk is not None:
                plan.append((field.name, walk))
    except TypeError:
        del _fields[kind]
        raise
    return plan


def _plan(kind: inspect.Type, where: str) -> _Walk | None:
    """Return how a value of a type is walked, or None where no text can be in it."""
    match kind:
        case inspect.Metadata(type=inner, extra=extra):
            mark = (extra or {}).get(MARK)
            if mark is None:
                return _plan(inner, where)
            if mark not in TREATMENTS:
                raise TypeError(f"{where} is marked as {mark!r}, which is no kind of text")
            return _apply(mark)
        case inspect.AnyType() | inspect.DictType(key_type=inspect.StrType(), value_type=inspect.AnyType()):
            return _apply("json")
        case inspect.StructType(cls=cls):
            _plan_struct(cls)
            return _struct
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            return _sequence(_plan(item, where), tuple if isinstance(kind, inspect.VarTupleType) else list)
        case inspect.TupleType(item_types=items):
            return _row([_plan(item, where) for item in items])
        case inspect.DictType(key_type=key, value_type=value):
            return _mapping(_plan(key, where), _plan(value, where))
        case inspect.UnionType(types=types):
            return _union(types, where)
        case _ if isinstance(kind, _PLAIN):
            return None
    raise TypeError(f"{where} may be durable, and its type does not say what its text is: use one of core.text")


def _apply(mark: Treatment) -> _Walk:
    def walk(value: Any, rules: Rules) -> Any:
        rule = rules.get(mark)
        return value if rule is None else rule(value)

    return walk


def _sequence(item: _Walk | None, make: Callable[[list[Any]], Any]) -> _Walk | None:
    if item is None:
        return None

    def walk(values: Any, rules: Rules) -> Any:
        new = [item(value, rules) for value in values]
        for before, after in zip(values, new, strict=True):
            if before is not after:
                return make(new)
        return values

    return walk


def _row(items: list[_Walk | None]) -> _Walk | None:
    if not any(items):
        return None

    def walk(values: Any, rules: Rules) -> Any:
        new = tuple(item(value, rules) if item else value for item, value in zip(items, values, strict=True))
        return values if all(map(is_, new, values)) else new

    return walk


def _mapping(key: _Walk | None, value: _Walk | None) -> _Walk | None:
    if key is None and value is None:
        return None

    def walk(values: Any, rules: Rules) -> Any:
        new = {key(k, rules) if key else k: value(v, rules) if value else v for k, v in values.items()}
        same = all(map(is_, new, values)) and all(map(is_, new.values(), values.values()))
        return values if same and len(new) == len(values) else new

    return walk


def _union(types: tuple[inspect.Type, ...], where: str) -> _Walk | None:
    """Walk by the class of the value. Structs are told apart by `_struct` itself."""
    members = {python: walk for kind in types for python, walk in [(_class_of(kind), _plan(kind, where))] if walk}
    if not members:
        return None
    structs = _struct in members.values()

    def walk(value: Any, rules: Rules) -> Any:
        if structs and isinstance(value, msgspec.Struct):
            return _struct(value, rules)
        found = members.get(value.__class__)
        if found is not None:
            return found(value, rules)
        if value is None or isinstance(value, bool | int | float):
            return value
        raise TypeError(f"{where} holds a {type(value).__qualname__}, which its type does not allow")

    return walk


def _class_of(kind: inspect.Type) -> type:
    match kind:
        case inspect.Metadata(type=inner):
            return _class_of(inner)
        case inspect.StructType(cls=cls):
            return cls
        case inspect.StrType():
            return str
        case inspect.DictType():
            return dict
        case inspect.ListType():
            return list
        case inspect.TupleType() | inspect.VarTupleType():
            return tuple
    return type(None)  # A plain value: there is no text in it, and `_union` drops it.
