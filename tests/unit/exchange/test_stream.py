from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shipworthy.core.errors import LimitReached, TargetError, TargetTimeout, UsageError
from shipworthy.core.events import Asked, Failed, GuardEvent, Retrieved, Said
from shipworthy.core.records import (
    Delta,
    Document,
    Message,
    Reasoning,
    Reply,
    Text,
    ToolCall,
    Usage,
    answer,
    conversation,
    say,
)
from shipworthy.exchange import stream as stream_module
from shipworthy.exchange.budget import Budget, Limits
from shipworthy.exchange.channel import Channel
from shipworthy.exchange.desk import Mediation
from shipworthy.exchange.stream import alike, joined

BLOCK = "I can't help with that."
GAP = "." * 600
"""More than a stride: what stands before it has left by the time what stands after it comes."""


class Streams:
    """A target that yields what a test wants; raises it where it is an exception."""

    def __init__(self, *pieces, pause=0.0, ending=None):
        self.pieces, self.pause, self.requests, self.closed = pieces, pause, [], 0
        self.ending = ending

    def describe(self):
        return {"target": "streams"}

    async def send(self, request):
        raise AssertionError("sent")

    async def stream(self, request):
        self.requests.append(request)
        try:
            for piece in self.pieces:
                await asyncio.sleep(self.pause)
                if isinstance(piece, BaseException):
                    raise piece
                yield piece
        finally:
            self.closed += 1
            if self.ending is not None:
                raise self.ending

    async def close(self): ...


def cut(text, cuts, *where):
    at, turn = 0, 0
    while at < len(text):
        size = cuts[turn % len(cuts)]
        yield Delta(text[at : at + size], *where)
        at, turn = at + size, turn + 1


def whole(text, **fields):
    return answer(text, usage=Usage(10, 20), model="m", **fields)


def listen(exchange, messages="q"):
    """Take the whole stream; return what left, and the error it ended with."""

    async def main():
        left = []
        try:
            async for piece in exchange.stream(messages):
                left.append(piece)  # noqa: PERF401  (what had left counts, also when it breaks off)
        except Exception as error:
            return left, error
        return left, None

    return asyncio.run(main())


def spoken(pieces, channel="text", index=0):
    return "".join(p.text for p in pieces if (p.channel, p.index) == (channel, index))


def events_of(exchange, kind):
    return [event for event in exchange.events if isinstance(event, kind)]


def said(exchange):
    return [s.message for s in conversation(exchange.events)]


TEXTS = st.lists(st.sampled_from(["abc", "ab", "c", "bcd", " ", "x" * 50, "é\u200b", "evil"]), max_size=30).map("".join)
CUTS = st.lists(st.integers(1, 300), min_size=1, max_size=6)


@given(TEXTS, CUTS)
@example("x" * 700 + "abc" + "y" * 700, [1])
def test_any_cutting_gives_what_the_whole_answer_gives(opened, scripted, word, text, cuts):
    guards = word("abc", "replace"), word("bcd", "redact")
    streamed = opened(Streams(*cut(text, cuts), whole(text)), *guards)
    asked = opened(scripted(lambda _: whole(text)), *guards)
    left, error = listen(streamed)
    reply = asyncio.run(asked.ask("q"))
    assert error is None
    assert spoken(left) == reply.text
    assert [m.text for m in said(streamed)] == [m.text for m in said(asked)]
    found = [sorted(map(repr, events_of(e, GuardEvent))) for e in (streamed, asked)]
    assert found[0] == found[1]
    assert events_of(streamed, Asked) == events_of(asked, Asked)
    withheld = [[s.message.text for s in events_of(e, Said) if s.withheld] for e in (streamed, asked)]
    assert withheld[0] == withheld[1]


