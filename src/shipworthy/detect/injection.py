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
from typing import Any, NamedTuple

from shipworthy.detect.disguise import decoded
from shipworthy.detect.engine import Encoded, Pattern
from shipworthy.detect.normalise import Folded, fold, fold_char, invisible
from shipworthy.detect.rotated import rotated
from shipworthy.detect.spans import Span
from shipworthy.detect.spread import readings

KINDS = ("override", "marker", "reveal", "jailbreak", "exfiltrate", "encoded", "invisible")

# Runs that squeezing changes: a blank or a line feed alone stays.
_RUNS = re.compile(r"[ \t\r\u00a0*_\n]{2,}|[\t\r\u00a0*_]")
# Lines of quoted mail begin with a mark.
_WRAP = re.compile(r"(?<![\n.!?:])\n(?=[a-z])|(?<![\n.!?:])\n> ?")
# A rule that forbids it is no order to do it: "never reveal the system prompt to a customer".
_FORBIDS = Pattern(
    r"(?:\bnever|\bnot|n't|\bwithout|\bcannot|\bavoid|\b(?:refuse|decline|forbidden|unable)s? to|\bprevent(?:s|ing)?"
    r"|\bstop(?:s|ping)?) (?:(?:be|to|ever|asked|tricked|into|from|you|it|them|users?|the|model|assistant|bot) ){0,4}$"
)
# What every rule of another language needs: a letter of another script, or one of the words for rules and prompts.
_OTHERS = Pattern(
    r"[^\x00-\x{24f}\pP\pS\pZ]|anweisung|instruktion|regeln|vorgaben|befehle|richtlinien|anordnung|system-?prompt|nachricht"
    r"|instructions|consignes|regles|directives|ordres|instruccion|reglas|indicacion|ordenes|directri|istruzion|regole"
    r"|indicazion|direttiv|ordini|instrucoes|regras|orientacoes|ordens|diretri|instructies|regels|opdrachten|richtlijn"
    r"|instrukcj|polecen|zasad|regul|wytyczn|talimat|kural|komut|instruksi|perintah|aturan|sistem|\bdan\b"
    r"|ohne |sans |\bsin |senza |\bsem |\bdel? sistema|systeme"
)
# Letters one by one often lose the blanks between words.
_SQUASHED = Pattern(
    r"(?:ignore|disregard|forget|override|bypass)(?:all|any|the|your|my)*(?:of)?(?:the|your)?(?:previous|prior|above|earlier"
    r"|system|former|safety)*(?:instructions?|rules|prompts?|guidelines|directives?|restrictions)"
    r"|(?:reveal|show|print|repeat|output|tell|giveme)(?:me|us)?(?:the|your)(?:full|hidden|secret|initial|whole)?(?:system)?"
    r"(?:prompt|instructions|secrets?|passwords?)|doanythingnow|jailbreakmode|developermode"
)
_BASE64 = Pattern(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_HEX = Pattern(r"(?:[0-9a-fA-F]{2}[ :]?){8,}")


class _Rules(NamedTuple):
    """Kinds, patterns, and all patterns as one automaton, whose one pass tells which match: most often none."""

    kinds: list[str]
    patterns: list[Pattern]
    chosen: Any


@cache
def _rules() -> tuple[_Rules, ...]:
    """Return the rules, English ones and those of other languages: together they are too many for one automaton."""
    import re2

    made = []
    for name in ("injection", "injection_languages"):
        text = files("shipworthy.library").joinpath(f"rules/{name}.tsv").read_text(encoding="utf-8")
        lines = [line.split("\t", 1) for line in text.splitlines() if line and line[0] != "#"]
        # Other scripts are folded as the text is; what is ASCII may be syntax.
        lines = [[kind, "".join(c if c.isascii() else fold_char(c) for c in source)] for kind, source in lines]
        chosen = re2.Set.SearchSet()
        for _, source in lines:
            chosen.Add(source)
        chosen.Compile()
        made.append(_Rules([kind for kind, _ in lines], [Pattern(source) for _, source in lines], chosen))
    return tuple(made)


def _straight(text: str) -> Folded:
    return fold(text.replace("\u2019", "'"))


def _squeezed(folded: Folded) -> tuple[str, Sequence[int]]:
    """Fold the runs of blanks of a folded text (line feeds stay), with the map back."""
    text, places = folded
    out: list[str] = []
    origin: list[int] = []
    at = 0
    for match in _RUNS.finditer(text):
        start, end = match.span()
        feeds = [i for i in range(start, end) if text[i] == "\n"]
        out += [text[at:start], "\n" * len(feeds) or " "]
        origin += [*places[at:start], *([places[i] for i in feeds] or [places[start]])]
        at = end
    if not at:
        return text, places
    return "".join(out) + text[at:], [*origin, *places[at:]]


def phrases(text: str, *, turned: bool = False) -> list[Span]:
    """Return the phrases in a text as it reads to a person; a line break inside one is a blank, as mail wraps text.

    Letters with blanks or hyphens between them, words joined by signs, and a word or two a line are put together.

    Args:
        text: any string.
        turned: return the phrases in the text's rot13, too.
    """
    folded = _straight(text)
    found = dict.fromkeys(_plain(folded, turned=turned))
    for read in readings(folded.text):
        back = [folded.origin[i] for i in read.origin]
        if read.squashed:
            squashed = _SQUASHED.runs(Encoded(read.text))
            found |= dict.fromkeys(Span(back[a], back[b - 1] + 1, "override") for a, b in squashed)
        else:
            # A marker stands as it stands: headings and lists of documents put together read like one.
            found |= dict.fromkeys(s for s in _wordings(*_squeezed(Folded(read.text, back))) if s.kind != "marker")
    return list(found)


def _plain(folded: Folded, *, turned: bool = False) -> Iterator[Span]:
    """Yield the phrases that stand in a text as they are, or over the ends of lines; `turned`: in its rot13, too."""
    plain, origin = _squeezed(folded)
    # Some wordings are told by standing at the beginning of a line, so the text is read with its lines and without.
    unwrapped, places = _unwrapped(plain, origin)
    for read, back in ((plain, origin), (unwrapped, places)) if unwrapped != plain else ((plain, origin),):
        yield from _wordings(read, back)
        if turned:  # rot13 keeps every character's place
            yield from _wordings(codecs.encode(read, "rot13"), back)


def _wordings(read: str, origin: Sequence[int]) -> Iterator[Span]:
    encoded = Encoded(read)
    english, others = _rules()
    for kinds, patterns, chosen in (english, others) if _OTHERS.found(encoded) else (english,):
        for hit in sorted(chosen.Match(encoded.data) or ()):
            for a, b in patterns[hit].runs(encoded):
                if kinds[hit] != "reveal" or not _FORBIDS.found(Encoded(read[max(0, a - 40) : a])):
                    yield Span(origin[a], origin[b - 1] + 1, kinds[hit])


def _unwrapped(text: str, origin: Sequence[int]) -> tuple[str, Sequence[int]]:
    """Join lines that go on with a word; a blank line, a list and a heading part what they part."""
    out, places, at = [], [], 0
    for match in _WRAP.finditer(text):
        out += [text[at : match.start()], " "]
        places += [*origin[at : match.start()], origin[match.start()]]
        at = match.end()
    return "".join(out) + text[at:], [*places, *origin[at:]] if at else origin


def _decoded(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield what encoded runs of a text say, where they say something readable."""
    encoded = Encoded(text)
    for pattern, decode in ((_BASE64, _from_base64), (_HEX, _from_hex)):
        for start, end in pattern.runs(encoded):
            said = decode(text[start:end])
            if len(said) >= 8 and sum(c.isalpha() or c == " " for c in said) >= 0.85 * len(said):
                yield start, end, said
    for start, end in rotated(encoded):
        yield start, end, codecs.decode(text[start:end], "rot13")


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


def find(text: str) -> list[Span]:
    """Return injection phrases, encoded readable text, and invisible characters, in order.

    Encoded text counts by itself (``encoded``): a help desk's asker has no reason to write base64 or rot13. What it
    says is read too, and its phrases are reported over the whole run.
    """
    found = phrases(text, turned=True)
    for start, end, said in _decoded(text):
        found.append(Span(start, end, "encoded"))
        found += [Span(start, end, span.kind) for span in phrases(said)]
    for reading in decoded(text):
        if reading.form == "escapes":
            spans = (s for s in phrases(reading.text) if s.kind != "marker")
            found += [Span(reading.starts[s.start], reading.ends[s.end - 1], s.kind) for s in spans]
        # What nobody can see says its phrases over the whole of the run.
        if reading.form in ("variation selectors", "zero-width bits"):
            found += [Span(reading.starts[0], reading.ends[-1], span.kind) for span in phrases(reading.text)]
    found += [Span(a, b, "invisible") for a, b in invisible(text)]
    return sorted(set(found))
