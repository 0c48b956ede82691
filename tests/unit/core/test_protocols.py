"""Holding a conversation: who answers when, and what a rewriting attack may touch."""

from __future__ import annotations

import asyncio

from shipworthy.core.protocols import converse, rewrite_last_user
from shipworthy.core.records import Document, Image, Message, Sample, Text, answer, say


def target():
    asked = []

    async def ask(messages, *, documents=None):
        asked.append((tuple(messages), documents))
        return answer(f"answer {len(asked)}")

    return ask, asked


def test_every_user_turn_is_answered_and_history_grows():
    ask, asked = target()
    planted = (Document("d", "x"),)
    said = (say("system", "be kind"), say("user", "one"), say("user", "two"))
    reply = asyncio.run(converse(Sample(id="s", messages=said, documents=planted), ask))
    assert [[m.text for m in messages] for messages, _ in asked] == [
        ["be kind", "one"],
        ["be kind", "one", "answer 1", "two"],
    ]
    assert {documents for _, documents in asked} == {planted}
    assert reply.text == "answer 2"


def test_a_scripted_answer_is_not_asked_for():
    ask, asked = target()
    sample = Sample(id="s", messages=(say("user", "one"), say("assistant", "scripted"), say("user", "two")))
    asyncio.run(converse(sample, ask))
    assert [[m.text for m in messages] for messages, _ in asked] == [["one", "scripted", "two"]]


def test_rewriting_touches_only_the_text_of_the_last_user_turn():
    picture = Image("image/png", data="AAAA")
    sample = Sample(
        id="s", messages=(say("user", "one"), Message("user", (Text("two"), picture)), say("assistant", "end"))
    )
    changed = rewrite_last_user(sample, str.upper)
    assert changed.messages == (say("user", "one"), Message("user", (Text("TWO"), picture)), say("assistant", "end"))


def test_rewriting_a_sample_without_a_user_turn_changes_nothing():
    sample = Sample(id="s", messages=(say("system", "be kind"),))
    assert rewrite_last_user(sample, str.upper) is sample
