"""Personal data in a text, by pattern, check digit and context, whatever its typography.

Reads the text as plainly written (see `writing`): digits of any script, dashes, blanks, line wraps and characters that
are not seen make no difference, and spans are those of the text itself.

Finds e-mail addresses, telephone numbers, payment cards (Luhn), IBANs (mod 97), IP addresses, identity numbers (see
`national_ids`), dates of birth that are called so, street addresses as written in English, and names that the
caller gives. On request also street addresses of eight countries (see `streets`). Does not find: names nobody gave,
addresses written otherwise, workplaces, faces. Measured recall and precision by type: docs/reference/guards.md.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable, Iterator

from shipworthy.detect import checksums, national_ids, streets
from shipworthy.detect.engine import Encoded, Pattern, apart
from shipworthy.detect.spans import Span, union
from shipworthy.detect.writing import written

REACH = 320
"""Characters around a position that a finding there depends on where `find` is given it. A stream relies on it."""

_CONTEXT = 64
"""Characters before a finding that may have to do with it: the words that name a number."""

KINDS = ("email", "phone", "card", "iban", "ip", "date_of_birth", "address", "name", "us_ssn", "br_cpf", "es_dni",
         "uk_nino", "fr_nir", "it_codice_fiscale", "ch_ahv", "se_personnummer", "in_aadhaar", "nl_bsn", "pl_pesel",
         "de_steuer_id", "passport", "drivers_license")  # fmt: skip

OPTIONAL = (streets.KIND,)
"""Kinds that are looked for only where somebody asks for them: they fire on more harmless text than the others."""

_LOCAL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.!#$%&'*+/=?^_`{|}~-")
_LABEL = Pattern(r"[\pL\pN](?:[\pL\pN-]{0,62}[\pL\pN])?(?:\.[\pL\pN](?:[\pL\pN-]{0,62}[\pL\pN])?){1,4}")

# First digits and lengths (ISO/IEC 7812; the networks' published ranges), and how cards are printed in groups.
_ISSUERS = (
    ("4", {13, 16, 19}), ("34", {15}), ("37", {15}), ("30", {14, 16}), ("36", {14, 16, 19}), ("38", {14, 16, 19}),
    ("39", {14, 16, 19}), ("35", {16, 17, 18, 19}), ("2", {16}), ("1800", {15}), ("2131", {15}),
    ("5", {13, 14, 15, 16, 17, 18, 19}), ("50", {12}), ("56", {12}), ("57", {12}), ("58", {12}),
    ("6", set(range(12, 20))),
)  # fmt: skip
_PRINTED = {(4, 4, 4), (4, 4, 4, 4), (4, 4, 4, 4, 1), (4, 4, 4, 4, 2), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4),
            (4, 4, 4, 3), (4, 4, 4, 2), (4, 4, 4, 1)}  # fmt: skip
_JOINTS = (" ", "-", ".", " - ", "- ", " -", "_")
_GROUP = Pattern(r"[0-9]+")
_IBAN = Pattern(r"[A-Za-z]{2}[0-9]{2}(?:[ .-]?[A-Za-z0-9]){11,30}")
_VERSIONS = ("version ", "ver. ", "build ", "release ", " v", "==", "~=", ">=", "<=", "!=")
_IPV4 = Pattern(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_IPV6 = Pattern(r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}")

_EXTENSION = r"(?: ?(?:x|ext\.?|extension) ?[0-9]{1,6})?"
_PHONE_SHAPES = (
    # +44 (0)20 7946 0958, 0041 44 668 18 00
    Pattern(
        r"(?:\+|\b00)[1-9][0-9]{0,2}[ .-]{0,2}(?:\([0-9]{1,4}\)[ .-]?)?[0-9](?:[ .)(/-]{0,2}[0-9]){5,12}" + _EXTENSION
    ),
    # (212) 555-0100, 212.555.0100, 1-212-555-0100
    Pattern(r"(?:1[ .-])?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .-])[2-9][0-9]{2}[ .-][0-9]{4}" + _EXTENSION),
    # 020 7946 0958, (0171) 123 4567, 01 70 18 99 00, 07700 900123
    Pattern(r"(?:\(0[0-9]{1,4}\)|0[0-9]{1,4})(?:[ ./-][0-9]{2,8}){1,4}" + _EXTENSION),
    # 07700900123: a mobile number as Britain and its neighbours write it
    Pattern(r"07[0-9]{9}"),
)
# Behind a number, these make it an amount; before it, the first digits of a longer one do.
_AMOUNT = Pattern(
    r"^ ?(?:%|\p{Sc}|(?:EUR|USD|GBP|CHF|JPY|INR|CNY|BRL|SEK|NOK|DKK|PLN|CZK|euros?|dollars?|pounds?|yen|francs?|km|kg"
    r"|mm|cm|ms|bytes?|[KMG]i?B|people|inhabitants|users|rows|tokens)\b)",
    ignore_case=True,
)
_LONGER = Pattern(r"(?:[0-9][ .,]|\p{Sc} ?)$")
_YEARS = Pattern(r"^(?:19|20)[0-9]{2} ?-+ ?(?:19|20)[0-9]{2}$")
_DECIMAL = Pattern(r"^0[0-9]*\.[0-9]+$")
_PHONE_NAMED = Pattern(r"[+(]?[0-9](?:[ ().-]{0,2}[0-9]){5,14}" + _EXTENSION)
_PHONE_WORDS = Pattern(
    r"\b(?:(?:tele)?phone|telefon\w*|teléfono|téléphone|tel|mobile|mobil|cell(?:ular)?|handy|fax|whatsapp|voicemail"
    r"|(?:call|text|ring|dial|phone|reach|contact) (?:me|us|him|her|them|back)|answering"
    r"|call(?: (?:on|at|to))?|dial|ring|hotline)\b",
    ignore_case=True,
)
_PHONE_CONTEXT = 40
_PHONE_LABELLED = Pattern(
    r"([+(]?[0-9](?:[ ().-]{0,2}[0-9]){6,14})[ -]{1,2}(?:office|fax|mobile|cell|home|work|landline)\b",
    group=1,
    ignore_case=True,
)
_ADDRESS = Pattern(
    r"[0-9]{1,5}[A-Za-z]?,? (?:[\p{Lu}][\pL'.-]{1,20} ){1,3}(?:Street|St|Road|Rd|Lane|Ln|Avenue|Ave|Close|Way|Terrace"
    r"|Row|Drive|Dr|Court|Ct|Place|Pl|Square|Crescent|Boulevard|Blvd|Gardens|Grove|Hill|Mews|Parade|Walk|Yard|Alley|Passage"
    r"|Quay|Steps|Approach|Parkway|Highway|Trail)(?:,? (?:Apt\.?|Suite|Flat|Unit|House) ?[0-9A-Za-z]{0,5})?"
    r"(?:, ?\p{Lu}[\pL'-]{1,20}(?: \p{Lu}[\pL'-]{1,20})?)?"
)
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DATE = (
    r"(?:[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/. ][0-9]{1,2}[-/. ][0-9]{2,4}"
    rf"|[0-9]{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH},? [0-9]{{4}}|{_MONTH} [0-9]{{1,2}}(?:st|nd|rd|th)?,? [0-9]{{4}})"
)
# Shaped like a telephone number, and something else: a date, a social security number.
_OTHER = Pattern(rf"^(?:{_DATE}|[0-9]{{3}}-[0-9]{{2}}-[0-9]{{4}})$")
_BIRTH = Pattern(
    r"\b(?:d\.?o\.?b\.?|date of birth|birth ?date|birth ?day|born|geboren|geburtsdatum|nacid[oa]|née?)\b"
    rf"[^0-9\n]{{0,24}}?({_DATE})",
    group=1,
    ignore_case=True,
)


def _emails(encoded: Encoded) -> Iterator[Span]:
    text, at = encoded.text, -1
    while (at := text.find("@", at + 1)) >= 0:
        start = at
        if not text[at + 1 : at + 2].isalnum():
            continue
        while start > 0 and at - start < 65 and (text[start - 1] in _LOCAL or text[start - 1].isalpha()):
            start -= 1
        local = text[start:at].lstrip(".'`*/=|{}&#!?~^$%")
        domain = next(_LABEL.overlapping(Encoded(text[at + 1 : at + 255])), None)
        if not 0 < at - start <= 64 or not local or domain is None or domain[0] != 0:
            continue
        end = at + 1 + domain[1]
        if text[:end].rpartition(".")[2].isdigit() or len(text[:end].rpartition(".")[2]) < 2:
            continue
        yield Span(at - len(local), end, "email")


def _cards(encoded: Encoded) -> Iterator[Span]:
    """Yield 12 to 19 digits, whole or grouped as cards are printed, that begin, end and add up as a card's do."""
    text, runs = encoded.text, list(_GROUP.runs(encoded))
    for first, (start, _) in enumerate(runs):
        digits, joint, sizes = "", "", []
        for at, (group_start, group_end) in enumerate(runs[first : first + 5], first):
            if at > first:
                between = text[runs[at - 1][1] : group_start]
                if between not in _JOINTS or (joint and between.strip() != joint.strip()):
                    break
                joint = between
            digits += text[group_start:group_end]
            sizes.append(group_end - group_start)
            if len(digits) > 19:
                break
            printed = len(sizes) == 1 or tuple(sizes) in _PRINTED
            if printed and _is_card(digits) and apart(text, start, group_end):
                yield Span(start, group_end, "card")


