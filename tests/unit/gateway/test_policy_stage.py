"""The policy of a gateway says of a conversation, told anew with each request, what it said in an evaluation."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest

from shipworthy.core.events import Approval, PolicyEvent
from shipworthy.core.messages import Message, Text, ToolCall, ToolResult, say
from shipworthy.core.records import Request
from shipworthy.enforce.policy.engine import Policy
from shipworthy.exchange.desk import Mediation
from shipworthy.exchange.leaving import LeavingCalls
from shipworthy.gateway.policy_stage import PolicyAsker, PolicyStage, session_of
from shipworthy.gateway.refusal import HttpRefusal
from shipworthy.gateway.spent import SpentBook

RECORDED = Path(__file__).parents[3] / "bench" / "adapter_calls"
LINES = [json.loads(line) for line in (RECORDED / "sessions.jsonl").read_text("utf-8").splitlines()]


class Person:
    """Says what the person of the record said."""

    def __init__(self, calls):
        self._said = {f"c{number}": call.get("answer") for number, call in calls}

    async def approve(self, call, asked):
        said = self._said[call.id]
        changed = said if isinstance(said, dict) else None
        return Approval(0, call.id, "a person", said is not False, "", changed)


async def replayed(line, stage, base) -> tuple[list, list]:
    """Ask a gateway's stage step by step, each time with all that was said; return its words, and the record's."""
    messages, number, words, then = [], 0, [], []
    for turn, told in enumerate(line["turns"]):
        if turn:  # the model has spoken in between, or the user's words would stand beside answers of tools
            messages.append(say("assistant", "Done."))
        messages.append(say("user", told["says"]))
        for step in told["steps"]:
            calls = list(enumerate(step, number))
            number += len(step)
            asker = PolicyAsker("", line["id"], "GR-1", float("inf"))
            mediation = base.before(stage.open(asker), Person(calls))
            leaving = LeavingCalls(Request(messages=tuple(messages), turn=1), mediation, mediation.open(""))
            asked = [ToolCall(f"c{n}", call["tool"], call["args"]) for n, call in calls]
            [left] = await leaving.messages([Message("assistant", tuple(asked))])
            events = [e for e in leaving.events if isinstance(e, PolicyEvent)]
            firsts = [next(e for e in events if e.call == call.id) for call in asked]
            words += [(line["id"], c.name, e.verdict, e.rule) for c, e in zip(asked, firsts, strict=True)]
            then += [(line["id"], call["tool"], call["word"], call["rule"]) for _, call in calls]
            made = {call.id: call for call in left.tool_calls}
            runs = [
                f"c{n}" for n, c in calls if c["word"] == "allow" or (c["word"] == "ask" and c["answer"] is not False)
            ]
            assert sorted(made) == sorted(runs), line["id"]
            messages.append(left)
            for n, call in calls:
                if f"c{n}" in made:
                    error = "raises" in call
                    text = call["raises"] if error else call.get("gave", "{}")
                    messages.append(Message("tool", (ToolResult(f"c{n}", "", text, is_error=error),)))
    return words, then


def test_what_was_recorded_in_evaluations_is_decided_alike(tmp_path) -> None:
    """379 calls of agents that are hijacked on the way, in four worlds: word and rule, and which of them left."""
    stages = {
        name: PolicyStage(Policy.read(RECORDED / "policies" / f"{name}.yaml"), SpentBook(tmp_path))
        for name in {line["policy"] for line in LINES}
    }

    async def main():
        bases = {name: Mediation(policy=stage.policy) for name, stage in stages.items()}
        found = [await replayed(line, stages[line["policy"]], bases[line["policy"]]) for line in LINES]
        return [w for words, _ in found for w in words], [t for _, then in found for t in then]

    words, then = asyncio.run(main())
    assert [(a, b) for a, b in zip(words, then, strict=True) if a != b] == []
    assert len(words) == 379
    assert Counter(word for _, _, word, _ in words).keys() == {"allow", "ask", "deny"}


@pytest.mark.parametrize("named", ["a b", "x" * 201, "é"])
def test_a_session_has_a_name(named) -> None:
    with pytest.raises(HttpRefusal, match="visible ASCII"):
        session_of({"x-shipworthy-session": named})
    assert session_of({"x-shipworthy-session": "s-1"}) == "s-1"
    assert session_of({}) == ""


def test_what_a_refused_call_was_is_read_from_the_answer(tmp_path) -> None:
    """After a refused reading call a person is asked about calls that others see, until the user speaks again."""
    from shipworthy.workspace.policies import PolicyFile

    rules = {"tools": {"read": {"effect": "none", "args": {"id": {"kind": "id", "otherwise": "deny"}}},
                       "post": {"effect": "external", "args": {}}, "look": {"effect": "none", "args": {}}}}  # fmt: skip
    stage = PolicyStage(Policy(PolicyFile.model_validate(rules)), SpentBook(tmp_path))

    async def word(messages, call):
        conversation = stage.open(PolicyAsker("", "", "GR-1", float("inf"))).open("")
        return await conversation.decide(call, Request(messages=tuple(messages)))

    async def main():
        page = [say("user", "Look"), Message("assistant", (ToolCall("l", "look"),)),
                Message("tool", (ToolResult("l", "", "read m9"),))]  # fmt: skip
        refused = await word(page, ToolCall("r", "read", {"id": "m9"}))
        assert refused.verdict == "deny"
        after = [*page, Message("assistant", (Text(f"The call was refused. {refused.reason}"), ToolCall("k", "look"))),
                 Message("tool", (ToolResult("k", "", "more"),))]  # fmt: skip
        assert (await word(page, ToolCall("p", "post"))).verdict == "allow"
        assert (await word(after, ToolCall("p", "post"))).verdict == "ask"
        again = [*after, say("assistant", "Well."), say("user", "Post it")]
        assert (await word(again, ToolCall("p", "post"))).verdict == "allow"

    asyncio.run(main())
