"""Strings that must not leave, and the disguises they leave in.

A canary is found as written in any case, in look-alike or leet letters, with invisible characters inside, spaced out or
punctuated, reversed, with its letters shifted (rot13 and the other 24; then reversed, too), from the alphabet read
backwards, in hexadecimal or base64 (any alignment), and so in every reading of `disguise`: escapes, codes, codes inside
codes, spelling, code words, tags; first letters, undisguised or reversed. Not found:
translated, paraphrased, split over distant places, encrypted.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import pairwise
from string import ascii_letters, ascii_lowercase, ascii_uppercase
from typing import NamedTuple
from unicodedata import normalize

from shipworthy.core.errors import UsageError
from shipworthy.detect.disguise import readings
from shipworthy.detect.engine import apart
from shipworthy.detect.normalise import bare, fold_char, skeleton
from shipworthy.detect.spans import Span, union

MAX_GAP = 6
"""Characters between two letters of a spaced-out canary, at most; as many again for each sign of its own there."""

_SPELLED = 14
"""Characters that a spelled letter takes with its label, for a stream: ``Letter 10: H`` and its line feed."""

SHORT = 6
"""A canary with fewer letters and digits is found only as a word of its own, undisguised but for case."""

ALONE = 10
"""A canary with fewer letters and digits must not be part of a longer word."""

_ENCODED = 8
"""Encoded or reversed forms with fewer letters and digits would turn up by chance: not looked for."""


_PART = 4
"""Digits of a canary that count by themselves."""

_CUT = 10
"""A canary cut short counts only if this many letters and digits are left."""


class Leak(NamedTuple):
    """A canary found: where, which one (from 0), in what form (``plain``, ``disguised``, ``base64``, ``part``, ...)."""

    start: int
    end: int
    number: int
    form: str


def reference(canary: str) -> str:
    """Return ``sha256:<hex>/<length>``, by which a canary can be looked for without being written down.

    The digest is of the canary's skeleton, unsalted: it hides a random canary, not a guessable one.
    """
    letters = bare(canary)
    return f"sha256:{sha256(letters.encode()).hexdigest()}/{len(letters)}"


class _Needle(NamedTuple):
    """One form of a canary, as a skeleton.

    Attributes:
        number: of the canary.
        form: ``plain``, ``reversed``, ``base64``, ...
        digits: where the canary has digits; empty where that says nothing (an encoded form). A skeleton folds digits
            into letters: of these places, half at least must be digits, or ``505505`` would be found in ``SOS SOS``.
        joints: for each letter but the first, the signs of the canary's own between it and the one before.
    """

    number: int
    form: str
    digits: tuple[int, ...] = ()
    joints: tuple[int, ...] = ()


def _compatible(text: str) -> str:
    """Return a text with full-width, circled and mathematical characters plain, where that is one for one."""
    if text.isascii():
        return text
    return "".join(form if not c.isascii() and len(form := normalize("NFKC", c)) == 1 else c for c in text)


_MIRROR = str.maketrans(ascii_letters, ascii_lowercase[::-1] + ascii_uppercase[::-1])


def _shifted(text: str, by: int) -> str:
    lower, upper = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    moved = lower[by:] + lower[:by] + upper[by:] + upper[:by]
    return text.translate(str.maketrans(lower + upper, moved))


def _needles(canary: str, number: int, cut: float | None) -> Iterator[tuple[str, _Needle]]:
    folded = skeleton(canary)
    plain, places = folded.text, list(folded.origin)
    digits = tuple(i for i, at in enumerate(places) if fold_char(canary[at]).isdigit())
    joints = tuple(b - a - 1 if b > a else 0 for a, b in pairwise(places))
    yield plain, _Needle(number, "plain", digits, joints)
    if len(plain) < SHORT:
        return
    if cut is not None and (kept := math.ceil(cut * len(plain))) >= _CUT:
        yield plain[:kept], _Needle(number, "cut", tuple(i for i in digits if i < kept), joints[: kept - 1])
    if len(plain) >= _ENCODED:
        backwards = tuple(sorted(len(plain) - 1 - i for i in digits))
        yield plain[::-1], _Needle(number, "reversed", backwards, joints[::-1])
        for by in range(1, 26):
            # Shifted letters may fold into fewer or other ones, so the places are those of the shifted text.
            moved = skeleton(_shifted(canary, by))
            if list(moved.origin) == places:
                yield moved.text, _Needle(number, "rot13" if by == 13 else "shifted", digits, joints)
                yield moved.text[::-1], _Needle(number, "shifted, reversed", backwards, joints[::-1])
        mirrored = skeleton(canary.translate(_MIRROR))
        if list(mirrored.origin) == places:
            yield mirrored.text, _Needle(number, "mirrored", digits, joints)
    for spelled in dict.fromkeys((canary, canary.lower(), canary.upper())):
        data = spelled.encode("utf-8", "replace")
        yield skeleton(data.hex()).text, _Needle(number, "hex")
        for shift in range(3):
            # Characters that also depend on the neighbours are cut off.
            code = b64encode(b"\0" * shift + data).decode().rstrip("=")
            code = code[(shift * 8 + 5) // 6 : (shift + len(data)) * 8 // 6]
            if len(code) >= _ENCODED:
                yield skeleton(code).text, _Needle(number, "base64")


class Canaries:
    """A set of canaries to look for.

    Args:
        canaries: the strings. Empty ones, and ones without a letter or digit, are refused: they would be everywhere.
        cut: share of a canary, from its start, that counts as the whole (a long value that an answer's length limit cut
            short); only where that leaves `_CUT` letters and digits. None: only whole canaries count.
        parts: let the digits of a canary such as ``HERON-4471`` count as the whole: its one run of digits, if it has at
            least four and a third of the canary. For codes, not for personal values, whose digits others share.
        references: digests made by `reference`; these are found plain, spaced, look-alike, leet and reversed only.

    Raises:
        UsageError: an empty canary or a malformed reference.
    """

    def __init__(
        self,
        canaries: Sequence[str] = (),
        references: Sequence[str] = (),
        *,
        cut: float | None = None,
        parts: bool = False,
    ) -> None:
        self._needles: dict[str, _Needle] = {}
        self._plain = {index: canary.lower() for index, canary in enumerate(canaries)}
        self._exact: list[tuple[str, int]] = []
        self._hashed: dict[int, dict[bytes, tuple[int, str]]] = {}
        for index, canary in enumerate(canaries):
            letters = len(bare(canary))
            if not letters:
                raise UsageError("a canary needs at least one letter or digit")
            if letters < SHORT:
                self._exact.append((canary.strip().lower(), index))
                continue
            for text, needle in _needles(canary, index, cut):
                self._needles.setdefault(text, needle)
        # First letters are many and mean nothing most often: in them, further disguises are not looked for.
        self._bare = {t: n for t, n in self._needles.items() if n.form in ("plain", "cut", "reversed")}
        for index, text in enumerate(references, len(canaries)):
            kind, _, rest = text.partition(":")
            code, _, length = rest.partition("/")
            if kind != "sha256" or len(code) != 64 or not length.isdigit() or int(length) < SHORT:
                raise UsageError("a canary reference reads sha256:<64 hex digits>/<length>, the length at least 6")
            self._hashed.setdefault(int(length), {})[bytes.fromhex(code)] = (index, "plain")
        if parts:
            for index, canary in enumerate(canaries):
                runs = "".join(c if c in "0123456789" else " " for c in canary).split()
                if len(runs) == 1 and len(runs[0]) >= _PART and 3 * len(runs[0]) >= len(bare(canary)):
                    self._exact.append((runs[0], index))
        spelled = [len(text) for text in self._bare]
        longest = max([*map(len, self._needles), *(len(e) for e, _ in self._exact), *self._hashed, 0])
        self.reach = max([longest * (MAX_GAP + 1) + 2, *(n * _SPELLED for n in spelled)])

    def leaks(self, text: str, *, bounded: bool = False) -> list[Leak]:
        """Return every canary found in a text, in order.

        Args:
            text: any string.
            bounded: leave out what takes more than `reach` characters; for a stream, which cannot wait longer.
        """
        found = set(self._exactly(text))
        if self._needles or self._hashed:
            found.update(self._disguised(text, self._needles))
            found.update(self._digested(text))
        if self._bare:
            for reading in readings(_compatible(text), self.reach if bounded else None):
                down = reading.form.startswith("first letters")
                inside = [
                    *self._disguised(reading.text, self._bare if down else self._needles, down),
                    *(() if down else self._exactly(reading.text)),
                ]
                for leak in inside:
                    start, end = reading.starts[leak.start], reading.ends[leak.end - 1]
                    found.add(Leak(start, end, leak.number, reading.form))
        return sorted(k for k in _told(found) if not bounded or k.end - k.start <= self.reach)

    def _exactly(self, text: str) -> Iterator[Leak]:
        if not self._exact:
            return
        lowered = text.lower()
        lowered = lowered if len(lowered) == len(text) else "".join(c.lower()[:1] for c in text)
        for needle, index in self._exact:
            at = -1
            while (at := lowered.find(needle, at + 1)) >= 0:
                if apart(text, at, at + len(needle)):
                    form = "plain" if needle == self._plain[index].strip() else "part"
                    yield Leak(at, at + len(needle), index, form)

    def _disguised(self, text: str, needles: Mapping[str, _Needle], down: bool = False) -> Iterator[Leak]:
        flat = bare(text)
        present = [(wanted, needle) for wanted, needle in needles.items() if wanted in flat]
        if not present:
            return
        flat, origin = skeleton(text)
        for wanted, needle in present:
            at = -1
            while (at := flat.find(wanted, at + 1)) >= 0:
                places = origin[at : at + len(wanted)]
                if needle.digits:
                    said = sum(fold_char(text[places[i]]).isdigit() for i in needle.digits)
                    if 2 * said < len(needle.digits):
                        continue
                yield from self._leak(text, places, needle, down)

    def _digested(self, text: str) -> Iterator[Leak]:
        if not self._hashed:
            return
        letters, origin = skeleton(text)
        for length, digests in self._hashed.items():
            for at in range(len(letters) - length + 1):
                window = letters[at : at + length]
                hit = digests.get(sha256(window.encode()).digest())
                backwards = None if hit else digests.get(sha256(window[::-1].encode()).digest())
                if hit:
                    yield from self._leak(text, origin[at : at + length], _Needle(*hit))
                elif backwards:
                    yield from self._leak(text, origin[at : at + length], _Needle(backwards[0], "reversed"))

    def _leak(self, text: str, places: Sequence[int], needle: _Needle, down: bool = False) -> Iterator[Leak]:
        length, joints = len(places), needle.joints or (0,) * len(places)
        gaps = (b - a - 1 for a, b in pairwise(places))
        if any(gap > MAX_GAP + joint * (MAX_GAP + 1) for gap, joint in zip(gaps, joints, strict=False)):
            return
        start, end = places[0], places[-1] + 1
        # First letters stand beside others by nature.
        if length < (_ENCODED if down else ALONE) and not apart(text, start, end):
            return
        form = needle.form
        if form == "plain" and text[start:end].lower() != self._plain.get(needle.number):
            form = "disguised"
        yield Leak(start, end, needle.number, form)

    def find(self, text: str) -> list[Span]:
        """Return the canaries in a text as spans that do not overlap."""
        return union(Span(leak.start, leak.end, "canary") for leak in self.leaks(text))


def _told(found: Iterable[Leak]) -> list[Leak]:
    """Leave out a leak that another reading shows at the same place in a form that says more."""
    vague = ("first letters of lines", "first letters of sentences", "first letters", "spelled")
    seen: dict[tuple[int, int], Leak] = {}
    for leak in sorted(found, key=lambda k: (k.form in vague, k.start, k.form != "plain", -k.end, k.form)):
        seen.setdefault((leak.start, leak.number), leak)
    return list(seen.values())
