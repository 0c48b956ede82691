"""Strings that must not leave, and the disguises they leave in.

A canary is found as written in any case, in look-alike or leet letters, with invisible characters inside, spaced out or
punctuated, reversed, in rot13, hexadecimal or base64 (any alignment). Not found: translated, paraphrased, spelled in
words, split over distant places, encrypted.
"""

from __future__ import annotations

import codecs
import math
from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import pairwise
from typing import NamedTuple

from shipworthy.core.errors import UsageError
from shipworthy.detect.engine import apart
from shipworthy.detect.normalise import skeleton
from shipworthy.detect.spans import Span, union

MAX_GAP = 6
"""Characters that may stand between two letters of a spaced-out canary."""

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
    bare = skeleton(canary).text
    return f"sha256:{sha256(bare.encode()).hexdigest()}/{len(bare)}"


def _forms(canary: str) -> Iterable[tuple[str, str]]:
    bare = skeleton(canary).text
    yield "plain", bare
    if len(bare) < SHORT:
        return
    encoded = {"reversed": bare[::-1], "rot13": skeleton(codecs.encode(canary, "rot13")).text}
    for form, text in encoded.items():
        if len(text) >= _ENCODED:
            yield form, text
    for spelled in dict.fromkeys((canary, canary.lower(), canary.upper())):
        data = spelled.encode("utf-8", "replace")
        yield "hex", skeleton(data.hex()).text
        for shift in range(3):
            # Characters that also depend on the neighbours are cut off.
            code = b64encode(b"\0" * shift + data).decode().rstrip("=")
            code = code[(shift * 8 + 5) // 6 : (shift + len(data)) * 8 // 6]
            if len(code) >= _ENCODED:
                yield "base64", skeleton(code).text


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
        self._needles: dict[str, tuple[int, str]] = {}
        self._plain = {index: canary.lower() for index, canary in enumerate(canaries)}
        self._exact: list[tuple[str, int]] = []
        self._hashed: dict[int, dict[bytes, tuple[int, str]]] = {}
        for index, canary in enumerate(canaries):
            bare = skeleton(canary).text
            if not bare:
                raise UsageError("a canary needs at least one letter or digit")
            if len(bare) < SHORT:
                self._exact.append((canary.strip().lower(), index))
                continue
            for form, needle in _forms(canary):
                self._needles.setdefault(needle, (index, form))
            if cut is not None and math.ceil(cut * len(bare)) >= _CUT:
                self._needles.setdefault(bare[: math.ceil(cut * len(bare))], (index, "cut"))
        for index, text in enumerate(references, len(canaries)):
            kind, _, rest = text.partition(":")
            code, _, length = rest.partition("/")
            if kind != "sha256" or len(code) != 64 or not length.isdigit() or int(length) < SHORT:
                raise UsageError("a canary reference reads sha256:<64 hex digits>/<length>, the length at least 6")
            self._hashed.setdefault(int(length), {})[bytes.fromhex(code)] = (index, "plain")
        if parts:
            for index, canary in enumerate(canaries):
                runs = "".join(c if c in "0123456789" else " " for c in canary).split()
                if len(runs) == 1 and len(runs[0]) >= _PART and 3 * len(runs[0]) >= len(skeleton(canary).text):
                    self._exact.append((runs[0], index))
        longest = max([*map(len, self._needles), *(len(e) for e, _ in self._exact), *self._hashed, 0])
        self.reach = longest * (MAX_GAP + 1) + 2

    def leaks(self, text: str) -> list[Leak]:
        """Return every canary found in a text, in order."""
        found: list[Leak] = []
        if self._exact:
            lowered = text.lower()
            lowered = lowered if len(lowered) == len(text) else "".join(c.lower()[:1] for c in text)
            for needle, index in self._exact:
                at = -1
                while (at := lowered.find(needle, at + 1)) >= 0:
                    if apart(text, at, at + len(needle)):
                        form = "plain" if needle == self._plain[index].strip() else "part"
                        found.append(Leak(at, at + len(needle), index, form))
        if not (self._needles or self._hashed):
            return sorted(found)
        bare, origin = skeleton(text)
        for needle, (index, form) in self._needles.items():
            at = -1
            while (at := bare.find(needle, at + 1)) >= 0:
                found += self._leak(text, origin[at : at + len(needle)], index, form)
        for length, digests in self._hashed.items():
            for at in range(len(bare) - length + 1):
                window = bare[at : at + length]
                hit = digests.get(sha256(window.encode()).digest())
                backwards = None if hit else digests.get(sha256(window[::-1].encode()).digest())
                if hit:
                    found += self._leak(text, origin[at : at + length], *hit)
                elif backwards:
                    found += self._leak(text, origin[at : at + length], backwards[0], "reversed")
        return sorted(found)

    def _leak(self, text: str, places: Sequence[int], index: int, form: str) -> list[Leak]:
        gaps = max((b - a for a, b in pairwise(places)), default=1)
        length = len(places)
        start, end = places[0], places[-1] + 1
        if gaps > MAX_GAP + 1 or (length < ALONE and not apart(text, start, end)):
            return []
        if form == "plain" and text[start:end].lower() != self._plain.get(index):
            form = "disguised"
        return [Leak(start, end, index, form)]

    def find(self, text: str) -> list[Span]:
        """Return the canaries in a text as spans that do not overlap."""
        return union(Span(leak.start, leak.end, "canary") for leak in self.leaks(text))