@given(TEXTS, CUTS)
def test_what_a_guard_blocks_never_leaves_and_nothing_comes_after_the_block(opened, word, text, cuts):
    exchange = opened(Streams(*cut(text, cuts), whole(text)), word("evil", "block"))
    left, error = listen(exchange)
    out = spoken(left)
    assert (error, "evil" in out) == (None, False)
    if "evil" in text:
        assert out.endswith(BLOCK)
        assert left[-1].text.endswith(BLOCK)
        assert text.startswith(out.removesuffix(BLOCK).removesuffix("\n"))
    else:
        assert out == text
    assert [m.text for m in said(exchange)] == ["q", out]


def test_a_block_in_mid_stream_leaves_what_had_left_on_the_record(opened, word):
    target = Streams(*cut(f"before {GAP} evil", [50]), Delta("never"), whole("never"))
    exchange = opened(target, word("evil", "block"))
    left, error = listen(exchange)
    assert error is None
    assert spoken(left).startswith("before ..")
    assert left[-1].text == "\n" + BLOCK
    assert said(exchange)[-1] == say("assistant", spoken(left))
    assert [e.action for e in events_of(exchange, GuardEvent)] == ["block"]
    assert len(events_of(exchange, Asked)) == 1
    assert target.closed == 1


def test_the_conversation_goes_on_after_a_stream(opened, word):
    exchange = opened(Streams(*cut(f"before {GAP} evil", [50]), whole("x")), word("evil", "block"))
    first, _ = listen(exchange)
    exchange.choose(None)
    listen(exchange, [say("user", "q"), say("assistant", spoken(first)), say("user", "more")])
    assert [m.text for m in said(exchange)][:3] == ["q", spoken(first), "more"]
    sent = exchange._target.target.requests[-1]
    assert [m.text for m in sent.messages] == ["q", spoken(first), "more"]
    assert (sent.turn, sent.seed) == (2, 0)


def test_a_blocked_question_is_answered_with_the_block_message(opened, word):
    target = Streams(whole("x"))
    exchange = opened(target, word("evil", "block", ("input",)))
    left, error = listen(exchange, "evil")
    assert (left, error, target.requests) == ([Delta(BLOCK)], None, [])
    assert [m.text for m in said(exchange)] == ["evil", BLOCK]


def test_an_untouched_stream_is_recorded_as_the_target_gave_it(opened, word):
    found = Document("d", "text")
    given_ = Reply(
        messages=(Message("assistant", (Reasoning("hm"), Text("two "), Text("parts"))),),
        usage=Usage(1, 2),
        model="m",
        retrieved=(found,),
    )
    pieces = Delta("hm", "reasoning"), Delta("two parts"), given_
    for guards in ((), (word("zzz"),)):
        exchange = opened(Streams(*pieces), *guards)
        listen(exchange)
        assert said(exchange)[-1:] == list(given_.messages)
        assert not any(s.withheld for s in events_of(exchange, Said))
        assert events_of(exchange, Retrieved) == [Retrieved(1, found)]
        (asked,) = events_of(exchange, Asked)
        assert (asked.usage, asked.model, bool(asked.request)) == (Usage(1, 2), "m", True)


def test_a_reply_that_says_something_else_than_its_pieces_is_not_what_was_said(opened):
    exchange = opened(Streams(Delta("evil words"), whole("kind words")))
    listen(exchange)
    assert said(exchange)[-1].text == "evil words"
    assert [s.message.text for s in events_of(exchange, Said) if s.withheld] == ["kind words"]


@pytest.mark.parametrize("channel", ["reasoning", "refusal", "text"])
@pytest.mark.parametrize("gap", ["", GAP])
def test_every_channel_is_scanned_and_a_block_is_said_as_text(opened, word, channel, gap):
    pieces = [*cut(f"{gap}evil", [100], channel), Delta("more")]
    exchange = opened(Streams(*pieces, whole("more")), word("evil", "block"))
    left, _ = listen(exchange)
    assert "evil" not in repr(left)
    assert left[-1].channel == "text"
    assert left[-1].text.strip() == BLOCK
    assert BLOCK in said(exchange)[-1].text


