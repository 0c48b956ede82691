"""What a text says besides its letters: escapes and codes undone, spelling joined, first letters read down.

A reading is the text after one such undoing, with the way back. `canaries` looks for its strings in every reading, and
`injection` for its phrases in those that decode. Each begins with one linear search that tells whether there is
anything to undo; most texts have no reading at all.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from shipworthy.detect.engine import Encoded, Pattern

_DEPTH = 3
"""How often a code inside a code is undone."""


class Reading(NamedTuple):
    """One way to read a text.

    Attributes:
        form: what was undone (``base32``, ``entities``, ``first letters``, ...).
        text: what it then says.
        starts: for each character, where what it comes from begins in the original.
        ends: and where that ends.
    """

    form: str
    text: str
    starts: Sequence[int]
    ends: Sequence[int]


_ESCAPE = Pattern(
    r"&#[0-9]{1,7};?|&#x[0-9a-f]{1,6};?|&[a-z]{2,8};|\\u\{[0-9a-f]{1,6}\}|\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|\\[0-7]{3}"
    r"|\bu\+[0-9a-f]{4,6}|%[0-9a-f]{2}|\b0x[0-9a-f]{2}\b|=[0-9A-F]{2}",
    ignore_case=True,
)
_DECIMALS = Pattern(r"\b[0-9]{2,3}(?:[ ,;|-]{1,3}[0-9]{2,3}\b){5,}")
_BITS = Pattern(r"\b[01]{7,8}(?:[ ,;|-]{0,3}[01]{7,8}){4,}\b")
_BASE32 = Pattern(r"\b[A-Za-z2-7]{16,}={0,6}")
_BASE64 = Pattern(r"[A-Za-z0-9+/_-]{12,}={0,2}")
_BASE64_FOURS = Pattern(r"\b(?:[A-Za-z0-9+/]{4}[ \n]{1,2}){2,}[A-Za-z0-9+/]{2,4}={0,2}")
_HEX = Pattern(r"\b(?:[0-9A-Fa-f]{2}[ :,-]{0,2}){10,}")
_TAG = Pattern(r"</?[a-z][a-z0-9]{0,9}>", ignore_case=True)
_STROKE = r"[.\-*_\x{b7}\x{2022}\x{2013}\x{2014}\x{2212}]{1,6}"
_MORSE = Pattern(rf"{_STROKE}(?:(?: ?[/|] ?| {{1,3}}){_STROKE}){{5,}}")
_SELECTORS = Pattern(r"[\x{fe00}-\x{fe0f}\x{e0100}-\x{e01ef}]{2,}")
_ZERO_WIDTH = Pattern(r"[\x{200b}-\x{200d}\x{2062}\x{2064}]{32,}")

_SPOKEN = (
    "alpha alfa bravo charlie delta echo foxtrot golf hotel india juliet juliett kilo lima mike november oscar papa "
    "quebec romeo sierra tango uniform victor whiskey whisky xray x-ray yankee zulu"
)
_NUMBERS = "zero one two three four five six seven eight nine niner"
_CODE_WORDS = {
    **{word: word[0] for word in _SPOKEN.split()},
    **dict(zip(_NUMBERS.split(), "01234567899", strict=True)),
    **{"dash": "-", "hyphen": "-", "minus": "-", "underscore": "_", "space": " "},
}
_WORDS = Pattern(r"\b(?:" + "|".join(sorted(_CODE_WORDS, key=len, reverse=True)) + r")\b", ignore_case=True)
# Labels of a spelling, and the words that join it.
_LABELS = Pattern(
    r"(?m:^[ \t]*(?:[-*+\x{2022}\x{2013}\x{b7}]|\(?[0-9]{1,3}[.):]|[a-z][.)])[ \t]+)"
    r"|\b(?:the )?(?:letter|character|char|symbol|digit|position|step|line|item|number|no\.?)"
    r"[ ]?(?:#?[ ]?[0-9]{1,3})?[ ]?(?:is|was|=|:|-|\)|\.)[ ]?"
    r"|\b(?:the )?(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|next|last|then"
    r"|[0-9]{1,2}(?:st|nd|rd|th)) (?:letter|character|digit|symbol)?[ ]?(?:is|comes|=|:|-)?[ ]?"
    r"|\b(?:and|then|next|followed by|plus|capital|upper ?case|lower ?case|small|comma)\b",
    ignore_case=True,
)
# What follows a label of a spelling: one letter or two, perhaps marked up, and then no third. Of bounded length.
_FEW = re.compile(r"[^\w\n]{0,6}[^\W_]{1,2}(?![^\W_])|[^\w\n]{0,6}(?:[-_./]|\n|$)")
_LINE = re.compile(r"^[\W_]*([^\W_])", re.MULTILINE)
_SENTENCE = re.compile(r"(?:^|[.!?\n])[^\w.!?\n]*([^\W_])")
_INITIAL = re.compile(r"(?:^|[^\w'\u2019])_*([^\W_])")
_NEAR = 12

_SIGNS = (
    ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --.. "
    "----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----. -....-"
)
_MORSE_SIGNS = dict(zip(_SIGNS.split(), "abcdefghijklmnopqrstuvwxyz0123456789-", strict=True))
_STROKES = str.maketrans(dict.fromkeys("\u00b7\u2022*", ".") | dict.fromkeys("_\u2013\u2014\u2212", "-"))


def readings(text: str, reach: int | None = None) -> Iterator[Reading]:
    """Yield the ways to read a text other than as it stands.

    Args:
        text: any string.
        reach: leave out runs of code that are longer than this many characters; for a stream, which cannot wait.
    """
    yield from decoded(text, reach)
    encoded = Encoded(text)
    words = list(_WORDS.runs(encoded))
    # One code word alone is a word. Neighbours are near, so that a window of a stream holds them too.
    near = [w for i, w in enumerate(words) if _beside(words, i)]
    if near:
        yield _edited("code words", text, near, lambda run: _CODE_WORDS[run.lower()])
    labels = [(a, b) for a, b in _LABELS.runs(encoded) if _FEW.match(text, b)]
    if labels:
        yield _edited("spelled", text, labels, lambda _: "")
    if text.count("<") >= 4:
        tags = list(_TAG.runs(encoded))
        if len(tags) >= 4:
            yield _edited("tags", text, tags, lambda _: "")
    yield from _initials(text)


def decoded(text: str, reach: int | None = None, depth: int = _DEPTH) -> Iterator[Reading]:
    """Yield the readings that undo a code, and those of codes inside them."""
    encoded = Encoded(text)
    for reading in _once(encoded, reach):
        yield reading
        if depth > 1:
            for inner in decoded(reading.text, reach, depth - 1):
                yield Reading(
                    inner.form if inner.form == reading.form else f"{inner.form} in {reading.form}",
                    inner.text,
                    [reading.starts[i] for i in inner.starts],
                    [reading.ends[i - 1] for i in inner.ends],
                )


def _once(encoded: Encoded, reach: int | None) -> Iterator[Reading]:
    text = encoded.text

    def runs(pattern: Pattern) -> list[tuple[int, int]]:
        return [(a, b) for a, b in pattern.runs(encoded) if reach is None or b - a <= reach]

    if any(sign in text for sign in "&\\%=") or "0x" in text or "U+" in text or "u+" in text:
        escapes = runs(_ESCAPE)
        if len(escapes) >= 3:
            yield _edited("escapes", text, escapes, _escape)
    for form, pattern, decode in (
        ("decimal codes", _DECIMALS, _from_decimals),
        ("octal codes", _DECIMALS, _from_octals),
        ("binary", _BITS, _from_bits),
        ("morse", _MORSE, _from_morse),
        ("base32", _BASE32, _from_base32),
        ("base64", _BASE64, _from_base64),
        ("base64", _BASE64_FOURS, _from_base64_fours),
        ("hex", _HEX, _from_hex),
        ("variation selectors", _SELECTORS, _from_selectors),
        ("zero-width bits", _ZERO_WIDTH, _from_zero_width),
    ):
        places = runs(pattern)
        if form == "morse":
            places = [(_past_full_stop(text, a, b), b) for a, b in places]
        said = [(a, b, decode(text[a:b])) for a, b in places]
        said = [(a, b, what) for a, b, what in said if what]
        if said:
            yield Reading(
                form,
                "\n".join(what for _, _, what in said),
                [a for a, _, what in said for _ in what + "\n"],
                [b for _, b, what in said for _ in what + "\n"],
            )


def _edited(form: str, text: str, spans: Sequence[tuple[int, int]], decode: Callable[[str], str]) -> Reading:
    """Return a text with some spans replaced by what they stand for, the rest as it is."""
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for start, end in [*spans, (len(text), len(text))]:
        pieces.append(text[at:start])
        starts += range(at, start)
        ends += range(at + 1, start + 1)
        said = decode(text[start:end]) if start < end else ""
        pieces.append(said)
        starts += [start] * len(said)
        ends += [end] * len(said)
        at = end
    return Reading(form, "".join(pieces), starts, ends)


def _beside(words: Sequence[tuple[int, int]], i: int) -> bool:
    before = i > 0 and words[i][0] - words[i - 1][1] <= _NEAR
    return before or (i + 1 < len(words) and words[i + 1][0] - words[i][1] <= _NEAR)


def _initials(text: str) -> Iterator[Reading]:
    """Yield the first letters of the lines, of the sentences and of the words: acrostics."""
    for form, pattern in (
        ("first letters of lines", _LINE),
        ("first letters of sentences", _SENTENCE),
        ("first letters", _INITIAL),
    ):
        places = [found.start(1) for found in pattern.finditer(text)]
        if len(places) >= 6:
            yield Reading(form, "".join([text[i] for i in places]), places, [i + 1 for i in places])


def _printable(text: str) -> str:
    """Return a text if it reads like one, or nothing."""
    good = sum(c.isprintable() or c in "\n\t" for c in text)
    return text if text and good == len(text) else ""


def _escape(run: str) -> str:
    if run[0] == "&":
        said = html.unescape(run if run[-1] == ";" else run + ";")
        return said if said != run else run
    low = run.lower()
    try:
        if low[0] == "\\" and low[1:2] not in ("u", "x"):
            return chr(int(low[1:], 8))
        code = int(low.lstrip("\\").removeprefix("0x").strip("ux+%={}"), 16)
        return chr(code) if code and not 0xD800 <= code < 0xE000 else run
    except (ValueError, OverflowError):
        return run


def _numbers(run: str) -> list[str]:
    return "".join(c if c.isdigit() else " " for c in run).split()


def _from_decimals(run: str) -> str:
    codes = [int(n) for n in _numbers(run)]
    return "".join(map(chr, codes)) if all(32 <= code < 127 for code in codes) else ""


def _from_octals(run: str) -> str:
    try:
        codes = [int(n, 8) for n in _numbers(run)]
    except ValueError:
        return ""
    return "".join(map(chr, codes)) if all(32 <= code < 127 for code in codes) else ""


def _from_bits(run: str) -> str:
    groups = _numbers(run)
    if len(groups) == 1:
        groups = [run[i : i + 8] for i in range(0, len(run) // 8 * 8, 8)]
    codes = [int(group[i : i + 8], 2) for group in groups for i in range(0, len(group), 8)]
    return "".join(map(chr, codes)) if all(32 <= code < 127 for code in codes) else ""


def _past_full_stop(text: str, start: int, end: int) -> int:
    """Return where Morse begins: a lone stroke right behind a word is that sentence's stop."""
    if start and text[start - 1].isalnum() and text[start + 1] == " ":
        return start + 1 + len(text[start + 1 : end]) - len(text[start + 1 : end].lstrip(" /|"))
    return start


