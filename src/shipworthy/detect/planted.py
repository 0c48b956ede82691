"""The usual forms of a planted personal value: a number at home and abroad, a date in words, a name turned round."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from shipworthy.detect.writing import written

# Country codes of one and of two digits (ITU-T E.164); all others have three.
_ONE = ("1", "7")
_TWO = (
    "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 "
    "91 92 93 94 95 98"
)
_PHONE = re.compile(r"[+(]?[0-9][0-9 ().\-/]{5,22}[0-9]")
_NAME = re.compile(r"[^\W\d_][\w.'-]*(?: [^\W\d_][\w.'-]*){1,3}")
_ISO = re.compile(r"([0-9]{4})[-./]([0-9]{1,2})[-./]([0-9]{1,2})")
_NUMERIC = re.compile(r"([0-9]{1,2})[-./ ]([0-9]{1,2})[-./ ]([0-9]{4})")
_DAY_FIRST = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th|\.)? (?:of |de )?([^\W\d_]+)\.?,? (?:de )?([0-9]{4})")
_MONTH_FIRST = re.compile(r"([^\W\d_]+)\.? ([0-9]{1,2})(?:st|nd|rd|th)?,? ([0-9]{4})")
_MONTHS = {
    "en": "january february march april may june july august september october november december",
    "de": "januar februar märz april mai juni juli august september oktober november dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
}
_LEAST = 7
"""Digits of a telephone number that are one by themselves."""


def usual_forms(value: str) -> tuple[str, ...]:
    """Return a value and the other forms in which people write it, the value first.

    Spaces, punctuation and case are not varied: `canaries` sees through them.

    >>> usual_forms("+44 20 7946 0958"), usual_forms("Jane Doe")
    (('+44 20 7946 0958', '2079460958', '02079460958'), ('Jane Doe', 'Doe, Jane'))
    """
    plain = written(value).unwrapped.strip()
    found = [*_dates(plain)] or [*_numbers(plain)] or [*_names(plain)]
    return tuple(dict.fromkeys((value, *found)))


def _numbers(plain: str) -> Iterator[str]:
    if not _PHONE.fullmatch(plain):
        return
    digits = "".join(c for c in plain.replace("(0)", "") if c.isdigit())
    if plain.startswith("+") or digits.startswith("00"):
        digits = digits.removeprefix("00")
        code = 1 if digits.startswith(_ONE) else 2 if digits[:2] in _TWO.split() else 3
        home = digits[code:].removeprefix("0")
    elif digits.startswith("0"):
        home = digits[1:]
    else:
        return
    # What is dialled at home and abroad: the digits behind a country code or a leading zero.
    # With the zero, too: a short number counts only where no other digit stands beside it.
    if len(home) >= _LEAST:
        yield from (home, "0" + home)


def _dates(plain: str) -> Iterator[str]:
    for day in _days(plain):
        for months in _MONTHS.values():
            month = months.split()[day.month - 1]
            yield f"{day.day} {month} {day.year}"
            yield f"{month} {day.day} {day.year}"
        short = _MONTHS["en"].split()[day.month - 1][:3]
        yield f"{day.day} {short} {day.year}"
        yield f"{short} {day.day} {day.year}"
        suffix = "th" if 11 <= day.day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th")
        month = _MONTHS["en"].split()[day.month - 1]
        yield from (f"{day.day}{suffix} {month} {day.year}", f"{day.day}{suffix} of {month} {day.year}")
        yield f"{month} {day.day}{suffix} {day.year}"
        yield day.isoformat()
        for first, second in ((day.day, day.month), (day.month, day.day)):
            yield f"{first}/{second}/{day.year}"
            yield f"{first:02}/{second:02}/{day.year}"


def _days(plain: str) -> Iterator[date]:
    readings: list[tuple[str, str | int, str]] = []
    if found := _ISO.fullmatch(plain):
        readings.append((found[1], found[2], found[3]))
    elif found := _NUMERIC.fullmatch(plain):
        # 12/03/1984 is read both ways: whoever wrote it meant one of them.
        readings += [(found[3], found[2], found[1]), (found[3], found[1], found[2])]
    elif found := _DAY_FIRST.fullmatch(plain):
        readings.append((found[3], _month(found[2]), found[1]))
    elif found := _MONTH_FIRST.fullmatch(plain):
        readings.append((found[3], _month(found[1]), found[2]))
    for year, month, day in readings:
        try:
            yield date(int(year), int(month), int(day))
        except ValueError:
            continue


def _month(word: str) -> int:
    """Return the number of a month by its name or the first three letters of it; 0 for another word."""
    wanted = word.casefold()
    for months in _MONTHS.values():
        for number, name in enumerate(months.split(), 1):
            if wanted == name or (len(wanted) >= 3 and wanted.rstrip(".") in (name[:3], name[:4])):
                return number
    return 0


def _names(plain: str) -> Iterator[str]:
    if not _NAME.fullmatch(plain) or not all(word[0].isupper() or word[0] == "'" for word in plain.split()):
        return
    words = plain.split()
    yield f"{words[-1]}, {' '.join(words[:-1])}"
    if len(words) > 2:
        yield from (f"{words[0]} {words[-1]}", f"{words[-1]}, {words[0]}")
