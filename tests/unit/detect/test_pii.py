from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.detect import pii
from shipworthy.detect.checksums import iban, luhn, verhoeff

FOUND = [
    ("Write to ana.b+x@mail.example.org.", "email", "ana.b+x@mail.example.org"),
    ("Écrire à rené@exemple.fr!", "email", "rené@exemple.fr"),
    ("+44 (0)20 7946 0958", "phone", "+44 (0)20 7946 0958"),
    ("Ring (212) 555-0100 x77 now", "phone", "(212) 555-0100 x77"),
    ("call me on 72 128 827", "phone", "72 128 827"),
    ("28-64-66-98 office", "phone", "28-64-66-98"),
    ("4111-1111-1111-1111", "card", "4111-1111-1111-1111"),
    ("378282246310005.", "card", "378282246310005"),
    ("gb82 west 1234 5698 7654 32", "iban", "gb82 west 1234 5698 7654 32"),
    ("at 192.168.7.41.", "ip", "192.168.7.41"),
    ("2001:db8::8a2e:370:7334", "ip", "2001:db8::8a2e:370:7334"),
    ("SSN 219-09-9998", "us_ssn", "219-09-9998"),
    ("my social security number is 219 09 9998", "us_ssn", "219 09 9998"),
    ("529.982.247-25", "br_cpf", "529.982.247-25"),
    ("DNI 12345678Z", "es_dni", "12345678Z"),
    ("AB 12 34 56 C", "uk_nino", "AB 12 34 56 C"),
    ("1 84 12 76 451 089 46", "fr_nir", "1 84 12 76 451 089 46"),
    ("RSSMRA85T10A562S", "it_codice_fiscale", "RSSMRA85T10A562S"),
    ("756.9217.0769.85", "ch_ahv", "756.9217.0769.85"),
    ("811228-9874", "se_personnummer", "811228-9874"),
    ("PESEL 44051401359", "pl_pesel", "44051401359"),
    ("BSN: 111222333", "nl_bsn", "111222333"),
    ("Steuer-ID 86095742719", "de_steuer_id", "86095742719"),
    ("passport no. C01234567", "passport", "C01234567"),
    ("driver's license A5631933", "drivers_license", "A5631933"),
    ("born on 3 May 1980", "date_of_birth", "3 May 1980"),
    ("DOB: 1980-05-03", "date_of_birth", "1980-05-03"),
    ("at 14 Cinder Lane, Hallowby", "address", "14 Cinder Lane, Hallowby"),
]


@pytest.mark.parametrize(("text", "kind", "value"), FOUND)
def test_found(text: str, kind: str, value: str) -> None:
    assert value in [text[s.start : s.end] for s in pii.find(text) if s.kind == kind]


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",  # fails Luhn
        "GB82 WEST 1234 5698 7654 33",  # fails mod 97
        "version 10.2.3.4",
        "999.1.1.1",
        "12:30:45",
        "000-12-3456",
        "529.982.247-26",
        "12345678A",
        "Ticket TCK-20418 of 2024-10-12",
        "see @team and a@b",
        "The meeting is on 3 May 2025.",
        "3 Ways to Close a deal",
        "A bond is due in 2031, at 4.25 %.",
        "x4111111111111111y",
    ],
)
def test_not_found(text: str) -> None:
    assert pii.find(text) == []


def test_names_only_where_given_and_as_whole_words() -> None:
    assert pii.find("Ida Voss and Idan Vossler") == []
    found = pii.merged("IDA VOSS and Idan Vossler", names=["Ida Voss", ""])
    assert [(s.start, s.end, s.kind) for s in found] == [(0, 8, "name")]


def test_spans_count_characters_not_bytes() -> None:
    text = "ééé \U0001f600 ana@b.example"
    (span,) = pii.find(text)
    assert text[span.start : span.end] == "ana@b.example"


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_text_gives_spans_inside_it(text: str) -> None:
    for span in pii.find(text):
        assert 0 <= span.start < span.end <= len(text)
        assert span.kind in pii.KINDS
        assert span.end - span.start <= pii.REACH


@given(st.text(alphabet="0123456789", min_size=1, max_size=30))
def test_every_single_digit_error_breaks_luhn(digits: str) -> None:
    check = next(str(d) for d in range(10) if luhn(digits + str(d)))
    for i, digit in enumerate(digits):
        other = digits[:i] + str((int(digit) + 1) % 10) + digits[i + 1 :]
        assert not luhn(other + check)


def test_checksums_on_published_numbers() -> None:
    assert iban("DE89370400440532013000")
    assert iban("NO9386011117947")
    assert not iban("DE89370400440532013001")
    assert not iban("ZZ89370400440532013000")
    assert verhoeff("2363")
    assert not verhoeff("2336")