def _from_morse(run: str) -> str:
    signs = run.translate(_STROKES).replace("/", " ").replace("|", " ").split()
    said = [_MORSE_SIGNS.get(sign, "") for sign in signs]
    return "".join(said) if all(said) and len(set(signs)) > 2 else ""


def _from_base32(run: str) -> str:
    body = run.rstrip("=").upper()
    body = body[: len(body) - (len(body) % 8 in (1, 3, 6))]
    try:
        return _printable(base64.b32decode(body + "=" * (-len(body) % 8)).decode("utf-8"))
    except (ValueError, binascii.Error):
        return ""


def _from_base64(run: str) -> str:
    body = run.rstrip("=").replace("-", "+").replace("_", "/")
    body = body[: len(body) - (len(body) % 4 == 1)]
    try:
        return _printable(base64.b64decode(body + "=" * (-len(body) % 4)).decode("utf-8"))
    except ValueError:
        return ""


def _from_base64_fours(run: str) -> str:
    """Undo groups of four, each by itself: words of four letters beside them say nothing readable."""
    said = []
    for group in run.split():
        try:
            data = base64.b64decode(group + "=" * (-len(group) % 4))
        except ValueError:
            continue
        if data and all(32 <= byte < 127 for byte in data):
            said.append(data.decode("ascii"))
    return "".join(said) if len(said) > 2 else ""


def _from_hex(run: str) -> str:
    digits = "".join(c for c in run if c.isalnum())
    try:
        return _printable(bytes.fromhex(digits[: len(digits) // 2 * 2]).decode("utf-8"))
    except ValueError:
        return ""


def _from_selectors(run: str) -> str:
    """Undo text hidden in variation selectors: each of the 256 is a byte."""
    data = bytes(code - 0xFE00 if (code := ord(c)) <= 0xFE0F else code - 0xE0100 + 16 for c in run)
    return _printable(data.decode("utf-8", "ignore"))


def _from_zero_width(run: str) -> str:
    """Undo text hidden in two kinds of characters that are not seen, eight bits a letter."""
    kinds = sorted(set(run))
    if len(kinds) != 2:
        return ""
    for zero in kinds:
        bits = "".join("01"[c != zero] for c in run)
        said = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits) // 8 * 8, 8)).decode("utf-8", "ignore")
        if _printable(said):
            return said
    return ""
