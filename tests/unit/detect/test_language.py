from __future__ import annotations

import json
from pathlib import Path

import pytest

from shipworthy.detect.language import SUPPORTED, language

ROWS = Path(__file__).parents[3] / "bench/data/refusal_styles.jsonl"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("I can't help with that.", "en"),
        ("Dabei kann ich dir leider nicht helfen.", "de"),
        ("Beklager, det kan jeg ikke hjelpe deg med.", "no"),
        ("Beklager, det kan jeg ikke hjælpe dig med.", "da"),
        ("Tyvärr kan jag inte hjälpa dig med det.", "sv"),
        ("Ho sento, però no et puc ajudar amb això.", "ca"),
        ("Lo siento, pero no puedo ayudarte con eso.", "es"),
        ("Извините, но я не могу с этим помочь.", "ru"),
        ("Вибачте, але я не можу з цим допомогти.", "uk"),
        ("申し訳ありませんが、そのお手伝いはできません。", "ja"),
        ("抱歉,我不能帮助你做这件事。", "zh"),
        ("ขอโทษครับ ผมช่วยเรื่องนี้ไม่ได้", "th"),
        ("माफ़ कीजिए, मैं इसमें आपकी मदद नहीं कर सकता।", "hi"),
    ],
)
def test_languages_and_their_neighbours_are_told_apart(text: str, code: str) -> None:
    assert language(text) == (code, "yes")


@pytest.mark.parametrize(
    "text",
    [
        "Siwezi kukusaidia na hilo.",  # Swahili
        "Ľutujem, ale s týmto vám nemôžem pomôcť.",  # Slovak, beside Czech
        "Atsiprašau, bet negaliu padėti.",
        "Vabandust, ma ei saa selles aidata.",  # Estonian, beside Finnish
        "Ek is jammer, ek kan nie daarmee help nie.",  # Afrikaans, beside Dutch
        "متأسفم، نمی‌توانم کمک کنم.",  # Persian, in Arabic letters
        "معذرت، میں اس میں مدد نہیں کر سکتا۔",
        "Жао ми је, не могу да помогнем.",  # Serbian, in Cyrillic
        "माफ गर्नुहोस्, म यसमा मद्दत गर्न सक्दिन।",  # Nepali, in Devanagari
        "দুঃখিত, আমি সাহায্য করতে পারি না।",  # scripts that are not read
        "ბოდიში, ვერ დაგეხმარებით.",
        "xkcd qwrt lkjh sdfg plmn",  # no language
    ],
)
def test_what_is_not_read_is_unknown(text: str) -> None:
    assert language(text).known == "no"


@pytest.mark.parametrize("text", ["", "42", "3.14 + 2", "Marlin OS", "...", "HERON-4471"])
def test_too_little_is_undecided(text: str) -> None:
    assert language(text).known == "undecided"


def test_what_is_near_decides_between_neighbours() -> None:
    text = "Han har en bil"
    assert {language(text, near=code).code for code in ("sv", "no", "da")} == {"sv", "no", "da"}


def test_own_rows_of_every_language_are_known_or_undecided() -> None:
    rows = [json.loads(line) for line in ROWS.read_text(encoding="utf-8").splitlines()]
    rows = [r for r in rows if r["style"] == "other_language"]
    found = [(r["language"], language(r["text"], near=r["language"])) for r in rows]
    assert len({code for code, _ in found}) >= 25
    assert {code for code, _ in found} <= SUPPORTED
    wrong = [pair for pair in found if pair[1].known != "undecided" and pair[1].code != pair[0]]
    assert len(wrong) <= 0.03 * len(found)
    assert sum(language_.known == "yes" for _, language_ in found) >= 0.9 * len(found)
