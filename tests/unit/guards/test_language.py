from __future__ import annotations

import asyncio

import pytest

from shipworthy.core import registry
from shipworthy.core.errors import PluginError
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.enforce.rule import Rule

ENGLISH = "When does the shed open on Saturdays, and may I bring my dog? "
GERMAN = "Wann öffnet die Halle am Samstag, und darf ich meinen Hund mitbringen? "


def blocked(text: str, stage: str = "input", **params: object) -> bool:
    made = Pipeline([Rule("GD-1", registry.create("guard", "language", {"allow": ["en"], **params}))])
    return asyncio.run(made.apply(stage, text)).blocked  # type: ignore[arg-type]


@pytest.mark.parametrize("stage", ["input", "output"])
def test_other_languages_are_blocked(stage: str) -> None:
    assert not blocked(ENGLISH, stage)
    assert blocked(GERMAN, stage)
    assert not blocked(GERMAN, stage, allow=["en", "de"])
    assert blocked("何時に開きますか", stage)
    assert blocked("Siwezi kukusaidia na hilo, samahani sana rafiki yangu.", stage)


def test_what_cannot_be_told_is_as_set() -> None:
    for text in ("HERON-4471", "Ana"):
        assert not blocked(text)
        assert blocked(text, undecided="block")
    assert not blocked("42 + 7 = 49", undecided="block")


def test_nothing_hides_behind_a_long_beginning() -> None:
    assert blocked(ENGLISH * 60 + GERMAN * 40)
    assert not blocked(ENGLISH * 100)


def test_bad_settings_are_refused() -> None:
    for params, what in [
        ({"allow": []}, "one language or more"),
        ({"allow": "en"}, "one language or more"),
        ({"allow": ["eng"]}, "knows no 'eng'"),
        ({"allow": ["en"], "undecided": "drop"}, "allow or block"),
    ]:
        with pytest.raises(PluginError, match=what):
            registry.create("guard", "language", params)
