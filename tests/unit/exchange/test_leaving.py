"""Calls that leave with an answer: policy and person before the asker sees them, whole and in pieces alike."""

from __future__ import annotations

import asyncio
import json

import pytest

from shipworthy.core.errors import UsageError
from shipworthy.core.events import Approval, Called, PolicyEvent, Said
from shipworthy.core.messages import Message, Text, ToolCall, say
from shipworthy.core.records import Delta, Finding, Reply
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.enforce.policy.engine import Policy
from shipworthy.enforce.rule import Rule
from shipworthy.exchange.channel import Channel
from shipworthy.exchange.desk import Mediation
from shipworthy.exchange.exchange import Exchange
from shipworthy.workspace.policies import PolicyFile

RULES = {"tools": {"send": {"effect": "external", "args": {"to": "recipient"}}, "read": {"effect": "none", "args": {}}}}
SENT, ASKED_OF, UNKNOWN = ToolCall("a", "send", {"to": "bo"}), ToolCall("b", "send", {"to": "eve"}), ToolCall("c", "x")


class Answers:
    """A target that gives one answer, whole or in pieces."""

    def __init__(self, *calls, text="Fine."):
        self._calls, self._text = calls, text

    def describe(self):
        return {"target": "answers"}

    async def send(self, request):
        return Reply(messages=(Message("assistant", (Text(self._text), *self._calls)),))

    async def stream(self, request):
        for piece in self._text:
            yield Delta(piece)
        for number, call in enumerate(self._calls):
            yield Delta(json.dumps(call.arguments), "tool_call", number, call.id, call.name)
        yield await self.send(request)


class Says:
    """A person of one word."""

    def __init__(self, **word):
        self._word = word

    async def approve(self, call, asked):
        return Approval(0, call.id, "ada", **self._word)


def came(target, says="Write to bo", approver=None, policy=None, guards=None, *, stream):
    """Return what an asker sees: the words, the calls; and the exchange."""
    mediation = Mediation(guards, policy=policy or Policy(PolicyFile.model_validate(RULES)), approver=approver)
    exchange = Exchange(Channel(target), mediation, calls_leave=True)

    async def main():
        if not stream:
            reply = await exchange.ask(says)
            return reply.text, [c for m in reply.messages for c in m.tool_calls]
        pieces = [piece async for piece in exchange.stream(says)]
        calls = [ToolCall(p.id, p.name, json.loads(p.text)) for p in pieces if p.channel == "tool_call"]
        return "".join(p.text for p in pieces if p.channel == "text"), calls

    text, calls = asyncio.run(main())
    return text, calls, exchange


both = pytest.mark.parametrize("stream", [False, True])


@both
def test_what_may_leave_leaves_and_the_rest_is_told(stream) -> None:
    text, calls, exchange = came(Answers(SENT, UNKNOWN, ASKED_OF), stream=stream)
    assert calls == [SENT]
    first, second, third = text.split("\n")
    assert (first, second) == ("Fine.", "The call was refused. x is refused: no rule names this tool.")
    assert third.startswith("The call was refused. send needs a person's word: ")
    assert third.endswith("There is no approver.")
    assert exchange.refused == {0}
    assert not [event for event in exchange.events if isinstance(event, Called)]
    words = [e.verdict for e in exchange.events if isinstance(e, PolicyEvent)]
    assert words == ["allow", "deny", "ask"]
    said = [e for e in exchange.events if isinstance(e, Said) and e.by == "target"]
    assert [e.withheld for e in said] == [True, False]
    assert said[1].message.tool_calls == (SENT,)


@both
def test_a_person_lets_it_pass_or_not(stream) -> None:
    assert came(Answers(ASKED_OF), approver=Says(granted=True), stream=stream)[1] == [ASKED_OF]
    changed = came(Answers(ASKED_OF), approver=Says(granted=True, arguments={"to": "bo"}), stream=stream)[1]
    assert changed == [ToolCall("b", "send", {"to": "bo"})]
    text, calls, _ = came(Answers(ASKED_OF), approver=Says(granted=False, reason="a secret one"), stream=stream)
    assert calls == []
    assert text.endswith("A person said no.")
    assert "secret" not in text


@both
def test_an_answer_without_refused_calls_is_left_as_it_is(stream) -> None:
    text, calls, exchange = came(Answers(SENT), stream=stream)
    assert (text, calls, exchange.refused) == ("Fine.", [SENT], set())


class Stops:
    """A policy that stops everything at the first call."""

    def describe(self):
        return {"policy": "stops"}

    def open(self, user):
        return self

    async def decide(self, call, request):
        return PolicyEvent(1, call.id, "stop", "PL-1", "Enough.")

    async def answer(self, request, reply):
        return tuple(reply.messages), ()


@both
def test_a_stop_lets_nothing_leave_after_it(stream) -> None:
    text, calls, exchange = came(Answers(SENT, UNKNOWN), policy=Stops(), stream=stream)
    assert calls == []
    assert "The call was refused. Enough." in text
    assert len([e for e in exchange.events if isinstance(e, PolicyEvent)]) == 1


def test_whole_answers_are_asked_for_where_no_call_leaves() -> None:
    exchange = Exchange(Channel(Answers()), Mediation(policy=Policy(PolicyFile.model_validate(RULES))))

    async def main():
        async for _ in exchange.stream([say("user", "Hi")]):
            pass

    with pytest.raises(UsageError, match="ask for one"):
        asyncio.run(main())


class Flags:
    """A guard that flags one word."""

    reach = None

    def __init__(self, word, stage):
        self.word, self.stages = word, frozenset({stage})

    def describe(self):
        return {"guard": "flags", "word": self.word}

    async def check(self, part, ctx):
        at = part.text.find(self.word)
        return [Finding(at, at + len(self.word), "word", "tighten")] if at >= 0 else []


@both
@pytest.mark.parametrize(("word", "stage"), [("Write", "input"), ("Fine", "output"), ('"bo"', "tool_call")])
def test_what_a_guard_flagged_keeps_calls_from_leaving(stream, word, stage) -> None:
    guards = Pipeline([Rule("GD-1", Flags(word, stage))])
    text, calls, exchange = came(Answers(SENT), guards=guards, stream=stream)
    assert calls == []
    assert exchange.flagged == ["GD-1"]
    assert "GD-1 flagged a text of this conversation" in text
    # Without the word, the same call leaves.
    other = Pipeline([Rule("GD-1", Flags("nothing of this", stage))])
    assert came(Answers(SENT), guards=other, stream=stream)[1] == [SENT]
