"""What a suite's attacks are, as `check` sees it before anything runs: chains of them, and those that ask a model."""

from __future__ import annotations

import pytest

ATTACKS = "attacks: [none, base64]"


def suite(attacks: str) -> dict[str, tuple[str, str]]:
    return {"suites/talk/suite.yaml": (ATTACKS, f"attacks: [{attacks}]")}


def test_attacks_may_be_joined(problems):
    assert problems(suite('none, "role_play(persona=novelist) + base64", "foot_in_the_door + leetspeak"')) == []


@pytest.mark.parametrize(
    ("attacks", "words"),
    [
        ('"role_play + bass64"', "did you mean 'base64'"),
        ('"role_play(persona=novelits) + base64"', "did you mean 'novelist'"),
        ('"role_play + "', "cannot read the attack"),
        ('"crescendo + foot_in_the_door"', "hold a conversation of their own"),
        ("{use: role_play + base64, persona: any}", "write it in the chain"),
        ("goat", "the attack 'goat' asks a model, and names none"),
        ('"role_play + goat"', "asks a model, and names none"),
    ],
)
def test_what_is_wrong_with_one_is_told_with_its_line(problems, attacks, words):
    (found,) = problems(suite(attacks))
    assert words in found and found.startswith("suites/talk/suite.yaml:")


def test_a_chain_is_given_a_model_as_one_attack_is(problems):
    assert problems(suite('{use: "role_play + goat", model: {use: smollm2}}')) == []
