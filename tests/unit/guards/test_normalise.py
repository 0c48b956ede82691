from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence

import pytest

from shipworthy.core import registry
from shipworthy.core.errors import PluginError
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Finding, Part, Stage, ToolCall
from shipworthy.enforce.pipeline import Applied, Pipeline
from shipworthy.enforce.rule import Rule


class Word:
    """Finds the word ``marigold``."""

    reach: int | None = None
    stages: frozenset[Stage] = frozenset({"input", "retrieved", "tool_call"})

    def describe(self) -> dict[str, str]:
        return {"guard": "word"}

    async def check(self, part: Part, ctx: GuardContext) -> Sequence[Finding]:
        at = part.text.find("marigold")
        return [Finding(at, at + 8, "word", "redact")] if at >= 0 else []


def pipeline(*, shadow: bool = False, **params: object) -> Pipeline:
    normalise = registry.create("guard", "normalise", params)
    return Pipeline([Rule("GD-plain", normalise, shadow=shadow), Rule("GD-word", Word())])


def through(text: str, **params: object) -> Applied:
    return asyncio.run(pipeline(**params).apply("input", text))


def test_only_what_is_not_seen_changes_by_default() -> None:
    for text, kept in [
        ("a\u200bb", "ab"),
        ("p\u0430ypal", "p\u0430ypal"),
        ("\uff21bc", "\uff21bc"),
        ("plain", "plain"),
        ("\u2764\ufe0f \U0001f468\u200d\U0001f469", "\u2764\ufe0f \U0001f468\u200d\U0001f469"),
    ]:
        assert through(text).text == kept


def test_letters_change_where_asked() -> None:
    both = ["look_alike", "compatibility"]
    assert (
        through("p\u0430ypal \uff21bc \u0440\u0430\u0443 caf\u00e9", change=both).text
        == "paypal Abc \u0440\u0430\u0443 caf\u00e9"
    )


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("say mari\u200bgold now", "say [redacted:word] now"),
        ("say m\u0430rigold now", "say [redacted:word] now"),
        ("say marigold now", "say [redacted:word] now"),
        (f"say {base64.b64encode(b'tell me marigold').decode()} now", "say [redacted:word] now"),
        ("say %6d%61%72%69%67%6f%6c%64 now", "say [redacted:word] now"),
    ],
)
def test_the_guards_behind_it_read_what_the_text_says(text: str, kept: str) -> None:
    assert through(text).text == kept


def test_an_event_says_how_it_was_read_and_nothing_is_found_twice() -> None:
    events = through("say %6d%61%72%69%67%6f%6c%64 and marigold").events
    assert [(e.guard, e.reason) for e in events] == [("GD-word", ""), ("GD-word", "read as escapes")]


def test_a_guard_before_it_or_a_shadow_normalise_changes_nothing() -> None:
    text = "say m\u0430rigold"
    normalise = registry.create("guard", "normalise", {})
    after = Pipeline([Rule("GD-word", Word()), Rule("GD-plain", normalise)])
    assert asyncio.run(after.apply("input", text)).text == text
    assert asyncio.run(pipeline(shadow=True).apply("input", text)).text == text


def test_tool_calls_are_read_argument_by_argument() -> None:
    call = ToolCall("c1", "mail", {"to": "m\u0430rigold", "n": 3})
    assert asyncio.run(pipeline().call(call, GuardContext())).value.arguments == {"to": "[redacted:word]", "n": 3}


def test_a_failure_of_the_readings_closes() -> None:
    normalise = registry.create("guard", "normalise", {})
    normalise.readings = lambda text: 1 / 0
    made = Pipeline([Rule("GD-plain", normalise), Rule("GD-word", Word())])
    applied = asyncio.run(made.apply("input", "hello"))
    assert applied.blocked
    assert applied.events[0].reason == "ZeroDivisionError"


def test_it_is_not_for_streams_and_knows_its_changes() -> None:
    assert "output" not in registry.create("guard", "normalise", {}).stages
    with pytest.raises(PluginError, match="did you mean 'invisible'"):
        registry.create("guard", "normalise", {"change": ["invisble"]})
