"""Undo disguise before the other guards look: they read the plain text and what codes say, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shipworthy.core.errors import PluginError, did_you_mean
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Finding, Part, Stage
from shipworthy.core.registry import guard
from shipworthy.detect.disguise import Reading
from shipworthy.detect.normalise import invisible
from shipworthy.detect.plain import drawn_alike, readings

VERSION = "2"
CHANGES = ("invisible", "look_alike", "compatibility")


@guard
class Normalise:
    """Take out what is not seen, and have the guards after it read the text in plain letters and with codes undone.

    What it changes in the text that goes on is what `change` says and nothing else. What the guards behind it read
    besides the text are the readings of `shipworthy.detect.plain`; where one finds something there, it counts for the
    characters of the text that it comes from. It must stand before them, at the same stages.

    Not at ``output``: a stream cannot wait for the end of a code. `canary_output`, `pii` and `secrets` undo disguise
    there for themselves.

    Args:
        change: of ``invisible`` (characters that are not seen are taken out), ``look_alike`` (words that mix Latin
            letters with others drawn like them become Latin) and ``compatibility`` (full-width, mathematical and
            circled letters in words become plain ones).

    Raises:
        PluginError: an unknown change.
    """

    stages: frozenset[Stage] = frozenset({"input", "retrieved", "tool_call"})
    reach: int | None = None

    def __init__(self, *, change: Sequence[str] = ("invisible",)) -> None:
        for what in change:
            if what not in CHANGES:
                raise PluginError(f"guard 'normalise' knows no change {what!r}: {did_you_mean(what, CHANGES)}")
        self._change = frozenset(change)

    def describe(self) -> Mapping[str, Any]:
        return {"guard": "normalise", "version": VERSION, "change": sorted(self._change)}

    async def check(self, part: Part, ctx: GuardContext) -> Sequence[Finding]:
        if part.text.isascii():
            return ()
        found = []
        if "invisible" in self._change:
            found += [
                Finding(a, b, "invisible", "replace", reason="characters that are not seen")
                for a, b in invisible(part.text)
            ]
        found += [
            Finding(span.start, span.end, span.kind, "replace", latin, f"{span.kind} letters")
            for span, latin in drawn_alike(part.text)
            if span.kind in self._change
        ]
        return found

    def readings(self, text: str) -> Sequence[Reading]:
        """Return how else the guards behind this one read a text."""
        return readings(text)
