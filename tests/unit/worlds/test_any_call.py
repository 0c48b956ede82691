"""Whatever a model calls a tool with: an answer or an error, a state that is one, and nothing changed by an error."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shipworthy.agents.joined import JoinedWorld
from shipworthy.agents.setting import setting
from shipworthy.core.records import ToolCall
from shipworthy.core.registry import create, names

HOME = {"shop": "buying", "repo": "engineering", "support": "service"}
WORLDS = [name for name in names("world") if name != "code"]
WORDS = st.sampled_from(
    ["M-101", "F-1", "E-1", "PR-1", "O-1", "I-1", "T-1", "C-1", "N-1", "A-1", "", " ", "a@b.example", "a@b", "@",
     "https://trains.example/times", "http://[", "https://a:b@c:99999/x", "//", "open", "x" * 300, "é\0\u202e", "🙂"]
)  # fmt: skip


def values(schema):
    """Return what a model might give for a schema, right and wrong."""
    if "anyOf" in schema:
        return st.one_of(*(values(one) for one in schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"]) | WORDS
    match schema.get("type"):
        case "array":
            return st.lists(values(schema["items"]), max_size=3)
        case "object":
            return st.dictionaries(WORDS, WORDS, max_size=3)
        case "integer":
            return st.integers(-5, 5) | st.integers() | WORDS
        case "number":
            return st.floats() | st.integers(-10, 6000)
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
    return WORDS | st.text(st.characters(codec="utf-8"), max_size=20)


SIMULATED = {"tools": {"look": {"parameters": {
    "type": "object", "properties": {"what": {"type": "string"}, "n": {"type": "integer"}}, "required": ["what"]
}, "answers": [{"when": {"what": "a"}, "gives": {"found": [1]}}]}}}  # fmt: skip


def opened(name):
    one = create("world", name, name=name)
    one.reset(SIMULATED if name == "simulated" else setting(HOME.get(name, "office")).state[name], 1)
    return JoinedWorld([one])


@pytest.mark.parametrize("name", WORLDS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_sequence_of_calls_is_survived(name, data):
    joined = opened(name)
    for _ in range(data.draw(st.integers(1, 4))):
        spec = data.draw(st.sampled_from(joined.specs))
        fields = {key: values(schema) for key, schema in spec.parameters["properties"].items()}
        needed = {key: fields[key] for key in spec.parameters["required"]}
        optional = {key: value for key, value in fields.items() if key not in needed}
        whole = st.fixed_dictionaries(needed, optional=optional)
        given_ = data.draw(st.one_of(whole, whole, whole, st.fixed_dictionaries({}, optional=fields)))
        before = joined.digest()
        result = asyncio.run(joined.run(ToolCall("c", spec.name, given_)))
        assert not joined.lost
        after = joined.digest()
        if result.is_error:
            assert after == before
        assert isinstance(result.text, str) and len(result.text) <= 100_000
        joined.restore(joined.snapshot())
        assert joined.digest() == after
