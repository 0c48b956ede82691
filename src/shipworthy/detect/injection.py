"""Phrases of prompt injection and jailbreak, in the text as it reads, without disguise, and inside encodings.

A weak control by nature: it knows the wordings it was given, and an attacker has all the others. Measured per source of
attack in docs/reference/guards.md.
"""

from __future__ import annotations

import base64
import codecs
import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from shipworthy.detect.disguise import decoded
from shipworthy.detect.engine import Encoded, Pattern
from shipworthy.detect.normalise import fold, invisible
from shipworthy.detect.spans import Span

KINDS = ("override", "marker", "reveal", "jailbreak", "exfiltrate", "encoded", "invisible")

_WRAP = re.compile(r"(?<![\n.!?:])\n(?=[a-z])")
_BASE64 = Pattern(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_HEX = Pattern(r"(?:[0-9a-fA-F]{2}[ :]?){8,}")
_LETTERS = Pattern(r"[a-zA-Z][a-zA-Z ,.'!?-]{14,}")


@cache
def _rules() -> tuple[list[str], list[Pattern], Any]:
    """Return kinds, patterns, and all patterns as one automaton, whose one pass tells which match: most often none."""
    import re2

    text = files("shipworthy.library").joinpath("rules/injection.tsv").read_text(encoding="utf-8")
    lines = [line.split("\t", 1) for line in text.splitlines() if line and line[0] != "#"]
    chosen = re2.Set.SearchSet()
    for _, source in lines:
        chosen.Add(source)
    chosen.Compile()
    return [kind for kind, _ in lines], [Pattern(source) for _, source in lines], chosen


def _squeezed(text: str) -> tuple[str, Sequence[int]]:
    """Fold a text and its runs of blanks (line feeds stay), with the map back."""
    folded = fold(text.replace("\u2019", "'"))
    out: list[str] = []
    origin: list[int] = []
    for i, char in enumerate(folded.text):
        blank = char in " \t\r\u00a0*_"
        if blank and out and out[-1] in " \n":
            continue
        out.append(" " if blank else char)
        origin.append(folded.origin[i])
    return "".join(out), origin


def phrases(text: str) -> list[Span]:
    """Return the phrases in a text as it reads to a person; a line break inside one is a blank, as mail wraps text."""
    plain, origin = _squeezed(text)
    kinds, patterns, chosen = _rules()
    found: dict[Span, None] = {}
    # Some wordings are told by standing at the beginning of a line, so the text is read with its lines and without.
    for read in dict.fromkeys((plain, _unwrapped(plain))):
        encoded = Encoded(read)
        for hit in sorted(chosen.Match(encoded.data) or ()):
            for a, b in patterns[hit].runs(encoded):
                found[Span(origin[a], origin[b - 1] + 1, kinds[hit])] = None
    return list(found)


def _unwrapped(text: str) -> str:
    """Join lines that go on with a word; a blank line, a list and a heading part what they part."""
    return _WRAP.sub(" ", text)


def _decoded(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield what encoded runs of a text say, where they say something readable."""
    encoded = Encoded(text)
    for pattern, decode in ((_BASE64, _from_base64), (_HEX, _from_hex)):
        for start, end in pattern.runs(encoded):
            said = decode(text[start:end])
            if len(said) >= 8 and sum(c.isalpha() or c == " " for c in said) >= 0.85 * len(said):
                yield start, end, said
    for start, end in _LETTERS.runs(encoded):
        said = codecs.decode(text[start:end], "rot13")
        # Two short words turn into others by chance ("or" into "be").
        if _english(said) > 2 + 3 * _english(text[start:end]):
            yield start, end, said


def _from_base64(run: str) -> str:
    if run.isalpha() and (run.islower() or run.isupper() or run.istitle()):
        return ""
    body = run.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(body[: len(body) // 4 * 4]).decode("utf-8")
    except ValueError:
        return ""


def _from_hex(run: str) -> str:
    digits = "".join(c for c in run if c.isalnum())
    try:
        return bytes.fromhex(digits[: len(digits) // 2 * 2]).decode("utf-8")
    except ValueError:
        return ""


_SMALL = frozenset(
    {
        "the",
        "a",
        "to",
        "and",
        "of",
        "in",
        "is",
        "you",
        "that",
        "it",
        "for",
        "on",
        "with",
        "as",
        "are",
        "this",
        "be",
        "how",
    }
    | {"i", "do", "not", "what", "can", "me", "my", "your"}
)


def _english(text: str) -> int:
    return sum(word.strip(",.'!?-").lower() in _SMALL for word in text.split())


def find(text: str) -> list[Span]:
    """Return injection phrases, encoded readable text, and invisible characters, in order.

    Encoded text counts by itself (``encoded``): a help desk's asker has no reason to write base64 or rot13. What it
    says is read too, and its phrases are reported over the whole run.
    """
    found = phrases(text)
    for start, end, said in _decoded(text):
        found.append(Span(start, end, "encoded"))
        found += [Span(start, end, span.kind) for span in phrases(said)]
    for reading in decoded(text):
        # What nobody can see says its phrases over the whole of the run.
        if reading.form in ("variation selectors", "zero-width bits"):
            found += [Span(reading.starts[0], reading.ends[-1], span.kind) for span in phrases(reading.text)]
    # Rot13 keeps every character's place.
    found += phrases(codecs.encode(text, "rot13"))
    found += [Span(a, b, "invisible") for a, b in invisible(text)]
    return sorted(set(found))
