"""A credential in the forms in which an endpoint may repeat it, found in one pass over each view of a text.

Found are, in any mix of case (of ASCII letters), however spaced out, forwards and backwards: the credential as it is,
in base64 (standard and URL-safe, at any of the three alignments) and in hexadecimal (bare, or with ``:`` or ``-``
between the bytes); each of these also percent-encoded, as HTML entities or with escapes such as ``\\u0073``, up to
three times over. Not found:
encrypted, compressed, spelled in words, cut into pieces with other text between them.
"""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode
from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

MARK = "[redacted:credential]"
SHORT = 6
"""A credential of fewer characters is found only as it is, and as it stands in JSON: other forms turn up by chance."""

_LEVELS = 3
_LONGEST_ESCAPE = 12
# One letter for what differs only in case or in the alphabet of base64; nothing for what cannot be seen.
_FOLD: dict[int, str | None] = {ord(c): c.lower() for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_FOLD |= {ord("-"): "+", ord("_"): "/"} | dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
_ESCAPE = re.compile(
    r"(?P<percent>(?:%[0-9A-Fa-f]{2})+)|&#0*(?P<number>[0-9]{1,7});?|&#[xX]0*(?P<code>[0-9A-Fa-f]{1,6});?"
    r"|(?P<named>&[A-Za-z]{2,8};)|(?<!\\)\\++(?:u(?P<unit>[0-9A-Fa-f]{4})|u\{0*(?P<point>[0-9A-Fa-f]{1,6})\}"
    r"|x(?P<byte>[0-9A-Fa-f]{2})|(?P<space>[nrtfbv])|(?P<same>[^A-Za-z0-9\\]))"
)
_UNFINISHED = re.compile(
    r"(?:%[C-Fc-f][0-9A-Fa-f](?:%[89ABab][0-9A-Fa-f]){0,2}(?:%[0-9A-Fa-f]?)?|%[0-9A-Fa-f]?|&(?:#(?:[0-9]{0,9}|[xX][0-9A-Fa-f]{0,8})|[A-Za-z]{0,8})"
    r"|\\+(?:u(?:[0-9A-Fa-f]{0,3}|\{[0-9A-Fa-f]{0,8})|x[0-9A-Fa-f]?)?)\Z"
)


class _View(NamedTuple):
    """A text as it is searched, and where each of its characters begins and ends in the text that was given."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]


class _Automaton:
    """Aho and Corasick's: how much of the end of a text may be the beginning of a needle, for all needles at once."""

    def __init__(self, needles: Iterable[str]) -> None:
        self._next: list[dict[str, int]] = [{}]
        self._depth, self._fail = [0], [0]
        for needle in needles:
            state = 0
            for c in needle:
                if c not in self._next[state]:
                    self._next[state][c] = len(self._next)
                    self._next.append({})
                    self._depth.append(self._depth[state] + 1)
                    self._fail.append(0)
                state = self._next[state][c]
        queue = deque(self._next[0].values())
        while queue:
            state = queue.popleft()
            for c, below in self._next[state].items():
                queue.append(below)
                self._fail[below] = self._step(self._fail[state], c)

    def _step(self, state: int, c: str) -> int:
        while c not in self._next[state]:
            if not state:
                return 0
            state = self._fail[state]
        return self._next[state][c]

    def pending(self, text: str) -> int:
        """Return how many characters at the end of a text are the beginning of a needle that is not whole yet."""
        state = 0
        for c in text:
            state = self._step(state, c)
        while state and not self._next[state]:  # whole, and the beginning of nothing longer
            state = self._fail[state]
        return self._depth[state]


class Forms:
    """Finds credentials in a text and takes them out. Linear in the text.

    Args:
        secrets: the credentials. Blank ones are left out: they would be everywhere.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        known = sorted({secret for secret in secrets if secret.strip()})
        exact = {form for secret in known for form in (secret, json.dumps(secret, ensure_ascii=False)[1:-1])}
        folded = {form for secret in known if len(secret) >= SHORT for form in _forms(secret)}
        self._exact, self._folded = _pattern(exact), _pattern(folded)
        self._exact_ends, self._folded_ends = _Automaton(exact), _Automaton(folded)
        self.any, self._long = bool(known), bool(folded)
        self._shortest = min(map(len, (*exact, *folded)), default=0)

    def clean(self, text: str) -> str:
        """Return the text with `MARK` in place of every credential."""
        if len(text) < self._shortest or not (spans := self.spans(text)):
            return text
        pieces, at = [], 0
        for start, end in spans:
            pieces += [text[at:start], MARK]
            at = end
        return "".join(pieces) + text[at:]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return where credentials stand, in order, joined where they meet or overlap."""
        found = [match.span() for match in self._exact.finditer(text)]
        if not self._long:
            return _joined(found)
        if self._folded.search(_fold(text)):
            found += _matches(self._folded, _folded(_plain(text)))
        if "%" in text or "&" in text or "\\" in text:
            view = _plain(text)
            for _ in range(_LEVELS):
                if (decoded := _decoded(view)) is None:
                    break
                view = decoded
                found += _matches(self._folded, _folded(view))
        return _joined(found)

    def settled(self, text: str) -> int:
        """Return how many characters can neither begin a credential that is still to come, nor are cut off from one."""
        cut = len(text) - self._exact_ends.pending(text)
        view = _plain(text) if self._long else None
        for _ in range(_LEVELS + 1):
            if view is None:
                break
            half = _UNFINISHED.search(view.text, max(0, len(view.text) - _LONGEST_ESCAPE))
            # Half an escape may be what it looks like, or stand for something that goes on with what came before it.
            for end in {len(view.text), half.start() if half else len(view.text)}:
                folded = _folded(_View(view.text[:end], view.starts, view.ends))
                if pending := self._folded_ends.pending(folded.text):
                    cut = min(cut, folded.starts[len(folded.text) - pending])
            if half:
                cut = min(cut, view.starts[half.start()])
                view = _View(view.text[: half.start()], view.starts[: half.start()], view.ends[: half.start()])
            view = _decoded(view)
        for start, end in reversed(self.spans(text)) if len(text) >= self._shortest else ():
            if start < cut < end:
                cut = start
        return cut


def _forms(secret: str) -> Iterable[str]:
    data = secret.encode("utf-8", "surrogatepass")
    yield _fold(secret)
    for separator in (":", "-"):
        yield _fold(data.hex(separator))
    codes = [data.hex()]
    for said in (data, secret[::-1].encode("utf-8", "surrogatepass")):
        for shift in range(3):
            code = b64encode(b"\0" * shift + said).decode().rstrip("=")
            # Characters that also depend on the neighbours are cut off.
            codes.append(code[(shift * 8 + 5) // 6 : (shift + len(said)) * 8 // 6])
    for code in (secret, *codes):
        yield _fold(code)
        yield _fold(code[::-1])


def _pattern(needles: Iterable[str]) -> re.Pattern[str]:
    # Longest first: one may hold another. A pattern without a needle never matches.
    words = sorted({needle for needle in needles if needle}, key=lambda needle: (-len(needle), needle))
    return re.compile("|".join(map(re.escape, words)) or r"(?!)")


def _fold(text: str) -> str:
    return "".join(text.split()).translate(_FOLD)


def _plain(text: str) -> _View:
    return _View(text, range(len(text)), range(1, len(text) + 1))


def _folded(view: _View) -> _View:
    kept = [i for i, c in enumerate(view.text) if not c.isspace() and _FOLD.get(ord(c), c) is not None]
    text = "".join([view.text[i] for i in kept]).translate(_FOLD)
    return _View(text, [view.starts[i] for i in kept], [view.ends[i] for i in kept])


def _decoded(view: _View) -> _View | None:
    """Return what a text says once its escapes are read; None where it has none."""
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for match in _ESCAPE.finditer(view.text):
        said = _meaning(match)
        if not said:
            continue
        first, last = match.span()
        pieces += [view.text[at:first], said]
        starts += [*view.starts[at:first]]
        ends += [*view.ends[at:first]]
        if match["percent"] and len(said) == (last - first) // 3:  # one character an escape
            starts += [view.starts[first + 3 * n] for n in range(len(said))]
            ends += [view.ends[first + 3 * n + 2] for n in range(len(said))]
        else:
            starts += [view.starts[first]] * len(said)
            ends += [view.ends[last - 1]] * len(said)
        at = last
    if not pieces:
        return None
    return _View("".join(pieces) + view.text[at:], [*starts, *view.starts[at:]], [*ends, *view.ends[at:]])


def _meaning(match: re.Match[str]) -> str:
    if match["percent"]:
        return bytes.fromhex(match["percent"].replace("%", "")).decode("utf-8", "replace")
    if match["named"]:
        said = html.unescape(match["named"])
        return "" if said == match["named"] else said
    if match["space"]:
        return " "
    if match["same"]:
        return match["same"]
    number = match["number"]
    code = int(number) if number else int(match["code"] or match["unit"] or match["point"] or match["byte"], 16)
    return chr(code) if 0 < code < 0x110000 else ""


def _matches(pattern: re.Pattern[str], view: _View) -> list[tuple[int, int]]:
    return [(view.starts[m.start()], view.ends[m.end() - 1]) for m in pattern.finditer(view.text)]


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start < found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found
