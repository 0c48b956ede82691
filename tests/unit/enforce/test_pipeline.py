from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shipworthy.core.errors import LimitReached, PluginError
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import (
    Audio,
    Document,
    Finding,
    Image,
    Message,
    Part,
    Reasoning,
    Stage,
    Text,
    ToolCall,
    ToolResult,
    say,
)
from shipworthy.enforce.edit import apply, edits
from shipworthy.enforce.pipeline import WITHHELD, Passage, Pipeline
from shipworthy.enforce.rule import STAGES, Rule
from shipworthy.workspace.guards import GuardFile, GuardRule

ALL: frozenset[Stage] = frozenset(STAGES)


class Word:
    """Finds a word."""

    reach: int | None = 32

    def __init__(self, word: str, action: str = "redact", stages: frozenset[Stage] = ALL) -> None:
        self.word, self.action, self.stages = word, action, stages

    def describe(self) -> dict[str, str]:
        return {"guard": "word", "word": self.word, "action": self.action}

    async def check(self, part: Part, ctx: GuardContext) -> Sequence[Finding]:
        at, found = -1, []
        while (at := part.text.find(self.word, at + 1)) >= 0:
            found.append(Finding(at, at + len(self.word), self.word, self.action, "<r>" * (self.action == "replace")))
        return found


class Broken(Word):
    async def check(self, part: Part, ctx: GuardContext) -> Sequence[Finding]:
        raise RuntimeError(f"cannot read {part.text}")


class Slow(Word):
    async def check(self, part: Part, ctx: GuardContext) -> Sequence[Finding]:
        await asyncio.sleep(30)
        return ()


class Wrong(Word):
    async def check(self, part: Part, ctx: GuardContext) -> Sequence[Finding]:
        return [Finding(0, len(part.text) + 1, "beyond")]


def of(*guards: Word, **options: object) -> Pipeline:
    return Pipeline([Rule(f"GD-{i}", g, **options) for i, g in enumerate(guards)])  # type: ignore[arg-type]


def test_overlapping_findings_are_applied_as_their_union() -> None:
    applied = asyncio.run(of(Word("abc"), Word("bcd")).apply("output", "xabcdx"))
    assert applied.text == "x[redacted:abc]x"
    assert [e.rule for e in applied.events] == ["abc", "bcd"]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 9)), max_size=8))
def test_the_union_keeps_every_character_outside_and_none_inside(raw: list[tuple[int, int]]) -> None:
    text = "abcdefghijklmnopqrstuvwxyzABCD"
    findings = [Finding(s, s + n, "r", "replace", "") for s, n in raw]
    inside = {i for f in findings for i in range(f.start, f.end)}
    kept = "".join(c for i, c in enumerate(text) if i not in inside)
    assert apply(text, edits(findings), 0, len(text)) == kept


def test_actions_allow_redact_replace_block() -> None:
    texts = {
        action: asyncio.run(of(Word("abc", action)).apply("output", "xabcx")).text
        for action in ("allow", "redact", "replace", "block")
    }
    assert texts == {
        "allow": "xabcx",
        "redact": "x[redacted:abc]x",
        "replace": "x<r>x",
        "block": "I can't help with that.",
    }


def test_the_rule_decides_over_the_finding() -> None:
    assert asyncio.run(of(Word("abc", "redact"), action="block").apply("output", "abc")).blocked
    assert not asyncio.run(of(Word("abc", "block"), action="allow").apply("output", "abc")).blocked


@pytest.mark.parametrize("guard", [Broken("x"), Slow("x"), Wrong("x")])
def test_a_guard_that_fails_blocks_unless_its_rule_says_otherwise(guard: Word) -> None:
    closed = asyncio.run(of(guard, timeout_s=0.01).apply("output", "some private text"))
    assert (closed.blocked, closed.text) == (True, "I can't help with that.")
    assert [e.action for e in closed.events] == ["block"]
    assert "private" not in repr(closed.events)
    opened = asyncio.run(of(guard, timeout_s=0.01, on_error="allow").apply("output", "some private text"))
    assert (opened.blocked, opened.text) == (False, "some private text")
    assert [e.action for e in opened.events] == ["allow"]


