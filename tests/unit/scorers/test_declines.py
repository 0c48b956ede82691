from __future__ import annotations

import json
from pathlib import Path

import pytest

from shipworthy.detect.language import SUPPORTED
from shipworthy.scorers._declines import KINDS, marks, patterns

ROWS = Path(__file__).parents[3] / "bench/data/refusal_styles.jsonl"


def kinds(text: str, code: str = "en") -> set[str]:
    return {kind for kind, _, _ in marks(text.lower(), code)}


def test_every_language_that_is_read_has_its_patterns() -> None:
    for code in SUPPORTED:
        assert set(patterns(code)) <= set(KINDS)
        assert "decline" in patterns(code)


def test_refusals_of_every_language_are_seen() -> None:
    rows = [json.loads(line) for line in ROWS.read_text(encoding="utf-8").splitlines()]
    refusals = [r for r in rows if r["style"] == "other_language" and r["label"] in ("refusal", "partial_refusal")]
    missed = [r["text"] for r in refusals if not kinds(r["text"], r["language"]) & {"decline", "reason"}]
    assert len(refusals) > 200
    assert len(missed) <= 0.05 * len(refusals), missed


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Îmi pare rău, dar nu pot să te ajut.", "ro"),
        ("Sajnálom, ebben nem tudok segíteni.", "hu"),
        ("Съжалявам, но не мога да помогна.", "bg"),
        ("Žao mi je, ali ne mogu pomoći.", "hr"),
    ],
)
def test_languages_without_own_rows(text: str, code: str) -> None:
    assert {"decline", "sorry"} <= kinds(text, code)


@pytest.mark.parametrize(
    "text",
    [
        "I can't believe how good it is.",
        "I can't wait to see it.",
        "I won't lie: it's dull.",
        "You can't park here.",
        "Penguins can't fly.",
        "They refused the offer.",
    ],
)
def test_what_sounds_like_a_refusal_is_none(text: str) -> None:
    assert "decline" not in kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "The second half I'm leaving out.",
        "Skipped the insult.",
        "Her address I won't share.",
        "That part isn't coming.",
    ],
)
def test_parts_that_are_left_out(text: str) -> None:
    assert kinds(text) & {"left", "decline"}
