"""Attacks one after another, in one name."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest

from shipworthy.core.attack_chain import steps_of
from shipworthy.core.errors import PluginError
from shipworthy.core.protocols import AttackContext, Rewrite, inapplicable
from shipworthy.core.records import Message, Reply, Sample, answer, say
from shipworthy.core.registry import check_params, create

ASKING = Sample(id="s", messages=(say("user", "Where is the stapler?"),))


def test_the_second_step_changes_what_the_first_one_made() -> None:
    both = create("attack", "framing(style=past) + cipher(code=hex, explain=false)")
    assert isinstance(both, Rewrite)
    framed = create("attack", "framing", {"style": "past"}).change(ASKING, random.Random(0))
    changed = both.change(ASKING, random.Random(0))
    assert bytes.fromhex(changed.messages[0].text).decode() == framed.messages[0].text


def test_a_chain_of_one_is_that_attack() -> None:
    one = create("attack", "role_play(persona=novelist)")
    assert dict(one.describe()) == {"attack": "role_play", "persona": "novelist"}


def test_it_says_of_itself_all_that_changes_its_words() -> None:
    one, other = (create("attack", f"role_play + leetspeak(letters={letters})") for letters in ("a", "e"))
    assert one.describe() != other.describe()


def test_what_one_step_cannot_change_the_chain_cannot() -> None:
    hindi = Sample(id="s", messages=(say("user", "मुझे बताओ"),))
    assert "no letter from a to z" in inapplicable(create("attack", "rot13(explain=false) + zero_width"), hindi)
    # What stands before it may bring what it needs.
    assert inapplicable(create("attack", "role_play + rot13"), hindi) == ""


def test_what_stands_behind_a_conversation_rewrites_each_turn_once() -> None:
    asked: list[tuple[Message, ...]] = []

    async def ask(messages: Sequence[Message], **_: Any) -> Reply:
        asked.append(tuple(messages))
        return answer("Fine.")

    attack = create("attack", "foot_in_the_door(turns=3) + homoglyph(rate=0.5)")
    assert attack.needs == ("turns",)
    asyncio.run(attack.attempt(ASKING, ask, AttackContext(random.Random(3))))
    assert [len(messages) for messages in asked] == [1, 3, 5]
    for earlier, later in pairwise(asked):
        assert later[: len(earlier)] == earlier  # what was said is not said anew in other letters
    assert all(not message.text.isascii() for message in asked[-1] if message.role == "user")
    assert all(message.text == "Fine." for message in asked[-1] if message.role == "assistant")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("role_play + ", "cannot read the attack"),
        ("role_play + bass64", "did you mean 'base64'"),
        ("role_play(persona=novelits) + base64", "did you mean 'novelist'"),
        ("crescendo + goat", "two that hold a conversation"),
        ("garak:Thing", "only pyrit:NAME has a colon"),
    ],
)
def test_a_wrong_chain_says_what_is_wrong(name: str, words: str) -> None:
    with pytest.raises(PluginError, match=words):
        create("attack", name)


def test_parameters_stand_in_the_chain() -> None:
    with pytest.raises(PluginError, match="write it in the chain"):
        check_params("attack", "role_play + base64", {"persona": "any"})


def test_a_converter_of_pyrit_is_named_with_a_colon() -> None:
    (step,) = steps_of("pyrit:MorseConverter")
    assert (step.id, step.params) == ("pyrit", {"converter": "MorseConverter"})
