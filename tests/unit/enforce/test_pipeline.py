from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.core.errors import PluginError
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import (
    Document,
    Finding,
    Message,
    Part,
    Reply,
    Request,
    Stage,
    Text,
    ToolCall,
    ToolResult,
    say,
)
from shipworthy.enforce.edit import apply, edits
from shipworthy.enforce.pipeline import WITHHELD, Pipeline
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


def request(**fields: object) -> Request:
    base = {"messages": (say("system", "be kind"), say("user", "hello"))}
    return Request(**{**base, **fields})  # type: ignore[arg-type]


async def echo(request: Request) -> Reply:
    seen = [d.text for d in request.documents] + [m.text for m in request.messages]
    return Reply(message=say("assistant", "|".join(seen)))


def run(made: Pipeline, asked: Request, send=echo):
    return asyncio.run(made.guarded(asked, send))


def test_a_request_no_guard_touches_is_sent_as_the_same_object() -> None:
    asked, got = request(), []

    async def send(r: Request) -> Reply:
        got.append(r)
        return Reply(message=say("assistant", "fine"))

    done = run(of(Word("zzz")), asked, send)
    assert got[0] is asked
    assert done.reply.message.text == "fine"


def test_a_blocked_input_is_never_sent() -> None:
    async def send(r: Request) -> Reply:
        raise AssertionError("sent")

    done = run(of(Word("hello", "block", frozenset({"input"}))), request(), send)
    assert done.blocked
    assert done.reply.message.text == "I can't help with that."


def test_an_input_split_over_two_parts_is_read_as_one() -> None:
    split = request(messages=(Message("user", (Text("do abc"), Text("def now"))),))
    assert run(of(Word("abc\ndef", "block")), split).blocked
    edited = run(of(Word("abc\ndef", stages=frozenset({"input"}))), split)
    assert edited.reply.message.text == "do [redacted:abc\ndef] now"


def test_a_blocked_document_is_withheld_and_the_conversation_goes_on() -> None:
    asked = request(
        documents=(Document("a", "evil"), Document("b", "good")),
        messages=(say("user", "q"), Message("tool", (ToolResult("1", "f", "evil"),))),
    )
    done = run(of(Word("evil", "block", frozenset({"retrieved"}))), asked)
    assert not done.blocked
    assert done.reply.message.text == f"{WITHHELD}|good|q|{WITHHELD}"


def test_system_prompts_and_earlier_answers_are_not_the_guards_business() -> None:
    asked = request(messages=(say("system", "abc"), say("assistant", "abc"), say("user", "q")))
    assert run(of(Word("abc", stages=frozenset({"input"}))), asked).reply.message.text == "abc|abc|q"


def call(**arguments: object) -> Reply:
    return Reply(message=Message("assistant", (Text("ok"), ToolCall("1", "mail", arguments))), finish="tool_calls")


def test_a_blocked_tool_call_is_not_made() -> None:
    async def send(r: Request) -> Reply:
        return call(to={"x": ["evil"]})

    done = run(of(Word("evil", "block", frozenset({"tool_call"}))), request(), send)
    assert done.blocked
    assert done.reply.message == say("assistant", "I can't help with that.")
    assert done.reply.finish == "stop"


def test_tool_arguments_are_edited_one_by_one() -> None:
    async def send(r: Request) -> Reply:
        return call(to={"x": ["my abc", 7, None, True]}, abc=12345)

    done = run(of(Word("abc", "replace"), Word("12345", "replace")), request(), send)
    (made,) = done.reply.message.tool_calls
    assert made.arguments == {"to": {"x": ["my <r>", 7, None, True]}, "<r>": "<r>"}


def test_what_only_shows_across_arguments_stops_the_call() -> None:
    async def send(r: Request) -> Reply:
        return call(a="one", b="two")

    done = run(of(Word('one", "b": "two', stages=frozenset({"tool_call"}))), request(), send)
    assert done.blocked


def test_a_target_that_fails_is_not_hidden() -> None:
    async def send(r: Request) -> Reply:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        run(of(Word("x")), request(), send)


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


def test_multi_turn_history_is_guarded_at_every_user_turn() -> None:
    asked = request(messages=(say("user", "evil"), say("assistant", "x"), say("user", "fine")))
    assert run(of(Word("evil", "block", frozenset({"input"}))), asked).blocked


@pytest.mark.parametrize(("action", "said"), [("redact", "ok\n[redacted:evil]"), ("block", "I can't help with that.")])
def test_tool_results_inside_an_answer_are_guarded_too(action: str, said: str) -> None:
    async def send(r: Request) -> Reply:
        return Reply(message=Message("assistant", (Text("ok"), ToolResult("1", "f", "evil"))))

    done = run(of(Word("evil", action, frozenset({"output"}))), request(), send)
    assert done.reply.message.text == said