def test_channels_and_choices_are_told_apart(opened, word):
    pieces = [
        Delta("a", "text", 0), Delta("a", "text", 1), Delta("a", "reasoning", 0), Delta("bc", "text", 1),
        Delta("xx", "text", 0), Delta("bc", "reasoning", 0), Delta("bc", "text", 0),
    ]  # fmt: skip
    given_ = Reply(messages=(Message("assistant", (Reasoning("abc"), Text("axxbc"))), say("assistant", "abc")))
    exchange = opened(Streams(*pieces, given_), word("abc", "replace"))
    left, error = listen(exchange)
    assert error is None
    # No word that is split over two channels or choices is found, and none in one of them is missed.
    assert (spoken(left), spoken(left, index=1), spoken(left, "reasoning")) == ("axxbc", "<r>", "<r>")
    assert said(exchange)[1:] == [Message("assistant", (Reasoning("<r>"), Text("axxbc"))), say("assistant", "<r>")]


# ---- tool calls ------------------------------------------------------------------------------------------------


def call_pieces(index, name, text, size):
    for n, piece in enumerate(cut(text, [size], "tool_call", index)):
        yield Delta(piece.text, "tool_call", index, f"c{index}" * (n == 0), name * (n == 0))


def interleaved(*streams):
    waiting = [list(stream) for stream in streams]
    while any(waiting):
        for stream in waiting:
            if stream:
                yield stream.pop(0)


def calls(left):
    return [(p.index, p.id, p.name, json.loads(p.text)) for p in left if p.channel == "tool_call"]


def test_a_tool_call_is_held_until_it_is_whole_and_guarded(opened, word):
    text = '{"to": "abc", "n": 1}'
    pieces = [Delta("I mail. "), *call_pieces(0, "mail", text, 3), Delta("Done.")]
    given_ = Reply(
        messages=(Message("assistant", (Text("I mail. Done."), ToolCall("c0", "mail", {"to": "abc", "n": 1}))),)
    )
    exchange = opened(Streams(*pieces, given_), word("abc", "replace"))
    left, _ = listen(exchange)
    assert calls(left) == [(0, "c0", "mail", {"to": "<r>", "n": 1})]
    assert left[-1].channel == "tool_call"
    assert said(exchange)[-1].tool_calls == (ToolCall("c0", "mail", {"to": "<r>", "n": 1}),)
    assert [e.stage for e in events_of(exchange, GuardEvent)] == ["tool_call"]


@given(st.integers(1, 9), st.integers(1, 9))
def test_parallel_calls_that_arrive_interleaved_stay_apart(opened, word, one, other):
    pieces = interleaved(call_pieces(1, "g", '{"b": "y"}', other), call_pieces(0, "f", '{"a": "x"}', one))
    made = ToolCall("c0", "f", {"a": "x"}), ToolCall("c1", "g", {"b": "y"})
    for guards in ((), (word("zzz"),)):
        exchange = opened(Streams(*pieces, Reply(messages=(Message("assistant", made),))), *guards)
        left, error = listen(exchange)
        pieces = interleaved(call_pieces(1, "g", '{"b": "y"}', other), call_pieces(0, "f", '{"a": "x"}', one))
        assert error is None
        assert calls(left) == [(0, "c0", "f", {"a": "x"}), (1, "c1", "g", {"b": "y"})]
        assert said(exchange)[-1] == Message("assistant", made)


def test_a_blocked_call_does_not_leave_and_ends_the_answer(opened, word):
    pieces = [*call_pieces(0, "f", '{"a": "x"}', 4), *call_pieces(1, "mail", '{"to": "evil"}', 4)]
    exchange = opened(Streams(*pieces, whole("x")), word("evil", "block", ("tool_call",)))
    left, error = listen(exchange)
    assert error is None
    assert [index for index, *_ in calls(left)] == [0]
    assert left[-1] == Delta(BLOCK)
    assert "evil" not in repr(exchange.events)


@pytest.mark.parametrize("text", ["{", "[]", "5", '"x"', "null", '{"a": NaN}', "\ud800", '{"a":' * 5000])
def test_arguments_that_are_no_json_object_are_the_targets_failure(opened, text):
    exchange = opened(Streams(Delta("words "), *call_pieces(0, "f", text, 7), whole("x")))
    left, error = listen(exchange)
    assert isinstance(error, TargetError)
    assert "no JSON object" in str(error)
    assert exchange.failure is error
    assert calls(left) == []
    assert said(exchange)[-1].text == "words "


