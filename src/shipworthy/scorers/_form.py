"""How texts are made comparable before they are compared: Unicode form, case, white space."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

from shipworthy.core.errors import PluginError, did_you_mean
from shipworthy.detect.normalise import fold

Unicode = Literal["none", "NFC", "NFKC", "fold"]


class Prepared(NamedTuple):
    """A text made comparable; `origin[i]` is the index in the original of what gave ``text[i]``, None if unknown."""

    text: str
    origin: Sequence[int] | None

    def span(self, start: int, end: int) -> tuple[int, int] | None:
        """Return the original span of ``text[start:end]``, ``start < end``; None where it cannot be told."""
        return None if self.origin is None else (self.origin[start], self.origin[end - 1] + 1)


class Form(NamedTuple):
    """What is made alike, in this order: Unicode form, case, white space.

    Attributes:
        ignore_case: by Unicode's full case folding (``ß`` is ``ss``).
        ignore_space: every run of white space is one blank, and none stands at either end.
        unicode: ``none``; ``NFC``, where an accent is the same in one character or two; ``NFKC``, where full-width and
            other compatibility forms are plain ones, too; ``fold``, where accents, case, look-alike letters and
            invisible characters are undone (`detect.normalise`).
    """

    ignore_case: bool = False
    ignore_space: bool = False
    unicode: Unicode = "NFC"

    def checked(self, scorer: str) -> Form:
        """Return itself.

        Raises:
            PluginError: it names an unknown Unicode form.
        """
        known = get_args(Unicode)
        if self.unicode not in known:
            raise PluginError(f"scorer {scorer!r}: unicode is no {self.unicode!r}: {did_you_mean(self.unicode, known)}")
        return self

    def prepare(self, text: str) -> Prepared:
        """Make a text comparable.

        >>> Form(ignore_case=True, ignore_space=True).prepare(" Cafe\\u0301  DUC ").text
        'café duc'
        """
        origin: Sequence[int] | None = range(len(text))
        if self.unicode == "fold":
            text, origin = fold(text)
        elif self.unicode != "none" and not unicodedata.is_normalized(self.unicode, text):
            # Composing looks at several characters at once: where they came from is not kept.
            text, origin = unicodedata.normalize(self.unicode, text), None
        pieces: Sequence[str] = text
        if self.ignore_case:
            pieces = [c.casefold() for c in text]
        if self.ignore_space:
            pieces = _one_blank(pieces)
        if pieces is text:
            return Prepared(text, origin)
        kept = None if origin is None else [origin[i] for i, piece in enumerate(pieces) for _ in piece]
        return Prepared("".join(pieces), kept)


def _one_blank(pieces: Sequence[str]) -> list[str]:
    """Return pieces, each one character's, with the first of a run of white space made a blank, the others nothing."""
    blank, made = True, []
    for piece in pieces:
        space = piece.isspace()
        made.append(("" if blank else " ") if space else piece)
        blank = space or (blank and not piece)
    last = next((i for i in reversed(range(len(made))) if made[i]), None)
    if last is not None and made[last] == " ":
        made[last] = ""
    return made


def silent(text: str) -> bool:
    """Tell whether nothing of a text is seen: it is empty, white space, or invisible characters."""
    return not any(c.isprintable() and not c.isspace() for c in fold(text).text)
