"""The part of JSON Schema that is known means what the `jsonschema` package says."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from shipworthy.detect.json_schema import compiled

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([0.5, 1.0, -2.5]), st.text("ab", max_size=3)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=8,
)
few = st.integers(0, 3)
types = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])


def keywords(inner):
    several = st.lists(inner, min_size=1, max_size=3)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": types | st.lists(types, min_size=1, max_size=3, unique=True),
            "enum": st.lists(values, min_size=1, max_size=3),
            "const": values,
            "pattern": st.sampled_from(["a", "^a", "b$", "^[ab]{2}$"]),
            "minLength": few, "maxLength": few, "minItems": few, "maxItems": few,
            "minProperties": few, "maxProperties": few,
            "minimum": st.integers(-3, 3), "maximum": st.integers(-3, 3),
            "exclusiveMinimum": st.sampled_from([-1, 0.5]), "exclusiveMaximum": st.sampled_from([1, 2.5]),
            "items": inner,
            "uniqueItems": st.booleans(),
            "properties": st.dictionaries(st.sampled_from("xy"), inner, max_size=2),
            "additionalProperties": inner,
            "required": st.lists(st.sampled_from("xyz"), max_size=2, unique=True),
            "allOf": several, "anyOf": several, "oneOf": several, "not": inner,
            "title": st.just("a note"),
        },
    )  # fmt: skip


schemas = st.recursive(st.booleans(), keywords, max_leaves=5)


@settings(max_examples=400, deadline=None)
@given(schemas, values)
def test_agrees_with_the_package(schema, value):
    assert compiled(schema)(value) == Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"$ref": "#"}, r"'\$ref' is not known"),
        ({"properties": {"x": {"format": "date"}}}, "'format' is not known"),
        ({"type": "text"}, "type 'text' is not known"),
        ({"minLength": -1}, "'minLength' has a value of the wrong kind"),
        ({"minLength": "3"}, "'minLength' has a value of the wrong kind"),
        ({"required": "x"}, "'required' has a value of the wrong kind"),
        ({"anyOf": []}, "'anyOf' has a value of the wrong kind"),
        ({"properties": 3}, "'properties' has a value of the wrong kind"),
        ({"pattern": "(?=a)"}, "pattern: invalid perl operator"),
        ({"items": 3}, "a schema is a mapping"),
    ],
)
def test_what_is_not_understood_is_refused(schema, message):
    with pytest.raises(ValueError, match=message):
        compiled(schema)


def test_a_schema_nested_too_deep_is_refused():
    schema = {}
    for _ in range(100):
        schema = {"not": schema}
    with pytest.raises(ValueError, match="nested deeper"):
        compiled(schema)


def test_a_long_list_of_different_items_is_compared_at_once():
    assert compiled({"uniqueItems": True})(list(range(200_000)))