def _is_card(digits: str) -> bool:
    if len(digits) < 12 or len(set(digits)) == 1 or not checksums.luhn(digits):
        return False
    return any(digits.startswith(begins) and len(digits) in lengths for begins, lengths in _ISSUERS)


def _ibans(encoded: Encoded) -> Iterator[Span]:
    text = encoded.text
    for start, longest in _IBAN.overlapping(encoded):
        length = checksums.IBAN_LENGTHS.get(text[start : start + 2].upper(), 0)
        code = "".join(c for c in text[start:longest] if c.isalnum())[:length]
        if not length or len(code) < length:
            continue
        end, left = start, length
        while left:
            left -= text[end].isalnum()
            end += 1
        if apart(text, start, end) and checksums.iban(code):
            yield Span(start, end, "iban")


def _ips(encoded: Encoded) -> Iterator[Span]:
    text = encoded.text
    for pattern, joined in ((_IPV4, "."), (_IPV6, ":.")):
        for start, end in pattern.overlapping(encoded):
            value = text[start:end]
            # A full stop or colon after the address may end the sentence.
            ends = text[end : end + 1] in joined and not text[end + 1 : end + 2].isalnum()
            if not apart(text, start, end, "" if ends else joined) or text[max(start, 1) - 1] in joined:
                continue
            if text[max(0, start - 8) : start].lower().endswith(_VERSIONS):
                continue
            try:
                address = ipaddress.ip_address(value)
            except ValueError:
                continue
            if not (address.is_loopback or address.is_unspecified) and (joined == "." or value.count(":") >= 3):
                yield Span(start, end, "ip")


