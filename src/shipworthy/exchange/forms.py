"""A credential in the forms in which an endpoint may repeat it, found in every view of a text.

Found are, in any case, in look-alike or wide letters, and with any blanks, punctuation and invisible characters
between the letters: the credential as it is and backwards, with its letters shifted (rot13 and the other 24, rot47) or
turned round, in hexadecimal, base64, base32, uuencode, base85 and as the numbers of its bytes, wherever it stands in
what was encoded, and in two of hexadecimal, base64, base32 and percent form, one inside the other; each of these also
percent-encoded, quoted-printable, as HTML entities or with escapes such as ``\\u0073``, up to three times over. Not
found: encrypted, compressed, spelled in words or in Morse, cut into pieces with other letters between them.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterable
from functools import cached_property

from shipworthy.detect.normalise import letters, placed_letters
from shipworthy.exchange.codes import PLAIN, needles
from shipworthy.exchange.escapes import View, begun, plain, undone

MARK = "[redacted:credential]"
SHORT = PLAIN
"""A credential of fewer letters and digits is found only as it is, as it stands in JSON, and in code of eight signs:
other forms turn up by chance."""

_LEVELS = 3


class _Ends:
    """How much of the end of a text may be the beginning of one of some needles that is not whole yet."""

    def __init__(self, needles: Iterable[str]) -> None:
        self._sorted = sorted(needles)
        self._longest = max(map(len, self._sorted), default=0)

    def pending(self, text: str) -> int:
        # Needles that begin with an end stand together in order, behind the end itself.
        for at in range(max(0, len(text) - self._longest + 1), len(text)):
            end = text[at:]
            place = bisect_left(self._sorted, end)
            place += place < len(self._sorted) and self._sorted[place] == end
            if place < len(self._sorted) and self._sorted[place].startswith(end):
                return len(end)
        return 0


class Forms:
    """Finds credentials in a text and takes them out. Linear in the text.

    Args:
        secrets: the credentials. Blank ones are left out: they would be everywhere.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        known = sorted({secret for secret in secrets if secret.strip()})
        self._exact = {form for secret in known for form in (secret, json.dumps(secret, ensure_ascii=False)[1:-1])}
        # Longest first: one may hold another. A pattern without a needle never matches.
        words = sorted(self._exact, key=lambda word: (-len(word), word))
        self._pattern = re.compile("|".join(map(re.escape, words)) or r"(?!)")
        self._folded = tuple(sorted({form for secret in known for form in needles(secret)}))
        self.any = bool(known)
        self._shortest = min(map(len, (*self._exact, *self._folded)), default=0)

    def clean(self, text: str) -> str:
        """Return the text with `MARK` in place of every credential."""
        if not (spans := self.spans(text)):
            return text
        pieces, at = [], 0
        for start, end in spans:
            pieces += [text[at:start], MARK]
            at = end
        return "".join(pieces) + text[at:]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return where credentials stand, in order, joined where they meet or overlap."""
        view = plain(text) if self.any else None
        found: list[tuple[int, int]] = []
        for _ in range(_LEVELS + 1):
            if view is None or not view.text:
                break
            found += self._found(view)
            view = undone(view)
        return _joined(found)

    def _found(self, view: View) -> Iterable[tuple[int, int]]:
        for match in self._pattern.finditer(view.text):
            yield view.starts[match.start()], view.ends[match.end() - 1]
        flat = letters(view.text)
        if len(flat) < self._shortest or not (present := [form for form in self._folded if form in flat]):
            return
        flat, origin = placed_letters(view.text)
        for form in present:
            at = -1
            while (at := flat.find(form, at + 1)) >= 0:
                yield view.starts[origin[at]], view.ends[origin[at + len(form) - 1]]

    @cached_property
    def _exact_ends(self) -> _Ends:
        return _Ends(self._exact)

    @cached_property
    def _folded_ends(self) -> _Ends:
        return _Ends(self._folded)

    def settled(self, text: str) -> int:
        """Return how many characters can neither begin a credential that is still to come, nor are cut off from one."""
        cut = len(text)
        view = plain(text) if self.any else None
        for _ in range(_LEVELS + 1):
            if view is None:
                break
            half = begun(view.text)
            # Half an escape may be what it looks like, or stand for something that goes on with what came before it.
            for end in {len(view.text), half}:
                begins = view.until(end)
                if pending := self._exact_ends.pending(begins.text):
                    cut = min(cut, begins.starts[len(begins.text) - pending])
                flat, origin = placed_letters(begins.text)
                if pending := self._folded_ends.pending(flat):
                    cut = min(cut, begins.starts[origin[len(flat) - pending]])
            if half < len(view.text):
                cut = min(cut, view.starts[half])
                view = view.until(half)
            view = undone(view)
        for start, end in reversed(self.spans(text)):
            if start < cut < end:
                cut = start
        return cut


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start < found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found