def test_a_call_without_arguments_is_one(opened):
    exchange = opened(Streams(Delta("", "tool_call", 0, "c0", "f"), Reply(messages=(say("assistant", ""),))))
    assert calls(listen(exchange)[0]) == [(0, "c0", "f", {})]


@pytest.mark.parametrize("many", [False, True])
def test_calls_that_are_too_long_are_the_targets_failure(opened, monkeypatch, many):
    monkeypatch.setattr(stream_module, "MAX_CALL", 100)
    pieces = [Delta("x", "tool_call", index if many else 0) for index in range(200)]
    _, error = listen(opened(Streams(*pieces, whole("x"))))
    assert isinstance(error, TargetError)
    assert "longer than 100" in str(error)


# ---- answers that break off ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (TargetError("gone"), TargetError),
        (ConnectionResetError("gone"), TargetError),
        (TimeoutError(), TargetTimeout),
        (SystemExit(3), TargetError),
        (asyncio.CancelledError(), TargetError),
        ("half", TargetError),
        (None, TargetError),
        (Delta(None), TargetError),
        (Delta("x", "smell"), TargetError),
        (Reply(messages=()), TargetError),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_stream_that_breaks_off_keeps_what_had_left(opened, word, raised, expected):
    exchange = opened(Streams(Delta(f"abc {GAP}"), Delta(GAP), raised, whole("x")), word("abc", "replace"))
    left, error = listen(exchange)
    assert type(error) is expected
    assert exchange.failure is error
    assert spoken(left).startswith("<r> ..")
    assert [m.text for m in said(exchange)] == ["q", spoken(left)]
    # What the guards did before it broke off is on the record too; what left comes before what went wrong.
    assert [e.action for e in events_of(exchange, GuardEvent)] == ["replace"]
    assert [type(event) for event in exchange.events[-2:]] == [Said, Failed]
    assert exchange.events[-1].role == "target"


def test_a_stream_that_ends_without_a_reply_has_broken_off(opened):
    exchange = opened(Streams(Delta("half an ans")))
    _, error = listen(exchange)
    assert isinstance(error, TargetError)
    assert "broke off" in str(error)
    assert said(exchange)[-1].text == "half an ans"


def test_a_stream_that_fails_at_once_says_nothing(opened):
    exchange = opened(Streams(TargetError("down")))
    left, error = listen(exchange)
    assert (left, exchange.failure) == ([], error)
    assert [m.text for m in said(exchange)] == ["q"]


def test_how_a_target_tidies_up_changes_nothing(opened):
    exchange = opened(Streams(Delta("fine"), whole("fine"), ending=RuntimeError("tidy")))
    left, error = listen(exchange)
    assert (spoken(left), error) == ("fine", None)


def test_a_listener_that_goes_away_leaves_a_record_and_no_open_stream(opened, word):
    target = Streams(Delta(f"abc {GAP}"), Delta(GAP), Delta(GAP), whole("x"))
    exchange = opened(target, word("abc", "replace"))

    async def main():
        stream = exchange.stream("q")
        first = await anext(stream)
        await stream.aclose()
        return first

    first = asyncio.run(main())
    assert target.closed == 1
    assert [m.text for m in said(exchange)] == ["q", first.text]
    assert exchange.failure is None
    assert [e.action for e in events_of(exchange, GuardEvent)] == ["replace"]
    assert len(events_of(exchange, Asked)) == 1
    # The place at the endpoint is free again.
    assert exchange._target.places.free.inside == 0


def test_a_listener_may_take_its_time_and_a_model_may_not(opened):
    slow = opened(Channel(Streams(Delta("a"), Delta("b"), whole("ab"), pause=60), timeout_s=0.02))
    _, error = listen(slow)
    assert isinstance(error, TargetTimeout)

    async def main():
        exchange = opened(Channel(Streams(Delta("a"), Delta("b"), whole("ab")), timeout_s=0.02))
        async for _ in exchange.stream("q"):
            await asyncio.sleep(0.03)
        return exchange

    assert said(asyncio.run(main()))[-1].text == "ab"


