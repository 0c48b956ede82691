"""Holding a conversation: who answers when, and what a rewriting attack may touch."""

from __future__ import annotations

import asyncio
import random

from shipworthy.core.protocols import AttackContext, Rewrite, converse, rewrite_last_user
from shipworthy.core.records import Document, Image, Message, Reply, Sample, Text, say


def target():
    asked = []

    async def ask(request):
        asked.append(request)
        return Reply(message=say("assistant", f"answer {len(asked)}"), retrieved=(Document(f"d{len(asked)}", "x"),))

    return ask, asked


def test_every_user_turn_is_answered_and_history_grows():
    ask, asked = target()
    sample = Sample(id="s", messages=(say("system", "be kind"), say("user", "one"), say("user", "two")), user="u1")
    said = asyncio.run(converse(sample, ask))
    assert [m.text for m in said.messages] == ["be kind", "one", "answer 1", "two", "answer 2"]
    assert [len(r.messages) for r in asked] == [2, 4]
    assert {r.user for r in asked} == {"u1"}
    assert [d.id for d in said.documents] == ["d1", "d2"]


def test_a_scripted_answer_is_not_asked_for():
    ask, asked = target()
    sample = Sample(id="s", messages=(say("user", "one"), say("assistant", "scripted"), say("user", "two")))
    said = asyncio.run(converse(sample, ask))
    assert [m.text for m in said.messages] == ["one", "scripted", "two", "answer 1"]
    assert len(asked) == 1


def test_rewriting_touches_only_the_text_of_the_last_user_turn():
    picture = Image("image/png", data="AAAA")
    sample = Sample(
        id="s", messages=(say("user", "one"), Message("user", (Text("two"), picture)), say("assistant", "end"))
    )
    changed = rewrite_last_user(sample, str.upper)
    assert changed.messages == (say("user", "one"), Message("user", (Text("TWO"), picture)), say("assistant", "end"))


def test_the_seed_of_a_request_comes_from_the_attack_s_random_numbers():
    ask, asked = target()
    attack = Rewrite("shout", lambda sample, rng: rewrite_last_user(sample, str.upper))
    for seed in (1, 1, 2):
        asyncio.run(
            attack.attempt(Sample(id="s", messages=(say("user", "a"),)), ask, AttackContext(random.Random(seed)))
        )
    first, again, other = (r.seed for r in asked)
    assert first == again != other
    assert asked[0].messages[0].text == "A"


def test_rewriting_a_sample_without_a_user_turn_changes_nothing():
    sample = Sample(id="s", messages=(say("system", "be kind"),))
    assert rewrite_last_user(sample, str.upper) is sample