def _phones(encoded: Encoded, unwrapped: Encoded) -> Iterator[Span]:
    for i, pattern in enumerate(_PHONE_SHAPES):
        # A national number does not say by itself that the digits of the next line belong to it.
        whole = unwrapped if i < 2 else encoded
        for start, end in pattern.overlapping(whole):
            if found := _phone(whole.text, start, end, plain=i > 0):
                yield found
    text = unwrapped.text
    for start, end in _PHONE_LABELLED.overlapping(unwrapped):
        if found := _phone(text, start, end):
            yield found
    for _, named in _PHONE_WORDS.overlapping(unwrapped):
        window = Encoded(text[named : named + _PHONE_CONTEXT])
        for start, _ in _PHONE_NAMED.overlapping(window):
            # Searched again in the whole text: the window only says where a number may begin.
            number = next(_PHONE_NAMED.overlapping(Encoded(text[named + start : named + start + 48])), None)
            if number and (found := _phone(text, named + start, named + start + number[1])):
                yield found
                break


def _phone(text: str, start: int, end: int, *, plain: bool = False) -> Span | None:
    """Cut a match back to whole groups, and keep it if 7 to 15 digits are left and it is no date and no amount.

    A `plain` number, which nothing but its shape says to be one, must not be part of a longer row of digits either.
    """
    while end > start and (text[end : end + 1].isalnum() or not text[end - 1].isalnum()):
        end -= 1
        while end > start and text[end - 1].isalnum():
            end -= 1
        while end > start and not text[end - 1].isalnum():
            end -= 1
    value = text[start:end]
    digits = sum(c.isdigit() for c in value.lower().partition("x")[0])
    before = text[start - 1 : start]
    if not 7 <= digits <= 15 or (before and (before.isalnum() or before in "_+-.")):
        return None
    shape = Encoded(value)
    if (
        set(value) <= set("01 .-")
        or _OTHER.found(shape)
        or _YEARS.found(shape)
        or _AMOUNT.found(Encoded(text[end : end + 12]))
    ):
        return None
    if plain and (_DECIMAL.found(shape) or _LONGER.found(Encoded(text[max(0, start - 3) : start]))):
        return None
    return Span(start, end, "phone")


