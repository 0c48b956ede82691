"""Keep a conversation to the languages that a product was measured in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from shipworthy.core.errors import PluginError, did_you_mean
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Finding, Part, Stage
from shipworthy.core.registry import guard
from shipworthy.detect.language import SUPPORTED, language

VERSION = "1"
_PIECE = 2000
"""Characters that a language is told from: each piece of a text must be in one that is allowed."""

Undecided = Literal["allow", "block"]


@guard
class LanguageScope:
    """Block a text that is in another language than those named.

    By script and common words (`shipworthy.detect.language`). Short texts, lists and code are often undecided. In an
    answer it needs the whole text, so a stream is held to its end.

    Args:
        allow: codes of languages (``en``, ``de``, ...), one or more.
        undecided: what is done with a text whose language cannot be told.

    Raises:
        PluginError: no language, an unknown code, or an unknown word for `undecided`.
    """

    stages: frozenset[Stage] = frozenset({"input", "output"})
    reach: int | None = None
    once = True

    def __init__(self, *, allow: Sequence[str], undecided: Undecided = "allow") -> None:
        if isinstance(allow, str) or not allow:
            raise PluginError("guard 'language': allow is a list of one language or more, such as [en, de]")
        for code in allow:
            if code not in SUPPORTED:
                raise PluginError(f"guard 'language' knows no {code!r}: {did_you_mean(str(code), sorted(SUPPORTED))}")
        if undecided not in get_args(Undecided):
            raise PluginError(f"guard 'language': undecided is allow or block, not {undecided!r}")
        self._allow, self._undecided = frozenset(allow), undecided

    def describe(self) -> Mapping[str, Any]:
        return {
            "guard": "language",
            "version": VERSION,
            "allow": sorted(self._allow),
            "undecided": self._undecided,
        }

    async def check(self, part: Part, ctx: GuardContext) -> Sequence[Finding]:
        for start in range(0, len(part.text), _PIECE):
            piece = part.text[start : start + _PIECE]
            if found := self._wrong(piece):
                return [Finding(start, start + len(piece), found[0], "block", reason=found[1])]
        return ()

    def _wrong(self, text: str) -> tuple[str, str] | None:
        if not any(char.isalpha() for char in text):
            return None
        found = language(text)
        if found.known == "undecided":
            return None if self._undecided == "allow" else ("undecided", "the language cannot be told")
        if found.known == "yes" and found.code in self._allow:
            return None
        return "language", found.code or "a language that we do not know"
