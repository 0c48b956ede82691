"""What a credential looks like once it was encoded: the strings to look for, so that no answer has to be decoded.

A string to look for works wherever the credential stands in what was encoded, and in a stream. All of them are compared
by their letters and digits alone, see `detect.normalise.placed_letters`.
"""

from __future__ import annotations

import base64
import binascii
import codecs
from collections.abc import Callable, Iterator
from urllib.parse import quote

from shipworthy.detect.normalise import letters

PLAIN = 6
"""Letters and digits of a credential, at least, that is looked for spaced out, in other letters or backwards."""
CODED = 8
"""Letters and digits of an encoded or shifted form, at least: a shorter one would turn up by chance."""

_LOWER, _UPPER = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_B85 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
_Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_TO_Z85 = str.maketrans(_B85, _Z85)
_UU_LINE = 45


def needles(secret: str) -> frozenset[str]:
    """Return the letters and digits under which a credential is looked for, among those of any text.

    Those of the credential as it is and backwards, with its letters shifted by any number (rot13), or turned round
    (atbash), or all its signs moved (rot47); in hexadecimal, base64, base32, uuencode, base85 and as numbers of its
    bytes; and in two of hexadecimal, base64, base32 and percent form, one inside the other.
    """
    found = {form for form in (letters(secret), letters(secret)[::-1]) if len(form) >= PLAIN}
    coded = set(_shifted(secret))
    # What is upper and lower case makes no difference to letters, but it does to what is inside a code.
    for said in dict.fromkeys((secret, secret.lower(), secret.upper(), secret[::-1])):
        for code in _codes(said.encode("utf-8", "surrogatepass")):
            coded |= {code, code[::-1]}
    for inner in dict.fromkeys(_inner(secret)):
        coded |= {*_common(inner.encode("utf-8", "surrogatepass"))}
        coded.add(codecs.encode(inner, "rot13"))
    return frozenset(found | {form for form in map(letters, coded) if len(form) >= CODED})


def _shifted(secret: str) -> Iterator[str]:
    for by in range(1, 26):
        moved = _LOWER[by:] + _LOWER[:by] + _UPPER[by:] + _UPPER[:by]
        yield secret.translate(str.maketrans(_LOWER + _UPPER, moved))
    digits = str.maketrans("0123456789", "5678901234")
    yield codecs.encode(secret, "rot13").translate(digits)
    yield secret.translate(str.maketrans(_LOWER + _UPPER, _LOWER[::-1] + _UPPER[::-1]))
    yield "".join(chr(33 + (ord(c) - 33 + 47) % 94) if "!" <= c <= "~" else c for c in secret)


def _inner(secret: str) -> Iterator[str]:
    """Yield what is likely to be encoded once more."""
    data = secret.encode("utf-8", "surrogatepass")
    yield from (data.hex(), data.hex().upper(), "".join(f"%{byte:02X}" for byte in data), quote(data, safe=""))
    for code in (*_base64(data), *_base32(data)):
        yield from (code, code.replace("+", "-").replace("/", "_"))


def _common(data: bytes) -> Iterator[str]:
    yield data.hex()
    yield from _base64(data)
    yield from _base32(data)


def _codes(data: bytes) -> Iterator[str]:
    yield from _common(data)
    yield from _aligned(data, 5, 5, base64.b32hexencode)
    for sign in ("0x%02x", "%d", "%03d", "%o", "%03o"):
        yield "".join(sign % byte for byte in data)
    yield "".join(f"{byte:08b}" for byte in data)
    if data.isascii():
        yield "".join(f"{byte:07b}" for byte in data)
    yield from _aligned(data, 3, 6, _uu)
    for at in range(0, len(data), _UU_LINE):  # each line begins with its length
        line = data[at : at + _UU_LINE]
        yield _uu(line).decode("latin-1")[: len(line) * 8 // 6]
    for shift in range(4):  # four bytes are five signs that say nothing of any others
        whole = data[shift : shift + (len(data) - shift) // 4 * 4]
        code = base64.b85encode(whole).decode()
        yield from (base64.a85encode(whole).decode(), code, code.translate(_TO_Z85))


def _base64(data: bytes) -> Iterator[str]:
    return _aligned(data, 3, 6, base64.b64encode)


def _base32(data: bytes) -> Iterator[str]:
    return _aligned(data, 5, 5, base64.b32encode)


def _aligned(data: bytes, group: int, bits: int, encode: Callable[[bytes], bytes]) -> Iterator[str]:
    """Yield a code of data at each place in a group where it may stand, less what depends on its neighbours."""
    for shift in range(group):
        code = encode(b"\0" * shift + data).decode("latin-1")
        yield code[-(-shift * 8 // bits) : (shift + len(data)) * 8 // bits]


def _uu(data: bytes) -> bytes:
    """Encode without the lengths of lines: as if all were one."""
    lines = (binascii.b2a_uu(data[at : at + _UU_LINE])[1:-1] for at in range(0, len(data), _UU_LINE))
    return b"".join(lines)
