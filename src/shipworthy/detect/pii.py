"""Personal data in a text, by pattern, check digit and context.

Finds e-mail addresses, telephone numbers, payment cards (Luhn), IBANs (mod 97), IP addresses, identity numbers (see
`national_ids`), dates of birth that are called so, street addresses as written in English, and names that the
caller gives. Does not find: names nobody gave, addresses written otherwise, workplaces, faces. Measured recall and
precision by type: docs/reference/guards.md.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from shipworthy.detect import checksums, national_ids
from shipworthy.detect.engine import Encoded, Pattern, apart
from shipworthy.detect.spans import Span, union

REACH = 320
"""Characters around a position that a finding there depends on; nothing longer is found. A stream relies on it."""

KINDS = ("email", "phone", "card", "iban", "ip", "date_of_birth", "address", "name", "us_ssn", "br_cpf", "es_dni",
         "uk_nino", "fr_nir", "it_codice_fiscale", "ch_ahv", "se_personnummer", "in_aadhaar", "nl_bsn", "pl_pesel",
         "de_steuer_id", "passport", "drivers_license")  # fmt: skip

_LOCAL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.!#$%&'*+/=?^_`{|}~-")
_LABEL = Pattern(r"[\pL\pN](?:[\pL\pN-]{0,62}[\pL\pN])?(?:\.[\pL\pN](?:[\pL\pN-]{0,62}[\pL\pN])?){1,4}")

_ISSUERS = ("2", "3", "4", "5", "6", "1800")
_GROUP = Pattern(r"[0-9]+")
_IBAN = Pattern(r"[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]){11,30}")
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
    # 020 7946 0958, (0171) 123 4567, 01 70 18 99 00
    Pattern(r"(?:\(0[0-9]{1,4}\)|0[0-9]{1,4})(?:[ ./-][0-9]{2,8}){1,4}" + _EXTENSION),
)
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


def _cards(encoded: Encoded, runs: list[tuple[int, int]]) -> Iterator[Span]:
    """Yield 12 to 19 digits, in groups joined by one space or hyphen, whose first digit and Luhn sum are a card's."""
    text = encoded.text
    for first, (start, first_end) in enumerate(runs):
        digits, end = "", first_end
        for group_start, group_end in runs[first : first + 8]:
            if digits and (group_start - end != 1 or text[end] not in " -"):
                break
            digits, end = digits + text[group_start:group_end], group_end
            if len(digits) > 19:
                break
            card = len(digits) >= 12 and digits.startswith(_ISSUERS) and len(set(digits)) > 1 and checksums.luhn(digits)
            if card and apart(text, start, end):
                yield Span(start, end, "card")


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
            if text[max(0, start - 8) : start].lower().endswith(("version ", "ver. ", "build ", " v")):
                continue
            try:
                address = ipaddress.ip_address(value)
            except ValueError:
                continue
            if not (address.is_loopback or address.is_unspecified) and (joined == "." or value.count(":") >= 3):
                yield Span(start, end, "ip")


def _phones(encoded: Encoded) -> Iterator[Span]:
    text = encoded.text
    for pattern in _PHONE_SHAPES:
        for start, end in pattern.overlapping(encoded):
            if found := _phone(text, start, end):
                yield found
    for start, end in _PHONE_LABELLED.overlapping(encoded):
        if found := _phone(text, start, end):
            yield found
    for _, named in _PHONE_WORDS.overlapping(encoded):
        window = Encoded(text[named : named + _PHONE_CONTEXT])
        for start, _ in _PHONE_NAMED.overlapping(window):
            # Searched again in the whole text: the window only says where a number may begin.
            whole = next(_PHONE_NAMED.overlapping(Encoded(text[named + start : named + start + 48])), None)
            if whole and (found := _phone(text, named + start, named + start + whole[1])):
                yield found
                break


def _phone(text: str, start: int, end: int) -> Span | None:
    """Cut a match back to whole groups, and keep it if 7 to 15 digits are left and it is no date."""
    while end > start and (text[end : end + 1].isalnum() or not text[end - 1].isalnum()):
        end -= 1
        while end > start and text[end - 1].isalnum():
            end -= 1
        while end > start and not text[end - 1].isalnum():
            end -= 1
    value = text[start:end]
    digits = sum(c.isdigit() for c in value.lower().partition("x")[0])
    plain = text[start - 1 : start]
    if not 7 <= digits <= 15 or (plain and (plain.isalnum() or plain in "_+-.")) or _OTHER.found(Encoded(value)):
        return None
    return Span(start, end, "phone")


def _births(encoded: Encoded) -> Iterator[Span]:
    for start, end in _BIRTH.overlapping(encoded):
        yield Span(start, end, "date_of_birth")


def _addresses(encoded: Encoded) -> Iterator[Span]:
    for start, end in _ADDRESS.overlapping(encoded):
        if apart(encoded.text, start, end, "-"):
            yield Span(start, end, "address")


def _names(text: str, names: Iterable[str]) -> Iterator[Span]:
    folded = text.lower()
    if len(folded) != len(text):
        folded = text
    for name in names:
        wanted, at = name.lower() if folded is not text else name, -1
        while wanted and (at := folded.find(wanted, at + 1)) >= 0:
            if apart(text, at, at + len(wanted)):
                yield Span(at, at + len(wanted), "name")


def find(text: str, names: Iterable[str] = ()) -> list[Span]:
    """Return personal data in a text, overlapping findings included, in order.

    Args:
        text: any string.
        names: names of people to find, as whole words, in any case.
    """
    encoded = Encoded(text)
    spans = set(_names(text, names))
    if "@" in text:
        spans.update(_emails(encoded))
    runs = list(_GROUP.runs(encoded))
    if runs:
        spans.update(_cards(encoded, runs))
        spans.update(_ibans(encoded))
        spans.update(_phones(encoded))
        spans.update(_births(encoded))
        spans.update(_addresses(encoded))
        spans.update(national_ids.find(encoded))
    if text.count(":") > 2 or text.count(".") > 2:
        spans.update(_ips(encoded))
    return sorted(spans)


def merged(text: str, names: Iterable[str] = ()) -> list[Span]:
    """Return personal data as spans that do not overlap."""
    return union(find(text, names))