class Odd(BaseException):
    """Of no class that anybody catches."""

    def __str__(self) -> str:
        raise SystemExit(0)


def raising(error: BaseException) -> Callable[[], Any]:
    def give() -> Any:
        raise error

    return give


ATTACKED: list[Callable[[], Any]] = [
    *map(
        raising, (SystemExit(0), KeyboardInterrupt(), GeneratorExit(), Odd(), MemoryError(), asyncio.CancelledError())
    ),
    lambda: None,
    lambda: 5,
    lambda: "ok",
    lambda: [None],
    lambda: [Finding("0", 4, "r")],  # type: ignore[arg-type]
    lambda: [Finding(0, 1.5, "r")],  # type: ignore[arg-type]
    lambda: [Finding(0, 4, object())],  # type: ignore[arg-type]
    lambda: [Finding(0, 4, "r", "let pass")],  # type: ignore[arg-type]
    lambda: [Finding(0, 4, "r", replacement=["x"])],  # type: ignore[arg-type]
    lambda: [Finding(4, 0, "r")],
    lambda: [Finding(float("nan"), 4, "r")],  # type: ignore[arg-type]
]


@pytest.mark.parametrize("give", ATTACKED)
def test_a_guard_that_answers_nonsense_or_dies_blocks(give: Callable[[], Any]) -> None:
    class Attacked(Word):
        async def check(self, part: Part, ctx: GuardContext) -> Any:
            return give()

    found = asyncio.run(of(Attacked("x"), Word("y")).apply("output", "some private text"))
    assert (found.blocked, found.text) == (True, "I can't help with that.")
    assert "private" not in repr(found.events)


def test_cancelling_is_not_a_failure_of_the_guard() -> None:
    async def run() -> None:
        task = asyncio.create_task(of(Slow("x"), timeout_s=60).apply("output", "x"))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())


@given(st.text(alphabet="abcx ", max_size=40), st.sampled_from(["block", "redact", "replace"]))
@settings(max_examples=50, deadline=None)
def test_shadow_rules_never_change_a_byte(text: str, action: str) -> None:
    made = of(Word("abc", action), Broken("x"), Wrong("x"), shadow=True)
    applied = asyncio.run(made.apply("output", text))
    assert (applied.text, applied.blocked) == (text, False)
    assert all(e.shadow for e in applied.events)


def test_the_digest_follows_everything_that_changes_what_a_pipeline_does() -> None:
    plain = of(Word("a"))
    others = [
        of(Word("b")),
        of(Word("a"), shadow=True),
        of(Word("a"), on_error="allow"),
        of(Word("a"), timeout_s=1.0),
        of(Word("a"), action="block"),
        of(Word("a"), stages=frozenset({"output"})),
        of(Word("a"), Word("b")),
        Pipeline(plain.rules, "No."),
    ]
    assert plain.digest == of(Word("a")).digest
    assert len({p.digest for p in [plain, *others]}) == len(others) + 1
    assert of(Word("a"), Word("b")).digest != of(Word("b"), Word("a")).digest


CTX = GuardContext()


def pass_message(made: Pipeline, message: Message) -> Passage:
    return asyncio.run(made.message(message, CTX))


def pass_call(made: Pipeline, **arguments: object) -> Passage:
    return asyncio.run(made.call(ToolCall("1", "mail", arguments), CTX))


def pass_reply(made: Pipeline, *messages: Message, looked: Mapping[str, ToolCall | None] = {}) -> Passage:
    return asyncio.run(made.reply(messages, CTX, looked))


def test_what_no_guard_touches_stays_the_same_object() -> None:
    made = of(Word("zzz"))
    user, result = say("user", "hello"), Message("tool", (ToolResult("1", "f", "sunny"),))
    call, reply = ToolCall("1", "f", {"a": [1, {"b": None}]}), (say("assistant", "fine"),)

    async def run() -> None:
        assert (await made.message(user, CTX)).value is user
        assert (await made.message(result, CTX)).value is result
        assert (await made.call(call, CTX)).value is call
        assert (await made.result(result.parts[0], CTX)).value is result.parts[0]  # type: ignore[arg-type]
        assert (await made.reply(reply, CTX)).value is reply
        assert (await made.document(Document("d", "text", "title"), CTX)).value == Document("d", "text", "title")

    asyncio.run(run())


