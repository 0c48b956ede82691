from __future__ import annotations

import asyncio

import pytest

from shipworthy.core import registry
from shipworthy.core.errors import PluginError
from shipworthy.core.messages import Message
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Delta, Document, Reasoning, Reply, Request, Text, ToolResult, say
from shipworthy.enforce.pipeline import Applied, Pipeline
from shipworthy.enforce.rule import Rule
from shipworthy.exchange.channel import Channels
from shipworthy.exchange.desk import Mediation
from shipworthy.exchange.exchange import Exchange
from shipworthy.guards.groundedness import SAY

SHED = Document(
    "d", "The boat shed opens at 6:30 and closes at 18:00. The key hangs behind the tide table.", "Boat shed"
)
ASKED = "When does the boat shed open?"
RIGHT, WRONG = "The boat shed opens at 6:30.", "The boat shed opens at 9:45, says Marlene."
ALL = {"unsupported": "say", "answerability": "say"}


def pipeline(**params: object) -> Pipeline:
    return Pipeline([Rule("GD-ground", registry.create("guard", "groundedness", params))])


def said(
    text: str, *, stage: str = "output", asked: str = ASKED, documents: tuple = (SHED,), **params: object
) -> Applied:
    ctx = GuardContext(Request(messages=(say("user", asked),), documents=documents))
    return asyncio.run(pipeline(**params).apply(stage, text, ctx))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        (RIGHT, None),
        (WRONG, "unsupported"),
        ("The documents do not say when it opens.", None),
        (SHED.text, None),
        ("...", None),
    ],
)
def test_what_no_document_carries_is_found(answer: str, rule: str | None) -> None:
    for word, blocked, text in (
        ("record", False, answer),
        ("say", True, SAY),
        ("block", True, "I can't help with that."),
        ("off", False, answer),
    ):
        applied = said(answer, unsupported=word)
        found = rule if word != "off" else None
        assert [e.rule for e in applied.events] == [found] * (found is not None)
        assert (applied.blocked, applied.text) == ((blocked, text) if rule else (False, answer))


def test_questions_that_the_documents_cannot_answer() -> None:
    asked = "Who painted the boat shed?"
    applied = said("It was painted by the boat club.", asked=asked, **ALL)
    assert [(e.rule, applied.text) for e in applied.events] == [("unanswerable", SAY)]
    assert said("I do not know who painted it.", asked=asked, **ALL).events == ()
    assert said(asked, stage="input", **ALL).text == SAY
    assert said(ASKED, stage="input", **ALL).events == ()
    # The request brings no document: what is retrieved later is not known yet.
    assert said(asked, stage="input", documents=(), **ALL).events == ()


def test_without_documents_nothing_is_judged_and_that_is_on_record() -> None:
    applied = said(WRONG, documents=(), unsupported="block")
    assert [(e.rule, e.action) for e in applied.events] == [("no_documents", "allow")]
    assert said(WRONG, documents=(), undecided="block").blocked
    assert said(WRONG, documents=(), undecided="off").events == ()


def test_what_tools_gave_counts_and_reasoning_is_not_judged() -> None:
    made = pipeline(**ALL)
    gave = Message("tool", (ToolResult("c", "search", SHED.text),))
    ctx = GuardContext(Request(messages=(say("user", ASKED), gave)))
    assert asyncio.run(made.apply("output", RIGHT, ctx)).events == ()
    assert asyncio.run(made.apply("output", WRONG, ctx)).blocked
    thought = Message("assistant", (Reasoning("Perhaps Oskar knows that it is 7:15?"), Text(RIGHT)))
    assert asyncio.run(made.reply((thought,), ctx)).events == ()


class Retrieves:
    """A target that retrieves by itself."""

    concurrency = 1

    def __init__(self, text: str) -> None:
        self.text = text

    def describe(self):
        return {"says": self.text}

    async def close(self): ...

    async def send(self, request):
        return Reply(messages=(say("assistant", self.text),), retrieved=(SHED,))

    async def stream(self, request):
        yield Delta("Let me think of Oskar, 7:15. ", "reasoning")
        for word in self.text.split(" "):
            yield Delta(word + " ")
        whole = Message("assistant", (Reasoning("Let me think of Oskar, 7:15. "), Text(self.text + " ")))
        yield Reply(messages=(whole,), retrieved=(SHED,))


@pytest.mark.parametrize(("answer", "told"), [(RIGHT, RIGHT), (WRONG, SAY)])
def test_what_a_target_retrieves_by_itself_counts(answer: str, told: str) -> None:
    exchange = Exchange(Channels().open(Retrieves(answer)), Mediation(pipeline(**ALL)), keep=False)
    assert asyncio.run(exchange.ask(ASKED)).text == told

    async def read() -> str:
        streamed = Exchange(Channels().open(Retrieves(answer)), Mediation(pipeline(**ALL)), keep=False)
        return "".join([p.text async for p in streamed.stream(ASKED) if p.channel == "text"])

    assert asyncio.run(read()).strip() == told


@pytest.mark.parametrize(
    "params", [{"unsupported": "flag"}, {"undecided": "no"}, {"threshold": 1}, {"doubt": 0.5}, {"answerability": ""}]
)
def test_bad_settings_are_refused(params: dict[str, object]) -> None:
    with pytest.raises(PluginError, match="guard 'groundedness'"):
        registry.create("guard", "groundedness", params)
