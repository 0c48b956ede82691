"""Check digits: what tells an account or identity number from a number."""

from __future__ import annotations

from collections.abc import Sequence

IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 23, "BR": 29, "BY": 28, "CH": 21,
    "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27,
    "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26,
    "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27,
    "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25,
    "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "ST": 25, "SV": 28,
    "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip
"""Length of an IBAN by country (SWIFT's registry)."""


def luhn(digits: str) -> bool:
    """Tell whether digits pass the Luhn check (ISO/IEC 7812-1).

    >>> luhn("4111111111111111"), luhn("4111111111111112")
    (True, False)
    """
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def iban(code: str) -> bool:
    """Tell whether letters and digits are an IBAN: its country's length and a remainder of 1 (ISO 13616).

    >>> iban("GB82WEST12345698765432"), iban("GB82WEST12345698765431")
    (True, False)
    """
    code = code.upper()
    if IBAN_LENGTHS.get(code[:2]) != len(code):
        return False
    return int("".join(str(int(c, 36)) for c in code[4:] + code[:4])) % 97 == 1


def weighted(digits: str, weights: Sequence[int], modulus: int) -> int:
    """Return the weighted digit sum modulo `modulus`."""
    return sum(int(d) * w for d, w in zip(digits, weights, strict=False)) % modulus


# Multiplication in the dihedral group D5, row by row.
_D5 = [
    [int(c) for c in row]
    for row in ("0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
                "5987604321", "6598710432", "7659821043", "8765932104", "9876543210")
]  # fmt: skip
_TURN = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]


def verhoeff(digits: str) -> bool:
    """Tell whether digits pass the Verhoeff check (Aadhaar).

    >>> verhoeff("2363"), verhoeff("2364")
    (True, False)
    """
    state = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit)
        for _ in range(place % 8):
            value = _TURN[value]
        state = _D5[state][value]
    return state == 0