def _births(encoded: Encoded) -> Iterator[Span]:
    for start, end in _BIRTH.overlapping(encoded):
        yield Span(start, end, "date_of_birth")


def _addresses(encoded: Encoded) -> Iterator[Span]:
    text = encoded.text
    for start, end in _ADDRESS.overlapping(encoded):
        if apart(text, start, end, "-") and not streets.counted(text, start, end):
            yield Span(start, end, "address")


def _names(text: str, names: Iterable[str]) -> Iterator[Span]:
    folded = text.lower()
    if len(folded) != len(text):
        folded = text
    for given in names:
        name, at = written(given).unwrapped.strip(), -1
        wanted = name.lower() if folded is not text else name
        while wanted and (at := folded.find(wanted, at + 1)) >= 0:
            if apart(text, at, at + len(wanted)):
                yield Span(at, at + len(wanted), "name")


def find(text: str, names: Iterable[str] = (), *, reach: int | None = None, also: Collection[str] = ()) -> list[Span]:
    """Return personal data in a text, overlapping findings included, in order.

    Args:
        text: any string.
        names: names of people to find, as whole words, in any case.
        reach: leave out what depends on more characters than this (at least `REACH`); for a stream, which cannot wait
            longer. All is found where it is None.
        also: kinds of `OPTIONAL` to look for too.
    """
    plain = written(text)
    encoded = Encoded(plain.text)
    unwrapped = encoded if plain.unwrapped == plain.text else Encoded(plain.unwrapped)
    spans = set(_names(unwrapped.text, names))
    if "@" in plain.text:
        spans.update(_emails(encoded))
    if _GROUP.found(encoded):
        spans.update(_cards(unwrapped))
        spans.update(_ibans(unwrapped))
        spans.update(_phones(encoded, unwrapped))
        spans.update(_births(unwrapped))
        spans.update(_addresses(encoded))
        spans.update(national_ids.find(unwrapped))
        if streets.KIND in also:
            spans.update(streets.find(encoded))
    if plain.text.count(":") > 2 or plain.text.count(".") > 2:
        spans.update(_ips(encoded))
    found = (s for s in spans if reach is None or plain.extent(s.start, s.end, _CONTEXT) <= reach)
    return sorted({Span(*plain.span(s.start, s.end), s.kind) for s in found})


def merged(text: str, names: Iterable[str] = (), *, also: Collection[str] = ()) -> list[Span]:
    """Return personal data as spans that do not overlap; arguments as for `find`."""
    return union(find(text, names, also=also))
