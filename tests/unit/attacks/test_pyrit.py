"""PyRIT's converters as attacks. Runs in an environment of its own: bench/peers/run_tests.py pyrit."""

from __future__ import annotations

import random
import sys

import pytest

from shipworthy.core.errors import AttackError, MissingExtra, PluginError
from shipworthy.core.protocols import inapplicable
from shipworthy.core.records import Sample, say
from shipworthy.core.registry import create

ASKING = Sample(id="s", messages=(say("system", "Be brief."), say("user", "Where is the stapler?")))


def test_a_missing_pyrit_names_the_extra(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pyrit.converter", None)
    with pytest.raises(MissingExtra, match=r"pip install .*pyrit"):
        create("attack", "pyrit:MorseConverter")


@pytest.fixture
def there() -> None:
    pytest.importorskip("pyrit.converter", reason="the extra pyrit is not installed")


def converted(name: str, seed: int = 0) -> str:
    changed = create("attack", name).change(ASKING, random.Random(seed))
    assert changed.messages[0] == ASKING.messages[0]
    return str(changed.messages[1].text)


@pytest.mark.usefixtures("there")
def test_a_converter_is_an_attack_by_its_name() -> None:
    assert converted("pyrit:Base64Converter") == "V2hlcmUgaXMgdGhlIHN0YXBsZXI/"
    assert converted("pyrit:Base64Converter(encoding_func=b32encode)").startswith("K5UGK4TF")
    described = dict(create("attack", "pyrit:CaesarConverter(caesar_offset=3)").describe())
    assert described == {"attack": "pyrit", "converter": "CaesarConverter", "caesar_offset": 3}


@pytest.mark.usefixtures("there")
def test_it_can_be_joined_with_ours() -> None:
    both = converted("role_play(persona=novelist) + pyrit:FlipConverter")
    assert "?relpats eht si erehW" in both


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize(
    "name",
    [
        "CharNoiseConverter",
        "RandomCapitalLettersConverter(percentage=40.0)",
        "DigitBijectionConverter",
        "ZalgoConverter",
    ],
)
def test_the_same_seed_draws_the_same_and_disturbs_nobody(name: str) -> None:
    before = random.getstate()
    assert converted(f"pyrit:{name}", 7) == converted(f"pyrit:{name}", 7)
    assert len({converted(f"pyrit:{name}", seed) for seed in range(6)}) > 1
    assert random.getstate() == before


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("pyrit:MorsConverter", "did you mean 'MorseConverter'"),
        ("pyrit:QRCodeConverter", "does not turn a text into a text"),
        ("pyrit:VariationConverter", "cannot be made so: converter_target is required"),
        ("pyrit:CaesarConverter", "cannot be made so"),
        ("pyrit:MorseConverter(sped=2)", "cannot be made so"),
    ],
)
def test_one_that_cannot_be_used_is_refused(name: str, words: str) -> None:
    with pytest.raises(PluginError, match=words):
        create("attack", name)


@pytest.mark.usefixtures("there")
def test_one_that_waits_for_something_outside_is_the_attacks_failure() -> None:
    with pytest.raises(AttackError, match="waits for something outside"):
        converted("pyrit:NegationTrapConverter")


@pytest.mark.usefixtures("there")
def test_it_says_where_it_changes_nothing() -> None:
    attack = create("attack", "pyrit:ROT13Converter")
    assert not inapplicable(attack, ASKING)
    assert "nothing that the converter changes" in inapplicable(attack, Sample(id="s", messages=(say("user", "123"),)))
