r"""Texts that redaction would not change, told at a fraction of its price: many at once, in one pass over all of them.

A text is *settled* where nothing stands in it that any pattern of personal data or credentials could begin with. That
is a wide net on purpose: whatever `redact.redact_text` would change is not settled (a test holds the two together), and
of what is not settled most is changed in nothing either. Only plain ASCII can be settled: other writings have to be
read first, see `writing`.

One expression holds for each kind of finding what every finding of it must have. Blanks are written ``[\s…]*`` wherever
`writing` may have made them one, and a line that ends in a hyphen, which it joins to the next, is never settled.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from shipworthy.detect.checksums import IBAN_LENGTHS
from shipworthy.detect.engine import Pattern

_WS = r"[\t\n\x0b\x0c\r\x1c-\x1f ]"
_BREAK = r"[\n\x0b\x0c\r\x1c-\x1e]"

_NEEDED = (
    # e-mail addresses, and passwords in addresses of the web
    r"@[A-Za-z0-9]|://[^/@\s]*@",
    # telephone numbers, cards, and every identity number: seven digits, with the signs between that one of them has
    r"[0-9](?:[\t\n\x0b\x0c\r\x1c-\x1f ()./+_-]*[0-9]){6}",
    # a word that names a number of fewer digits, a date of birth
    r"(?i:birth|geboren|geburtsdatum|nacid[oa]|\bborn\b|\bd\.?o\.?b|passport)",
    rf"(?i:driv(?:er|ing)(?:'?s|s')?{_WS}*licen|licen[cs]e{_WS}*n|\bdl{_WS}*(?:n|is))",
    # national insurance numbers, Italian tax codes
    rf"[A-Za-z]{{2}}{_WS}*[0-9]{{2}}{_WS}*[0-9]{{2}}{_WS}*[0-9]{{2}}{_WS}*[A-D]",
    r"[A-Za-z]{6}[0-9]{2}[A-Za-z][0-9]{2}[A-Za-z][0-9]{3}",
    # an IBAN: a country and two digits
    rf"(?i:\b(?:{'|'.join(sorted(IBAN_LENGTHS))})[0-9]{{2}}(?:{_WS}|[.-])*[0-9A-Z])",
    # IP addresses
    r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]|:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:",
    # a number, words in capitals, and a word for a street
    rf"[0-9][A-Za-z]?,?{_WS}+[A-Z][A-Za-z'.-]{{1,20}}{_WS}+(?:[A-Z][A-Za-z'.-]{{1,20}}{_WS}+){{0,2}}"
    r"(?:St|R[do]|L[an]|Av|Cl|Wa|Te|Dr|C[otr]|P[la]|Sq|B[ol]|Ga|Gr|Hi|Me|Ya|Al|Qu|Ap|Tr)",
    # credentials: long tokens, the issuers' short ones, and words before a value
    r"[A-Za-z0-9+/_=.-]{20}",
    r"xox[abeoprs]-|xapp-|(?:sk|rk|whsec)_|-----BEGIN|(?:AccountKey|SharedAccessKey|sig)=",
    rf"(?i:(?:bearer|basic){_WS}+[A-Za-z0-9._~+/=-]{{16}})",
    rf"""(?i:(?:pass|password|passwd|passphrase|passcode|pwd|secret|token|key|pin)["']?{_WS}*(?::|=|is\b))""",
    r"(?i:password|passphrase|passcode|pwd)",
    # a line that ends in a hyphen
    rf"-{_WS}*{_BREAK}",
    # what is no plain ASCII
    r"[^\x00-\x7f]",
)
_ANY = Pattern("|".join(f"(?:{needed})" for needed in _NEEDED))

_JOINT = "\nQ\n"
"""Between two texts. A finding that reached over it would only take both of them for unsettled."""


def unsettled(texts: Sequence[str]) -> list[int]:
    """Return the places of the texts that redaction may change, in order; none of the others would be changed.

    >>> unsettled(["Hello there.", "Write to ann@example.org.", "It costs 12 euros."])
    [1]
    """
    if not texts:
        return []
    whole = _JOINT.join(texts)
    if not whole.isascii():
        foreign = {place for place, text in enumerate(texts) if not text.isascii()}
        # Blanked and not left out: the places of the others stay.
        return sorted(foreign.union(_found(["" if place in foreign else t for place, t in enumerate(texts)])))
    return _found(texts)


def _found(texts: Sequence[str]) -> list[int]:
    data = _JOINT.join(texts).encode("ascii")
    ends = list(accumulate(len(text) + len(_JOINT) for text in texts))
    found: list[int] = []
    compiled, at, last = _ANY.compiled, 0, len(texts)
    while (hit := compiled.search(data, at)) is not None:
        start, end = hit.span()
        place = bisect_right(ends, start)
        while place < last:
            if not found or found[-1] < place:
                found.append(place)
            if ends[place] >= end:
                break
            place += 1
        # Nothing more is asked of a text that is unsettled: the search goes on behind it.
        at = ends[min(place, last - 1)]
        if at >= len(data):
            break
    return found
