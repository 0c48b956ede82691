from __future__ import annotations

import pytest

from shipworthy.core.errors import PluginError, UsageError
from shipworthy.core.registry import create
from shipworthy.detect import pii, redact


def found(text: str) -> list[str]:
    return [text[s.start : s.end] for s in pii.find(text, also=pii.OPTIONAL) if s.kind == "street_address"]


@pytest.mark.parametrize(
    ("text", "street"),
    [
        ("Come to 10 Downing Street, London", "10 Downing Street"),
        ("350 Fifth Avenue, Suite 3300", "350 Fifth Avenue, Suite 3300"),
        ("4589 40th Street Suite 603 Calgary", "4589 40th Street Suite 603"),
        ("Hauptstra\u00dfe 12, 80331 M\u00fcnchen", "Hauptstra\u00dfe 12"),
        ("12 rue de la Paix, 75002 Paris", "12 rue de la Paix"),
        ("Calle de Alcal\u00e1 45, Madrid", "Calle de Alcal\u00e1 45"),
        ("Via Giuseppe Garibaldi 7, Roma", "Via Giuseppe Garibaldi 7"),
        ("Rua Augusta 1500, S\u00e3o Paulo", "Rua Augusta 1500"),
        ("ul. Marsza\u0142kowska 84/92, Warszawa", "ul. Marsza\u0142kowska 84/92"),
        ("Keizersgracht 174, Amsterdam", "Keizersgracht 174"),
        ("Drottninggatan 33, Stockholm", "Drottninggatan 33"),
        ("Karl Johans gate 22, Oslo", "Karl Johans gate 22"),
        ("N\u00f8rrebrogade 45", "N\u00f8rrebrogade 45"),
        ("Mannerheimintie 12", "Mannerheimintie 12"),
        ("P.O. Box 101", "P.O. Box 101"),
        ("My address is Allika 46", "Allika 46"),
    ],
)
def test_addresses_of_many_countries_are_found(text: str, street: str) -> None:
    assert street in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "Windows 11 Home Court",
        "5 Star Way",
        "Chapter 3 The Long Road",
        "Call me via Zoom 5 times",
        "It took place on May 12",
        "I moved to Python 3",
        "Send it to Windows 11 users",
        "Pay 1,000 via EveryonePay.",
        "The course has 12 chapters",
    ],
)
def test_numbers_of_something_else_are_left_alone(text: str) -> None:
    assert found(text) == []


def test_nobody_gets_the_kind_who_did_not_ask_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "Hauptstra\u00dfe 12"
    assert [s.kind for s in pii.find(text)] == []
    assert not create("guard", "pii_output").covers(text)
    assert create("guard", "pii_output", {"also": ["street_address"]}).covers(text)
    assert create("guard", "pii_output", {"kinds": ["street_address"]}).covers(text)
    redact._also.cache_clear()
    assert redact.redact_text(text) == text
    monkeypatch.setenv("SHIPWORTHY_REDACT", "street_address")
    redact._also.cache_clear()
    assert redact.redact_text(text) == "[redacted:street_address]"
    assert redact.is_redacted(redact.redact_text(text))
    monkeypatch.setenv("SHIPWORTHY_REDACT", "street")
    redact._also.cache_clear()
    with pytest.raises(UsageError, match="SHIPWORTHY_REDACT"):
        redact.redact_text(text)
    monkeypatch.undo()
    redact._also.cache_clear()


@pytest.mark.parametrize(("use", "kind"), [("guard", "pii_output"), ("scorer", "pii_leak")])
def test_an_unknown_kind_is_refused(use: str, kind: str) -> None:
    with pytest.raises(PluginError, match="street_address"):
        create(use, kind, {"also": ["streets"]})
