"""Stop the known wordings of prompt injection and jailbreak at the door. A weak control: see its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shipworthy.core.errors import PluginError, did_you_mean
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Finding, Part, Stage
from shipworthy.core.registry import guard
from shipworthy.detect import injection
from shipworthy.detect.engine import Pattern
from shipworthy.detect.normalise import fold

VERSION = "5"


@guard
class InputRules:
    """Find injection and jailbreak phrases, encoded text and invisible characters in what users and documents say.

    Wordings and encoded text block; invisible characters are taken out, since honest people copy them along.

    Reads through look-alike letters, invisible characters, accents and letter case, words pulled apart (lines, letters,
    hyphens, escapes), into base64, hexadecimal and rot13, and in sixteen languages. It knows the wordings it was
    given: it catches copied attacks, not thought-out ones. No detector is a boundary: never the only control (what a
    model may do is bounded by its tools, not by this), and no reason to loosen another.

    Args:
        kinds: which kinds to report, of `shipworthy.detect.injection.KINDS`; all if left out.
        phrases: more patterns (RE2 syntax, on folded lower-case text), reported as ``own``.
        allow: kinds or own patterns' findings inside these exact texts are dropped (a known template of yours).

    Raises:
        PluginError: an unknown kind, or a pattern RE2 cannot read.
    """

    stages: frozenset[Stage] = frozenset({"input", "retrieved"})
    reach: int | None = None

    def __init__(
        self,
        *,
        kinds: Sequence[str] = injection.KINDS,
        phrases: Sequence[str] = (),
        allow: Sequence[str] = (),
    ) -> None:
        for kind in kinds:
            if kind not in injection.KINDS:
                raise PluginError(f"guard 'input_rules' knows no kind {kind!r}: {did_you_mean(kind, injection.KINDS)}")
        self._kinds, self._allow, self._sources = frozenset(kinds), tuple(allow), tuple(phrases)
        self._own = [_pattern(source) for source in phrases]

    def describe(self) -> Mapping[str, Any]:
        return {
            "guard": "input_rules",
            "version": VERSION,
            "kinds": sorted(self._kinds),
            "phrases": list(self._sources),
            "allow": sorted(self._allow),
        }

    async def check(self, part: Part, ctx: GuardContext) -> Sequence[Finding]:
        found = [(s.start, s.end, s.kind) for s in injection.find(part.text) if s.kind in self._kinds]
        if self._own:
            from shipworthy.detect.engine import Encoded

            folded = fold(part.text)
            encoded = Encoded(folded.text)
            found += [(*folded.span(a, b), "own") for p in self._own for a, b in p.overlapping(encoded)]
        known = [span for text in self._allow for span in _occurrences(part.text, text)]
        # Text copied from a page brings invisible characters with it: they are taken out, what they hid is read.
        return [
            Finding(start, end, kind, "replace" if kind == "invisible" else "block", reason=f"{kind} wording")
            for start, end, kind in found
            if not any(a <= start and end <= b for a, b in known)
        ]


def _pattern(source: str) -> Pattern:
    import re2

    try:
        re2.compile(source)
    except re2.error as error:
        raise PluginError(f"guard 'input_rules': RE2 cannot read the pattern {source!r}: {error}") from error
    return Pattern(source)


def _occurrences(text: str, part: str) -> list[tuple[int, int]]:
    found, at = [], -1
    while part and (at := text.find(part, at + 1)) >= 0:
        found.append((at, at + len(part)))
    return found
