"""What holds for every attack: it changes the last user turn (or the documents) and nothing else."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.core.errors import PluginError
from shipworthy.core.protocols import AttackContext, Rewrite
from shipworthy.core.records import Document, Image, Message, Reply, Sample, Text, answer, say
from shipworthy.core.registry import create, known

ALL = sorted(name for name, module in known("attack").items() if module.startswith("shipworthy.attacks."))
CONVERSES = {"crescendo", "foot_in_the_door", "goat"}
PLANTS = {"memory_poisoning", "tool_result_poisoning"}
"""Those that put turns before the last one."""
every_attack = pytest.mark.parametrize("name", sorted({*ALL} - CONVERSES - {"pyrit"}))
PICTURE = Image("image/png", data="iVBORw0KGgo=")
TURNS = (
    say("system", "Be brief."),
    say("user", "First question, please."),
    say("assistant", "First answer."),
    Message("user", (Text("Look at this secret."), PICTURE, Text("What is on it?"))),
)


def rewritten(name: str, sample: Sample, seed: int = 0, **params: object) -> Sample:
    attack = create("attack", name, params)
    assert isinstance(attack, Rewrite)
    return attack.change(sample, random.Random(seed))


def test_the_attacks_the_suites_need_are_there() -> None:
    assert set(ALL) >= {
        *("none", "prefix_injection", "role_play", "base64", "rot13", "leetspeak"),
        *("homoglyph", "zero_width", "payload_in_document", "fake_system"),
        *("cipher", "noise", "framing", "payload_splitting", "many_shot", "suffix", "refusal_suppression"),
        *("low_resource_language", "context_overflow", "tool_result_poisoning", "memory_poisoning", "hidden_text"),
        *("citation_forging", "cue_removal", "crescendo", "foot_in_the_door", "goat", "pyrit"),
    }


@every_attack
def test_other_turns_parts_and_fields_stay(name: str) -> None:
    sample = Sample(id="s", messages=TURNS, secrets=("x",), twin="t", expected=["y"], user="u", severity="S1")
    changed = rewritten(name, sample)
    before = changed.messages[: len(TURNS) - 1] if name in PLANTS else changed.messages[:-1]
    assert before == TURNS[:-1]
    assert changed.messages[-1].role == "user"
    assert [p for p in changed.messages[-1].parts if isinstance(p, Image)] == [PICTURE]
    for field in ("id", "secrets", "twin", "expected", "user", "severity", "meta"):
        assert getattr(changed, field) == getattr(sample, field)
    if name != "none":
        assert (changed.messages, changed.documents) != (sample.messages, sample.documents)


@every_attack
def test_a_trailing_assistant_or_tool_turn_stays(name: str) -> None:
    sample = Sample(id="s", messages=(*TURNS, say("assistant", "A cat."), say("tool", "ok")))
    changed = rewritten(name, sample)
    assert changed.messages[-2:] == sample.messages[-2:]


@every_attack
@pytest.mark.parametrize("messages", [(), (say("assistant", "Hello."),), (Message("user", (PICTURE,)),)])
def test_a_sample_without_words_does_not_break(name: str, messages: tuple[Message, ...]) -> None:
    changed = rewritten(name, Sample(id="s", messages=messages))
    assert len(changed.messages) == len(messages) or (name in PLANTS and changed.messages[-1] == messages[-1])
    assert [p for m in changed.messages for p in m.parts if isinstance(p, Image)] == [
        p for m in messages for p in m.parts if isinstance(p, Image)
    ]


@every_attack
@given(text=st.text(max_size=80), seed=st.integers(0, 2**31 - 1))
def test_any_text_same_seed_same_attempt(name: str, text: str, seed: int) -> None:
    sample = Sample(id="s", messages=(say("user", text),), documents=(Document("d", "One. Two."),))
    assert rewritten(name, sample, seed) == rewritten(name, sample, seed)


@every_attack
def test_the_target_is_asked_with_the_rewritten_turn(name: str) -> None:
    asked: list[tuple[Message, ...]] = []

    async def ask(messages: Sequence[Message], **_: Any) -> Reply:
        asked.append(tuple(messages))
        return answer("Fine.")

    sample = Sample(id="s", messages=(say("user", "Where is the secret office stapler kept?"),))
    attack = create("attack", name)
    reply = asyncio.run(attack.attempt(sample, ask, AttackContext(random.Random(3))))
    assert reply == answer("Fine.")
    if name not in PLANTS:
        assert [[m.role for m in messages] for messages in asked] == [["user"]]
    assert (asked[-1] == sample.messages) == (name == "none")


@pytest.mark.parametrize(
    "name", ["prefix_injection", "role_play", "fake_system", "framing", "suffix", "refusal_suppression", "many_shot"]
)
def test_wrappers_keep_the_request_and_vary_their_words_with_the_seed(name: str) -> None:
    request = "Where is the office stapler kept?"
    sample = Sample(id="s", messages=(say("user", request),))
    forms = {rewritten(name, sample, seed).messages[0].text for seed in range(40)}
    assert len(forms) >= 4
    assert all(request in form for form in forms)


@pytest.mark.parametrize(
    ("name", "params", "words"),
    [
        ("base64", {"explain": "yes"}, "true or false"),
        ("rot13", {"explain": 1}, "true or false"),
        ("leetspeak", {"letters": "xyz"}, "aeiost"),
        ("leetspeak", {"letters": ""}, "aeiost"),
        ("homoglyph", {"rate": 0}, "above 0 and at most 1"),
        ("homoglyph", {"rate": float("nan")}, "above 0 and at most 1"),
        ("zero_width", {"rate": 1.5}, "above 0 and at most 1"),
        ("zero_width", {"rate": True}, "above 0 and at most 1"),
        ("role_play", {"persona": "novelits"}, "did you mean 'novelist'"),
        ("cipher", {"code": "morsee"}, "did you mean 'morse'"),
        ("framing", {"style": "pasts"}, "did you mean 'past'"),
        ("noise", {"rate": 2}, "above 0 and at most 1"),
        ("payload_splitting", {"parts": 1}, "from 2 to 26"),
        ("many_shot", {"shots": True}, "from 1 to 1000"),
        ("suffix", {"length": 0}, "from 1 to 200"),
        ("refusal_suppression", {"rules": 9}, "from 1 to 8"),
        ("context_overflow", {"words": "many"}, "from 1 to 200000"),
        ("memory_poisoning", {"via": "turns"}, "did you mean 'turn'"),
        ("hidden_text", {"style": "html_coment"}, "did you mean 'html_comment'"),
        ("citation_forging", {"sources": 0}, "from 1 to 9"),
        ("low_resource_language", {"language": "Welch"}, "did you mean 'Welsh'"),
        ("low_resource_language", {"by": "model"}, "needs a language"),
        ("cue_removal", {"by": "modle"}, "did you mean 'model'"),
        ("crescendo", {"turns": 1}, "from 2 to 20"),
        ("foot_in_the_door", {"turns": 7}, "from 2 to 6"),
        ("goat", {"turns": 0}, "from 1 to 20"),
        ("fake_system", {"style": "chatmll"}, "did you mean 'chatml'"),
        ("fake_system", {"style": 3}, "known: any"),
        ("payload_in_document", {"position": "midle"}, "did you mean 'middle'"),
        ("prefix_injection", {"opening": 5}, "takes a text"),
        ("prefix_injection", {"openning": "Sure"}, "did you mean 'opening'"),
    ],
)
def test_a_wrong_parameter_says_what_to_write(name: str, params: dict[str, object], words: str) -> None:
    with pytest.raises(PluginError, match=words) as caught:
        create("attack", name, params)
    assert name in str(caught.value)