def test_the_models_patience_is_for_all_pieces_together(opened):
    pieces = [Delta("a")] * 10
    _, error = listen(opened(Channel(Streams(*pieces, whole("a" * 10), pause=0.02), timeout_s=0.1)))
    assert isinstance(error, TargetTimeout)


def test_cancelling_the_run_is_not_a_failure_of_the_target(opened):
    exchange = opened(Streams(Delta("a"), whole("a"), pause=60))

    async def main():
        task = asyncio.create_task(anext(exchange.stream("q")))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert events_of(exchange, Failed) == []


def test_a_stream_takes_from_the_budget(opened):
    budget = Budget(Limits(tokens=30))
    target = Streams(Delta("a"), whole("a"))
    exchange = opened(Channel(target, budget=budget))
    assert listen(exchange)[1] is None
    _, error = listen(exchange)
    assert isinstance(error, LimitReached)
    assert exchange.limit is error
    assert (len(target.requests), budget.usage.output_tokens) == (1, 20)


def test_a_target_that_does_not_stream_says_so(opened, scripted):
    _, error = listen(opened(scripted()))
    assert isinstance(error, UsageError)
    assert "does not stream" in str(error)


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_credential_does_not_leave_in_pieces(opened, size):
    text = "my key is sk-0123456789, yours?"
    pieces = [*cut(text, [size]), *call_pieces(0, "f", json.dumps({"key": "sk-0123456789"}), size)]
    given_ = Reply(messages=(Message("assistant", (Text(text), ToolCall("c0", "f", {"key": "sk-0123456789"}))),))
    exchange = opened(Channel(Streams(*pieces, given_), secrets=("sk-0123456789",)))
    left, error = listen(exchange)
    assert error is None
    assert spoken(left) == "my key is [redacted:credential], yours?"
    assert calls(left)[0][3] == {"key": "[redacted:credential]"}
    assert "0123456789" not in repr(exchange.events)


def test_shadow_guards_hear_a_blocked_stream_too(opened, word):
    from shipworthy.enforce.pipeline import Pipeline
    from shipworthy.enforce.rule import Rule

    pipeline = Pipeline([Rule("GD-0", word("evil", "block")), Rule("GD-1", word("abc", "block"), shadow=True)])
    exchange = opened(Streams(*cut(f"abc {GAP} evil {GAP}", [40]), whole("x")), mediation=Mediation(pipeline))
    listen(exchange)
    assert {(e.guard, e.shadow) for e in events_of(exchange, GuardEvent)} == {("GD-0", False), ("GD-1", True)}


def test_pieces_make_up_the_messages_they_are_pieces_of():
    assert joined([]) == (Message("assistant", ()),)
    assert joined([Delta("a"), Delta("no", "refusal"), Delta("b")]) == (Message("assistant", (Text("ab"), Text("no"))),)
    assert alike([say("assistant", "ab")], [say("assistant", "a"), say("assistant", "b")])
    assert not alike([say("assistant", "ab")], [Message("assistant", (Reasoning("ab"),))])
    assert not alike([say("assistant", "a")], [Message("assistant", (Text("a"), ToolCall("1", "f")))])


def test_each_choice_is_a_message_with_its_own_calls() -> None:
    pieces = [
        Delta("a", "text", 0),
        Delta("b", "text", 1),
        Delta("{}", "tool_call", 0, "c", "f", 0),
        Delta("{}", "tool_call", 1, "d", "f", 1),
        Delta("{}", "tool_call", 2, "e", "f", 2),
    ]
    assert joined(pieces) == (
        Message("assistant", (Text("a"), ToolCall("c", "f"))),
        Message("assistant", (Text("b"), ToolCall("d", "f"))),
        Message("assistant", (ToolCall("e", "f"),)),
    )
