"""JSON Schema, the part that answers are described with: a schema in, a test out.

Source: JSON Schema 2020-12, Core and Validation; `tests/unit/detect/test_json_schema.py` holds it to the `jsonschema`
package. A keyword that is not listed here is refused and never passed over: a schema that is half understood would
accept what it forbids. Not known: references (``$ref``, ``$defs``), ``if``, ``contains``, ``patternProperties``,
``dependent…``, ``unevaluated…``, ``prefixItems``, ``propertyNames``, ``multipleOf``, ``format``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shipworthy.core.errors import did_you_mean
from shipworthy.detect.engine import Encoded, Pattern
from shipworthy.detect.own_pattern import check

Test = Callable[[Any], bool]

_DEEPEST = 64


def compiled(schema: Any, depth: int = 0) -> Test:
    """Return what tells whether a JSON value is as a schema says.

    Args:
        schema: a mapping, or true or false.

    Raises:
        ValueError: it is no schema, uses a keyword that is not known, or is nested too deep.
    """
    if isinstance(schema, bool):
        return lambda value: schema
    if not isinstance(schema, Mapping):
        raise ValueError("a schema is a mapping, or true or false")
    if depth > _DEEPEST:
        raise ValueError(f"the schema is nested deeper than {_DEEPEST}")
    tests: list[Test] = []
    for keyword, said in schema.items():
        if keyword in _NOTES:
            continue
        if keyword not in _KEYWORDS:
            raise ValueError(
                f"the schema's keyword {keyword!r} is not known: {did_you_mean(str(keyword), list(_KEYWORDS))}"
            )
        try:
            tests.append(_KEYWORDS[keyword](said, schema, depth + 1))
        except (TypeError, AttributeError) as error:
            raise ValueError(f"the schema's keyword {keyword!r} has a value of the wrong kind") from error
    return lambda value: all(test(value) for test in tests)


def same(one: Any, other: Any) -> bool:
    """Compare JSON values: 1 is 1.0 and is not true."""
    return bool(_key(one) == _key(other))


def _key(value: Any) -> Any:
    """Return what is equal, and hashes alike, for equal JSON values: a long list is then compared in linear time."""
    if isinstance(value, Mapping):
        return "object", frozenset((name, _key(inner)) for name, inner in value.items())
    if isinstance(value, list | tuple):
        return "array", tuple(_key(inner) for inner in value)
    return type(value).__name__ if isinstance(value, bool) else "", value


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: Mapping[str, Test] = {
    "null": lambda v: v is None,
    "boolean": lambda v: isinstance(v, bool),
    "integer": lambda v: _number(v) and v == v // 1,
    "number": _number,
    "string": lambda v: isinstance(v, str),
    "array": lambda v: isinstance(v, list),
    "object": lambda v: isinstance(v, dict),
}


def _type(said: Any, schema: Any, depth: int) -> Test:
    wanted = [said] if isinstance(said, str) else said
    for name in wanted:
        if name not in _TYPES:
            raise ValueError(f"the schema's type {name!r} is not known: {did_you_mean(str(name), list(_TYPES))}")
    return lambda value: any(_TYPES[name](value) for name in wanted)


def _enum(said: Any, schema: Any, depth: int) -> Test:
    if not isinstance(said, Sequence) or isinstance(said, str):
        raise TypeError
    return lambda value: any(same(value, one) for one in said)


def _const(said: Any, schema: Any, depth: int) -> Test:
    return lambda value: same(value, said)


def _pattern(said: Any, schema: Any, depth: int) -> Test:
    if not isinstance(said, str):
        raise TypeError
    pattern = Pattern(said)
    try:
        check(pattern)
    except ValueError as error:
        raise ValueError(f"the schema's pattern: {error}") from error
    return lambda value: not isinstance(value, str) or pattern.found(Encoded(value))


def _bound(kind: Test, size: Callable[[Any], Any], fits: Callable[[Any, Any], bool], *, whole: bool) -> _Keyword:
    def keyword(said: Any, schema: Any, depth: int) -> Test:
        if not _number(said) or (whole and (said != said // 1 or said < 0)):
            raise TypeError
        return lambda value: not kind(value) or fits(size(value), said)

    return keyword


def _at_least(size: Any, limit: Any) -> bool:
    return bool(size >= limit)


def _at_most(size: Any, limit: Any) -> bool:
    return bool(size <= limit)


def _unique(said: Any, schema: Any, depth: int) -> Test:
    if not isinstance(said, bool):
        raise TypeError

    return lambda value: not said or not isinstance(value, list) or len({_key(one) for one in value}) == len(value)


def _items(said: Any, schema: Any, depth: int) -> Test:
    inner = compiled(said, depth)
    return lambda value: not isinstance(value, list) or all(inner(one) for one in value)


def _properties(said: Any, schema: Any, depth: int) -> Test:
    inner = {name: compiled(one, depth) for name, one in said.items()}
    return lambda value: (
        not isinstance(value, dict) or all(test(value[name]) for name, test in inner.items() if name in value)
    )


def _additional(said: Any, schema: Any, depth: int) -> Test:
    inner, named = compiled(said, depth), frozenset(schema.get("properties", ()))
    return lambda value: (
        not isinstance(value, dict) or all(inner(one) for name, one in value.items() if name not in named)
    )


def _required(said: Any, schema: Any, depth: int) -> Test:
    if isinstance(said, str) or not all(isinstance(name, str) for name in said):
        raise TypeError
    return lambda value: not isinstance(value, dict) or all(name in value for name in said)


def _some(fits: Callable[[int, int], bool]) -> _Keyword:
    def keyword(said: Any, schema: Any, depth: int) -> Test:
        if not isinstance(said, Sequence) or isinstance(said, str) or not said:
            raise TypeError
        inner = [compiled(one, depth) for one in said]
        return lambda value: fits(sum(test(value) for test in inner), len(inner))

    return keyword


def _not(said: Any, schema: Any, depth: int) -> Test:
    inner = compiled(said, depth)
    return lambda value: not inner(value)


_Keyword = Callable[[Any, Any, int], Test]
_STRING, _ARRAY, _OBJECT = _TYPES["string"], _TYPES["array"], _TYPES["object"]

_NOTES = frozenset({"$schema", "$id", "$comment", "title", "description", "default", "examples", "deprecated"})

_KEYWORDS: Mapping[str, _Keyword] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "pattern": _pattern,
    "minLength": _bound(_STRING, len, _at_least, whole=True),
    "maxLength": _bound(_STRING, len, _at_most, whole=True),
    "minimum": _bound(_number, lambda v: v, _at_least, whole=False),
    "maximum": _bound(_number, lambda v: v, _at_most, whole=False),
    "exclusiveMinimum": _bound(_number, lambda v: v, lambda v, limit: bool(v > limit), whole=False),
    "exclusiveMaximum": _bound(_number, lambda v: v, lambda v, limit: bool(v < limit), whole=False),
    "items": _items,
    "minItems": _bound(_ARRAY, len, _at_least, whole=True),
    "maxItems": _bound(_ARRAY, len, _at_most, whole=True),
    "uniqueItems": _unique,
    "properties": _properties,
    "additionalProperties": _additional,
    "required": _required,
    "minProperties": _bound(_OBJECT, len, _at_least, whole=True),
    "maxProperties": _bound(_OBJECT, len, _at_most, whole=True),
    "allOf": _some(lambda n, of: n == of),
    "anyOf": _some(lambda n, of: n > 0),
    "oneOf": _some(lambda n, of: n == 1),
    "not": _not,
}
