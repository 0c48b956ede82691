"""A text in plain letters, and what its codes say: what a check reads besides the text itself.

Three kinds of readings, each with the way back to the text's own characters:

- ``plain``: characters that are not seen left out (`normalise.invisible`); compatibility forms (full width,
  mathematical, circled) as the letters they stand for; letters of other scripts that are drawn like Latin ones as
  Latin, in words that can be read wholly in Latin letters; but words of another script alone only in a text that has
  no other words of one. Case, accents and the rest stay.
- codes undone, one in another up to `disguise`'s depth: base64, base32, hexadecimal, decimal and octal codes, binary,
  Morse, URL, HTML and string escapes, variation selectors, zero-width bits.
- ``rot13``: runs that read like English only then.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator
from itertools import islice

from shipworthy.core.errors import GuardError
from shipworthy.detect.disguise import Reading, decoded
from shipworthy.detect.engine import Encoded
from shipworthy.detect.normalise import fold_char, invisible
from shipworthy.detect.rotated import rotated
from shipworthy.detect.spans import Span

MOST = 16
"""Readings of one text. One with more is refused: what stands behind decoys would not be read."""

_WORD = re.compile(r"[^\W\d_]+")
_FOREIGN_LETTER = re.compile(r"[^\W\d_\x00-\x7f]")
_FOREIGN = re.compile(r"[^\x00-\x7f]")


def drawn_alike(text: str) -> Iterator[tuple[Span, str]]:
    """Yield the words that can be read wholly in Latin letters and are not written so, each with its Latin form.

    The kind is ``look_alike`` where Latin and other letters are mixed in one word, which no honest writing does;
    ``compatibility`` where letters have a compatibility form; ``lone`` for a whole word of another script
    that could be Latin, as short Russian words can.
    """
    for start, end in _foreign_words(text):
        word = text[start:end]
        latin = [_latin(char) for char in word]
        if not all(latin) or "".join(latin) == word:
            continue
        foreign = {c for c, letter in zip(word, latin, strict=True) if c != letter and not _has_form(c)}
        mixed = foreign and any(c not in foreign for c in word)
        kind = "look_alike" if mixed else "lone" if foreign else "compatibility"
        yield Span(start, end, kind), "".join(latin)


def _foreign_words(text: str) -> Iterator[tuple[int, int]]:
    if _FOREIGN_LETTER.search(text):
        yield from (found.span() for found in _WORD.finditer(text) if not found[0].isascii())


def _has_form(char: str) -> bool:
    return unicodedata.decomposition(char).startswith("<")


def _latin(char: str) -> str:
    """Return the Latin letters that a letter is drawn like, in its case; itself where it is Latin; else nothing."""
    if char.isascii() or (unicodedata.name(char, "").startswith("LATIN") and not _has_form(char)):
        return char
    seen = fold_char(char)
    if not seen.isascii() or not seen.isalpha():
        return ""
    form = unicodedata.normalize("NFKC", char)
    return seen.upper() if (form if _has_form(char) else char).isupper() else seen


def plain(text: str) -> Reading | None:
    """Return the reading in plain letters; None where it is the text itself."""
    if text.isascii():
        return None
    changes = [(a, b, "") for a, b in invisible(text)]
    if not changes and not _FOREIGN_LETTER.search(text) and not any(map(_has_form, _FOREIGN.findall(text))):
        return None
    bare = _without(text, changes)
    # Words are found with what is not seen taken out of them.
    honest = any(not _latin(char) for start, end in _foreign_words(bare.text) for char in bare.text[start:end])
    for span, _ in drawn_alike(bare.text):
        if span.kind != "lone" or not honest:
            places = range(span.start, span.end)
            changes += [(bare.starts[i], bare.ends[i], _latin(bare.text[i])) for i in places]
    for found in _FOREIGN.finditer(text):
        i, char = found.start(), found[0]
        if not char.isalpha() and _has_form(char):
            form = unicodedata.normalize("NFKC", char)
            if form.isascii() and form.isalnum():
                changes.append((i, i + 1, form))
    return _without(text, sorted(set(changes))) if changes else None


def _without(text: str, changes: list[tuple[int, int, str]]) -> Reading:
    out: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for start, end, instead in [*changes, (len(text), len(text), "")]:
        out += [text[at:start], instead]
        starts += [*range(at, start), *[start] * len(instead)]
        ends += [*range(at + 1, start + 1), *[end] * len(instead)]
        at = end
    return Reading("plain", "".join(out), starts, ends)


def readings(text: str) -> list[Reading]:
    """Return the ways to read a text besides as it stands; none for most texts.

    Raises:
        GuardError: there are more than `MOST`.
    """
    found = list(islice(_readings(text), MOST + 1))
    if len(found) > MOST:
        raise GuardError(f"the text can be read in more than {MOST} ways")
    return found


def _readings(text: str) -> Iterator[Reading]:
    base = plain(text)
    if base is not None:
        yield base
    whole = base or Reading("", text, range(len(text)), range(1, len(text) + 1))
    for inner in decoded(whole.text):
        yield _through(whole, inner)
    # Codes of characters that are not seen are gone from the plain text.
    if base is not None:
        yield from (r for r in decoded(text) if r.form.startswith(("variation selectors", "zero-width bits")))
    said = list(whole.text)
    turned = list(rotated(Encoded(whole.text)))
    for start, end in turned:
        said[start:end] = codecs.decode(whole.text[start:end], "rot13")
    if turned:
        yield Reading("rot13", "".join(said), whole.starts, whole.ends)


def _through(outer: Reading, inner: Reading) -> Reading:
    starts = [outer.starts[i] for i in inner.starts]
    return Reading(inner.form, inner.text, starts, [outer.ends[i - 1] for i in inner.ends])
