"""Identity numbers of people: only formats with a check digit, a telling shape, or a word that names them nearby."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from shipworthy.detect.checksums import luhn, verhoeff, weighted
from shipworthy.detect.engine import Encoded, Pattern, apart
from shipworthy.detect.spans import Span

REACH = 96
"""Characters around a position that its finding depends on: the longest context and number."""

_WORDS_BEFORE = 40


def _digits(value: str) -> str:
    return "".join(c for c in value if "0" <= c <= "9")


def _ssn(value: str) -> bool:
    area, group, serial = value[:3], value[4:6], value[7:]
    return area not in ("000", "666") and area[0] != "9" and group != "00" and serial != "0000"


def _cpf(value: str) -> bool:
    d = _digits(value)
    first = weighted(d, range(10, 1, -1), 11) if len(set(d)) > 1 else -1
    second = weighted(d, range(11, 1, -1), 11)
    return first >= 0 and d[9] == str((11 - first) % 11 % 10) and d[10] == str((11 - second) % 11 % 10)


def _dni(value: str) -> bool:
    body = value.upper().replace("-", "")
    number = body[:-1].translate(str.maketrans("XYZ", "012"))
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == body[-1]


def _nir(value: str) -> bool:
    code = "".join(c for c in value.upper() if c.isalnum()).replace("2A", "19").replace("2B", "18")
    return code.isdigit() and int(code[-2:]) == 97 - int(code[:-2]) % 97


_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16,
         10, 22, 25, 24, 23],
        strict=True,
    )
)  # fmt: skip


def _codice_fiscale(value: str) -> bool:
    code = value.upper()
    even = sum(int(c) if c.isdigit() else ord(c) - 65 for c in code[1:15:2])
    return chr(65 + (sum(_ODD[c] for c in code[:15:2]) + even) % 26) == code[15]


def _ahv(value: str) -> bool:
    d = _digits(value)
    return (10 - weighted(d[:12], [1, 3] * 6, 10)) % 10 == int(d[12])


def _bsn(value: str) -> bool:
    d = _digits(value)
    return int(d) > 0 and weighted(d, [9, 8, 7, 6, 5, 4, 3, 2, -1], 11) == 0


def _pesel(value: str) -> bool:
    return weighted(value, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1], 10) == 0 and 1 <= int(value[2:4]) % 20 <= 12


def _steuer_id(value: str) -> bool:
    d = _digits(value)
    product = 10
    for digit in d[:10]:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return d[0] != "0" and (11 - product) % 10 == int(d[10])


_NUMBERS: tuple[tuple[str, Pattern, Callable[[str], bool]], ...] = (
    ("us_ssn", Pattern(r"[0-9]{3}-[0-9]{2}-[0-9]{4}"), _ssn),
    ("br_cpf", Pattern(r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}"), _cpf),
    ("es_dni", Pattern(r"[0-9XYZxyz][0-9]{7}-?[A-Za-z]"), _dni),
    ("uk_nino", Pattern(r"(?:[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]|QQ)(?: ?[0-9]{2}){3} ?[A-D]"), lambda v: v[:2] not in
     ("BG", "GB", "NK", "KN", "TN", "NT", "ZZ")),
    ("fr_nir", Pattern(r"[12] ?[0-9]{2} ?[01][0-9] ?[0-9][0-9ABab] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}"), _nir),
    ("it_codice_fiscale", Pattern(r"[A-Za-z]{6}[0-9]{2}[A-EHLMPR-Ta-ehlmpr-t][0-9]{2}[A-Za-z][0-9]{3}[A-Za-z]"),
     _codice_fiscale),
    ("ch_ahv", Pattern(r"756\.[0-9]{4}\.[0-9]{4}\.[0-9]{2}"), _ahv),
    ("se_personnummer", Pattern(r"(?:19|20)?[0-9]{2}[01][0-9][0-3][0-9][-+][0-9]{4}"),
     lambda v: luhn(_digits(v)[-10:])),
    ("in_aadhaar", Pattern(r"[2-9][0-9]{3}[ -][0-9]{4}[ -][0-9]{4}"), lambda v: verhoeff(_digits(v))),
)  # fmt: skip

# Numbers that are only digits: a word must name them within a few words before.
_NAMED: tuple[tuple[str, str, Pattern, Callable[[str], bool]], ...] = (
    ("us_ssn", r"ssn|social security", Pattern(r"[0-9]{3}[ -]?[0-9]{2}[ -]?[0-9]{4}"), lambda v: _ssn(
        f"{_digits(v)[:3]}-{_digits(v)[3:5]}-{_digits(v)[5:]}")),
    ("nl_bsn", r"bsn|burgerservice|sofi", Pattern(r"[0-9]{9}"), _bsn),
    ("pl_pesel", r"pesel", Pattern(r"[0-9]{11}"), _pesel),
    ("de_steuer_id", r"steuer|tax id|idnr", Pattern(r"[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}"), _steuer_id),
    ("in_aadhaar", r"aadhaar|aadhar|uidai", Pattern(r"[2-9][0-9]{11}"), verhoeff),
    ("passport", r"passport", Pattern(r"[A-Z]{0,2}[0-9]{6,9}|[A-Z][A-Z0-9]{8,9}"),
     lambda v: len(_digits(v)) >= 4),
    ("drivers_license", r"driv(?:er|ing)(?:'?s|s')? licen[cs]e|licen[cs]e (?:number|no)|\bdl (?:number|no|is)",
     Pattern(r"[A-Za-z]{0,3}[0-9][0-9-]{4,16}[A-Za-z]?"), lambda v: 5 <= len(_digits(v)) <= 14),
)  # fmt: skip
_NAMES = {names: Pattern(names, ignore_case=True) for _, names, _, _ in _NAMED}


def find(encoded: Encoded) -> Iterator[Span]:
    """Yield identity numbers in a text."""
    text = encoded.text
    for kind, pattern, valid in _NUMBERS:
        for start, end in pattern.overlapping(encoded):
            if apart(text, start, end, "-") and valid(text[start:end]):
                yield Span(start, end, kind)
    for kind, names, pattern, valid in _NAMED:
        for _, named in _NAMES[names].overlapping(encoded):
            # The words between the name and the number are few; the number stands alone.
            window = Encoded(text[named : named + _WORDS_BEFORE])
            for first, last in pattern.overlapping(window):
                start, end = named + first, named + last
                if apart(text, start, end, "-") and valid(text[start:end]):
                    yield Span(start, end, kind)
                    break