def test_a_blocked_message_has_nothing_to_pass_on() -> None:
    passage = pass_message(of(Word("hello", "block", frozenset({"input"}))), say("user", "oh hello"))
    assert passage.blocked
    assert passage.value is None
    assert [(e.stage, e.action) for e in passage.events] == [("input", "block")]


def test_an_input_split_over_two_parts_is_read_as_one() -> None:
    split = Message("user", (Text("do abc"), Text("def now")))
    assert pass_message(of(Word("abc\ndef", "block")), split).blocked
    edited = pass_message(of(Word("abc\ndef", stages=frozenset({"input"}))), split)
    assert edited.value.text == "do [redacted:abc\ndef] now"


def test_pictures_and_sounds_pass_unread_and_stay_in_place() -> None:
    picture, sound = Image("image/png", "aGVsbG8="), Audio("audio/wav", "aGVsbG8=")
    message = Message("user", (picture, Text("hello"), sound))
    edited = pass_message(of(Word("hello", "replace")), message)
    assert edited.value == Message("user", (picture, Text("<r>"), sound))
    bare = Message("user", (picture, sound))
    assert pass_message(of(Word("aGVsbG8=", "block")), bare).value is bare


def test_a_blocked_document_is_withheld_and_the_conversation_goes_on() -> None:
    made = of(Word("evil", "block", frozenset({"retrieved"})))
    passage = asyncio.run(made.document(Document("a", "evil", "title"), CTX))
    assert (passage.blocked, passage.value) == (False, Document("a", WITHHELD))
    assert asyncio.run(made.document(Document("a", "fine", "evil"), CTX)).value == Document("a", "fine")
    result = ToolResult("1", "f", "evil")
    assert pass_message(made, Message("tool", (result,))).value.text == WITHHELD
    assert asyncio.run(made.result(result, CTX)).value == ToolResult("1", "f", WITHHELD)


def test_system_prompts_and_earlier_answers_are_not_the_guards_business() -> None:
    made = of(Word("abc", "block", frozenset({"input"})))
    for message in (say("system", "abc"), say("assistant", "abc")):
        passage = pass_message(made, message)
        assert (passage.value, passage.events) == (message, ())


def test_a_blocked_tool_call_is_not_made() -> None:
    passage = pass_call(of(Word("evil", "block", frozenset({"tool_call"}))), to={"x": ["evil"]})
    assert passage.blocked
    assert [(e.stage, e.action) for e in passage.events] == [("tool_call", "block")]


def test_tool_arguments_are_edited_one_by_one() -> None:
    passage = pass_call(
        of(Word("abc", "replace"), Word("12345", "replace")), to={"x": ["my abc", 7, None, True]}, abc=12345
    )
    assert passage.value.arguments == {"to": {"x": ["my <r>", 7, None, True]}, "<r>": "<r>"}


def test_what_only_shows_across_arguments_stops_the_call() -> None:
    passage = pass_call(of(Word('one", "b": "two', stages=frozenset({"tool_call"}))), a="one", b="two")
    assert passage.blocked
    assert (passage.events[-1].guard, passage.events[-1].rule) == ("pipeline", "split")


def test_the_name_of_a_tool_cannot_be_edited_so_the_call_is_not_made() -> None:
    assert pass_call(of(Word("mail")), a="x").blocked


def test_an_argument_is_looked_at_as_it_will_be_used() -> None:
    """JSON writes a line feed as two characters: what goes over lines shows only in the argument."""
    assert pass_call(of(Word("a\nb", "block", frozenset({"tool_call"}))), text="x a\nb").blocked
    assert pass_call(of(Word("a\nb", "replace")), text="a\nb", to=["c\nd"]).value.arguments["to"] == ["c\nd"]
    call = ToolCall("1", "mail", {"text": "over\nlines", "n": 3, "to": ["x"]})
    assert asyncio.run(of(Word("evil")).call(call, CTX)).value is call


def test_an_edit_that_would_lose_an_argument_stops_the_call() -> None:
    # Both names become one: the second argument would take the place of the first.
    passage = pass_call(of(Word("ab", "replace"), Word("cd", "replace")), ab=1, cd=2)
    assert passage.blocked
    assert (passage.events[-1].rule, passage.events[-1].action) == ("argument", "block")


