from __future__ import annotations

import pytest

from shipworthy.core import registry
from shipworthy.core.errors import InvalidOutput, TargetError, UsageError
from shipworthy.core.messages import Message, ToolCall
from shipworthy.core.records import Reply, Request, say
from shipworthy.targets._bound import Bound

SCHEMA = {"type": "object", "properties": {"sure": {"type": "boolean"}}, "required": ["sure"]}
ASKED = Request(messages=(say("user", "Are you sure?"),))


def said(text: str, finish: str = "stop") -> Reply:
    return Reply(messages=(say("assistant", text),), finish=finish)  # type: ignore[arg-type]


def test_an_answer_is_held_to_the_schema() -> None:
    bound = Bound(SCHEMA)
    assert bound.request(ASKED).schema == SCHEMA
    good = said(' {"sure": true}\n')
    assert bound.held(good, ASKED) is good
    for text, what in [
        ("Yes", "not JSON"),
        ('{"sure": true', "not JSON"),
        ('{"sure": true, "sure": false}', "not JSON"),
        ('{"sure": NaN}', "not JSON"),
        ('{"sure": "yes"}', "not as its schema says"),
        ("[]", "not as its schema says"),
        ("", "not JSON"),
    ]:
        with pytest.raises(InvalidOutput, match=what) as error:
            bound.held(said(text), ASKED)
        assert isinstance(error.value, TargetError)
        assert not text or text not in str(error.value)
    with pytest.raises(InvalidOutput, match="cut at its longest"):
        bound.held(said('{"su', "length"), ASKED)


def test_what_a_request_brings_itself_is_its_own() -> None:
    own = Request(messages=ASKED.messages, schema={"type": "string"})
    assert Bound(SCHEMA).request(own) is own
    assert Bound(SCHEMA).held(said("anything"), own).text == "anything"
    call = Reply(messages=(Message("assistant", (ToolCall("c", "look"),)),))
    assert Bound(SCHEMA).held(call, ASKED) is call


def test_nothing_is_bound_by_nothing() -> None:
    assert Bound(None).request(ASKED) is ASKED
    assert Bound(None).held(said("Yes"), ASKED).text == "Yes"
    assert Bound(None).describe() == {}


def test_bad_settings_are_refused() -> None:
    with pytest.raises(UsageError, match="schema: "):
        Bound({"$ref": "x"})
    with pytest.raises(UsageError, match="not by both"):
        registry.create("target", "smollm2", {"schema": SCHEMA, "grammar": 'root ::= "yes"'})