class Whole(Word):
    """Blocks a text that is nothing but the word, and redacts it in a longer one."""

    async def check(self, part: Part, ctx: GuardContext) -> Sequence[Finding]:
        action = "block" if part.text == self.word else "replace"
        return [replace(f, action=action) for f in await super().check(part, ctx)]


def test_what_blocks_in_one_argument_or_its_name_alone_stops_the_call() -> None:
    for passage in (pass_call(of(Whole("evil")), a="evil"), pass_call(of(Whole("evil")), evil=1)):
        assert passage.blocked
        assert passage.events[-1].action == "block"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text("abc ", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abc", max_size=3), JSON, max_size=3))
@settings(max_examples=80, deadline=None)
def test_a_call_passes_untouched_or_clean_or_not_at_all(arguments: dict[str, Any]) -> None:
    passage = pass_call(of(Word("ab", "replace"), Word("c", "block")), **{"x" + k: v for k, v in arguments.items()})
    flat = json.dumps(arguments)
    if not passage.blocked:
        assert not any(word in json.dumps(passage.value.arguments) for word in ("ab", "c"))
        assert len(passage.value.arguments) == len(arguments)
    else:
        assert any(word in flat for word in ("ab", "c"))


def test_an_output_is_edited_and_its_reasoning_by_itself() -> None:
    message = Message("assistant", (Reasoning("abc thought"), Text("abc said"), Text("more")))
    (seen,) = pass_reply(of(Word("abc", "replace")), message).value
    assert seen == Message("assistant", (Reasoning("<r> thought"), Text("<r> said\nmore")))
    assert pass_reply(of(Word("thought", "block")), message).blocked


def test_a_call_in_an_answer_is_guarded_unless_it_was_before_it_was_made() -> None:
    call = ToolCall("1", "mail", {"to": "evil"})
    message = Message("assistant", (Text("ok"), call))
    made = of(Word("evil", "block", frozenset({"tool_call"})))
    assert pass_reply(made, message).blocked
    untouched = pass_reply(made, message, looked={"1": call})
    assert (untouched.value, untouched.events) == ((message,), ())
    assert pass_reply(made, message, looked={"1": None}) == Passage(None, (), 0.0)


def test_whatever_an_answer_says_of_a_call_that_was_made_the_asker_sees_that_one() -> None:
    call, told = ToolCall("1", "mail", {"to": "ida"}), ToolCall("1", "mail", {"to": "evil"})
    blocking = of(Word("evil", "block", frozenset({"tool_call"})))
    assert pass_reply(blocking, Message("assistant", (told,)), looked={"1": call}).value == (
        Message("assistant", (call,)),
    )
    # Where two calls have one id nobody can tell which one is meant: both are looked at.
    assert pass_reply(blocking, Message("assistant", (call, told)), looked={"1": call}).blocked


def test_what_is_split_over_two_messages_of_an_answer_blocks_it() -> None:
    trajectory = (
        Message("assistant", (Text("my abc"), ToolCall("1", "f", {}))),
        Message("tool", (ToolResult("1", "f", "fine"),)),
        say("assistant", "def is it"),
    )
    passage = pass_reply(of(Word("abc\ndef")), *trajectory)
    assert passage.blocked
    assert passage.events[-1].rule == "split"
    assert not pass_reply(of(Word("abc\nxyz")), *trajectory).blocked


@pytest.mark.parametrize(("action", "said"), [("redact", "ok\n[redacted:evil]"), ("block", None)])
def test_tool_results_inside_an_answer_are_guarded_too(action: str, said: str | None) -> None:
    message = Message("assistant", (Text("ok"), ToolResult("1", "f", "evil")))
    passage = pass_reply(of(Word("evil", action, frozenset({"output"}))), message)
    assert passage.blocked == (said is None)
    assert said is None or passage.value[0].text == said


@given(st.sampled_from(["block", "redact", "replace"]), st.text(alphabet="abcx ", max_size=20))
@settings(max_examples=50, deadline=None)
def test_shadow_rules_change_no_message_document_call_result_or_reply(action: str, text: str) -> None:
    made = of(Word("abc", action), Broken("x"), Wrong("x"), shadow=True)
    call, result = ToolCall("1", "f", {"a": text}), ToolResult("1", "f", text)

    async def run() -> None:
        passages = [
            (say("user", text), await made.message(say("user", text), CTX)),
            (Document("d", text), await made.document(Document("d", text), CTX)),
            (call, await made.call(call, CTX)),
            (result, await made.result(result, CTX)),
            ((say("assistant", text),), await made.reply((say("assistant", text),), CTX)),
        ]
        for given_, passage in passages:
            assert passage.value == given_
            assert all(e.shadow for e in passage.events)

    asyncio.run(run())


class Exits(Word):
    async def check(self, part: Part, ctx: GuardContext) -> Sequence[Finding]:
        raise SystemExit(3)


class CancelsItself(Word):
    async def check(self, part: Part, ctx: GuardContext) -> Sequence[Finding]:
        raise asyncio.CancelledError


@pytest.mark.parametrize("guard", [Exits("x"), CancelsItself("x")])
def test_a_guard_that_exits_or_cancels_its_own_work_has_failed(guard: Word) -> None:
    assert pass_message(of(guard), say("user", "text")).blocked


def test_a_limit_reached_in_a_guard_is_no_failure_of_it() -> None:
    class Spent(Word):
        async def check(self, part: Part, ctx: GuardContext) -> Sequence[Finding]:
            raise LimitReached("spent")

    with pytest.raises(LimitReached):
        pass_message(of(Spent("x"), on_error="allow"), say("user", "text"))


def test_build_reads_a_guard_file() -> None:
    rule = GuardRule(id="GD-canary", use="canary_output", params={"canaries": ["MARIGOLD-77"]})
    made = Pipeline.build(GuardFile(block_message="No.", rules=(rule,)))
    applied = asyncio.run(made.apply("output", "it is MARIGOLD-77"))
    assert (applied.text, applied.events[0].guard) == ("No.", "GD-canary")
    assert "MARIGOLD" not in repr(made.describe())


def test_a_stage_the_guard_does_not_know_is_an_error() -> None:
    rule = GuardRule(id="GD-pii", use="pii_output", stages=("input",))
    with pytest.raises(PluginError, match=r"GD-pii.*does not run at input"):
        Pipeline.build(GuardFile(rules=(rule,)))


def test_two_rules_with_one_id_are_an_error() -> None:
    with pytest.raises(PluginError, match="one id"):
        Pipeline([Rule("GD-1", Word("a")), Rule("GD-1", Word("b"))])


def test_a_rule_that_is_off_is_no_part_of_the_pipeline() -> None:
    off = GuardFile.model_validate(
        {"rules": [{"id": "GD-a", "use": "pii_output"}, {"id": "GD-b", "use": "pii_output", "mode": "off"}]}
    )
    without = GuardFile.model_validate({"rules": [{"id": "GD-a", "use": "pii_output"}]})
    assert Pipeline.build(off).digest == Pipeline.build(without).digest
    wrong = GuardFile.model_validate({"rules": [{"id": "GD-b", "use": "pii_ouput", "mode": "off"}]})
    with pytest.raises(PluginError, match="pii_ouput"):  # or it would only be told when somebody needs it
        Pipeline.build(wrong)


class Louder(Word):
    """Finds its word, and rewrites what goes on."""

    def rewrite(self, text: str) -> str:
        if "break" in text:
            raise RuntimeError(text)
        return text.upper()


def test_a_guard_that_rewrites_may_be_had_to_look_alone() -> None:
    pipeline = of(Louder("abc", stages=frozenset({"retrieved"})))
    assert asyncio.run(pipeline.apply("retrieved", "xabc", rewrite=False)).text == "x[redacted:abc]"
    assert asyncio.run(pipeline.apply("retrieved", "xabc")).text == "X[REDACTED:ABC]"
    assert pipeline.rewrite("retrieved", "xabc").text == "XABC"
    assert pipeline.rewrite("input", "xabc").text == "xabc"
    broken = pipeline.rewrite("retrieved", "break")
    assert (broken.blocked, broken.text) == (True, pipeline.block_message)
